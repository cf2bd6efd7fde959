# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the caller: PostgreSQL must know how many there are, and SQLite drops their table when it can."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.database.column_types import Key64, text
from pachon.registry.database.uploads import uploaded

ROWS = 2000


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Any]:
    with SqlRegistry.create(postgres_url) as registry, registry._state.database.write() as connection:
        yield connection


def _given(**columns: list[Any]) -> dict[str, Any]:
    return {name: (text(32) if isinstance(listed[0], str) else Key64, listed) for name, listed in columns.items()}


@pytest.mark.parametrize("length", [1, 2, 5])
def test_rows_are_those_that_were_given(connection: Any, length: int) -> None:
    numbers, words = list(range(length)), ["a", "b", "a", "b", "c"][:length]
    given = _given(camera=["Cam"] * length, number=numbers, one=[7] * length, word=words)
    with uploaded(connection, given, length) as table:
        assert list(table.c.keys()) == ["row_number", "camera", "number", "one", "word"]
        rows = connection.execute(sa.select(*table.c).order_by(table.c.row_number)).all()
    assert [tuple(row) for row in rows] == [(n, "Cam", n, 7, words[n]) for n in numbers]


def test_nothing_but_equal_values(connection: Any) -> None:
    with uploaded(connection, _given(camera=["Cam"] * 3), 3) as table:
        assert connection.execute(sa.select(table.c.camera)).scalars().all() == ["Cam"] * 3


def test_the_server_expects_all_rows_of_one_camera(connection: Any) -> None:
    """Of an equality with a column of an array it supposes that one row of two hundred satisfies it."""
    connection.exec_driver_sql('CREATE TABLE pictures (camera VARCHAR(32) COLLATE "C", number BIGINT)')
    connection.exec_driver_sql("INSERT INTO pictures SELECT 'Cam', generate_series(1, 2000)")
    connection.exec_driver_sql("ANALYZE pictures")
    pictures = sa.table("pictures", sa.column("camera", text(32)), sa.column("number", Key64))
    given = _given(camera=["Cam"] * ROWS, number=list(range(ROWS)))
    with uploaded(connection, given, ROWS) as table:
        select = sa.select(pictures.c.number).where(
            pictures.c.camera == table.c.camera, pictures.c.number == table.c.number, pictures.c.camera == "Cam"
        )
        assert len(connection.execute(select).all()) == ROWS - 1
        compiled = select.compile(dialect=connection.dialect)
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars().all()
    (scan,) = [line for line in plan if "Function Scan" in line]
    (expected,) = re.findall(r"rows=(\d+)", scan)
    assert int(expected) == ROWS
    assert not any("Nested Loop" in line for line in plan), "\n".join(plan)


def test_a_table_is_dropped_when_all_rows_were_fetched(registry: SqlRegistry) -> None:
    many = "SELECT name FROM main.sqlite_master"
    for _ in range(3):
        with registry._state.database.stream() as connection:
            rows = connection.exec_driver_sql(many)
            assert rows.fetchone() is not None
            for length in (2, 3):
                with uploaded(connection, _given(number=list(range(length))), length) as table:
                    assert connection.execute(sa.select(table.c.number)).scalars().all() == list(range(length))
            # Rows that are still to be fetched keep the tables, which are empty.
            assert _tables(connection) == {0}
            assert len(rows.all()) > 10
            with uploaded(connection, _given(number=[5]), 1):
                assert _tables(connection) == {1}
            assert _tables(connection) == set()


def _tables(connection: Any) -> set[int]:
    names = connection.exec_driver_sql("SELECT name FROM temp.sqlite_master WHERE type = 'table'").scalars().all()
    return {connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}


def test_names_of_tables_come_again_when_they_are_free(registry: SqlRegistry) -> None:
    with registry._state.database.snapshot() as connection:
        names = []
        for _ in range(2):
            with (
                uploaded(connection, _given(number=[1]), 1) as outer,
                uploaded(connection, _given(number=[2]), 1) as inner,
            ):
                names.append((outer.name, inner.name))
                assert connection.execute(sa.select(outer.c.number, inner.c.number)).all() == [(1, 2)]
        assert names[0] == names[1]
        assert _tables(connection) == set()


def test_a_name_of_a_table_whose_end_was_undone(registry: SqlRegistry) -> None:
    """Rows are fetched bit by bit, and what fetches the last of them may be undone."""
    database = registry._state.database
    with database.write() as connection:
        for _ in range(2):
            fetched = uploaded(connection, _given(number=[1]), 1)
            fetched.__enter__()
            with pytest.raises(ZeroDivisionError), database.write():  # noqa: PT012  # what ends is undone
                fetched.__exit__(None, None, None)
                raise ZeroDivisionError
            with uploaded(connection, _given(number=[2, 3]), 2) as table:
                assert connection.execute(sa.select(table.c.number)).scalars().all() == [2, 3]
        with uploaded(connection, _given(number=[4]), 1):
            # What came again was dropped again.
            assert _tables(connection) == {1}
