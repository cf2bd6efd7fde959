# SPDX-License-Identifier: BSD-3-Clause
"""Marks beside the files of a repository that say what is defined otherwise than before, for jobs, which see no database.

A repository has none until its dimensions are changed or a dataset type is removed. From then on one small file for the dimensions,
and one for each such type, says what the database does: `pachon.butler.definition_notes` keeps it so, and jobs compare their
graph with it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from pachon.base import FormatError, NotFoundError, PachonError
from pachon.base.utf8 import decode_text
from pachon.quantum_butler.errors import GraphMismatchError
from pachon.resources import ResourcePath
from pachon.resources.errors import storage_errors
from pachon.resources.local_files import create_file, fsync_files, make_folders, new_sibling

if TYPE_CHECKING:
    from pachon.datasets import DatasetType
    from pachon.dimensions import DimensionUniverse
    from pachon.quantum_butler.graph import QuantumGraph

__all__ = [
    "MARKS_FOLDER",
    "Definition",
    "TypeDefinition",
    "UniverseDefinition",
    "check_definitions",
    "list_marks",
    "marks_folder",
    "read_type_mark",
    "read_universe_mark",
    "type_mark",
    "universe_mark",
    "write_marks",
]

MARKS_FOLDER: Final = ".definitions"
"""Name of the folder of marks, below the root of the datastore."""
_FORMAT: Final = 1
_CHANGED: Final = "changed.json"
"""Is there if there are marks: to read it is one request of an object store, and to list a folder are several."""
_LONGEST: Final = 65_536
"""Bytes of a file that are read. Without such a limit an object store is asked for the size first, which is a request more."""
_UNIVERSE: Final = "universe.json"
_TYPE: Final = "dataset-type-"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseDefinition:
    """What tells one universe from another."""

    namespace: str
    version: int
    digest: str

    @classmethod
    def of(cls, universe: DimensionUniverse) -> Self:
        """Give that of a universe."""
        return cls(namespace=universe.namespace, version=universe.version, digest=universe.digest)

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {"namespace": self.namespace, "version": self.version, "digest": self.digest}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` gave."""
        return cls(
            namespace=str(document["namespace"]), version=int(document["version"]), digest=str(document["digest"])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefinition:
    """What a dataset type means, without its name."""

    dimensions: tuple[str, ...]
    """The required ones."""
    storage_class: str
    is_calibration: bool

    @classmethod
    def of(cls, dataset_type: DatasetType) -> Self:
        """Give that of a dataset type whose dimensions are known."""
        return cls(
            dimensions=tuple(dataset_type.dimensions.required),
            storage_class=dataset_type.storage_class,
            is_calibration=dataset_type.is_calibration,
        )

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {
            "dimensions": list(self.dimensions),
            "storage_class": self.storage_class,
            "is_calibration": self.is_calibration,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` gave."""
        return cls(
            dimensions=tuple(map(str, document["dimensions"])),
            storage_class=str(document["storage_class"]),
            is_calibration=bool(document["is_calibration"]),
        )

    def differences(self, stored: TypeDefinition) -> str:
        """Say what another definition has in place of what is here; empty if they are the same."""
        own, other = self._words(), stored._words()
        return " and ".join(f"{what} {other[what]} instead of {own[what]}" for what in own if own[what] != other[what])

    def _words(self) -> dict[str, str]:
        return {
            "dimensions": "{" + ", ".join(self.dimensions) + "}",
            "storage class": self.storage_class,
            "validity ranges": "yes" if self.is_calibration else "no",
        }


Definition: TypeAlias = UniverseDefinition | TypeDefinition | None
"""What a mark says."""


def marks_folder(root: ResourcePath) -> ResourcePath:
    """Give the folder of the marks of a repository."""
    return ResourcePath(root, force_directory=True).join(f"{MARKS_FOLDER}/")


def universe_mark(root: ResourcePath) -> ResourcePath:
    """Give the place of the mark of the dimensions."""
    return marks_folder(root).join(_UNIVERSE)


def type_mark(root: ResourcePath, name: str) -> ResourcePath:
    """Give the place of the mark of a dataset type."""
    return marks_folder(root).join(f"{_TYPE}{name}.json")


def list_marks(root: ResourcePath) -> tuple[bool, list[str]]:
    """Tell whether there is a mark of the dimensions, and give the names of the dataset types that have one."""
    try:
        # This is all that most repositories ever cost: they have no such file.
        marks_folder(root).join(_CHANGED).read(_LONGEST)
    except NotFoundError:
        return False, []
    files = [file.path for file in marks_folder(root).list_files()]
    names = [_name_of_type(f) for f in files if f.startswith(_TYPE) and f.endswith(".json")]
    return _UNIVERSE in files, sorted(names)


def _name_of_type(file: str) -> str:
    return file.removeprefix(_TYPE).removesuffix(".json")


def write_marks(marks: Mapping[ResourcePath, Definition], *, group_writable: bool = False) -> None:
    """Write marks of one repository, each as a whole and over an earlier one; safely on the medium when this returns.

    Parameters
    ----------
    marks
        What holds now, by the places of the marks. `None` says that it may be changing (the dimensions), or that there is no such
        dataset type.
    group_writable
        Let the group replace them, and add others.

    Raises
    ------
    StorageError
        If one cannot be written.
    """
    if not marks:
        return
    first = next(iter(marks))
    changed = first.updated_file(_CHANGED)
    if first.is_local:
        folder = first.dirname().ospath.rstrip("/")
        with storage_errors("written", folder):
            make_folders(folder, group_writable=group_writable)
    # First: a mark that nobody looks for says nothing. Of a store it would cost as much to ask whether it is there.
    if not (first.is_local and os.path.exists(changed.ospath)):
        _write(changed, {"pachon_definition": _FORMAT}, group_writable=group_writable)
    for place, definition in marks.items():
        name = place.basename()
        content = {
            "pachon_definition": _FORMAT,
            **({"dataset_type": _name_of_type(name)} if name.startswith(_TYPE) else {}),
            "definition": None if definition is None else definition.to_document(),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        _write(place, content, group_writable=group_writable)
    if first.is_local:
        # All at once: to wait for the medium is most of the time that thousands of marks take.
        with storage_errors("written", folder):
            fsync_files([changed.ospath, *(place.ospath for place in marks)])


def _write(place: ResourcePath, content: Mapping[str, Any], *, group_writable: bool) -> None:
    """Write a file; whether a local one is on the medium is not known then."""
    data = f"{json.dumps(content, indent=2)}\n".encode()
    if not (group_writable and place.is_local):
        place.write(data, overwrite=True, sync=False)
        return
    # It has its rights when it comes: afterwards it may be that of another member of the group, who has replaced it.
    with storage_errors("written", place.ospath), new_sibling(place.ospath) as sibling:
        create_file(sibling, data, sync=False, group_writable=True)
        os.replace(sibling, place.ospath)


def read_universe_mark(root: ResourcePath) -> UniverseDefinition | None:
    """Give what the mark of the dimensions says; `None` if they may be changing.

    Raises
    ------
    NotFoundError
        If there is none.
    FormatError
        If it is damaged, or of a newer version.
    """
    with _understood(universe_mark(root)) as document:
        return None if document is None else UniverseDefinition.from_document(document)


def read_type_mark(root: ResourcePath, name: str) -> TypeDefinition | None:
    """Give what the mark of a dataset type says; `None` if there is no such type. Raises as `read_universe_mark` does."""
    with _understood(type_mark(root, name), name) as document:
        return None if document is None else TypeDefinition.from_document(document)


@contextmanager
def _understood(place: ResourcePath, name: str | None = None) -> Iterator[Mapping[str, Any] | None]:
    """Read a mark; what goes wrong with its content in the block is an error of the file."""
    text = decode_text(place.read(_LONGEST), str(place))
    try:
        content = json.loads(text)
        version = content["pachon_definition"]
        if version != _FORMAT:
            raise FormatError(f"{place} is of format {version!r}; this pachon reads {_FORMAT}.")
        # Two types whose names differ in the case of letters have one file, where a file system does not see the difference.
        yield content["definition"] if content.get("dataset_type", name) == name else None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise FormatError(f"{place} cannot be read: {type(error).__name__}: {error!s:.200}") from error


def check_definitions(graph: QuantumGraph, root: ResourcePath) -> None:
    """Compare the dimensions and dataset types of a graph with the marks of its repository; no database is opened.

    What cannot be looked at, or is not known for sure, is warned of at most: the database says it when outputs are registered.

    Parameters
    ----------
    graph
        The graph.
    root
        Root of the datastore.

    Raises
    ------
    GraphMismatchError
        If the dimensions were changed since the graph was built, or a dataset type was registered anew with another definition.
    """
    try:
        universe_changed, names = list_marks(root)
        if universe_changed:
            _check_universe(graph, root)
        for name in sorted(graph.dataset_types.keys() & set(names)):
            _check_type(graph.dataset_types[name], root)
    except GraphMismatchError:
        raise
    except PachonError as error:
        _log.warning(
            "Whether the repository's definitions have changed since the graph was built is not known: %s", error
        )


def _check_universe(graph: QuantumGraph, root: ResourcePath) -> None:
    own, now = UniverseDefinition.of(graph.universe), read_universe_mark(root)
    if now is None:
        _log.warning(
            "A change of the repository's dimensions was begun, and it is not known whether it took place: the graph may not fit "
            "any more. 'butler fsck --repair' clears it up."
        )
    elif now.digest != own.digest:
        raise GraphMismatchError(
            f"The repository's dimensions were changed since the graph was built: they are {now.namespace} version {now.version}, "
            f"and those of the graph {own.namespace} version {own.version}{_other_content(own, now)}."
        )


def _other_content(own: UniverseDefinition, now: UniverseDefinition) -> str:
    same = (own.namespace, own.version) == (now.namespace, now.version)
    return " with another content" if same else ""


def _check_type(dataset_type: DatasetType, root: ResourcePath) -> None:
    now = read_type_mark(root, dataset_type.name)
    if now is not None and (words := TypeDefinition.of(dataset_type).differences(now)):
        raise GraphMismatchError(
            f"Dataset type {dataset_type.name!r} was removed and registered anew since the graph was built: it has {words}."
        )
