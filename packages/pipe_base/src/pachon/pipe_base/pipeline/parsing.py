# SPDX-License-Identifier: BSD-3-Clause
"""From a loaded YAML document to its parts; nothing is imported or merged here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pachon.base import InvalidInputError, closest
from pachon.datasets import DatasetType
from pachon.pipe_base.pipeline.contents import (
    ConfigBlock,
    Contract,
    FieldOverride,
    ImportEntry,
    PipelineContents,
    PipelineTaskEntry,
    Step,
    Subset,
    SubsetMode,
)
from pachon.pipe_base.pipeline.errors import PipelineSyntaxError
from pachon.pipe_base.pipeline.located_yaml import LocatedList, LocatedMapping, load_located_yaml
from pachon.pipe_base.pipeline.place import Mark, Place

__all__ = ["PipelineDocument", "check_label", "parse_pipeline"]

_LOG = logging.getLogger(__name__)

_KEYS = ("description", "instrument", "imports", "parameters", "tasks", "contracts", "subsets", "steps")
_IMPORT_KEYS = [
    "location",
    "include",
    "exclude",
    "rename",
    "importContracts",
    "importSteps",
    "labeledSubsetModifyMode",
    "instrument",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDocument:
    """One document: its own contents, and what it imports."""

    contents: PipelineContents
    imports: tuple[ImportEntry, ...] = ()


def parse_pipeline(text: str | bytes, file: str, *, strict: bool = False) -> PipelineDocument:
    """Read one document.

    Parameters
    ----------
    text
        YAML.
    file
        What to call it in messages.
    strict
        Whether an unknown key is an error; else it is a warning.

    Raises
    ------
    PipelineSyntaxError
        The document is not well formed; file, line and key path are named.
    """
    data = load_located_yaml(text, file)
    place = Place(file=file)
    if not isinstance(data, LocatedMapping):
        found = "the document is empty" if data is None else f"a pipeline is a mapping, not {_kind(data)}"
        raise PipelineSyntaxError(place, f"{found}; it begins with 'description: ...'.")
    _check_keys(data, place, strict=strict)
    imports = _parse_imports(data, place)
    if "tasks" not in data and not imports:
        raise _missing_key(data, ("tasks", "imports"), _KEYS, place, "a pipeline needs 'tasks' or 'imports'")
    contents = PipelineContents(
        description=_parse_description(data, place),
        instrument=_parse_instrument(data, place),
        instrument_place=place.at("instrument", mark=data.marks.get("instrument", (0, 0))),
        tasks=MappingProxyType(_parse_tasks(data, place, strict=strict)),
        subsets=MappingProxyType(_parse_subsets(data, place, strict=strict)),
        steps=_parse_steps(data, place),
        parameters=MappingProxyType(_parse_parameters(data, place)),
        contracts=_parse_contracts(data, place),
        place=place,
    )
    return PipelineDocument(contents=contents, imports=imports)


def check_label(label: object, place: Place) -> str:
    """Give a task label back, or raise if it cannot be part of the name of a dataset type."""
    if label == "parameters":
        raise PipelineSyntaxError(place, "'parameters' is a reserved word and cannot be a label.")
    if not isinstance(label, str):
        raise PipelineSyntaxError(place, f"YAML reads this label as {label!r}, not as text; put it in quotes.")
    try:
        if "." in label:
            raise InvalidInputError
        DatasetType(f"{label}_metadata", (), "TaskMetadata")
    except InvalidInputError:
        raise PipelineSyntaxError(
            place, f"{label!r} cannot be a label: letters, digits and underscores only, not beginning with a digit."
        ) from None
    return label


def _check_keys(data: LocatedMapping, place: Place, *, strict: bool) -> None:
    for key in data:
        if key == "inherits":
            raise PipelineSyntaxError(place.at(key, mark=data.marks[key]), "'inherits' is now called 'imports'.")
        if key == "subset":
            raise PipelineSyntaxError(place.at(key, mark=data.marks[key]), "'subset' is not a key; write 'subsets'.")
        if key not in _KEYS:
            _unknown_key(key, _KEYS, place, data.marks[key], strict=strict)


def _unknown_key(key: object, known: Sequence[str], place: Place, mark: Mark, *, strict: bool) -> None:
    here, hint = place.at(mark=mark), _known_keys(key, known)
    if strict:
        raise PipelineSyntaxError(here, f"unknown key {key!r}.{hint}")
    _LOG.warning("%s: unknown key %r is ignored.%s", here, key, hint)


def _known_keys(key: object, known: Sequence[str]) -> str:
    """Give the nearest key, or all if none is near."""
    return closest(str(key), known) or f" Known keys are {', '.join(known)}."


def _missing_key(
    data: LocatedMapping, wanted: Sequence[str], known: Sequence[str], place: Place, problem: str
) -> PipelineSyntaxError:
    """Make the error that a key is missing; it names an unknown key that may be meant."""
    for key in data:
        if key not in known and (near := next((name for name in wanted if closest(name, [str(key)])), None)):
            return PipelineSyntaxError(place.at(mark=data.marks[key]), f"{problem}; did you mean {near!r} by {key!r}?")
    return PipelineSyntaxError(place, f"{problem}.")


def _parse_description(data: LocatedMapping, place: Place) -> str:
    description = data.get("description")
    if description is None:
        raise _missing_key(data, ("description",), _KEYS, place, "a pipeline needs a 'description'")
    return str(description)


def _parse_instrument(data: LocatedMapping, place: Place) -> str | None:
    instrument = data.get("instrument")
    if instrument is None or instrument == "None":
        return None
    if not isinstance(instrument, str):
        here = place.at("instrument", mark=data.marks["instrument"])
        raise PipelineSyntaxError(here, f"one instrument is needed, not {_kind(instrument)}.")
    return instrument


# -- tasks ---------------------------------------------------------------------------------------------------------


def _parse_tasks(data: LocatedMapping, place: Place, *, strict: bool) -> dict[str, PipelineTaskEntry]:
    tasks = data.get("tasks")
    if tasks is None:
        return {}
    here = place.at("tasks", mark=data.marks["tasks"])
    if not isinstance(tasks, LocatedMapping):
        raise PipelineSyntaxError(here, f"'tasks' is a mapping from labels to tasks, not {_kind(tasks)}.")
    return {
        label: _parse_task(label, entry, here.at(str(label), mark=tasks.marks[label]), strict=strict)
        for label, entry in tasks.items()
    }


def _parse_task(label: object, entry: Any, place: Place, *, strict: bool) -> PipelineTaskEntry:
    label = check_label(label, place)
    if isinstance(entry, str):
        return PipelineTaskEntry(label=label, class_name=entry, place=place)
    if not isinstance(entry, LocatedMapping):
        raise PipelineSyntaxError(
            place, f"a task is the path of a class, or a mapping with 'class', not {_kind(entry)}."
        )
    class_name = entry.get("class")
    if not isinstance(class_name, str):
        raise _missing_key(entry, ("class",), ("class", "config"), place, f"task {label!r} has no 'class'")
    for key in entry:
        if key not in ("class", "config"):
            _unknown_key(key, ("class", "config"), place, entry.marks[key], strict=strict)
    blocks = entry.get("config")
    here = place.at("config", mark=entry.marks.get("config", (0, 0)))
    if blocks is None:
        blocks = []
    elif isinstance(blocks, LocatedMapping):
        blocks = [blocks]
    elif not isinstance(blocks, LocatedList):
        raise PipelineSyntaxError(here, f"'config' is a mapping, or a list of mappings, not {_kind(blocks)}.")
    parsed = tuple(_parse_block(block, here) for block in blocks if block is not None)
    return PipelineTaskEntry(label=label, class_name=class_name, config=parsed, place=place)


def _parse_block(block: Any, place: Place) -> ConfigBlock:
    if not isinstance(block, LocatedMapping):
        raise PipelineSyntaxError(place, f"a block of 'config' is a mapping, not {_kind(block)}.")
    files: tuple[str, ...] = ()
    python: str | None = None
    data_id: dict[str, Any] | None = None
    python_line = 1
    values: dict[str, FieldOverride] = {}
    for key, value in block.items():
        here = place.at(str(key), mark=block.marks[key])
        match key:
            case "file":
                files = _texts(value, here, "'file'")
            case "python":
                if not isinstance(value, str):
                    raise PipelineSyntaxError(here, f"'python' is code, not {_kind(value)}.")
                python, python_line = value, block.content_lines[key]
            case "dataId":
                if not isinstance(value, Mapping):
                    raise PipelineSyntaxError(here, f"'dataId' is a mapping, not {_kind(value)}.")
                data_id = dict(value)
            case str():
                values[key] = FieldOverride(value=_plain(value), place=here)
            case _:
                raise PipelineSyntaxError(here, f"{key!r} is not the name of a field; names are texts.")
    return ConfigBlock(
        files=files,
        python=python,
        data_id=data_id,
        values=MappingProxyType(values),
        place=place,
        python_line=python_line,
    )


# -- the other sections ----------------------------------------------------------------------------------------------


def _parse_subsets(data: LocatedMapping, place: Place, *, strict: bool) -> dict[str, Subset]:
    subsets = data.get("subsets")
    if subsets is None:
        return {}
    place = place.at("subsets", mark=data.marks["subsets"])
    if not isinstance(subsets, LocatedMapping):
        raise PipelineSyntaxError(place, f"'subsets' is a mapping from names to lists of labels, not {_kind(subsets)}.")
    found: dict[str, Subset] = {}
    for name, entry in subsets.items():
        here = place.at(str(name), mark=subsets.marks[name])
        labels, description = entry, ""
        if isinstance(entry, LocatedMapping):
            if "subset" not in entry:
                raise PipelineSyntaxError(here, "a subset is a list of labels, or a mapping with 'subset'.")
            for key in entry:
                if key not in ("subset", "description"):
                    _unknown_key(key, ("subset", "description"), here, entry.marks[key], strict=strict)
            labels, description = entry["subset"], str(entry.get("description") or "")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise PipelineSyntaxError(here, f"subset {name!r} is not a list of labels.")
        found[str(name)] = Subset(
            name=str(name), labels=tuple(dict.fromkeys(labels)), description=description, place=here
        )
    return found


def _parse_steps(data: LocatedMapping, place: Place) -> tuple[Step, ...]:
    steps = data.get("steps")
    if steps is None:
        return ()
    place = place.at("steps", mark=data.marks["steps"])
    if not isinstance(steps, LocatedList):
        raise PipelineSyntaxError(place, f"'steps' is a list of mappings, not {_kind(steps)}.")
    found: dict[str, Step] = {}
    for index, entry in enumerate(steps):
        here = place.at(str(index), mark=steps.marks[index])
        if not isinstance(entry, LocatedMapping):
            raise PipelineSyntaxError(here, "a step is a mapping with 'label' and 'dimensions'.")
        _only_keys(entry, ("label", "dimensions"), here)
        for key in ("label", "dimensions"):
            if key not in entry:
                raise PipelineSyntaxError(here, f"a step needs {key!r}.")
        label, dimensions = entry["label"], entry["dimensions"]
        if not isinstance(label, str):
            raise PipelineSyntaxError(here, f"the label of a step is the name of a subset, not {_kind(label)}.")
        if isinstance(dimensions, str):
            dimensions = [name.strip() for name in dimensions.split(",") if name.strip()]
        if not isinstance(dimensions, list) or not all(isinstance(name, str) for name in dimensions):
            raise PipelineSyntaxError(here, f"the dimensions of step {label!r} are not a list of names.")
        if label in found:
            raise PipelineSyntaxError(here, f"step {label!r} appears twice.")
        found[label] = Step(label=label, dimensions=tuple(dimensions), place=here)
    return tuple(found.values())


def _parse_parameters(data: LocatedMapping, place: Place) -> dict[str, Any]:
    parameters = data.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, LocatedMapping):
        here = place.at("parameters", mark=data.marks["parameters"])
        raise PipelineSyntaxError(here, f"'parameters' is a mapping from names to values, not {_kind(parameters)}.")
    return {str(name): _plain(value) for name, value in parameters.items()}


def _parse_contracts(data: LocatedMapping, place: Place) -> tuple[Contract, ...]:
    contracts = data.get("contracts")
    if contracts is None:
        return ()
    place = place.at("contracts", mark=data.marks["contracts"])
    if isinstance(contracts, str | LocatedMapping):
        contracts, marks = [contracts], [(place.line, place.column)]
    elif isinstance(contracts, LocatedList):
        marks = contracts.marks
    else:
        raise PipelineSyntaxError(place, f"'contracts' is a list of expressions, not {_kind(contracts)}.")
    found = []
    for index, (entry, mark) in enumerate(zip(contracts, marks, strict=True)):
        here = place.at(str(index), mark=mark)
        if isinstance(entry, LocatedMapping):
            _only_keys(entry, ("contract", "msg"), here)
            if not isinstance(entry.get("contract"), str):
                raise PipelineSyntaxError(here, "a contract needs the text 'contract'.")
            found.append(Contract(expression=entry["contract"], message=str(entry.get("msg") or ""), place=here))
        elif isinstance(entry, str):
            found.append(Contract(expression=entry, place=here))
        else:
            raise PipelineSyntaxError(here, f"a contract is an expression, not {_kind(entry)}.")
    return tuple(found)


def _parse_imports(data: LocatedMapping, place: Place) -> tuple[ImportEntry, ...]:
    imports = data.get("imports")
    if imports is None:
        return ()
    place = place.at("imports", mark=data.marks["imports"])
    if isinstance(imports, str | LocatedMapping):
        return (_parse_import(imports, place),)
    if not isinstance(imports, LocatedList):
        raise PipelineSyntaxError(
            place, f"'imports' is a location, a mapping, or a list of these, not {_kind(imports)}."
        )
    return tuple(
        _parse_import(entry, place.at(str(index), mark=imports.marks[index])) for index, entry in enumerate(imports)
    )


def _parse_import(entry: Any, place: Place) -> ImportEntry:
    if isinstance(entry, str):
        entry_mapping: Mapping[str, Any] = {"location": entry}
    elif isinstance(entry, LocatedMapping):
        _only_keys(entry, _IMPORT_KEYS, place)
        entry_mapping = entry
    else:
        raise PipelineSyntaxError(place, f"an import is a location or a mapping, not {_kind(entry)}.")
    location = entry_mapping.get("location")
    if not isinstance(location, str):
        raise PipelineSyntaxError(place, "an import needs a 'location'.")
    if "#" in location:
        raise PipelineSyntaxError(
            place, f"{location!r}: labels are not selected with '#' in an import; use 'include' or 'exclude'."
        )
    include, exclude = entry_mapping.get("include"), entry_mapping.get("exclude")
    if include is not None and exclude is not None:
        raise PipelineSyntaxError(place, "an import has 'include' or 'exclude', not both.")
    return ImportEntry(
        location=location,
        include=None if include is None else _texts(include, place, "'include'"),
        exclude=None if exclude is None else _texts(exclude, place, "'exclude'"),
        rename=MappingProxyType(_parse_rename(entry_mapping.get("rename") or {}, place)),
        import_contracts=_truth(entry_mapping, "importContracts", place),
        import_steps=_truth(entry_mapping, "importSteps", place),
        mode=_parse_mode(entry_mapping.get("labeledSubsetModifyMode", "DROP"), place),
        instrument=_imported_instrument(entry_mapping),
        place=place,
    )


def _parse_rename(rename: Any, place: Place) -> dict[str, str]:
    if not isinstance(rename, Mapping):
        raise PipelineSyntaxError(place, f"'rename' is a mapping from old to new labels, not {_kind(rename)}.")
    for new in rename.values():
        check_label(new, place)
    both = rename.keys() & set(rename.values())
    if both:
        raise PipelineSyntaxError(place, f"'rename' has {min(both)!r} as old and as new label.")
    if len(set(rename.values())) < len(rename):
        raise PipelineSyntaxError(place, "'rename' gives two tasks the same new label.")
    return {str(old): new for old, new in rename.items()}


def _parse_mode(mode: Any, place: Place) -> SubsetMode:
    try:
        return SubsetMode(mode)
    except ValueError:
        raise PipelineSyntaxError(place, f"'labeledSubsetModifyMode' is DROP or EDIT, not {mode!r}.") from None


def _imported_instrument(entry: Mapping[str, Any]) -> str | None:
    if "instrument" not in entry:
        return None
    instrument = entry["instrument"]
    return "" if instrument is None or instrument == "None" else str(instrument)


def _truth(entry: Mapping[str, Any], key: str, place: Place) -> bool:
    value = entry.get(key, True)
    if not isinstance(value, bool):
        raise PipelineSyntaxError(place, f"{key!r} is true or false, not {value!r}.")
    return value


def _only_keys(entry: LocatedMapping, known: Sequence[str], place: Place) -> None:
    for key in entry:
        if key not in known:
            raise PipelineSyntaxError(place.at(mark=entry.marks[key]), f"unknown key {key!r}.{_known_keys(key, known)}")


def _texts(value: Any, place: Place, what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise PipelineSyntaxError(place, f"{what} is a text or a list of texts, not {_kind(value)}.")


def _plain(value: Any) -> Any:
    """Give a value without the lines."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _kind(value: Any) -> str:
    names = {type(None): "nothing", LocatedList: "a list", LocatedMapping: "a mapping", str: "a text"}
    return names.get(type(value), repr(value))
