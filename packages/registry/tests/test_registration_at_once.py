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
def _acting(registry: SqlRegistry, table: str, moment: str, act: Callable[[], object]) -> Iterator[list[int]]:
    """Act once at a moment of an insertion into a table; give the rows that it had made by then, -1 if it had not begun."""
    made: list[int] = []

    def look(_connection: Any, cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(f"INSERT INTO {table} ") and not made:
            made.append(cursor.rowcount)
            act()

    engine = registry._state.database.engine
    sa.event.listen(engine, moment, look)
    try:
        yield made
    finally:
        sa.event.remove(engine, moment, look)


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

        with (
            _acting(one, what, "before_cursor_execute", lambda: register(two)),
            _acting(one, what, "after_cursor_execute", remove) as made,
        ):
            assert register(one)
        # The first insertion met the row of the other client.
        assert made == [0]
        two.refresh()
        assert two.collections.query("*") == (["a"] if what == "collection" else [])
        assert [t.name for t in two.dataset_types.query("*")] == (
            ["level"] if what == "collection" else ["gain", "level"]
        )
