# SPDX-License-Identifier: BSD-3-Clause
"""A registry of the default universe gets the indices of version 4; the samples of earlier versions have few dimensions."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.datasets import DatasetType
from pachon.registry import SqlRegistry
from pachon.registry.migration.migrate import migrate
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.testing.postgresql import new_database

LISTING = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'membership%%' ORDER BY indexname"
DIMENSIONS = [["exposure", "detector"], ["tract", "patch", "band"], ["visit", "patch", "detector"], ["detector"]]


@pytest.mark.parametrize("without", [False, True], ids=["", "without an index that somebody removed"])
def test_indices_of_further_dimensions(without: bool, tmp_path: Path) -> None:
    url = new_database("postgresql", tmp_path)
    with SqlRegistry.create(url) as registry:
        for number, dimensions in enumerate(DIMENSIONS):
            registry.dataset_types.register(DatasetType(f"t{number}", dimensions, "int", universe=registry.universe))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        wanted = connection.exec_driver_sql(LISTING).all()
        new = [(name, text) for name, text in wanted if name.startswith("ix_") and "(dim_" in text]
        # Of the detector; of the patch and the band; of all but the tract; of none.
        assert len(new) == 6
        for name, text in new:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
            table, column = text.split(" ON public.")[1].split()[0], text.split("(")[1].split(",")[0]
            if not (without and column == "dim_detector"):
                connection.exec_driver_sql(
                    f'CREATE INDEX "ix_{table}_{column}_dataset_type_id" ON "{table}" ({column}, dataset_type_id)'
                )
        connection.exec_driver_sql("UPDATE attribute SET value = '3' WHERE name = 'schema_version'")
        assert connection.exec_driver_sql(LISTING).all() != wanted
    report = migrate(url)
    assert (report.from_version, report.to_version) == (3, SCHEMA_VERSION)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(LISTING).all() == wanted
    engine.dispose()
