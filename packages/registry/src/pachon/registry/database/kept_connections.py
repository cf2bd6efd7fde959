# SPDX-License-Identifier: BSD-3-Clause
"""Connections that a thread keeps between its transactions: to get one of the pool and give it back takes longer than a small one.

A child that is forked leaves those of its parent alone, also the one in whose block it is forked.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from contextlib import AbstractContextManager
from types import TracebackType

import sqlalchemy as sa

from pachon.registry.database.transactions import leave

__all__ = ["KeptConnections"]

_IDLE = 2
"""Idle connections of an engine that a thread keeps: a write inside of a snapshot needs the second."""
_of_parents: list[sa.Connection] = []
"""What a forked child inherited: to close it, or to let it be closed, would disturb the parent."""


class KeptConnections:
    """For each thread a few idle connections of each engine; none is in a transaction while it is idle.

    Parameters
    ----------
    keeps
        Whether any are kept; if not, all come from the pool.
    """

    def __init__(self, *, keeps: bool = True) -> None:
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._idle: weakref.WeakSet[_Idle] = weakref.WeakSet()
        """Of all threads; what a thread that ended had idle goes back to the pool by itself."""
        self._process = os.getpid()
        self._keeps = keeps

    def borrow(self, engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
        """Lend a connection that nobody else has; what it began and did not commit is undone at the end."""
        return _Loan(self, engine)

    def close(self) -> None:
        """Close what is idle, and keep nothing from now on."""
        connections: list[sa.Connection] = []
        with self._lock:
            self._keeps = False
            for idle in self._idle if self._process == os.getpid() else ():
                connections += itertools.chain(*idle.by_engine.values())
                idle.by_engine.clear()
        for connection in connections:
            connection.close()

    def take(self, engine: sa.Engine) -> sa.Connection | None:
        """Give an idle connection of this thread, if there is one."""
        if self._process != os.getpid():
            self._forget_those_of_the_parent()
        with self._lock:
            mine = self._mine().by_engine.get(engine)
            return mine.pop() if mine else None

    def keep(self, engine: sa.Engine, connection: sa.Connection) -> None:
        """Keep a connection that is in no transaction, or close it."""
        with self._lock:
            mine = self._mine().by_engine.setdefault(engine, [])
            keeps = self._keeps and len(mine) < _IDLE and not connection.invalidated
            if keeps:
                mine.append(connection)
        if not keeps:
            connection.close()

    def _mine(self) -> _Idle:
        idle: _Idle | None = getattr(self._thread, "idle", None)
        if idle is None:
            idle = self._thread.idle = _Idle()
            self._idle.add(idle)
        return idle

    def _forget_those_of_the_parent(self) -> None:
        # A thread of the parent may have held the old lock at the moment of the fork.
        self._lock = threading.Lock()
        for idle in self._idle:
            _of_parents.extend(itertools.chain(*idle.by_engine.values()))
        self._thread, self._idle, self._process = threading.local(), weakref.WeakSet(), os.getpid()


class _Idle:
    """The idle connections of one thread."""

    __slots__ = ("__weakref__", "by_engine")

    def __init__(self) -> None:
        self.by_engine: dict[sa.Engine, list[sa.Connection]] = {}


class _Loan(AbstractContextManager[sa.Connection]):
    """A connection that is lent for a block."""

    __slots__ = ("_connection", "_engine", "_kept", "_process")

    def __init__(self, kept: KeptConnections, engine: sa.Engine) -> None:
        self._kept = kept
        self._engine = engine

    def __enter__(self) -> sa.Connection:
        self._process = os.getpid()
        self._connection = self._kept.take(self._engine) or self._engine.connect()
        return self._connection

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        connection = self._connection
        if os.getpid() != self._process:
            # A child that was forked inside of the block comes out of it too, with what is its parent's.
            _of_parents.append(connection)
        elif error is not None:
            connection.close()
        else:
            try:
                leave(connection)
            except BaseException:
                connection.close()
                raise
            self._kept.keep(self._engine, connection)
