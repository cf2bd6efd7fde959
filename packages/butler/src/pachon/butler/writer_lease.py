# SPDX-License-Identifier: BSD-3-Clause
"""What makes a process a known writer of a repository: its row, its write tokens, and the numbers of its commits.

Before the first file is written, a row says who writes, and every file name carries the token of that row. Each transaction
writes its number, which is used once, into the row, which does three things:

* It fences. A sweep that declares a writer dead ends the row first; a transaction of an ended writer fails. So the files that a
  sweep takes away can get no rows afterwards, however slow their writer is.
* It settles. When a commit reports an error, a further write to the row, which waits for whatever the database is still doing,
  finds the old number or the new one.
* It dates. A file of a writer that the database does not know, or knows only from an earlier time, is later than the database:
  that was restored from a backup.

The row is renewed once a minute at most, when a file gets its name.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Final

from pachon.base import PachonError, ReadOnlyError
from pachon.base.process_identity import this_process
from pachon.butler.errors import NotTransactionalError, WriterEndedError
from pachon.butler.writer_table import WriterRecord, WriterTable
from pachon.datastore import FileRecords
from pachon.datastore.write_token import find_token, new_writer, unique_token
from pachon.registry import SqlRegistry

__all__ = ["RENEWAL_S", "WriterLease"]

_log = logging.getLogger(__name__)

RENEWAL_S: Final = 60.0
"""A writer renews its row at most so often."""
_SETTLING_S: Final = 60.0
"""How long a database that went away is waited for, to learn what became of a commit."""
_open: weakref.WeakSet[WriterLease] = weakref.WeakSet()
"""All of this process."""


class WriterLease:
    """A process as a writer of one repository; shared by the threads that use it. It begins with the first write."""

    def __init__(self, registry: SqlRegistry) -> None:
        self._registry = registry
        self._make_locks()
        self._table: WriterTable | None = None
        self._token = ""
        self._process = 0
        self._renewed = 0.0
        self._commits = 0
        self._at_exit: weakref.finalize[..., WriterLease] | None = None
        self._former: set[str] = set()
        """Earlier tokens of this process, and that of its parent: files with them get no rows from here."""
        _open.add(self)

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self.committing = threading.RLock()
        """Held from the count of a commit until its outcome is known: another one in between would raise the number."""

    def new_token(self) -> str:
        """Make the write token of a new file, which names this writer.

        Raises
        ------
        NotTransactionalError
            If a transaction of the registry is open: the row of a new writer would be lost if that fails.
        """
        if self._registry.is_writing:
            raise NotTransactionalError("Writing files")
        return unique_token(self.hold())

    def hold(self) -> str:
        """Have a row that is not ended and not old; give its token.

        Raises
        ------
        ReadOnlyError
            If the repository was opened for reading.
        """
        with self._lock:
            # A forked child is another process, with another row.
            if self._token and self._process == os.getpid() and self._is_valid():
                return self._token
            if self._token:
                self._former.add(self._token)
            return self._begin()

    def count(self, files: Iterable[FileRecords]) -> int:
        """Note a commit as a part of the transaction that is open; give its number, which no other one has had.

        Parameters
        ----------
        files
            The files whose rows it writes.

        Raises
        ------
        WriterEndedError
            If this writer was declared dead since it wrote a file; nothing can be committed for that.
        """
        token = self._token
        self._commits = number = self._commits + 1
        if self._former:
            for path in (path for table in files for path in table.path):
                found = find_token(path)
                if found is not None and found.writer in self._former:
                    raise WriterEndedError(found.writer)
        assert self._table is not None
        if not self._table.count(token, number):
            self._former.add(token)
            self._token = ""
            raise WriterEndedError(token)
        return number

    def settle(self, number: int) -> bool:
        """Find out whether a commit that reported an error took place.

        The answer is final: whatever the database was still doing has come to its end, one way or the other.

        Raises
        ------
        PachonError
            If the database does not answer for a minute.
        """
        assert self._table is not None
        deadline = time.monotonic() + _SETTLING_S
        pause = 0.05
        while True:
            try:
                with self._registry.write():
                    self._table.renew(self._token, time.time_ns())
                    found = self._table.find(self._token)
            except PachonError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(pause)
                pause = min(pause * 1.5, 2.0)
                continue
            return found is not None and found.commits >= number

    def close(self) -> None:
        """End the row: nothing will be written any more, and what is without rows is garbage."""
        with self._lock:
            token, self._token = self._token, ""
            if self._at_exit is not None:
                self._at_exit.detach()
            if not token or self._process != os.getpid() or self._table is None:
                return
            try:
                self._table.end(token, time.time_ns(), "closed")
            except PachonError as error:
                # A sweep will find that the process is gone.
                _log.debug("The end of writer %s could not be noted: %s", token, error)

    def _begin(self) -> str:
        if not self._registry.writeable:
            raise ReadOnlyError("The repository was opened for reading only; open it with writeable=True.")
        if self._table is None:
            self._table = WriterTable(self._registry)
        process = this_process()
        while True:
            now = time.time_ns()
            record = WriterRecord(
                token=new_writer(),
                machine=process.machine,
                process=process.number,
                process_started=process.started,
                user_name=process.user,
                program=process.program,
                began_ns=now,
                renewed_ns=now,
                commits=0,
            )
            if self._table.add(record):
                break
        self._token, self._process, self._commits = record.token, os.getpid(), 0
        # Many scripts end without closing anything; that is no reason to take them for killed.
        self._at_exit = weakref.finalize(self, _end_at_exit, self._table, record.token, os.getpid())
        self._renewed = time.monotonic()
        return record.token

    def _is_valid(self) -> bool:
        if time.monotonic() - self._renewed < RENEWAL_S:
            return True
        assert self._table is not None
        self._renewed = time.monotonic()
        return self._table.renew(self._token, time.time_ns())


def _begin_alone() -> None:
    """Have locks of one's own in a forked child: threads of the parent that hold the old ones are not there to give them back."""
    for lease in list(_open):
        lease._make_locks()  # of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_alone)


def _end_at_exit(table: WriterTable, token: str, process: int) -> None:
    """End the row of a lease that nobody closed, when it or the process goes."""
    if process != os.getpid():
        return
    try:
        table.end(token, time.time_ns(), "exit")
    except PachonError as error:
        _log.debug("The end of writer %s could not be noted: %s", token, error)
