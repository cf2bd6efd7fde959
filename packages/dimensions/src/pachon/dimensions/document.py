# SPDX-License-Identifier: BSD-3-Clause
"""Reading a universe file (YAML) into checked definitions.

A universe file of LSST loads unchanged. Unknown keys are warned about, mistakes are
errors that name the element; so are keys of a new universe that are nearly known ones.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pachon.base import FormatError, NotFoundError, StorageError, closest
from pachon.base.plain_shape import Fields, fits
from pachon.base.plain_yaml import load_plain_yaml
from pachon.base.utf8 import decode_text
from pachon.dimensions.column import Column
from pachon.dimensions.skypix import SKYPIX_CLASSES, SkyPixSystem

__all__ = [
    "ElementDefinition",
    "UniverseDefinition",
    "load_document",
    "parse_document",
    "parse_text",
    "refuse_misspelled",
]

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


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0


COLUMN: Final = Fields(
    {
        "name": str,
        "type": frozenset({"int", "string", "hash", "float", "bool"}),
        "doc": (str, None),
        "nullable": bool,
        "length": (_positive, None),
        "nbytes": (_positive, None),
    },
    required=("name", "type"),
    others=True,
)
ELEMENT: Final = Fields(
    {
        "doc": (str, None),
        "keys": [COLUMN],
        "requires": [str],
        "implies": [str],
        "metadata": [COLUMN],
        "governor": bool,
        "is_cached": bool,
        "implied_union_target": (str, None),
        "always_join": bool,
        "populated_by": (str, None),
        "storage": ({str: object}, None),
    },
    others=True,
)
TOPOLOGY: Final = Fields({"spatial": {str: [str]}, "temporal": {str: [str]}}, others=True)
UNIVERSE: Final = Fields(
    {"version": int, "namespace": str, "skypix": {str: object}, "elements": {str: ELEMENT}, "topology": TOPOLOGY},
    required=("version", "skypix", "elements"),
    others=True,
)
"""A document as files and databases have it."""


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
    if isinstance(source, str) and "\n" in source:
        return parse_text(source, "The universe")
    return parse_text(*_read(Path(source), search_path))


def parse_text(text: str, name: str) -> dict[str, Any]:
    """Read the text of a universe file, which messages call by a name; raises as `load_document` does."""
    document = load_plain_yaml(text, name)
    if not isinstance(document, dict):
        raise FormatError(f"{name} is no YAML mapping.")
    return document


def _read(path: Path, search_path: Iterable[str | Path]) -> tuple[str, str]:
    for folder in (*search_path, "."):
        place = Path(folder) / path
        try:
            return decode_text(place.read_bytes(), f"The universe file {place}"), f"The universe file {place}"
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StorageError(f"The universe file {place} cannot be read: {error.strerror}.") from None
    raise NotFoundError(f"There is no universe file {str(path)!r}.")


def parse_document(document: Mapping[str, Any]) -> UniverseDefinition:
    """Check each key of a universe document and give its definitions.

    Raises
    ------
    FormatError
        If a key is missing, or a value has a wrong type.
    """
    _warn_unknown("the universe", document, _TOP_KEYS)
    parsed = dict(document)
    if not fits(parsed, UNIVERSE):
        # With pydantic, whose import takes a tenth of a second.
        from pachon.dimensions.document_models import validate_document

        parsed = validate_document(parsed)
    topology = parsed.get("topology", {})
    _warn_unknown("topology", topology, tuple(TOPOLOGY.kinds))
    common, systems = _parse_skypix(parsed["skypix"])
    return UniverseDefinition(
        namespace=parsed.get("namespace", "daf_butler"),
        version=parsed["version"],
        common_skypix=common,
        skypix=systems,
        elements={name: _parse_element(name, item) for name, item in parsed["elements"].items()},
        spatial={name: tuple(members) for name, members in topology.get("spatial", {}).items()},
        temporal={name: tuple(members) for name, members in topology.get("temporal", {}).items()},
    )


def _warn_unknown(owner: str, document: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in document:
        if key not in known:
            _log.warning("Unknown key %r in %s is ignored.%s", key, owner, closest(str(key), known))


def refuse_misspelled(document: Mapping[str, Any]) -> None:
    """Refuse unknown keys that are nearly known ones: without what they were to say, the universe would be another.

    It is for universes that are new: one that a repository was made with stays as it is.

    Raises
    ------
    FormatError
        It names the key, where it stands, and the known one.
    """
    columns, elements = tuple(COLUMN.kinds), tuple(ELEMENT.kinds)
    for owner, section, known in _sections(document, columns, elements):
        for key in section:
            if key not in known and (hint := closest(str(key), known)):
                raise FormatError(f"The universe file has an unknown key {key!r} in {owner}.{hint}")


def _sections(
    document: Mapping[str, Any], columns: tuple[str, ...], elements: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
    """Give every mapping whose keys are of the format: what to call it, it, and the keys that it may have."""
    yield "its top level", document, _TOP_KEYS
    if isinstance(topology := document.get("topology"), Mapping):
        yield "'topology'", topology, ("spatial", "temporal")
    if isinstance(skypix := document.get("skypix"), Mapping):
        for name, entry in skypix.items():
            if isinstance(entry, Mapping):
                yield f"the sky pixelization {name!r}", entry, _SKYPIX_KEYS
    found = document.get("elements")
    for name, element in found.items() if isinstance(found, Mapping) else ():
        if not isinstance(element, Mapping):
            continue
        yield f"element {name!r}", element, elements
        for side in ("keys", "metadata"):
            entries = element.get(side)
            for column in entries if isinstance(entries, list) else ():
                if isinstance(column, Mapping):
                    yield f"column {name}.{column.get('name')}", column, columns


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


def _parse_element(name: str, item: Mapping[str, Any]) -> ElementDefinition:
    _check_name("Dimension element", name)
    _warn_unknown(f"element {name!r}", item, tuple(ELEMENT.kinds))
    cached, target = _legacy_storage(item)
    governor = item.get("governor", False)
    return ElementDefinition(
        name=name,
        doc=(item.get("doc") or "").strip(),
        keys=tuple(_parse_column(name, column, key=True) for column in item.get("keys", ())),
        requires=tuple(item.get("requires", ())),
        implies=tuple(item.get("implies", ())),
        metadata=tuple(_parse_column(name, column, key=False) for column in item.get("metadata", ())),
        governor=governor,
        cached=cached or governor,
        implied_union_target=target,
        always_join=item.get("always_join", False),
        populated_by=item.get("populated_by"),
    )


def _parse_column(owner: str, column: Mapping[str, Any], *, key: bool) -> Column:
    name, kind, length, nbytes = column["name"], column["type"], column.get("length"), column.get("nbytes")
    _check_name(f"Column {owner}.", name)
    _warn_unknown(f"column {owner}.{name}", column, tuple(COLUMN.kinds))
    if name in _MADE_BY_TOPOLOGY:
        raise FormatError(f"Column {owner}.{name} cannot be listed: name {owner!r} in 'topology' instead.")
    if kind == "string" and length is None:
        raise FormatError(f"Column {owner}.{name} is a string and needs 'length'.")
    if kind == "hash" and nbytes is None:
        raise FormatError(f"Column {owner}.{name} is a hash and needs 'nbytes'.")
    if key and kind in ("float", "bool"):
        raise FormatError(f"Key {owner}.{name} cannot be of type {kind}.")
    return Column(
        name=name,
        type=kind,
        length=length,
        nbytes=nbytes,
        nullable=column.get("nullable", True) and not key,
        doc=(column.get("doc") or "").strip(),
    )


def _legacy_storage(item: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Translate the old ``storage`` key, which overrides the two modern ones."""
    storage = item.get("storage")
    if storage is None:
        return item.get("is_cached", False), item.get("implied_union_target")
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
