# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL counts at once in tables that a transaction has made much larger, and only then."""

from typing import Any

import pytest
import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetTable, DatasetType, new_ids
from pachon.dimensions import Categorical, DataIdTable, Timespan
from pachon.registry import SqlRegistry
from pachon.registry.database.inserts import insert_columns
from pachon.registry.database.statistics import MANY, VERY_MANY, TableGrowth

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


def _known_rows(registry: SqlRegistry, table: str = "counted") -> float:
    with registry._state.database.read() as connection:
        asked = f"SELECT reltuples FROM pg_class WHERE relname = '{table}'"
        return float(connection.exec_driver_sql(asked).scalar_one())


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


def test_many_small_transactions_are_as_a_large_one(registry: SqlRegistry) -> None:
    each = MANY // 4
    for number in range(3):
        _add(registry, number * each, each)
    assert _known_rows(registry) == -1
    _add(registry, 3 * each, each)
    assert _known_rows(registry) == 4 * each
    # Seldom: the larger the table, the more new rows make a difference.
    counted = set()
    for number in range(4, 80):
        _add(registry, number * each, each)
        counted.add(_known_rows(registry))
    assert max(counted) > 0.8 * 80 * each
    assert len(counted) < 20


def test_a_table_that_becomes_large_by_and_by_has_the_others_counted_too(registry: SqlRegistry) -> None:
    with registry._state.database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE few (number BIGINT)")
        connection.exec_driver_sql(QUIET.format("few"))
        connection.exec_driver_sql("INSERT INTO few SELECT generate_series(1, 30)")
    each = MANY // 2
    for start in range(0, VERY_MANY // 2, each):
        _add(registry, start, each)
    assert _known_rows(registry, "few") == -1
    for start in range(VERY_MANY // 2, 2 * VERY_MANY, each):
        _add(registry, start, each)
    assert _known_rows(registry, "few") == 30


def test_rows_that_the_database_copies_count_too(postgres_url: str) -> None:
    with SqlRegistry.create(postgres_url) as registry:
        universe = registry.universe
        registry.dimension_records.insert("instrument", [{"name": "Cam"}])
        detectors = [{"instrument": "Cam", "id": number, "full_name": str(number)} for number in range(2 * MANY)]
        registry.dimension_records.insert("detector", detectors)
        bias = DatasetType("bias", ["detector"], "NumpyArray", is_calibration=True, universe=universe)
        registry.dataset_types.register(bias)
        for name, kind in (("run", "RUN"), ("tagged", "TAGGED"), ("calib", "CALIBRATION")):
            registry.collections.register(name, CollectionType[kind])
        with registry._state.database.write() as connection:
            tables = registry._state.view(connection).get_dataset_type("bias").tables
            members, ranges = tables.membership.name, tables.validity.name
            connection.exec_driver_sql(QUIET.format(members))
            connection.exec_driver_sql(QUIET.format(ranges))
        data_ids = DataIdTable.from_rows(
            bias.dimensions, [{"instrument": "Cam", "detector": d["id"]} for d in detectors]
        )
        table = DatasetTable(bias, data_ids, new_ids(len(data_ids)), Categorical.constant("run", len(data_ids)))
        registry.datasets.insert(table)
        assert _known_rows(registry, members) == 2 * MANY
        registry.collections.associate("tagged", table)
        assert _known_rows(registry, members) == 4 * MANY
        registry.collections.certify("calib", table, Timespan(None, None))
        assert _known_rows(registry, ranges) == 2 * MANY


def test_after_a_large_table_those_that_were_never_counted_are_counted_too(registry: SqlRegistry) -> None:
    """A few rows are enough for a bad plan: they may be the inner side of a loop over those of the large table."""
    with registry._state.database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE few (number BIGINT)")
        connection.exec_driver_sql(QUIET.format("few"))
        connection.exec_driver_sql("CREATE TABLE filled_later (number BIGINT)")
        connection.exec_driver_sql(QUIET.format("filled_later"))
        connection.exec_driver_sql("ANALYZE filled_later")
        connection.exec_driver_sql("INSERT INTO few SELECT generate_series(1, 30)")
        connection.exec_driver_sql("INSERT INTO filled_later SELECT generate_series(1, 20)")
    _add(registry, 0, VERY_MANY // 2)
    assert _known_rows(registry, "few") == -1
    _add(registry, VERY_MANY, VERY_MANY)
    assert _known_rows(registry, "few") == 30
    assert _known_rows(registry, "filled_later") == 20


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


def test_two_threads_that_find_the_same_rows_new() -> None:
    growth = TableGrowth()
    assert growth.add({"t": MANY}) == {"t": MANY}
    assert growth.add({"t": MANY}) == {"t": 2 * MANY}
    assert growth.is_worth_counting("t", -1)
    # The other one asked before that was counted.
    growth.is_worth_counting("t", -1)
    assert growth.add({"t": 1}) == {}
