# SPDX-License-Identifier: BSD-3-Clause
"""A registry of the default universe gets the indices of version 3; the samples of earlier versions have another universe."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.migration.migrate import migrate
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.testing.postgresql import new_database
from pachon.registry.testing.tables import describe_tables

AS_BEFORE = {
    "dataset": [("run_id",)],
    "element_exposure": [("instrument", name) for name in ("physical_filter", "day_obs", "group")],
    "element_visit": [("instrument", name) for name in ("physical_filter", "day_obs")],
}
"""Indices of version 2 that version 3 replaced."""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_indices_of_the_default_universe(database: str, tmp_path: Path) -> None:
    url = new_database(database, tmp_path)
    SqlRegistry.create(url).close()
    wanted = describe_tables(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            before = AS_BEFORE.get(table, [])
            for index in inspector.get_indexes(table):
                columns = tuple(index["column_names"])
                is_longer = any(columns[: len(old)] == old for old in before) and not index["unique"]
                if is_longer or columns == ("timespan_begin",):
                    connection.exec_driver_sql(f'DROP INDEX "{index["name"]}"')
            for old in before:
                quoted = ", ".join(f'"{column}"' for column in old)
                connection.exec_driver_sql(f'CREATE INDEX "ix_{table}_{"_".join(old)}" ON "{table}" ({quoted})')
        connection.exec_driver_sql("UPDATE attribute SET value = '2' WHERE name = 'schema_version'")
    engine.dispose()
    assert describe_tables(url) != wanted
    report = migrate(url)
    assert (report.from_version, report.to_version) == (2, SCHEMA_VERSION)
    assert describe_tables(url) == wanted
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    found = {(name, *index["column_names"]) for name in AS_BEFORE for index in inspector.get_indexes(name)}
    engine.dispose()
    assert found >= {
        ("dataset", "run_id", "dataset_type_id", "ingest_ns"),
        ("element_exposure", "instrument", "day_obs", "seq_num"),
        ("element_exposure", "timespan_begin"),
    }
