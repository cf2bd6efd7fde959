# SPDX-License-Identifier: BSD-3-Clause
"""Rows of columns get into a table as they are, however many there are and whatever they have in common."""

from typing import Any

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.database.inserts import insert_columns

_TABLE = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("group", sa.String),
    sa.Column("same", sa.Double),
    sa.Column("data", sa.LargeBinary),
)


@pytest.fixture
def connection(registry: SqlRegistry) -> Any:
    with registry._state.database.write() as connection:
        _TABLE.create(connection)
        yield connection


def _rows(connection: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(sa.select(_TABLE).order_by(_TABLE.c.number))]


@pytest.mark.parametrize("count", [0, 1, 2, 19, 99, 100, 101, 999, 1000, 1234, 3999])
def test_every_row_is_there(connection: Any, count: int) -> None:
    columns: dict[str, list[Any]] = {
        "number": [count - n for n in range(count)],
        "group": [None if n % 7 == 3 else f"word {n % 5}" for n in range(count)],
        "same": [0.5] * count,
        "data": [n.to_bytes(2) for n in range(count)],
    }
    insert_columns(connection, _TABLE, columns)
    assert _rows(connection) == sorted(zip(*columns.values(), strict=True))


@pytest.mark.parametrize("different", [0, 1, 500, 1233])
def test_a_value_that_all_rows_but_one_share(connection: Any, different: int) -> None:
    same: list[float | None] = [0.5] * 1234
    same[different] = None
    insert_columns(connection, _TABLE, {"number": range(1234), "same": same, "group": ["a"] * 1234})
    assert _rows(connection) == [(n, "a", same[n], None) for n in range(1234)]


def test_nothing_but_values_that_all_rows_share(connection: Any) -> None:
    connection.execute(sa.text("CREATE TABLE alike (one BIGINT, other VARCHAR)"))
    alike = sa.Table("alike", sa.MetaData(), sa.Column("one", sa.BigInteger), sa.Column("other", sa.String))
    insert_columns(connection, alike, {"one": [7] * 1105, "other": ["x"] * 1105})
    assert [tuple(row) for row in connection.execute(sa.select(alike))] == [(7, "x")] * 1105


@pytest.mark.parametrize("where", [5, 1050, 2203])
def test_a_row_that_is_refused(connection: Any, registry: SqlRegistry, where: int) -> None:
    numbers = list(range(2204))
    numbers[where] = numbers[where - 1]
    with pytest.raises(sa.exc.IntegrityError), registry._state.database.part(connection):
        insert_columns(connection, _TABLE, {"number": numbers, "group": ["a"] * 2204})
    assert _rows(connection) == []


@pytest.mark.parametrize("count", [1, 50, 1000])
def test_columns_of_other_lengths(connection: Any, count: int) -> None:
    for group in (["a"] * (count + 1), ["a"] * (count - 1)):
        with pytest.raises(ValueError, match="argument 2 is"):
            insert_columns(connection, _TABLE, {"number": list(range(count)), "group": group})
    assert _rows(connection) == []
