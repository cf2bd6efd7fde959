# SPDX-License-Identifier: BSD-3-Clause
"""A record store without a database: the graph's columns, and what this process wrote."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Sequence

from pachon.base import ConflictError
from pachon.datasets import uuids_from_ids
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.records import IdArray, file_part

__all__ = ["GraphRecordStore"]

_Key = tuple[uuid.UUID, str | None, str]


class GraphRecordStore:
    """Keeps file records in memory; it starts with those that the graph has of overall inputs.

    Parameters
    ----------
    inputs
        Records from the graph.
    """

    def __init__(self, inputs: FileRecords) -> None:
        self._lock = threading.Lock()
        self._rows: dict[uuid.UUID, dict[str | None, StoredFile]] = {}
        self._trash: dict[_Key, tuple[StoredFile, int]] = {}
        self.begin_with(inputs)

    def begin_with(self, inputs: FileRecords) -> None:
        """Forget everything, and start with other records from a graph."""
        with self._lock:
            self._rows, self._trash = {}, {}
            for row in inputs.rows():
                self._rows.setdefault(row.dataset_id, {})[row.component] = row

    def __contains__(self, dataset_id: uuid.UUID) -> bool:
        return dataset_id in self._rows

    def add(self, records: FileRecords) -> None:
        """Add rows; all of them, or none."""
        records.check_lengths()
        new: dict[tuple[uuid.UUID, str | None], StoredFile] = {}
        with self._lock:
            for row in records.rows():
                key = (row.dataset_id, row.component)
                if key in new or row.component in self._rows.get(row.dataset_id, {}):
                    raise ConflictError(f"A file of dataset {row.dataset_id} is recorded already.")
                new[key] = row
            for row in new.values():
                self._rows.setdefault(row.dataset_id, {})[row.component] = row

    def renew(self, records: FileRecords) -> None:
        """Add rows in place of those that their datasets have; for what was written just now, and checked for that."""
        new: dict[uuid.UUID, dict[str | None, StoredFile]] = {}
        for row in records.rows():
            new.setdefault(row.dataset_id, {})[row.component] = row
        with self._lock:
            self._rows.update(new)

    def fetch(self, ids: IdArray) -> FileRecords:
        """Give the rows of datasets; ids without rows are left out, and repeated ids give their rows once."""
        wanted = dict.fromkeys(uuids_from_ids(ids))
        with self._lock:
            return FileRecords.from_rows(row for id_ in wanted for row in self._rows.get(id_, {}).values())

    def find_paths(self, paths: Sequence[str]) -> FileRecords:
        """Give the rows that name any of these files."""
        wanted = {file_part(path) for path in paths}
        with self._lock:
            return FileRecords.from_rows(row for row in self._all() if file_part(row.path) in wanted)

    def move_to_trash(self, ids: IdArray) -> None:
        """Take the rows of datasets out of sight."""
        with self._lock:
            for id_ in uuids_from_ids(ids):
                for row in self._rows.pop(id_, {}).values():
                    self._trash.setdefault(_key(row), (row, 0))

    def list_trash(self, limit: int | None = None) -> FileRecords:
        """Give rows of the trash: those with the fewest failed removals first, then in order of arrival."""
        with self._lock:
            entries = sorted(self._trash.values(), key=lambda entry: entry[1])
            return FileRecords.from_rows(row for row, _ in entries[:limit])

    def drop_trash(self, records: FileRecords) -> None:
        """Delete these rows from the trash."""
        with self._lock:
            for row in records.rows():
                self._trash.pop(_key(row), None)

    def note_trash_failures(self, records: FileRecords, errors: Sequence[str]) -> None:
        """Remember that the removal of these files failed; the reasons are the caller's to report."""
        with self._lock:
            for row, _ in zip(records.rows(), errors, strict=True):
                if _key(row) in self._trash:
                    self._trash[_key(row)] = (row, self._trash[_key(row)][1] + 1)

    def forget(self, ids: IdArray) -> None:
        """Delete the rows of datasets and let the files be."""
        with self._lock:
            for id_ in uuids_from_ids(ids):
                self._rows.pop(id_, None)

    def _all(self) -> Iterable[StoredFile]:
        return (row for rows in self._rows.values() for row in rows.values())


def _key(row: StoredFile) -> _Key:
    return row.dataset_id, row.component, row.path
