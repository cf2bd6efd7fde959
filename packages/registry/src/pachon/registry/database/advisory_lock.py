# SPDX-License-Identifier: BSD-3-Clause
"""A lock of all clients of a database that is no lock of its rows: whoever has it keeps nobody from reading or writing.

Some do a piece of work at the same time, and others wait until every piece has ended that had begun before. What the work is,
is for those to say who use the lock. It goes when its process does.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from pachon.registry.database.failures import OwnErrors
from pachon.registry.database.transactions import BEGIN
from pachon.registry.errors import DatabaseBusyError, DatabaseError

__all__ = ["AdvisoryLock", "advisory_lock"]

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.002
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system says that has no locks: then there is none."""
_HOLD: Final = "BEGIN; SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = 0"
# Registries in two schemas of one database do not wait for each other.
_KEY: Final = "hashtextextended('pachon ' || coalesce(current_schema(), '') || ' ' || CAST(:name AS text), 0)"
_SHARE: Final = sa.text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")
_WAIT: Final = sa.text(f"SELECT pg_advisory_xact_lock({_KEY})")
_TRY: Final = sa.text(f"SELECT pg_try_advisory_xact_lock({_KEY})")


class AdvisoryLock(Protocol):
    """A lock with a name, in one database."""

    def share(self) -> AbstractContextManager[None]:
        """Have it in the block, as others may at the same time.

        Raises
        ------
        DatabaseBusyError
            If it cannot be had for as long as a write would wait.
        """
        ...

    def wait(self) -> None:
        """Wait until every block of `share` has ended that had begun before; it is not to be called in one.

        Raises
        ------
        DatabaseBusyError
            If that takes longer than a write would wait.
        """
        ...


def advisory_lock(engine: sa.Engine, name: str, timeout: float) -> AdvisoryLock:
    """Give the lock of a name; ``timeout`` is how many seconds are waited beside SQLite."""
    if engine.dialect.name != "sqlite":
        return _ServerLock(engine, name)
    return _FileLock(str(engine.url.database), name, timeout)


class _ServerLock:
    """One of PostgreSQL's own, taken for a transaction, as a pooler wants it."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._holders = engine.execution_options(**{BEGIN: _HOLD})
        self._name = {"name": name}

    @contextmanager
    def share(self) -> Iterator[None]:
        with self._holders.connect() as connection:
            with OwnErrors(self._engine):
                connection.begin()
                connection.execute(_SHARE, self._name)
            try:
                yield
            finally:
                try:
                    connection.rollback()
                except SQLAlchemyError as error:
                    connection.invalidate()
                    _log.warning("A lock went with its connection before its work had ended: %s", error)

    def wait(self) -> None:
        with OwnErrors(self._engine):
            # A statement that is a transaction of its own gives the lock back at once.
            with self._engine.connect() as connection:
                if connection.execute(_TRY, self._name).scalar_one():
                    return
            with self._holders.connect() as connection, connection.begin():
                connection.execute(_WAIT, self._name)


class _FileLock:
    """A lock of the file system on a file beside that of a SQLite database.

    Who waits has a second file locked, the gate, through which everybody goes who comes later: locks of a file have no order, and
    of many who share one after the other there is always one. Of the database file itself SQLite has locks, which the process
    would lose when it closed the file once more. Where the file system has no locks, or the operating system others, nobody waits.
    """

    def __init__(self, database: str, name: str, timeout: float) -> None:
        # One file, by whatever link the database is reached, and wherever the process goes.
        self._database = os.path.realpath(database)
        self._path = f"{self._database}-{name}"
        self._gate = f"{self._path}-gate"
        self._timeout = timeout

    @contextmanager
    def share(self) -> Iterator[None]:
        with ExitStack() as stack:
            with self._locked(self._gate, exclusive=False):
                stack.enter_context(self._locked(self._path, exclusive=False))
            yield

    def wait(self) -> None:
        # Nobody has ever done what is to be waited for, if there is no file.
        if os.path.exists(self._path):
            with self._locked(self._gate, exclusive=True), self._locked(self._path, exclusive=True):
                pass

    @contextmanager
    def _locked(self, path: str, *, exclusive: bool) -> Iterator[None]:
        try:
            import fcntl  # absent where it is not POSIX
        except ImportError:
            yield
            return
        how = fcntl.LOCK_NB | (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        descriptor = self._open(path)
        try:
            deadline = time.monotonic() + self._timeout
            while True:
                try:
                    fcntl.flock(descriptor, how)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise DatabaseBusyError(
                            f"Another process has had {path} locked for {self._timeout:g} s; try again."
                        ) from None
                    time.sleep(_POLL_S)
                except OSError as error:
                    if error.errno not in _NO_LOCKS:
                        raise DatabaseError(f"{path} cannot be locked: {error.strerror}.") from error
                    break
                else:
                    break
            yield
        finally:
            with suppress(OSError):
                # A process that another thread has forked meanwhile has the file open too, and would keep the lock.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _open(self, path: str) -> int:
        """Open a file, which everybody may lock who may write to the database."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            database = os.stat(self._database)
            mode = database.st_mode & 0o666
            try:
                descriptor = os.open(path, flags | os.O_EXCL, mode)
            except FileExistsError:
                return self._open_existing(path, flags, mode)
            with suppress(OSError):  # who is not of the group makes it for himself
                os.fchown(descriptor, -1, database.st_gid)
            os.fchmod(descriptor, mode)  # whatever the umask
        except OSError as error:
            raise DatabaseError(f"{path} cannot be opened: {error.strerror}.") from error
        return descriptor

    @staticmethod
    def _open_existing(path: str, flags: int, mode: int) -> int:
        try:
            return os.open(path, flags, mode)
        except PermissionError:
            # The database has got another mode since; most file systems lock also what is open for reading.
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
