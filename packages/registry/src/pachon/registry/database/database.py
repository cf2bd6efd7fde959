# SPDX-License-Identifier: BSD-3-Clause
"""Transactions: short writes under one lock, reads that take none."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from pachon.base import InvalidInputError, ReadOnlyError
from pachon.registry.database.engine import BEGIN, SNAPSHOT, WRITE, make_engine
from pachon.registry.database.failures import is_busy, own_errors
from pachon.registry.database.kept_connections import KeptConnections
from pachon.registry.database.replica import Replica
from pachon.registry.database.statistics import forget_growth, refresh_statistics
from pachon.registry.errors import DatabaseBusyError

__all__ = ["LOCK_TIMEOUT_S", "Database"]

LOCK_TIMEOUT_S = 60.0
"""How long a write waits for those of other processes."""
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

    def __init__(
        self,
        engine: sa.Engine,
        *,
        readonly: bool,
        lock_timeout: float = LOCK_TIMEOUT_S,
        replica: sa.Engine | None = None,
    ) -> None:
        self.engine = engine
        self._replica = None if replica is None else Replica(replica)
        self._written = False
        self.readonly = readonly
        self.lock_timeout = lock_timeout
        self.before_write: Callable[[sa.Connection], None] | None = None
        """What each write transaction does first; its exception refuses the write."""
        self._closed = False
        self._thread = _ThreadState()
        # Threads of one process queue here, which is fairer than SQLite's polling.
        self._writer = threading.Lock()
        self._reads = engine.execution_options()
        self._snapshots = engine.execution_options(**{BEGIN: SNAPSHOT[self.dialect]})
        self._writes = engine.execution_options(**{BEGIN: WRITE[self.dialect]})
        # A pooler in front of a server lends connections by the transaction, and SQLite's are this process's own.
        self._kept = KeptConnections() if self.dialect == "sqlite" else None

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

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @property
    def checks_references(self) -> bool:
        """Whether foreign keys guard the rows of large tables (`pachon.registry.schema.references`)."""
        return self.dialect == "sqlite"

    @property
    def in_write(self) -> bool:
        """Whether this thread is in a write transaction."""
        return self._thread.writing is not None

    @contextmanager
    def read(self, *, replica: bool = False) -> Iterator[sa.Connection]:
        """Give a connection for single statements; inside a transaction of this thread, that one's.

        ``replica`` allows an answer that is a little late, also to a client that may write.
        """
        if (current := self._thread.writing or self._thread.snapshot) is not None:
            yield current
            return
        self._check_open()
        with self._reader(replica, self._reads) as connection:
            yield connection

    @contextmanager
    def snapshot(self, *, replica: bool = False) -> Iterator[sa.Connection]:
        """Give a connection on which several statements see one state; ``replica`` as for `read`."""
        if (current := self._thread.writing or self._thread.snapshot) is not None:
            yield current
            return
        self._check_open()
        with self._reader(replica, self._snapshots) as connection:
            self._thread.snapshot = connection
            try:
                yield connection
            finally:
                self._thread.snapshot = self._thread.verified = None

    @property
    def is_writing(self) -> bool:
        """Whether a transaction that writes is open in this thread."""
        return self._thread.writing is not None

    @contextmanager
    def stream(self) -> Iterator[sa.Connection]:
        """Give a snapshot whose rows are read bit by bit while its caller does other things.

        It is no snapshot of the thread: what that reads and writes meanwhile goes its own way.
        """
        if (current := self._thread.writing) is not None:
            yield current
            return
        self._check_open()
        with self._reader(True, self._snapshots) as connection:
            yield connection

    @contextmanager
    def write(self, *, whole: bool = False) -> Iterator[sa.Connection]:
        """Give a connection in a write transaction, committed at the end and undone by an exception.

        Inside a transaction of the same thread this is a part of it which fails alone: if it raises and the
        exception is caught outside, only what it wrote is undone. A transaction that is begun as ``whole`` has no such
        parts, which makes small ones a quarter quicker: who begins it lets every exception through.

        Raises
        ------
        ReadOnlyError
            If the database was opened for reading.
        DatabaseBusyError
            If the write lock cannot be had in time.
        """
        if (current := self._thread.writing) is not None:
            if self._thread.whole:
                with own_errors(self.engine):
                    yield current
                return
            try:
                with own_errors(self.engine), _savepoint(current):
                    yield current
            except BaseException:
                self._thread.run(self._thread.on_undo)
                raise
            return
        self._check_open()
        if self.readonly:
            raise ReadOnlyError("The registry was opened for reading only; open it with writeable=True.")
        self._written = True
        with own_errors(self.engine), self._locked_connection() as connection:
            self._thread.begin(connection, whole=whole)
            try:
                if self.before_write is not None:
                    self.before_write(connection)
                yield connection
                connection.commit()
            except BaseException:
                _undo(connection)
                self._thread.run(self._thread.on_undo)
                raise
            finally:
                # After a failure too, and while the connection is ours: what it knows of this transaction goes.
                self._thread.run(self._thread.end())
            if self.dialect == "postgresql":
                refresh_statistics(connection)

    @contextmanager
    def part(self, connection: sa.Connection, *, single: bool = False) -> Iterator[None]:
        """Let a part of a transaction fail alone, so that its reason can be looked for in the same transaction.

        With ``single`` nothing is undone on SQLite, where one row that is refused leaves nothing behind.
        """
        if single and self.dialect == "sqlite":
            yield
            return
        with _savepoint(connection):
            yield

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
        if self._kept is not None:
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

    @contextmanager
    def _reader(self, replica: bool, primary: sa.Engine) -> Iterator[sa.Connection]:
        if self._replica is not None and (self.readonly or (replica and not self._written)):
            how = primary.get_execution_options().get(BEGIN)
            if (connection := self._replica.connect(how)) is not None:
                with own_errors(self._replica.engine), connection:
                    yield connection
                return
        with (
            own_errors(self.engine),
            primary.connect() if self._kept is None else self._kept.borrow(primary) as connection,
        ):
            yield connection

    @contextmanager
    def _locked_connection(self) -> Iterator[sa.Connection]:
        if self._kept is None:
            with self._writes.connect() as connection:
                forget_growth(connection)
                connection.begin()
                yield connection
            return
        deadline = time.monotonic() + self.lock_timeout
        if not self._writer.acquire(timeout=self.lock_timeout):
            raise DatabaseBusyError(f"Another thread has been writing for {self.lock_timeout:g} s.")
        try:
            with self._kept.borrow(self._writes) as connection:
                _begin_before(connection, deadline, self.lock_timeout)
                yield connection
        finally:
            self._writer.release()


def _undo(connection: sa.Connection) -> None:
    """Undo a transaction, whose connection may be gone and the transaction with it; the first error is the one to report."""
    try:
        connection.rollback()
    except DBAPIError:
        connection.invalidate()


class _ThreadState(threading.local):
    """The transaction of a thread, and what is to be done at its end."""

    def __init__(self) -> None:
        self.writing: sa.Connection | None = None
        self.whole = False
        """Whether the transaction has no parts that fail alone."""
        self.snapshot: sa.Connection | None = None
        self.verified: tuple[sa.Connection, object] | None = None
        self.on_undo: list[Callable[[], None]] = []
        self.on_end: list[Callable[[], None]] = []

    def begin(self, connection: sa.Connection, *, whole: bool) -> None:
        self.writing, self.whole = connection, whole

    def end(self) -> list[Callable[[], None]]:
        at_end = self.on_end
        self.writing, self.verified, self.on_undo, self.on_end = None, None, [], []
        return at_end

    @staticmethod
    def run(actions: list[Callable[[], None]]) -> None:
        for action in actions:
            action()


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
            connection.begin()
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
