# SPDX-License-Identifier: BSD-3-Clause
"""Connections that a thread keeps between its transactions: to get one of the pool and give it back takes longer than a small one."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

__all__ = ["KeptConnections"]

_of_parents: list[sa.Connection] = []
"""What a forked child inherited: to close it, or to let it be closed, would disturb the parent."""


class KeptConnections:
    """For each thread at most one idle connection of each engine; none is in a transaction while it is idle."""

    def __init__(self) -> None:
        self._idle = _Idle()
        self._lock = threading.Lock()
        self._all: weakref.WeakSet[sa.Connection] = weakref.WeakSet()
        """The idle connections of all threads; that of a thread which ended goes back to the pool by itself."""
        self._process = os.getpid()
        self._closed = False

    @contextmanager
    def borrow(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Give a connection that nobody else has; what it began and did not commit is undone at the end."""
        connection, process = self._take(engine) or engine.connect(), os.getpid()
        whole = False
        try:
            yield connection
            if os.getpid() == process and connection.in_transaction():
                connection.rollback()
            whole = True
        finally:
            if os.getpid() != process:
                # A child that was forked inside of the block comes out of it too, with what is its parent's.
                _of_parents.append(connection)
            elif whole:
                self._keep(engine, connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close what is idle, and keep nothing from now on."""
        with self._lock:
            self._closed = True
            idle = list(self._all) if self._process == os.getpid() else []
            self._all.clear()
        for connection in idle:
            connection.close()

    def _take(self, engine: sa.Engine) -> sa.Connection | None:
        if self._process != os.getpid():
            self._forget_those_of_the_parent()
        connection = self._idle.by_engine.pop(engine, None)
        if connection is None:
            return None
        with self._lock:
            if connection not in self._all:  # it was closed together with the database
                return None
            self._all.remove(connection)
        return connection

    def _keep(self, engine: sa.Engine, connection: sa.Connection) -> None:
        with self._lock:
            keeps = not self._closed and not connection.invalidated and engine not in self._idle.by_engine
            if keeps:
                self._all.add(connection)
                self._idle.by_engine[engine] = connection
        if not keeps:
            connection.close()

    def _forget_those_of_the_parent(self) -> None:
        # A thread of the parent may have held the old lock at the moment of the fork.
        self._lock = threading.Lock()
        _of_parents.extend(self._all)
        self._idle, self._all, self._process = _Idle(), weakref.WeakSet(), os.getpid()


class _Idle(threading.local):
    def __init__(self) -> None:
        self.by_engine: dict[sa.Engine, sa.Connection] = {}
