# SPDX-License-Identifier: BSD-3-Clause
"""File records in the registry's database, in the registry's transactions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import numpy as np

from pachon.base import ConflictError
from pachon.datasets import uuids_from_ids
from pachon.datastore import FILE_RECORD_COLUMNS, FileRecords, StoredFile
from pachon.datastore.records import ZIP_MEMBER, IdArray, absolute_paths, file_part, is_owned, path_below
from pachon.registry import OpaqueColumn, OpaqueTable, SqlRegistry

__all__ = ["REMOVAL_LOCK", "RegistryRecordStore", "TrashRow"]

REMOVAL_LOCK: Final = "removal"
"""Name of the lock of those who remove files; beside a SQLite database there is a file for it."""

_RECORDS: Final = "file_record"
_TRASH: Final = "file_trash"
_MEMBER: Final = "member"
"""Column with the member of a zip file that a path names; files are looked up without it."""

_COLUMNS: Final = (
    *(
        OpaqueColumn(name=c.name, type=c.type, length=c.length, key=c.key, index=c.name == "path")
        for c in FILE_RECORD_COLUMNS
    ),
    OpaqueColumn(name=_MEMBER, type="text", length=1024),
)
_TRASH_COLUMNS: Final = (
    *(
        OpaqueColumn(name=c.name, type=c.type, length=c.length, key=c.key or c.name in ("path", _MEMBER))
        for c in _COLUMNS
    ),
    OpaqueColumn(name="trashed_ns", type="int"),
    OpaqueColumn(name="attempts", type="int"),
    OpaqueColumn(name="last_error", type="text"),
)
_KEYS: Final = ("dataset_id", "component")
_TRASH_KEYS: Final = ("dataset_id", "component", "path", _MEMBER)
_READ_TOGETHER: Final = 20_000
_MOST_FOLDERS: Final = 1000
"""Folders of files elsewhere that are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashRow:
    """A file that is to be deleted."""

    file: StoredFile
    trashed_ns: int
    """When its dataset was removed; Unix time."""
    attempts: int
    """How often its deletion failed."""
    last_error: str


class RegistryRecordStore:
    """The `RecordStore` of a repository, over two opaque tables of its registry.

    What it writes inside a transaction of the registry is a part of that. The tables are made when the repository is.
    """

    def __init__(self, registry: SqlRegistry) -> None:
        self._registry = registry
        self._records: OpaqueTable = registry.opaque(_RECORDS, _COLUMNS)
        self._trash: OpaqueTable = registry.opaque(_TRASH, _TRASH_COLUMNS)
        self._removals = registry.advisory_lock(REMOVAL_LOCK)

    def add(self, records: FileRecords) -> None:
        records.check_lengths()
        try:
            if len(records) == 1:
                self._records.insert_one(_stored_row(records))
            else:
                self._records.insert(_stored(records))
        except ConflictError as error:
            known = uuids_from_ids(self.fetch(records.dataset_id).dataset_id)
            which = f"Dataset {known[0]} is" if known else "One of the datasets is"
            raise ConflictError(
                f"{which} stored already; a dataset is never replaced: prune it, or put another."
            ) from error

    def add_or_renew(self, records: FileRecords) -> None:
        """Add rows; where a dataset has a row of the same path already, give that the new size and checksum.

        Rows of components that a dataset no longer has are deleted: whoever wrote it anew removed their files.

        Raises
        ------
        ConflictError
            If a dataset is stored elsewhere.
        """
        records.check_lengths()
        known = {(row.dataset_id, row.component): row for row in self.fetch(records.dataset_id).rows()}
        there = np.zeros(len(records), dtype=bool)
        changed = np.zeros(len(records), dtype=bool)
        for index, row in enumerate(records.rows() if known else ()):
            old = known.get((row.dataset_id, row.component))
            if old is not None and old.path != row.path:
                raise ConflictError(
                    f"Dataset {row.dataset_id} is stored already, in {old.path!r} and not in {row.path!r}."
                )
            there[index] = old is not None
            changed[index] = old is not None and (old.size, old.checksum) != (row.size, row.checksum)
        given = (
            {(row.dataset_id, row.component) for row in records.rows()} if len(known) > there.sum() else known.keys()
        )
        gone = [row for key, row in known.items() if row.component and key not in given]
        if gone:
            self._records.delete({n: v for n, v in _keys(FileRecords.from_rows(gone)).items() if n in _KEYS})
        if not there.all():
            self.add(records.take(~there))
        if changed.any():
            renewed = _stored(records.take(changed))
            keys = {name: renewed.pop(name) for name in ("dataset_id", "component")}
            self._records.update(keys, renewed)

    def fetch(self, ids: IdArray) -> FileRecords:
        return _as_records(self._records.fetch("dataset_id", ids))

    def is_empty(self) -> bool:
        """Tell whether no dataset has a file."""
        return not len(self._records.fetch(limit=1)["path"])

    def find_paths(self, paths: Sequence[str]) -> FileRecords:
        return _as_records(self._records.fetch("path", [file_part(path) for path in paths]))

    def iter_chunks(self) -> Iterator[FileRecords]:
        """Give all rows, some thousand at a time; all see one state of the database."""
        for columns in self._records.iter_chunks(20_000):
            yield _as_records(columns)

    def fetch_unregistered(self) -> FileRecords:
        """Give the rows of datasets that are not registered."""
        return _as_records(self._records.fetch_unregistered("dataset_id"))

    def find_named(self, paths: Sequence[str], roots: Sequence[str]) -> set[str]:
        """Give those of these files that a row names, of a dataset or of the trash, also by an absolute path below the root."""
        # No row can name a file whose name is not in UTF-8, and a database cannot even be asked for one.
        wanted = [path for path in paths if path.isascii() or path.encode(errors="ignore").decode() == path]
        either = [*wanted, *absolute_paths(roots, wanted)]
        named = (*self._records.fetch("path", either)["path"], *self._trash.fetch("path", wanted)["path"])
        return {path_below(roots, path) for path in named}

    def removing(self) -> AbstractContextManager[None]:
        """Look, in the block, which files have no rows any more, and remove them: nobody relies on a file of theirs meanwhile.

        The rows of the trash that are the reason are looked at and dropped in the block too, where there are any.
        """
        return self._removals.share()

    def wait_for_removals(self) -> None:
        """Wait until every removal has ended that may have missed the rows which were committed before this call.

        Raises
        ------
        DatabaseBusyError
            If one goes on for very long.
        """
        self._removals.wait()

    def is_trash_empty(self) -> bool:
        """Tell whether no file is to be deleted."""
        return not len(self._trash.fetch(limit=1)["path"])

    def are_in_trash(self, paths: Sequence[str]) -> np.ndarray:
        """Tell for each path whether its file is to be deleted; quick while nothing is."""
        if self.is_trash_empty():
            return np.zeros(len(paths), dtype=np.bool_)
        files = [file_part(path) for path in paths]
        trashed = set(self._trash.fetch("path", files)["path"])
        return np.array([file in trashed for file in files], dtype=np.bool_)

    def describe_trash(self) -> list[TrashRow]:
        """Give all rows of the trash, with what became of them so far."""
        columns = self._trash.fetch(order_by=("trashed_ns", *_TRASH_KEYS))
        rows = _as_records(columns).rows()
        details = zip(rows, columns["trashed_ns"], columns["attempts"], columns["last_error"], strict=True)
        return [
            TrashRow(file=file, trashed_ns=when, attempts=attempts, last_error=error)
            for file, when, attempts, error in details
        ]

    def relocate(self, old: Sequence[str], new: Sequence[str], *, dry_run: bool) -> tuple[int, int, set[str]]:
        """Put new places into absolute paths, in one transaction.

        Parameters
        ----------
        old, new
            Folders, without a slash at the end; each old one becomes the new one at the same position.
        dry_run
            Only count.

        Returns
        -------
        int
            Rows that named one of the old folders.
        int
            Rows with other absolute paths.
        set[str]
            The folders of those; if they are many, folders above them.
        """
        changed: list[tuple[OpaqueTable, dict[str, Any], list[str]]] = []
        rows = elsewhere = 0
        folders: set[str] = set()
        for table, keys in ((self._records, ("dataset_id", "component")), (self._trash, _TRASH_KEYS)):
            for columns in table.iter_chunks(_READ_TOGETHER):
                paths = [_relocated(path, old, new) for path in columns["path"]]
                moved = [n for n, path in enumerate(paths) if path != columns["path"][n]]
                others = [
                    path for path, now in zip(columns["path"], paths, strict=True) if path == now and not is_owned(path)
                ]
                rows, elsewhere = rows + len(moved), elsewhere + len(others)
                folders.update(path.rpartition("/")[0] for path in others)
                folders = folders if len(folders) <= _MOST_FOLDERS else _above(folders)
                if moved:
                    chosen = {name: [columns[name][n] for n in moved] for name in keys}
                    changed.append((table, chosen, [paths[n] for n in moved]))
        if not dry_run and changed:
            with self._registry.write():
                for table, chosen, paths in changed:
                    table.update(chosen, {"path": paths})
        return rows, elsewhere, folders

    def move_to_trash(self, ids: IdArray) -> None:
        # An output of a graph has the path of its earlier attempt, whose removal may have failed: its row is enough.
        extra = {"trashed_ns": time.time_ns(), "attempts": 0, "last_error": ""}
        self._records.move("dataset_id", ids, self._trash, extra)

    def list_trash(self, limit: int | None = None) -> FileRecords:
        order = ("attempts", "trashed_ns", *_TRASH_KEYS)
        return _as_records(self._trash.fetch(order_by=order, limit=limit))

    def fetch_trash(self, ids: IdArray) -> FileRecords:
        """Give the trash of some datasets."""
        return _as_records(self._trash.fetch("dataset_id", ids))

    def fetch_trash_again(self, records: FileRecords) -> FileRecords:
        """Give those of these rows that are in the trash."""
        found = self.fetch_trash(records.dataset_id)
        wanted = set(_row_keys(records))
        mask = np.array([key in wanted for key in _row_keys(found)], dtype=np.bool_)
        return found if mask.all() else found.take(mask)

    def drop_trash(self, records: FileRecords) -> None:
        self._trash.delete(_keys(records))

    def note_trash_failures(self, records: FileRecords, errors: Sequence[str]) -> None:
        keys = _keys(records)
        known = self._trash.fetch_keys(keys)
        attempts = {
            (id_.tobytes(), *rest): number
            for id_, number, *rest in zip(
                known["dataset_id"],
                known["attempts"],
                *(known[name] for name in _TRASH_KEYS[1:]),
                strict=True,
            )
        }
        listed = zip(keys["dataset_id"], *(keys[name] for name in _TRASH_KEYS[1:]), strict=True)
        numbers = [attempts.get((id_.tobytes(), *rest), 0) + 1 for id_, *rest in listed]
        self._trash.update(keys, {"attempts": numbers, "last_error": [error[:1000] for error in errors]})

    def forget(self, ids: IdArray) -> None:
        self._records.delete({"dataset_id": ids})


def _above(folders: Iterable[str]) -> set[str]:
    """Give for each scheme and host one folder that all of these are in."""
    groups: dict[tuple[str, ...], list[list[str]]] = {}
    for folder in folders:
        parts = folder.split("/")
        groups.setdefault(tuple(parts[:3]) if "://" in folder else (), []).append(parts)
    # What the first and the last one share, all share that lie between them.
    ends = ((min(group), max(group)) for group in groups.values())
    return {
        "/".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*pair, strict=False))) for pair in ends
    }


def _stored(records: FileRecords) -> dict[str, Any]:
    """Give the columns of the table: a path and the member of the file that it names apart."""
    # Searched as one text; no member is named across the end of a line.
    if ZIP_MEMBER not in "\n".join(records.path.tolist()):
        return {**records.columns(), _MEMBER: [""] * len(records)}
    files = [path.partition(ZIP_MEMBER) for path in records.path]
    return {
        **records.columns(),
        "path": [file for file, _, _ in files],
        _MEMBER: [member for _, _, member in files],
    }


def _stored_row(records: FileRecords) -> dict[str, Any]:
    """Give the same of the only row, as values."""
    file, _, member = records.path[0].partition(ZIP_MEMBER)
    return {
        "dataset_id": records.dataset_id.tobytes(),
        "component": records.component[0],
        "path": file,
        "formatter": records.formatter[0],
        "storage_class": records.storage_class[0],
        "size": int(records.size[0]),
        "checksum": records.checksum[0],
        "datastore": records.datastore[0],
        _MEMBER: member,
    }


def _as_records(columns: Mapping[str, Any]) -> FileRecords:
    paths = [f"{p}{ZIP_MEMBER}{m}" if m else p for p, m in zip(columns["path"], columns[_MEMBER], strict=True)]
    return FileRecords.from_columns({**{c.name: columns[c.name] for c in FILE_RECORD_COLUMNS}, "path": paths})


def _relocated(path: str, old: Sequence[str], new: Sequence[str]) -> str:
    for before, after in zip(old, new, strict=True):
        if path.startswith(f"{before}/"):
            return f"{after}{path[len(before) :]}"
    return path


def _row_keys(records: FileRecords) -> Iterator[tuple[bytes, str, str]]:
    """Give for each row what tells it apart in the trash, without a value of each row."""
    ids = (dataset_id.tobytes() for dataset_id in records.dataset_id)
    return zip(ids, records.component.tolist(), records.path.tolist(), strict=True)


def _keys(records: FileRecords) -> dict[str, np.ndarray | list[Any]]:
    stored = _stored(records)
    return {name: stored[name] for name in _TRASH_KEYS}
