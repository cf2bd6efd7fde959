# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL counts at once in tables that a transaction has made much larger, and only then."""

from typing import Any

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.database.inserts import insert_columns
from pachon.registry.database.statistics import MANY

QUIET = "ALTER TABLE {} SET (autovacuum_enabled = off)"


@pytest.fixture
def registry(postgres_url: str) -> Any:
    with SqlRegistry.create(postgres_url) as registry:
        with registry._state.database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE counted (number BIGINT PRIMARY KEY)")
            # The server's own service must not help.
            connection.exec_driver_sql(QUIET.format("counted"))
        yield registry


def _add(registry: SqlRegistry, start: int, count: int) -> None:
    table = sa.Table("counted", sa.MetaData(), sa.Column("number", sa.BigInteger, primary_key=True))
    with registry._state.database.write() as connection:
        half = count // 2
        insert_columns(connection, table, {"number": range(start, start + half)})
        insert_columns(connection, table, {"number": range(start + half, start + count)})


def _known_rows(registry: SqlRegistry) -> float:
    with registry._state.database.read() as connection:
        return float(
            connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'counted'").scalar_one()
        )


def test_a_table_that_grew_much_is_counted_when_the_transaction_ends(registry: SqlRegistry) -> None:
    _add(registry, 0, MANY - 1)
    assert _known_rows(registry) == -1
    _add(registry, MANY, MANY)
    first = _known_rows(registry)
    assert first == pytest.approx(2 * MANY, rel=0.05)
    _add(registry, 2 * MANY, 10 * MANY)
    second = _known_rows(registry)
    assert second == pytest.approx(12 * MANY, rel=0.05)
    # A small part of a large table changes no plan.
    _add(registry, 20 * MANY, MANY)
    assert _known_rows(registry) == second


def test_rows_that_were_undone_do_not_count(registry: SqlRegistry) -> None:
    def fail() -> None:
        with registry._state.database.write():
            _add(registry, 0, 2 * MANY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    _add(registry, 0, 30)
    assert _known_rows(registry) == -1


def test_a_table_that_may_not_be_counted_is_no_error(registry: SqlRegistry) -> None:
    with registry._state.database.write() as connection:
        _add(registry, 0, 2 * MANY)
        connection.exec_driver_sql("ALTER TABLE counted RENAME TO renamed")
    with registry._state.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM renamed").scalar_one() == 2 * MANY
    with registry._state.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE renamed RENAME TO counted")
    _add(registry, 5 * MANY, 2 * MANY)
    assert _known_rows(registry) == pytest.approx(4 * MANY, rel=0.05)
