# SPDX-License-Identifier: BSD-3-Clause
"""A record store in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from uuid import UUID

from pachon.base import ConflictError
from pachon.datasets import uuids_from_ids
from pachon.datastore.records import FileRecords, IdArray, StoredFile, file_part

__all__ = ["MemoryRecordStore"]

_TrashKey = tuple[UUID, str | None, str]


class MemoryRecordStore:
    """Keeps records in this process; a small, real implementation of `RecordStore`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[UUID, dict[str | None, StoredFile]] = {}
        self._trash: dict[_TrashKey, StoredFile] = {}
        self._failures: dict[_TrashKey, list[str]] = {}

    def add(self, records: FileRecords) -> None:
        records.check_lengths()
        rows = list(records.rows())
        with self._lock:
            new: set[tuple[UUID, str | None]] = set()
            for row in rows:
                key = (row.dataset_id, row.component)
                if key in new or row.component in self._rows.get(row.dataset_id, {}):
                    raise ConflictError(f"A file of dataset {row.dataset_id} is recorded already.")
                new.add(key)
            for row in rows:
                self._rows.setdefault(row.dataset_id, {})[row.component] = row

    def fetch(self, ids: IdArray) -> FileRecords:
        with self._lock:
            return FileRecords.from_rows(
                row for id_ in dict.fromkeys(uuids_from_ids(ids)) for row in self._rows.get(id_, {}).values()
            )

    def find_paths(self, paths: Sequence[str]) -> FileRecords:
        wanted = {file_part(path) for path in paths}
        with self._lock:
            return FileRecords.from_rows(row for row in self._all() if file_part(row.path) in wanted)

    def move_to_trash(self, ids: IdArray) -> None:
        with self._lock:
            for id_ in uuids_from_ids(ids):
                for row in self._rows.pop(id_, {}).values():
                    self._trash.setdefault(_trash_key(row), row)

    def list_trash(self, limit: int | None = None) -> FileRecords:
        with self._lock:
            keys = sorted(self._trash, key=lambda key: len(self._failures.get(key, ())))
            return FileRecords.from_rows(self._trash[key] for key in keys[:limit])

    def drop_trash(self, records: FileRecords) -> None:
        with self._lock:
            for row in records.rows():
                self._trash.pop(_trash_key(row), None)
                self._failures.pop(_trash_key(row), None)

    def note_trash_failures(self, records: FileRecords, errors: Sequence[str]) -> None:
        with self._lock:
            for row, error in zip(records.rows(), errors, strict=True):
                if _trash_key(row) in self._trash:
                    self._failures.setdefault(_trash_key(row), []).append(error)

    def forget(self, ids: IdArray) -> None:
        with self._lock:
            for id_ in uuids_from_ids(ids):
                self._rows.pop(id_, None)

    def trash_failures(self, row: StoredFile) -> tuple[str, ...]:
        """Give why the removal of a file failed, each time that it did."""
        return tuple(self._failures.get(_trash_key(row), ()))

    def _all(self) -> Iterable[StoredFile]:
        return (row for rows in self._rows.values() for row in rows.values())


def _trash_key(row: StoredFile) -> _TrashKey:
    return row.dataset_id, row.component, row.path
