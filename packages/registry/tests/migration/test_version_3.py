# SPDX-License-Identifier: BSD-3-Clause
"""A registry of the default universe gets the indices of version 3; the samples of earlier versions have another universe."""

import re
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
NEW = re.compile(r"ix_.*_(ingest_ns|seq_num|by_time|timespan_begin)")
LISTINGS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
}


@pytest.mark.parametrize("without", [False, True], ids=["", "without an index that somebody removed"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_indices_of_the_default_universe(database: str, without: bool, tmp_path: Path) -> None:
    url = new_database(database, tmp_path)
    SqlRegistry.create(url).close()
    wanted = describe_tables(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        names = connection.exec_driver_sql(LISTINGS[database]).scalars().all()
        new = [name for name in names if NEW.fullmatch(name)]
        for name in new:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
        for table, indices in AS_BEFORE.items():
            for columns in indices:
                quoted = ", ".join(f'"{column}"' for column in columns)
                connection.exec_driver_sql(f'CREATE INDEX "ix_{table}_{"_".join(columns)}" ON "{table}" ({quoted})')
        connection.exec_driver_sql("UPDATE attribute SET value = '2' WHERE name = 'schema_version'")
        if without:
            connection.exec_driver_sql("DROP INDEX ix_dataset_run_id")
    assert describe_tables(url) != wanted
    report = migrate(url)
    assert (report.from_version, report.to_version) == (2, SCHEMA_VERSION)
    assert describe_tables(url) == wanted
    with engine.connect() as connection:
        assert connection.exec_driver_sql(LISTINGS[database]).scalars().all() == names
    engine.dispose()
    by_time = "by_time" if database == "sqlite" else "timespan_begin"
    assert {f"ix_element_{element}_{by_time}" for element in ("day_obs", "exposure", "visit")} <= set(new)
    assert {"ix_dataset_run_id_dataset_type_id_ingest_ns", "ix_element_exposure_instrument_day_obs_seq_num"} <= set(new)
