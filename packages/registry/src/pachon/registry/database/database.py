# SPDX-License-Identifier: BSD-3-Clause
"""Transactions: short writes under one lock, reads that take none."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from pachon.base import InvalidInputError, ReadOnlyError
from pachon.registry.database.advisory_lock import AdvisoryLock, advisory_lock
from pachon.registry.database.engine import make_engine
from pachon.registry.database.failures import OwnErrors, is_busy
from pachon.registry.database.kept_connections import KeptConnections
from pachon.registry.database.replica import Replica
from pachon.registry.database.statistics import TableGrowth, forget_growth, refresh_statistics
from pachon.registry.database.thread_state import ThreadState
from pachon.registry.database.transactions import (
    BEGIN,
    SNAPSHOT,
    WRITE,
    begin,
    commit,
    data_version,
    is_undone,
    roll_back,
    set_foreign_keys,
)
from pachon.registry.errors import DatabaseBusyError

__all__ = ["LOCK_TIMEOUT_S", "Database"]

LOCK_TIMEOUT_S = 60.0
"""How long a write waits for those of other processes."""
_NOTHING = nullcontext()
_open: weakref.WeakSet[Database] = weakref.WeakSet()
"""All of this process."""
_FORK_WAIT_S = 10.0
"""How long a fork waits for the writes of other threads."""
_LOOKED = "pachon_looked"
_SAVEPOINT = "pachon"
"""Name of all savepoints; the innermost one of a name is meant."""


class Database:
    """One database: a pool of connections, and for each thread at most one write transaction.

    Close it, or use it as a context manager.

    Parameters
    ----------
    engine
        Of the database.
    readonly
        Refuse to write.
    lock_timeout
        Seconds that a write on SQLite waits for those of others.
    replica
        Of a copy that follows the database with some delay. A read-only client reads there. One that may write does so
        only for reads that allow it, and after its first write never again, so that it sees what it wrote.
    """

    dialect: str
    """``sqlite`` or ``postgresql``."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        readonly: bool,
        lock_timeout: float = LOCK_TIMEOUT_S,
        replica: sa.Engine | None = None,
    ) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self._replica = None if replica is None else Replica(replica)
        self._written = False
        self.readonly = readonly
        self.lock_timeout = lock_timeout
        self.before_write: Callable[[sa.Connection], None] | None = None
        """What each write transaction does first; its exception refuses the write."""
        self._closed = False
        self._growth = TableGrowth()
        self._own_errors = OwnErrors(engine)
        self._commits = 0
        """By all threads of this process."""
        self._begin_alone()
        self._reads = engine.execution_options()
        self._snapshots = engine.execution_options(**{BEGIN: SNAPSHOT[self.dialect]})
        self._writes = engine.execution_options(**{BEGIN: WRITE[self.dialect]})
        # A pooler in front of a server lends connections by the transaction, and SQLite's are this process's own.
        self._kept = KeptConnections(keeps=self.dialect == "sqlite")
        _open.add(self)

    @classmethod
    def open(cls, url: str, *, readonly: bool = False, create: bool = False, replica_url: str | None = None) -> Self:
        """Open the database of a URL, and perhaps a copy to read from.

        Raises
        ------
        InvalidInputError
            If a URL cannot be read, or the copy is of another kind of database.
        NotFoundError
            If the file of a SQLite database does not exist.
        """
        engine = make_engine(url, readonly=readonly, create=create)
        replica = None if replica_url is None else make_engine(replica_url, readonly=True)
        if replica is not None and (replica.dialect.name != "postgresql" or engine.dialect.name != "postgresql"):
            raise InvalidInputError("A read replica is one of PostgreSQL, and so is the database that it follows.")
        return cls(engine, readonly=readonly, replica=replica)

    def _begin_alone(self) -> None:
        """Take no part in what threads of a parent are doing: in a forked child they are not there, and nothing of theirs ends."""
        self._thread = ThreadState()
        # Threads of one process queue here, which is fairer than SQLite's polling. It knows whose it is, so that whoever
        # was interrupted just when it was given can give it back.
        self._writer = threading.RLock()

    def _wait_for_writers(self) -> None:
        """Wait until no other thread writes, but not for ever: it may wait for this one."""
        self._writer.acquire(timeout=_FORK_WAIT_S)

    def _let_writers_go_on(self) -> None:
        with suppress(RuntimeError):  # the wait was in vain
            self._writer.release()

    @property
    def checks_references(self) -> bool:
        """Whether foreign keys guard the rows of large tables (`pachon.registry.schema.references`) in what this thread does."""
        return self.dialect == "sqlite" and not self._thread.bulk

    @property
    def in_write(self) -> bool:
        """Whether this thread is in a write transaction."""
        return self._thread.writing is not None

    def read(self, *, replica: bool = False) -> AbstractContextManager[sa.Connection]:
        """Give a connection for single statements; inside a transaction of this thread, that one's.

        ``replica`` allows an answer that is a little late, also to a client that may write.
        """
        if (given := self._thread.given) is not None:
            return given
        self._check_open()
        return self._reading(replica)

    @contextmanager
    def _reading(self, replica: bool) -> Iterator[sa.Connection]:
        with self._own_errors, self._lend(self._reads, replica=replica) as connection:
            yield connection

    def snapshot(self, *, replica: bool = False) -> AbstractContextManager[sa.Connection]:
        """Give a connection on which several statements see one state; ``replica`` as for `read`."""
        if (given := self._thread.given) is not None:
            return given
        self._check_open()
        return self._snapshot(replica)

    @contextmanager
    def _snapshot(self, replica: bool) -> Iterator[sa.Connection]:
        with self._own_errors, self._lend(self._snapshots, replica=replica) as connection:
            thread = self._thread
            try:
                thread.begin_snapshot(connection)
                yield connection
            finally:
                thread.snapshot = thread.outer = thread.verified = None
                if thread.writing is None:
                    thread.given = None

    @property
    def is_writing(self) -> bool:
        """Whether a transaction that writes is open in this thread."""
        return self._thread.writing is not None

    @contextmanager
    def stream(self, *, replica: bool = False) -> Iterator[sa.Connection]:
        """Give a snapshot whose rows are read bit by bit while its caller does other things; ``replica`` as for `read`.

        It is no snapshot of the thread: what that reads and writes meanwhile goes its own way.
        """
        if (current := self._thread.writing) is not None:
            yield current
            return
        self._check_open()
        with self._own_errors, self._lend(self._snapshots, replica=replica) as connection:
            yield connection

    def write(self, *, whole: bool = False, bulk: bool = False) -> AbstractContextManager[sa.Connection]:
        """Give a connection in a write transaction, committed at the end and undone by an exception.

        Inside a transaction of the same thread this is a part of it which fails alone: if it raises and the
        exception is caught outside, only what it wrote is undone. A transaction that is begun as ``whole`` has no such
        parts, which makes small ones a quarter quicker: who begins it lets every exception through.

        A transaction that is begun as ``bulk`` may only add rows of datasets, and those of tables that refer to nothing. On
        SQLite it looks up what they refer to once a call, as is always done on PostgreSQL, and not for each row.

        Raises
        ------
        ReadOnlyError
            If the database was opened for reading.
        DatabaseBusyError
            If the write lock cannot be had in time.
        """
        thread = self._thread
        if thread.writing is None:
            return self._transaction(whole=whole, bulk=bulk)
        if thread.whole and thread.given is not None:
            return thread.given
        return self._part(thread.writing)

    @contextmanager
    def _part(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        """Let a part of a transaction fail alone, with what it made known in this process."""
        thread = self._thread
        thread.check_whole(connection)
        try:
            with self._own_errors, _savepoint(connection):
                yield connection
        except BaseException:
            thread.run(thread.on_undo)
            if is_undone(connection):
                # What follows is in a transaction too, and is not committed alone.
                thread.undone = True
                begin(connection, SNAPSHOT[self.dialect])
            raise

    @contextmanager
    def _transaction(self, *, whole: bool, bulk: bool) -> Iterator[sa.Connection]:
        self._check_open()
        if self.readonly:
            raise ReadOnlyError("The registry was opened for reading only; open it with writeable=True.")
        self._written = True
        thread, writer = self._thread, self._writer
        deadline = time.monotonic() + self.lock_timeout
        try:
            with self._own_errors, self._lend_to_write() as connection:
                self._begin_write(connection, deadline, bulk=bulk)
                try:
                    thread.begin(connection, whole=whole, bulk=bulk)
                    self._look_before_write(connection)
                    yield connection
                    # A child that was forked inside of the block leaves the transaction to its parent.
                    if thread is self._thread:
                        thread.check_whole(connection)
                        commit(connection)
                        self._commits += 1
                        thread.commits += 1
                except BaseException:
                    if thread is self._thread:
                        _undo(connection)
                    thread.run(thread.on_undo)
                    raise
                finally:
                    # Python answers an interrupt in calls, of which there is none before the thread is out of the transaction.
                    at_end = thread.on_end
                    thread.writing = thread.verified = thread.mark = None
                    thread.bulk = False
                    thread.given, thread.on_undo, thread.on_end = thread.outer, [], []
                    # After a failure too, and while the connection is ours: what it knows of this transaction goes.
                    self._end(connection, at_end)
                if self.dialect == "postgresql" and thread is self._thread:
                    refresh_statistics(connection, self._growth)
        finally:
            with suppress(RuntimeError):  # it was not had
                writer.release()

    def _end(self, connection: sa.Connection, actions: list[Callable[[], None]]) -> None:
        try:
            self._thread.run(actions)
        except BaseException:
            connection.invalidate()  # and with it what it knows
            raise

    def part(self, connection: sa.Connection, *, single: bool = False) -> AbstractContextManager[None]:
        """Let a part of a transaction fail alone, so that its reason can be looked for in the same transaction.

        With ``single`` nothing is undone on SQLite, where one row that is refused leaves nothing behind.
        """
        return _NOTHING if single and self.dialect == "sqlite" else _savepoint(connection)

    def on_undo(self, action: Callable[[], None]) -> None:
        """Have an action done whenever a part of this thread's transaction is undone."""
        self._thread.on_undo.append(action)

    def on_end(self, action: Callable[[], None]) -> None:
        """Have an action done when this thread's transaction has ended, committed or not."""
        self._thread.on_end.append(action)

    def verified_for(self, connection: sa.Connection) -> object:
        """Give what `note_verified` was told of a connection in the transaction that it is in; None outside of one."""
        verified = self._thread.verified
        return None if verified is None or verified[0] is not connection else verified[1]

    def note_verified(self, connection: sa.Connection, known: object) -> None:
        """Remember until the end of a transaction that sees one state throughout that something is up to date."""
        if connection is self._thread.snapshot or (self.dialect == "sqlite" and connection is self._thread.writing):
            self._thread.verified = (connection, known)

    def close(self) -> None:
        """Close all connections; the database cannot be used any more."""
        self._closed = True
        self._kept.close()
        self.engine.dispose()
        if self._replica is not None:
            self._replica.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidInputError("The registry is closed; open it again.")

    def _look_before_write(self, connection: sa.Connection) -> None:
        """Do what each write does first, unless nobody has written since this connection did it."""
        mark = self._thread.mark = data_version(connection)
        if self.before_write is None or (mark is not None and connection.info.get(_LOOKED) == mark):
            return
        self.before_write(connection)
        connection.info[_LOOKED] = mark

    def data_version(self, connection: sa.Connection) -> int | None:
        """Give SQLite's mark of changes by other connections, None on another database.

        A snapshot begins with it: what is known to be right for the mark is right for all that the snapshot sees.
        """
        if connection is self._thread.writing and self._thread.mark is not None:
            return self._thread.mark  # nobody else writes meanwhile
        begin(connection)
        return data_version(connection)

    def outside_changes(self) -> object | None:
        """Give a mark; while it stays the same, this thread alone has changed the database. None if that cannot be told."""
        if self.dialect != "sqlite":
            return None
        # A mark means something to its own connection only, and leaves out what that did itself: so the one that writes, too.
        # That may have been another thread's meanwhile.
        with self.snapshot() as connection:
            others = self._commits - self._thread.commits
            return id(connection.connection.dbapi_connection), self.data_version(connection), others

    def advisory_lock(self, name: str) -> AdvisoryLock:
        """Give a lock of all clients that is none of rows; ``name`` is a word."""
        return advisory_lock(self.engine, name, self.lock_timeout)

    def _lend(self, primary: sa.Engine, *, replica: bool) -> AbstractContextManager[sa.Connection]:
        """Give a connection to read with: of the copy if that will do, else of the database."""
        if self._replica is not None and (self.readonly or (replica and not self._written)):
            how = primary.get_execution_options().get(BEGIN)
            if (connection := self._replica.connect(how)) is not None:
                return _of_replica(connection, self._replica.engine)
        return self._kept.borrow(primary)

    def _lend_to_write(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection to write with; on SQLite when no other thread of the process writes."""
        if self.dialect != "sqlite":
            return self._kept.borrow(self._writes)
        if not self._writer.acquire(timeout=self.lock_timeout):
            raise DatabaseBusyError(f"Another thread has been writing for {self.lock_timeout:g} s.")
        # One for reading and writing: it knows what it wrote itself, and need not ask whether that changed anything.
        return self._kept.borrow(self._snapshots)

    def _begin_write(self, connection: sa.Connection, deadline: float, *, bulk: bool) -> None:
        if self.dialect == "sqlite":
            set_foreign_keys(connection, enforced=not bulk)
            _begin_before(connection, deadline, self.lock_timeout)
        else:
            forget_growth(connection)
            begin(connection)


def _in_all(step: Callable[[Database], None]) -> Callable[[], None]:
    def take() -> None:
        for database in list(_open):
            step(database)

    return take


if hasattr(os, "register_at_fork"):
    # SQLite keeps its locks of a process in memory: a child that is forked while a thread writes inherits that lock for ever.
    os.register_at_fork(
        before=_in_all(Database._wait_for_writers),
        after_in_parent=_in_all(Database._let_writers_go_on),
        after_in_child=_in_all(Database._begin_alone),
    )


def _undo(connection: sa.Connection) -> None:
    """Undo a transaction, whose connection may be gone and the transaction with it; the first error is the one to report."""
    try:
        roll_back(connection)
    except (DBAPIError, sqlite3.Error):
        connection.invalidate()


@contextmanager
def _of_replica(connection: sa.Connection, engine: sa.Engine) -> Iterator[sa.Connection]:
    with OwnErrors(engine), connection:
        yield connection


@contextmanager
def _savepoint(connection: sa.Connection) -> Iterator[None]:
    """Undo what the block wrote if it fails.

    SQLAlchemy's own savepoints compile their statements each time, which takes longer than the insertion of a dataset.
    """
    execute = _bare_execute(connection)
    execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except BaseException:
        # The transaction may be gone with its connection; the first error is the one to report.
        with suppress(DBAPIError, sqlite3.Error):
            execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        raise
    execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _bare_execute(connection: sa.Connection) -> Callable[[str], object]:
    driver = connection.connection.driver_connection
    return driver.execute if isinstance(driver, sqlite3.Connection) else connection.exec_driver_sql


def _begin_before(connection: sa.Connection, deadline: float, lock_timeout: float) -> None:
    """Begin, trying again while another process holds the lock."""
    while True:
        try:
            begin(connection, WRITE["sqlite"])
        except OperationalError as error:
            if not is_busy(error):
                raise
            if time.monotonic() > deadline:
                raise DatabaseBusyError(
                    f"Another process has been writing to the database for {lock_timeout:g} s; try again."
                ) from None
            # Processes that wait for the same lock must not wake up together.
            time.sleep(random.uniform(0.001, 0.02))
        else:
            return
