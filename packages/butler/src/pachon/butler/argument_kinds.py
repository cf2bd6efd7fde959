# SPDX-License-Identifier: BSD-3-Clause
"""What the arguments of the public functions must be, by their names."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np

from pachon.base import InvalidInputError, closest
from pachon.datasets import CollectionType, DatasetRef, DatasetTable, DatasetType, FileDataset, FileTable
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, DimensionUniverse, RecordTable, Timespan
from pachon.resources import ResourcePath

__all__ = ["find_complaint", "listed_refs"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a parameter may be."""

    words: str
    allows: Callable[[Any], bool]


_LONGEST_PATH: Final = 4096
_MOST_TERMS: Final = 5


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_texts(value: Any) -> bool:
    return _is_text(value) or _is_list(value, _is_text)


def _is_list(value: Any, allows: Callable[[Any], bool]) -> bool:
    """Tell whether something is a list of what is allowed; of an iterator nobody knows: it has been used up."""
    if isinstance(value, Iterator):
        return True
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping | type):
        return False
    return all(map(allows, value))


def _is_place(value: Any) -> bool:
    if isinstance(value, ResourcePath):
        return True
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return _is_text(text) and "\0" not in text and len(text) < _LONGEST_PATH


def _is_data_id(value: Any) -> bool:
    return isinstance(value, DataCoordinate) or (isinstance(value, Mapping) and all(map(_is_text, value)))


def _is_value(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, int | np.integer | float | bytes | Timespan))


def _is_type_of_collection(value: Any) -> bool:
    return isinstance(value, CollectionType | str)


def _are_records(value: Any) -> bool:
    from pachon.datastore import FileRecords  # which queries do without

    return isinstance(value, FileRecords)


def _or_none(kind: _Kind) -> _Kind:
    return _Kind(f"{kind.words}, or None", lambda value: value is None or kind.allows(value))


_TEXT: Final = _Kind("text", _is_text)
_NAMES: Final = _Kind("a name, or a list of names", _is_texts)
_DATA_ID: Final = _Kind("a mapping of dimensions to values", _is_data_id)
_MAPPING: Final = _Kind("a mapping by name", lambda value: isinstance(value, Mapping) and all(map(_is_text, value)))
_PLACE: Final = _Kind("a path or URI", _is_place)
_DATASET_TYPE: Final = _Kind("a dataset type or its name", lambda v: _is_text(v) or isinstance(v, DatasetType))
_DATA_ID_TABLE: Final = _Kind("a table of data IDs", lambda value: isinstance(value, DataIdTable))
_INTEGER: Final = _Kind("a whole number", lambda v: isinstance(v, int | np.integer) and abs(int(v)) < 2**63)
_DATASETS: Final = _Kind(
    "a list of datasets (DatasetRef)",
    lambda v: isinstance(v, DatasetTable) or _is_list(v, lambda ref: isinstance(ref, DatasetRef)),
)
_DIMENSIONS: Final = _Kind("names of dimensions", lambda v: isinstance(v, DimensionGroup) or _is_texts(v))

_KINDS: Final[Mapping[str, _Kind]] = {
    "bind": _or_none(_MAPPING),
    "children": _NAMES,
    "collections": _or_none(_NAMES),
    "data_id": _or_none(_DATA_ID),
    "data_ids": _or_none(_DATA_ID_TABLE),
    "database": _or_none(_TEXT),
    "datastore": _or_none(_MAPPING),
    "storage_classes": _or_none(
        _Kind(
            "a mapping of names to definitions", lambda v: _MAPPING.allows(v) and all(map(_MAPPING.allows, v.values()))
        )
    ),
    "universe": _or_none(
        _Kind("a universe, its document, or a file of it", lambda v: isinstance(v, DimensionUniverse) or _is_place(v))
    ),
    "dataset_id": _Kind("the id of a dataset (UUID)", lambda value: isinstance(value, UUID)),
    "dataset_ids": _Kind("ids of datasets (UUID)", lambda v: _is_list(v, lambda one: isinstance(one, UUID))),
    "dataset_type": _DATASET_TYPE,
    "dataset_type_or_ref": _Kind(
        "a dataset type, its name, or a reference", lambda v: _is_text(v) or isinstance(v, DatasetType | DatasetRef)
    ),
    "datasets": _DATASETS,
    "dataset_types": _NAMES,
    "destination": _PLACE,
    "files": _Kind(
        "a list of files (FileDataset), or a table of them",
        lambda v: isinstance(v, FileTable) or _is_list(v, lambda file: isinstance(file, FileDataset)),
    ),
    "dimensions": _DIMENSIONS,
    "disassociate": _NAMES,
    "doc": _or_none(_TEXT),
    "graph": _Kind("a quantum graph, or the path or URI of one", lambda v: _is_place(v) or hasattr(v, "task_counts")),
    "ignore": _NAMES,
    "element": _Kind("the name of a dimension or its records", lambda v: _is_text(v) or isinstance(v, RecordTable)),
    "expression": _NAMES,
    "limit": _or_none(_INTEGER),
    "name": _TEXT,
    "names": _NAMES,
    "order_by": _NAMES,
    "parallel": _or_none(_INTEGER),
    "parameters": _or_none(_MAPPING),
    "refs": _or_none(_DATASETS),
    "root": _PLACE,
    "row": _or_none(_MAPPING),
    "rows": _or_none(_Kind("a list of mappings, or a mapping of columns", lambda v: isinstance(v, RecordTable))),
    "run": _or_none(_TEXT),
    "verify": _Kind("true or false, or a word", lambda value: isinstance(value, bool | str)),
    "storage_class": _or_none(_TEXT),
    "tables": _Kind("tables of data IDs", lambda v: _is_list(v, lambda one: isinstance(one, DataIdTable))),
    "timespan": _or_none(_Kind("a time span (Timespan)", lambda value: isinstance(value, Timespan))),
    "transfer": _or_none(_TEXT),
    "type": _Kind("a collection type", lambda value: isinstance(value, CollectionType)),
    "types": _or_none(
        _Kind("collection types", lambda v: _is_type_of_collection(v) or _is_list(v, _is_type_of_collection))
    ),
    "where": _TEXT,
}
"""By name of the parameter, which means the same in all functions."""

_DATA_IDS: Final = _Kind(
    "a table or list of data IDs", lambda v: isinstance(v, DataIdTable) or _is_list(v, _is_data_id)
)
_TIMESPAN: Final = _Kind("a time span (Timespan)", lambda value: isinstance(value, Timespan))
_SPECIAL: Final[Mapping[tuple[str, str], _Kind]] = {
    ("certify", "timespan"): _TIMESPAN,
    ("decertify", "timespan"): _TIMESPAN,
    ("decertify", "data_ids"): _or_none(_DATA_IDS),
    ("find_datasets", "data_ids"): _DATA_IDS,
    ("query_all_datasets", "name"): _NAMES,
    ("query_info", "dataset_types"): _Kind("true or false", lambda value: isinstance(value, bool)),
    ("query_data_ids", "datasets"): _NAMES,
    ("query_dimension_records", "datasets"): _NAMES,
    ("register", "dataset_type"): _Kind("a dataset type", lambda value: isinstance(value, DatasetType)),
    ("register_graph_outputs", "datasets"): _Kind(
        "a list of tables of datasets", lambda v: _is_list(v, lambda one: isinstance(one, DatasetTable))
    ),
    ("register_graph_outputs", "files"): _Kind("records of files", _are_records),
}
"""By function and parameter, where the name has another meaning."""
_EXTRA: Final = _Kind("a value of a dimension", _is_value)
"""What the keywords are that stand for dimensions."""


def listed_refs(refs: Iterable[DatasetRef]) -> list[DatasetRef]:
    """Make a list of references.

    Raises
    ------
    InvalidInputError
        If something else is among them, or they are no list.
    """
    given: object = refs
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping | type):
        raise InvalidInputError(f"A list of datasets (DatasetRef) is needed, not {_shown(refs)}.")
    listed = list(refs)
    for ref in listed:
        if not isinstance(ref, DatasetRef):
            raise InvalidInputError(f"A list of datasets (DatasetRef) is needed, not one with {_shown(ref)} in it.")
    return listed


def find_complaint(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Say which argument is wrong; None if they seem to be right."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        return f"{function.__name__}(): {error}.{_hint(signature, kwargs) or _by_position(signature, args)}"
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            wrong = next((key for key, one in value.items() if not _EXTRA.allows(one)), None)
            if wrong is not None:
                return _wrong(function, wrong, _EXTRA, value[wrong])
        elif (kind := _SPECIAL.get((function.__name__, name), _KINDS.get(name))) is not None and not kind.allows(value):
            return _wrong(function, name, kind, value)
    return None


def _hint(signature: inspect.Signature, kwargs: Mapping[str, Any]) -> str:
    """Say what an argument that is not known may be: another name, or a value of a data ID."""
    unknown = next((name for name in kwargs if name not in signature.parameters), None)
    if unknown is None:
        return ""
    if hint := closest(unknown, signature.parameters):
        return hint
    if "data_id" in signature.parameters:
        return f" Values of dimensions go into data_id={{{unknown!r}: ...}}."
    if "where" not in signature.parameters:
        return ""
    if unknown == "data_id":
        given = kwargs[unknown]
        terms = [f"{name} = {value!r}" for name, value in given.items()] if isinstance(given, Mapping) else []
        return f' Values of dimensions go into where="{" AND ".join(terms[:_MOST_TERMS]) or "instrument = ..."}".'
    return f' Values of dimensions go into where="{unknown} = ...".'


def _by_position(signature: inspect.Signature, args: tuple[Any, ...]) -> str:
    """Say which arguments may be given without their names, if more were."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, one in signature.parameters.items() if one.kind in kinds]
    if len(args) <= len(names):
        return ""
    return f" Without their names it takes {', '.join(name for name in names if name != 'self') or 'none'}."


def _wrong(function: Callable[..., Any], name: str, kind: _Kind, value: Any) -> str:
    return f"{function.__name__}(): {name} is {kind.words}, not {_shown(value)}.{_instead(name, value)}"


def _instead(name: str, value: Any) -> str:
    """Say how it is given what seems to be meant."""
    if name == "where" and isinstance(value, Mapping | DataCoordinate):
        return " Values of dimensions go into data_id={...}."
    if name == "names" and isinstance(value, tuple) and len(value) == 1 and _is_list(value[0], _is_text):
        return " Give the names as separate arguments."
    if name.startswith("dataset_type") and isinstance(value, UUID):
        return " get_dataset(UUID) gives the reference of an id, which can be got."
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"
