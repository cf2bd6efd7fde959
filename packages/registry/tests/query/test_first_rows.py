# SPDX-License-Identifier: BSD-3-Clause
"""Of a run whose datasets are the last ones of a table PostgreSQL finds the first by an index."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from pachon.base import PachonError
from pachon.datasets import DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable
from pachon.registry import SqlRegistry
from pachon.registry.database.first_rows import by_index
from pachon.registry.testing.example import load_records
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.statements import noted_statements

EXPOSURES, DETECTORS = 40, 100
RUNS = [f"run/{number}" for number in range(4)]
CAM = {"instrument": "Cam"}


@pytest.fixture(scope="module")
def registry(postgres_server: PostgresServer) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(postgres_server.new_url()) as registry:
        load_records(registry, "instrument", {"name": "Cam", "detector_max": DETECTORS})
        load_records(registry, "detector", *({**CAM, "id": i, "full_name": f"D{i}"} for i in range(DETECTORS)))
        load_records(registry, "physical_filter", {**CAM, "name": "g", "band": "g"})
        load_records(registry, "day_obs", {**CAM, "id": 20260101})
        load_records(registry, "group", {**CAM, "name": "g"})
        known = {**CAM, "physical_filter": "g", "day_obs": 20260101, "group": "g"}
        load_records(
            registry, "exposure", *({**known, "id": i, "obs_id": f"o{i}", "seq_num": i} for i in range(EXPOSURES))
        )
        image = DatasetType("image", ["exposure", "detector"], "int", universe=registry.universe)
        registry.dataset_types.register(image)
        count = EXPOSURES * DETECTORS
        columns = {
            "instrument": np.full(count, "Cam", dtype=object),
            "exposure": np.repeat(np.arange(EXPOSURES), DETECTORS),
            "detector": np.tile(np.arange(DETECTORS), EXPOSURES),
        }
        for run in RUNS:
            registry.collections.register(run)
            keys = DataIdTable.from_arrays(image.dimensions, columns)
            registry.datasets.insert(DatasetTable(image, keys, new_ids(count), run))
        with registry._state.database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
        yield registry


def _plans(registry: SqlRegistry, noted: list[tuple[str, Any]], *, told: bool) -> str:
    """Ask the server once more how it answers the statements, with or without what it is told for them."""
    plans = []
    with registry._state.database.snapshot() as connection:
        for statement, parameters in noted:
            if "set_config" in statement or statement.startswith("RESET"):
                if told:
                    connection.exec_driver_sql(statement)
            elif statement.startswith("SELECT"):
                plans += connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
    return "\n".join(plans)


@pytest.mark.parametrize("dimensions", [["instrument"], ["day_obs"], ["physical_filter"]])
def test_what_a_run_has(registry: SqlRegistry, dimensions: list[str]) -> None:
    search = DatasetSearch(dataset_type="image", collections=tuple(RUNS[-1:]))
    spec = registry.query.spec(dimensions, datasets=[search])
    with noted_statements(registry) as noted:
        assert len(registry.query.data_ids(dimensions, datasets=[search])) == 1
        assert registry.query.count(spec) == 1
        assert sum(len(batch) for batch in registry.query.batches(spec, 10)) == 1
    assert "Seq Scan on membership" not in _plans(registry, noted, told=True)


def test_the_first_datasets_of_a_run(registry: SqlRegistry) -> None:
    spec = registry.query.dataset_spec("image", RUNS[-1:], limit=1)
    with noted_statements(registry) as noted:
        assert len(registry.query.fetch(spec)) == 1
    assert "Seq Scan on membership" in _plans(registry, noted, told=False)
    assert "Seq Scan on membership" not in _plans(registry, noted, told=True)
    with noted_statements(registry) as noted:
        registry.query.fetch(registry.query.dataset_spec("image", RUNS[-1:], limit=3, order_by=["exposure"]))
        assert len(registry.query.fetch(registry.query.dataset_spec("image", RUNS[-1:]))) == EXPOSURES * DETECTORS
    assert not [statement for statement, _ in noted if "set_config" in statement]


def test_what_the_server_is_told_ends_with_the_block(registry: SqlRegistry) -> None:
    def settings(connection: sa.Connection) -> list[Any]:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("enable_seqscan", "jit")]

    database = registry._state.database
    with database.snapshot() as connection:
        before = settings(connection)
        assert before[0] == "on"
        with by_index(connection):
            assert settings(connection) == ["off", "off"]
        assert settings(connection) == before
        with by_index(connection, wanted=False):
            assert settings(connection) == before
    with pytest.raises(PachonError, match="nowhere"), database.snapshot() as connection, by_index(connection):
        connection.exec_driver_sql("SELECT 1 FROM nowhere")
    with database.snapshot() as connection:
        assert settings(connection) == before
