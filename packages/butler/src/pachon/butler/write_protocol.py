# SPDX-License-Identifier: BSD-3-Clause
"""Files first, rows last: how every change of a repository becomes visible, all of it or nothing.

1. Files are written to final paths that are used once, and brought to the medium (`pachon.datastore`). No row knows them.
2. One short database transaction writes all rows of the change, registry and file records together. No file is touched and
   no lock is held while files are.
3. What must come after the commit comes then: files of deleted datasets are removed, sources of moved files too.

If anything fails before the commit, exactly the files of the change are removed; what cannot be removed is garbage that no row
names. If the commit itself reports an error, its outcome is not known: the database is asked (`WriterLease.settle`), and nothing
is undone unless its answer is final. A database that does not answer leaves the files for a sweep.

Each transaction is counted in the row of its writer, and fails if a sweep has ended that: see `pachon.butler.writer_lease`.

Invariants: what has rows is readable and hash-correct; what has none is invisible, and its bytes may be swept; a retry is
harmless; a deletion never meets a later write, because no path is used twice.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from pachon.base import PachonError
from pachon.butler.errors import CommitUnknownError, NotTransactionalError
from pachon.butler.writer_lease import WriterLease
from pachon.datastore import FileRecords
from pachon.datastore.faults import reach
from pachon.dimensions import DataIdValueError
from pachon.registry import DatabaseFullError, TransactionConflictError

if TYPE_CHECKING:
    from pachon.registry import SqlRegistry

__all__ = ["FAULT_POINTS", "Block", "Change", "Writer"]

_log = logging.getLogger(__name__)

FAULT_POINTS: Final = ("commit.begin", "commit.counted", "commit.rows_written", "commit.done", "commit.followed")
"""Points of this module at which a test can make something go wrong; those of the files are in `pachon.datastore.faults`."""

_ATTEMPTS: Final = 6
"""How often a transaction is tried that another one of the same server stands in the way of."""

_RECORDS_WAIT: Final = (
    "Dimension records that are inserted in a transaction() block are there when it ends; insert them before it."
)


class FileDiscarder(Protocol):
    """What the protocol needs of a datastore."""

    def discard(self, records: FileRecords) -> None:
        """Remove files that no row will ever name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rows to be written together, the files that were written for them, and what follows the commit."""

    write_rows: Callable[[], None]
    files: FileRecords = field(default_factory=FileRecords.empty)
    """Files of this change, on the medium already; removed if the rows are not written."""
    follow: Callable[[], None] | None = None
    """Called after the commit; what it leaves undone, a sweep finishes."""
    confirm: Callable[[], None] | None = None
    """Called after what follows: whether the change holds. If it does not, this undoes it and raises."""
    inserts_records: bool = False
    """Whether the rows are dimension records, which somebody may miss before the commit."""
    bulk: bool = False
    """Whether these are many rows, of datasets and their files alone, and at most runs beside them."""


@dataclass(slots=True, kw_only=True)
class Block:
    """An open ``transaction()`` block: changes that wait for its end."""

    outer: Block | None
    changes: list[Change] = field(default_factory=list)

    def has_new_records(self) -> bool:
        """Tell whether dimension records wait in this block or in those around it."""
        return any(change.inserts_records for change in self.changes) or (
            self.outer is not None and self.outer.has_new_records()
        )

    def files(self) -> Iterator[FileRecords]:
        """Give the files of this block and of those around it."""
        for change in self.changes:
            yield change.files
        if self.outer is not None:
            yield from self.outer.files()


class Writer:
    """Applies changes to one repository: at once, or at the end of the outermost block."""

    def __init__(self, registry: SqlRegistry, lease: WriterLease, datastore: FileDiscarder) -> None:
        self._registry = registry
        self._lease = lease
        self._datastore = datastore
        self._block: Block | None = None

    @property
    def in_block(self) -> bool:
        """Whether a ``transaction()`` block is open."""
        return self._block is not None

    def commit(self, change: Change) -> None:
        """Write the rows of a change now, or at the end of the block if one is open."""
        if self._block is not None:
            self._block.changes.append(change)
        else:
            self._apply([change])

    @contextmanager
    def block(self) -> Iterator[None]:
        """Collect all changes of the body and apply them at its end, in one transaction.

        A block inside another hands its changes to the outer one; if it raises, just its own are dropped.
        """
        block = Block(outer=self._block)
        self._block = block
        try:
            yield
        except BaseException as error:
            self._block = block.outer
            if (
                isinstance(error, DataIdValueError)
                and block.has_new_records()
                and _RECORDS_WAIT not in getattr(error, "__notes__", ())
            ):
                error.add_note(_RECORDS_WAIT)
            self._discard(block.changes, error)
            raise
        self._block = block.outer
        if block.outer is not None:
            block.outer.changes.extend(block.changes)
        elif block.changes:
            self._apply(block.changes)

    def pending_records(self, dataset_id: bytes) -> FileRecords | None:
        """Find the files of a dataset that was put in an open block."""
        if self._block is None:
            return None
        wanted = np.frombuffer(dataset_id, dtype=np.uint8)
        for files in self._block.files():
            mask = (files.dataset_id == wanted).all(axis=1)
            if mask.any():
                return files.take(mask)
        return None

    def _apply(self, changes: list[Change]) -> None:
        if self._registry.is_writing:
            self._join(changes)
            return
        attempt = 1
        while True:
            try:
                with self._lease.committing:
                    self._commit(changes)
            except TransactionConflictError as error:
                # Two transactions of a server stood in each other's way, and this one gave in: nothing of it is there.
                if attempt == _ATTEMPTS:
                    self._discard(changes, error)
                    raise
                _log.debug("A transaction is done again: %s", error)
                time.sleep(random.uniform(0.0, 0.02) * 2**attempt)
                attempt += 1
            else:
                break
        reach("commit.done")
        _follow(changes)
        reach("commit.followed")

    def _join(self, changes: list[Change]) -> None:
        """Write rows as a part of a transaction of the registry that is open, and whose outcome nobody knows yet.

        Raises
        ------
        NotTransactionalError
            If files were written, or are to be removed: they would not share that outcome.
        """
        if any(len(change.files) or change.follow is not None for change in changes):
            error = NotTransactionalError("What has to do with files")
            self._discard(changes, error)
            raise error
        for change in changes:
            change.write_rows()

    def _commit(self, changes: list[Change]) -> None:
        number = 0
        committing = False
        try:
            reach("commit.begin")
            self._lease.hold()
            with self._registry.write(whole=True, bulk=all(change.bulk for change in changes)):
                number = self._lease.count(change.files for change in changes)
                reach("commit.counted")
                for change in changes:
                    change.write_rows()
                reach("commit.rows_written")
                committing = True
        except BaseException as error:
            if committing and self._took_place(number, error):
                if isinstance(error, Exception):
                    _log.warning("A commit reported an error but took place: %s", error)
                    return
                raise  # somebody pressed a key: what was committed stays
            if not isinstance(error, TransactionConflictError):
                self._discard(changes, error)
            raise

    def _took_place(self, number: int, error: BaseException) -> bool:
        """Find out what became of a commit that failed.

        Raises
        ------
        CommitUnknownError
            If that cannot be found out. Then nothing is undone: the rows may be there.
        """
        if isinstance(error, DatabaseFullError):
            # SQLite could not write what makes a transaction one. To ask would take a minute, as that is written too.
            return False
        try:
            return self._lease.settle(number)
        except PachonError as silent:
            raise CommitUnknownError(str(silent)) from error

    def _discard(self, changes: list[Change], error: BaseException) -> None:
        """Remove the files of changes that will not be committed; what cannot be removed is noted on their error."""
        for change in changes:
            try:
                if len(change.files):
                    self._datastore.discard(change.files)
            except (PachonError, ExceptionGroup) as failure:
                reasons = [str(one) for one in getattr(failure, "exceptions", (failure,))]
                error.add_note(f"Files that are in no record could not be removed ({len(reasons)}): {reasons[0]}")


def _follow(changes: list[Change]) -> None:
    """Do what follows the commit of each change, also if it fails for another; then ask whether they hold.

    Raises
    ------
    Exception
        What failed; the changes are committed all the same, and a sweep finishes what is left. Or why a change was undone.
    """
    failures: list[Exception] = []
    for change in changes:
        try:
            if change.follow is not None:
                change.follow()
        except Exception as error:  # noqa: BLE001 (raised below)
            error.add_note("The change itself was committed; only what was to follow is not done.")
            failures.append(error)
    for change in changes:
        try:
            if change.confirm is not None:
                change.confirm()
        except Exception as error:  # noqa: BLE001 (raised below)
            failures.append(error)
    if len(failures) > 1:
        raise ExceptionGroup("Changes were committed, and what was to follow is not done for all", failures)
    if failures:
        raise failures[0]
