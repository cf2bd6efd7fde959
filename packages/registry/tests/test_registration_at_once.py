# SPDX-License-Identifier: BSD-3-Clause
"""Clients of a server of which one registers what another one removes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetType
from pachon.registry import SqlRegistry


@contextmanager
def _when_skipped(registry: SqlRegistry, table: str, act: Callable[[], object]) -> Iterator[list[int]]:
    """Act once, just after an insertion into a table met a row that was there."""
    skipped: list[int] = []

    def look(_connection: Any, cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(f"INSERT INTO {table} ") and cursor.rowcount == 0 and not skipped:
            skipped.append(cursor.rowcount)
            act()

    engine = registry._state.database.engine
    sa.event.listen(engine, "after_cursor_execute", look)
    try:
        yield skipped
    finally:
        sa.event.remove(engine, "after_cursor_execute", look)


@contextmanager
def _before_insertion(registry: SqlRegistry, table: str, act: Callable[[], object]) -> Iterator[None]:
    """Act once, just before an insertion into a table: when it was looked that nothing is there."""
    acted: list[bool] = []

    def look(_connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(f"INSERT INTO {table} ") and not acted:
            acted.append(True)
            act()

    engine = registry._state.database.engine
    sa.event.listen(engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", look)


@pytest.mark.parametrize("what", ["dataset_type", "collection"])
def test_what_is_removed_meanwhile_is_registered_again(postgres_url: str, what: str) -> None:
    with SqlRegistry.create(postgres_url) as one, SqlRegistry.open(postgres_url, writeable=True) as two:
        gain = DatasetType("gain", ["detector"], "int", universe=one.universe)
        # Its dimensions are known then: who notes them first keeps others waiting.
        one.dataset_types.register(DatasetType("level", ["detector"], "int", universe=one.universe))

        def register(registry: SqlRegistry) -> bool:
            if what == "collection":
                return registry.collections.register("a", CollectionType.TAGGED)
            return registry.dataset_types.register(gain)

        def remove() -> None:
            if what == "collection":
                two.collections.remove("a")
            else:
                assert two.dataset_types.remove("gain") == ["gain"]

        with _before_insertion(one, what, lambda: register(two)), _when_skipped(one, what, remove) as skipped:
            assert register(one)
        assert skipped == [0]
        two.refresh()
        assert two.collections.query("*") == (["a"] if what == "collection" else [])
        assert [t.name for t in two.dataset_types.query("*")] == (
            ["level"] if what == "collection" else ["gain", "level"]
        )
