# SPDX-License-Identifier: BSD-3-Clause
"""Files to be ingested as columns: of a table, or of many `FileDataset` objects that are alike.

Files are alike if they have one dataset each, of one type, given by data ID. They are read in blocks, so that a generator of
a million files never has a million objects alive. What is not alike is given back, for the way that takes anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from operator import attrgetter, is_
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.lookup import resolve_data_id
from pachon.butler.session import Session
from pachon.datasets import DatasetType, FileDataset, FileTable
from pachon.datasets.file_table import is_column
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, DimensionGroup
from pachon.resources import ResourcePath

__all__ = ["AlikeFiles", "alike_files", "checked_table", "plain_path"]

_BLOCK = 20_000
"""Data IDs that are checked together."""
_FEW = 100
"""Files that are alive together: so few are gone again before the collector of garbage takes them for objects that stay."""
_REFS, _DATA_IDS = attrgetter("refs"), attrgetter("data_ids")
_DATASET_TYPE, _FORMATTER = attrgetter("dataset_type"), attrgetter("formatter")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeFiles:
    """Files of one dataset type with one dataset each."""

    dataset_type: DatasetType
    paths: list[Any]
    data_ids: DataIdTable
    formatter: str | None


def checked_table(session: Session, table: FileTable, dataset_type: DatasetType) -> AlikeFiles:
    """Give the files of a table, with data IDs of the dataset type.

    Raises
    ------
    InvalidInputError
        In one of its forms, if a value is wrong or missing; the message shows the data ID.
    """
    paths = _plain_paths(list(table.paths))
    if isinstance(table.data_ids, DataIdTable):
        data_ids = table.data_ids.project(dataset_type.dimensions, distinct=False)
    else:
        columns = {
            name: values if isinstance(values, Categorical) else _encode(values, len(paths))
            for name, values in table.data_ids.items()
        }
        data_ids = _standardized(session, dataset_type, columns, len(paths))
    return AlikeFiles(dataset_type=dataset_type, paths=paths, data_ids=data_ids, formatter=table.formatter)


def alike_files(
    session: Session, files: Iterator[FileDataset], registered: Callable[[Any], DatasetType]
) -> AlikeFiles | Iterator[FileDataset]:
    """Take files apart into columns if they are alike; else give all of them again.

    Parameters
    ----------
    session
        The open butler.
    files
        Files; they are consumed.
    registered
        Gives the registered form of a dataset type.
    """
    first = next(files, None)
    if first is None or not _is_single(first):
        return files if first is None else chain([first], files)
    dataset_type = registered(first.dataset_type)
    paths: list[Any] = []
    blocks: list[DataIdTable] = []
    waiting: list[Any] = []
    stream = chain([first], files)
    while few := list(islice(stream, _FEW)):
        if not _are_like(first, few):
            return chain(_again(first, paths, chain(chain.from_iterable(blocks), waiting)), few, stream)
        paths += _plain_paths([file.path for file in few])
        waiting += [file.data_ids[0] for file in few]
        if len(waiting) >= _BLOCK:
            blocks.append(_table(session, dataset_type, waiting))
            waiting = []
    if waiting:
        blocks.append(_table(session, dataset_type, waiting))
    data_ids = DataIdTable.concat(blocks)
    return AlikeFiles(dataset_type=dataset_type, paths=paths, data_ids=data_ids, formatter=first.formatter)


def _plain_paths(paths: list[Any]) -> list[Any]:
    """Do the same as `plain_path` for each, and quickly for plain text."""
    if set(map(type, paths)) == {str} and all(paths):
        text = "".join(paths)
        if text.isascii() and "\0" not in text:
            return paths
    return list(map(plain_path, paths))


def plain_path(path: Any) -> Any:
    """Give a path object as text; text and a URI stay as they are.

    Raises
    ------
    InvalidInputError
        If it is none of these, or cannot be a path.
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str | ResourcePath) or not text or "\0" in (text if isinstance(text, str) else ""):
        raise InvalidInputError(f"The file of a dataset is a path or URI, not {path!r}.")
    if isinstance(text, str) and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInputError(
                f"The path {path!r} is not in UTF-8 and cannot be recorded; rename the file."
            ) from None
    return text


def _is_single(file: Any) -> bool:
    return type(file) is FileDataset and not file.refs and len(file.data_ids) == 1


def _are_like(first: FileDataset, files: list[Any]) -> bool:
    """Tell whether each is `_is_single`, with the dataset type and formatter of the first."""
    return (
        set(map(type, files)) == {FileDataset}
        and not any(map(_REFS, files))
        and set(map(len, map(_DATA_IDS, files))) == {1}
        and all(map(is_, map(_DATASET_TYPE, files), repeat(first.dataset_type)))
        and set(map(_FORMATTER, files)) == {first.formatter}
    )


def _again(first: FileDataset, paths: list[Any], data_ids: Iterable[Any]) -> Iterator[FileDataset]:
    assert first.dataset_type is not None
    for path, data_id in zip(paths, data_ids, strict=True):
        yield FileDataset(path, dataset_type=first.dataset_type, data_ids=data_id, formatter=first.formatter)


def _table(session: Session, dataset_type: DatasetType, data_ids: list[Any]) -> DataIdTable:
    """Check data IDs: those of plain mappings a column at a time, any others one by one."""
    columns = _plain_columns(data_ids)
    if columns is not None:
        return _standardized(session, dataset_type, columns, len(data_ids))
    rows = [resolve_data_id(session, dataset_type, data_id, {}) for data_id in data_ids]
    return _compared(session, DataIdTable.from_rows(dataset_type.dimensions, rows))


def _plain_columns(data_ids: list[Any]) -> dict[str, Categorical] | None:
    """Give the columns of mappings with the same keys; None if they are anything else."""
    first = data_ids[0]
    if set(map(type, data_ids)) != {dict} or set(map(len, data_ids)) != {len(first)}:
        return None
    try:
        return {name: _encode([data_id[name] for data_id in data_ids], len(data_ids)) for name in first}
    except (KeyError, InvalidInputError):
        return None


def _encode(values: Any, count: int) -> Categorical:
    """Encode a column of integers or of text, or one value for all rows.

    Raises
    ------
    InvalidInputError
        If the values are of other types, or of both.
    """
    if not is_column(values):
        values = [values]
        return _encode_list(values, count)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return Categorical.encode(values)
    return _encode_list(values.tolist() if isinstance(values, np.ndarray) else list(values), count)


def _encode_list(values: list[Any], count: int) -> Categorical:
    kinds = set(map(type, values))
    if kinds == {int}:
        try:
            encoded = Categorical.encode(np.array(values, dtype=np.int64))
        except OverflowError:
            raise InvalidInputError("A value of a dimension does not fit in 64 bits.") from None
    elif kinds == {str} or not values:
        encoded = Categorical.encode(values)
    else:
        raise InvalidInputError(
            f"A column of data IDs holds integers or text, not {', '.join(sorted(kind.__name__ for kind in kinds))}."
        )
    if len(values) == 1 and count != 1:
        return Categorical.constant(values[0], count)
    return encoded


def _standardized(
    session: Session, dataset_type: DatasetType, columns: dict[str, Categorical], count: int
) -> DataIdTable:
    """Bring columns to the dimensions of a dataset type, by the rules for one data ID.

    Where the columns hold anything but values of primary keys, or lack some, the rows are resolved one by one: that gives
    alternate keys their meaning, and errors their words.
    """
    group = dataset_type.dimensions
    lacking = [name for name in group.governors if name not in columns]
    defaults = session.default_values(lacking) if lacking or dataset_type.is_calibration else {}
    known = {name: Categorical.constant(value, count) for name, value in defaults.items() if name in group}
    known |= {name: column for name, column in columns.items() if name in group}
    if all(name in known for name in group.required) and all(
        name in group.universe.dimensions and _fits(group, name, column) for name, column in columns.items()
    ):
        if all(name in known for name in group.ordered):
            return _compared(session, DataIdTable(group, known, count))
        if not any(name in known for name in group.implied):
            return DataIdTable(group, {name: known[name] for name in group.required}, count)
    names = list(columns)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True) if columns else iter([()] * count)
    return _compared(session, DataIdTable.from_rows(group, _resolved(session, dataset_type, names, rows)))


def _compared(session: Session, data_ids: DataIdTable) -> DataIdTable:
    """Give data IDs back if the implied values that they name, if any, are those of the records.

    Raises
    ------
    InconsistentDataIdError
        If one is not.
    DataIdValueError
        If there are no such records.
    """
    if data_ids.given or (data_ids.is_full and data_ids.group.implied):
        session.registry.dimension_records.expand(data_ids)
    return data_ids


def _resolved(
    session: Session, dataset_type: DatasetType, names: list[str], rows: Iterable[tuple[Any, ...]]
) -> Iterator[DataCoordinate]:
    for row in rows:
        yield resolve_data_id(session, dataset_type, dict(zip(names, row, strict=True)), {})


def _fits(group: DimensionGroup, name: str, column: Categorical) -> bool:
    """Tell whether the distinct values of a column can be values of a dimension."""
    key = group.universe.dimensions[name].primary_key
    values = column.values.tolist()
    if not values or type(values[0]) is not {"int": int, "string": str}.get(key.type):
        return not values
    try:
        for value in values if key.type == "string" else ():
            key.check(value, name)
    except InvalidInputError:
        return False
    return True
