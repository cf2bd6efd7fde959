# SPDX-License-Identifier: BSD-3-Clause
"""The transaction and the snapshot that a thread is in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

import sqlalchemy as sa

from pachon.registry.database.failures import UNDONE, OwnErrors
from pachon.registry.errors import DatabaseError

__all__ = ["ThreadState"]


class _Given(AbstractContextManager[sa.Connection]):
    """A connection for whoever asks inside of the transaction that it is in, as often as they like."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sa.Connection:
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is not None:
            OwnErrors(self._connection.engine).__exit__(kind, error, where)


class ThreadState(threading.local):
    """The transaction of a thread, and what is to be done at its end."""

    def __init__(self) -> None:
        self.writing: sa.Connection | None = None
        self.whole = False
        """Whether the transaction has no parts that fail alone."""
        self.bulk = False
        """Whether the transaction adds so many rows that no foreign key looks at each of them."""
        self.snapshot: sa.Connection | None = None
        self.undone = False
        """Whether the database has undone the transaction by itself (`is_undone`)."""
        self.commits = 0
        """Number of its transactions."""
        self.mark: int | None = None
        """That of `Database.data_version` in the transaction that writes."""
        self.given: _Given | None = None
        """What gives the connection of the innermost of the two to whoever asks inside of it."""
        self.outer: _Given | None = None
        """The same of the snapshot."""
        self.verified: tuple[sa.Connection, object] | None = None
        self.on_undo: list[Callable[[], None]] = []
        self.on_end: list[Callable[[], None]] = []

    def begin(self, connection: sa.Connection, *, whole: bool, bulk: bool) -> None:
        self.writing, self.whole, self.bulk, self.undone = connection, whole, bulk, False
        self.given = _Given(connection)

    def check_whole(self, connection: sa.Connection) -> None:
        if self.undone or connection.invalidated:
            raise DatabaseError(UNDONE)

    def begin_snapshot(self, connection: sa.Connection) -> None:
        self.snapshot = connection
        self.given = self.outer = _Given(connection)

    @staticmethod
    def run(actions: list[Callable[[], None]]) -> None:
        for action in actions:
            action()
