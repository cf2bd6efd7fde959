# SPDX-License-Identifier: BSD-3-Clause
"""Reading a universe file (YAML) into checked definitions.

A universe file of LSST loads unchanged. Unknown keys are warned about, mistakes are
errors that name the element.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pachon.base import FormatError, NotFoundError, StorageError, closest
from pachon.dimensions.column import Column
from pachon.dimensions.skypix import SKYPIX_CLASSES, SkyPixSystem

__all__ = ["ElementDefinition", "UniverseDefinition", "load_document", "parse_document"]

_log = logging.getLogger(__name__)
_TOP_KEYS: Final = ("version", "namespace", "skypix", "elements", "topology", "packers")
_SKYPIX_KEYS: Final = ("class", "max_level", "min_level")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME: Final = 55
"""So that the name of an element's table fits into what PostgreSQL allows, 63 bytes."""
_MADE_BY_TOPOLOGY: Final = ("region", "timespan", "timespan_begin", "timespan_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDefinition:
    """One element as its file defines it, dependencies not closed."""

    name: str
    doc: str
    keys: tuple[Column, ...]
    requires: tuple[str, ...]
    implies: tuple[str, ...]
    metadata: tuple[Column, ...]
    governor: bool
    cached: bool
    implied_union_target: str | None
    always_join: bool
    populated_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseDefinition:
    """A universe file, checked one key at a time but not as a whole."""

    namespace: str
    version: int
    common_skypix: str
    skypix: tuple[SkyPixSystem, ...]
    elements: Mapping[str, ElementDefinition]
    spatial: Mapping[str, tuple[str, ...]]
    temporal: Mapping[str, tuple[str, ...]]


class _ColumnDocument(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    type: Literal["int", "string", "hash", "float", "bool"]
    doc: str | None = ""
    nullable: bool = True
    length: int | None = Field(default=None, gt=0)
    nbytes: int | None = Field(default=None, gt=0)


class _ElementDocument(BaseModel):
    model_config = ConfigDict(extra="allow")
    doc: str | None = ""
    keys: list[_ColumnDocument] = Field(default_factory=list)
    requires: list[str] = Field(default_factory=list)
    implies: list[str] = Field(default_factory=list)
    metadata: list[_ColumnDocument] = Field(default_factory=list)
    governor: bool = False
    is_cached: bool = False
    implied_union_target: str | None = None
    always_join: bool = False
    populated_by: str | None = None
    storage: dict[str, Any] | None = None


class _TopologyDocument(BaseModel):
    model_config = ConfigDict(extra="allow")
    spatial: dict[str, list[str]] = Field(default_factory=dict)
    temporal: dict[str, list[str]] = Field(default_factory=dict)


class _UniverseDocument(BaseModel):
    model_config = ConfigDict(extra="allow")
    version: int
    namespace: str = "daf_butler"
    skypix: dict[str, Any]
    elements: dict[str, _ElementDocument]
    topology: _TopologyDocument = Field(default_factory=_TopologyDocument)


def load_document(source: str | Path, search_path: Iterable[str | Path] = ()) -> dict[str, Any]:
    """Read a universe file: a path, or the YAML text itself if it has a line break.

    A relative path is looked for in the folders of ``search_path`` in turn, then here; the first file found is all there is.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError
        If it is no YAML mapping, or names a key twice.
    """
    text = source if isinstance(source, str) and "\n" in source else _read(Path(source), search_path)
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe one)
    except yaml.YAMLError as error:
        raise FormatError(f"The universe is no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise FormatError("A universe file is one YAML mapping.")
    return document


def _read(path: Path, search_path: Iterable[str | Path]) -> str:
    for folder in (*search_path, "."):
        try:
            return (Path(folder) / path).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except UnicodeDecodeError as error:
            raise FormatError(f"The universe file {Path(folder) / path} is no text in UTF-8: {error}.") from None
        except OSError as error:
            raise StorageError(f"The universe file {Path(folder) / path} cannot be read: {error.strerror}.") from None
    raise NotFoundError(f"There is no universe file {str(path)!r}.")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C form is ten times faster
    """Loads plain data, and refuses a key that is there twice: the second definition would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is there twice", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def parse_document(document: Mapping[str, Any]) -> UniverseDefinition:
    """Check each key of a universe document and give its definitions.

    Raises
    ------
    FormatError
        If a key is missing, or a value has a wrong type.
    """
    _warn_unknown("the universe", document, _TOP_KEYS)
    try:
        parsed = _UniverseDocument.model_validate(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = "" if first["type"] == "missing" else f" (it is {first['input']!r})"
        raise FormatError(f"The universe file is wrong at {where}: {first['msg']}{what}.") from None
    _warn_unknown("topology", parsed.topology.model_extra or {}, ("spatial", "temporal"))
    common, systems = _parse_skypix(parsed.skypix)
    return UniverseDefinition(
        namespace=parsed.namespace,
        version=parsed.version,
        common_skypix=common,
        skypix=systems,
        elements={name: _parse_element(name, item) for name, item in parsed.elements.items()},
        spatial={name: tuple(members) for name, members in parsed.topology.spatial.items()},
        temporal={name: tuple(members) for name, members in parsed.topology.temporal.items()},
    )


def _warn_unknown(owner: str, document: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in document:
        if key not in known:
            _log.warning("Unknown key %r in %s is ignored.%s", key, owner, closest(str(key), known))


def _parse_skypix(document: Mapping[str, Any]) -> tuple[str, tuple[SkyPixSystem, ...]]:
    systems: list[SkyPixSystem] = []
    for name, entry in document.items():
        if name == "common":
            continue
        if not isinstance(entry, Mapping) or "class" not in entry:
            raise FormatError(f"The sky pixelization {name!r} needs a mapping with 'class'.")
        registered = SKYPIX_CLASSES.get(str(entry["class"]))
        if registered is None:
            raise FormatError(
                f"The sky pixelization {name!r} is of unknown class {entry['class']!r}; "
                f"known are {', '.join(SKYPIX_CLASSES)}."
            )
        _check_name("The sky pixelization", name)
        _warn_unknown(f"the sky pixelization {name!r}", entry, _SKYPIX_KEYS)
        scheme, highest = registered
        low, high = _level(name, entry, "min_level", 1), _level(name, entry, "max_level", highest)
        if not 0 <= low <= high <= highest:
            raise FormatError(f"The sky pixelization {name!r} has levels {low} to {high}; {scheme} has 0 to {highest}.")
        systems.append(SkyPixSystem(name=name, scheme=scheme, min_level=low, max_level=high))
    common = document.get("common")
    names = {system.dimension(level) for system in systems for level in system.levels}
    if not isinstance(common, str) or common not in names:
        raise FormatError(f"skypix.common must name one level of a pixelization, such as htm7; got {common!r}.")
    return common, tuple(systems)


def _level(system: str, entry: Mapping[str, Any], key: str, default: int) -> int:
    value = entry.get(key)
    if value is None:
        return default
    if type(value) is not int:
        raise FormatError(f"The sky pixelization {system!r} needs a whole number as {key}, not {value!r}.")
    return value


def _check_name(owner: str, name: str) -> None:
    """Names are words of the query language and of SQL."""
    if _NAME.fullmatch(name) is None or len(name) > _LONGEST_NAME:
        shown = name if len(name) <= 80 else name[:77] + "..."
        raise FormatError(
            f"{owner} {shown!r} needs another name: letters, digits and underscores, at most {_LONGEST_NAME}, "
            "beginning with no digit."
        )


def _parse_element(name: str, item: _ElementDocument) -> ElementDefinition:
    _check_name("Dimension element", name)
    _warn_unknown(f"element {name!r}", item.model_extra or {}, tuple(type(item).model_fields))
    cached, target = _legacy_storage(item)
    return ElementDefinition(
        name=name,
        doc=(item.doc or "").strip(),
        keys=tuple(_parse_column(name, column, key=True) for column in item.keys),
        requires=tuple(item.requires),
        implies=tuple(item.implies),
        metadata=tuple(_parse_column(name, column, key=False) for column in item.metadata),
        governor=item.governor,
        cached=cached or item.governor,
        implied_union_target=target,
        always_join=item.always_join,
        populated_by=item.populated_by,
    )


def _parse_column(owner: str, column: _ColumnDocument, *, key: bool) -> Column:
    _check_name(f"Column {owner}.", column.name)
    _warn_unknown(f"column {owner}.{column.name}", column.model_extra or {}, tuple(type(column).model_fields))
    if column.name in _MADE_BY_TOPOLOGY:
        raise FormatError(f"Column {owner}.{column.name} cannot be listed: name {owner!r} in 'topology' instead.")
    if column.type == "string" and column.length is None:
        raise FormatError(f"Column {owner}.{column.name} is a string and needs 'length'.")
    if column.type == "hash" and column.nbytes is None:
        raise FormatError(f"Column {owner}.{column.name} is a hash and needs 'nbytes'.")
    if key and column.type in ("float", "bool"):
        raise FormatError(f"Key {owner}.{column.name} cannot be of type {column.type}.")
    return Column(
        name=column.name,
        type=column.type,
        length=column.length,
        nbytes=column.nbytes,
        nullable=column.nullable and not key,
        doc=(column.doc or "").strip(),
    )


def _legacy_storage(item: _ElementDocument) -> tuple[bool, str | None]:
    """Translate the old ``storage`` key, which overrides the two modern ones."""
    if item.storage is None:
        return item.is_cached, item.implied_union_target
    storage = item.storage
    kind = str(storage.get("cls", "")).rpartition(".")[2]
    cached, target = False, None
    if kind == "BasicGovernorDimensionRecordStorage":
        cached = True
    elif kind == "CachingDimensionRecordStorage":
        cached = True
        storage = storage.get("nested") or {}
        kind = str(storage.get("cls", "")).rpartition(".")[2]
    if kind == "QueryDimensionRecordStorage":
        target = storage.get("view_of")
    return cached, target
