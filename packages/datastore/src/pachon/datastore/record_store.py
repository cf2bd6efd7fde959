# SPDX-License-Identifier: BSD-3-Clause
"""What a datastore needs of whoever keeps its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pachon.datastore.records import FileRecords, IdArray

__all__ = ["RecordStore"]


@runtime_checkable
class RecordStore(Protocol):
    """Keeps file records, in bulk and as columns, and those of deleted datasets until their files are gone.

    The butler keeps them in the registry's database, inside the registry's transaction; a quantum-backed butler in
    graph columns and receipts; `pachon.datastore.testing.MemoryRecordStore` in memory. A store never touches files,
    and a datastore writes files before, never after, their records are added.

    Every implementation passes `pachon.datastore.testing.RecordStoreSuite`. No order of rows is guaranteed, but for
    the trash.
    """

    def add(self, records: FileRecords) -> None:
        """Add rows; all of them, or none.

        Raises
        ------
        ConflictError
            If a row with the same dataset id and component is there already.
        InvalidInputError
            If a text is too long (`FileRecords.check_lengths`).
        """
        ...

    def fetch(self, ids: IdArray) -> FileRecords:
        """Give the rows of datasets; ids without rows are left out, and repeated ids give their rows once."""
        ...

    def find_paths(self, paths: Sequence[str]) -> FileRecords:
        """Give the rows that name any of these files.

        A path is compared up to ``#zip-path=`` (`file_part`), so that the path of a zip file finds the rows of its
        members. Rows in the trash do not count.
        """
        ...

    def move_to_trash(self, ids: IdArray) -> None:
        """Take the rows of datasets out of sight, to be listed by `list_trash`; ids without rows are ignored."""
        ...

    def list_trash(self, limit: int | None = None) -> FileRecords:
        """Give rows of the trash: those with the fewest failed removals first, then in order of arrival."""
        ...

    def drop_trash(self, records: FileRecords) -> None:
        """Delete these rows from the trash, after their files are gone; rows that are not there are ignored.

        A row is identified by dataset id, component and path: a dataset that was stored again after a deletion has
        another path.
        """
        ...

    def note_trash_failures(self, records: FileRecords, errors: Sequence[str]) -> None:
        """Remember that the removal of these files failed, and why; the rows stay in the trash."""
        ...

    def forget(self, ids: IdArray) -> None:
        """Delete the rows of datasets and let the files be; ids without rows are ignored."""
        ...
