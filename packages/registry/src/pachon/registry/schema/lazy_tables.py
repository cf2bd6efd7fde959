# SPDX-License-Identifier: BSD-3-Clause
"""Tables that are described when somebody first asks for them: a universe has dozens, and most processes need a few."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import sqlalchemy as sa

__all__ = ["LazyTables"]


class LazyTables(Mapping[str, sa.Table]):
    """Tables by name.

    Parameters
    ----------
    names
        Of all the tables.
    build
        Describes the table of a name; it may ask for others.
    lock
        Held meanwhile, since the tables share their metadata.
    """

    def __init__(self, names: Iterable[str], build: Callable[[str], sa.Table], lock: threading.RLock) -> None:
        self._names = tuple(names)
        self._build = build
        self._lock = lock
        self._built: dict[str, sa.Table] = {}

    def __getitem__(self, name: str) -> sa.Table:
        if (table := self._built.get(name)) is not None:
            return table
        if name not in self._names:
            raise KeyError(name)
        with self._lock:
            if name not in self._built:
                self._built[name] = self._build(name)
            return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
