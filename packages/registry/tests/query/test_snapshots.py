# SPDX-License-Identifier: BSD-3-Clause
"""The SQL of a few queries on each database, kept to be reviewed like code.

``PACHON_UPDATE_SNAPSHOTS=1`` writes the files anew.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pachon.datasets import DatasetSearch
from pachon.registry import SqlRegistry
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.execute import run_plan
from pachon.registry.query.lifted_tests import with_lifted_test
from pachon.registry.query.plan import DatasetSource
from pachon.registry.query.semi_joins import with_semi_join
from pachon.registry.testing.plans import first_plan, looked_up_plan, semi_join_plans

SNAPSHOTS = Path(__file__).parent / "snapshots"
X = "instrument = 'Cam1' AND "
RAW = DatasetSearch(dataset_type="raw", collections=("proc",))
BIAS = DatasetSearch(dataset_type="bias", collections=("calib",))
BOTH = DatasetSearch(dataset_type="bias", collections=("calib", "imported_g"))

QUERIES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "all_data_ids": (["exposure", "detector"], {}),
    "arithmetic": (["exposure"], {"where": X + "exposure % 2 = 1 AND exposure / 2 > 0.5 AND exposure.tracking_ra * 2 > -1"}),
    "calibrations": (["exposure", "detector"], {"where": X + "exposure = 3", "datasets": [BIAS]}),
    "datasets_and_fields": (["exposure"], {"where": "exposure.observation_type = 'science'", "datasets": [RAW]}),
    "general": (["exposure"], {"fields": ("exposure.timespan", "raw.run", "exposure.can_see_sky"), "datasets": [RAW]}),
    "glob_and_null": (["detector"], {"where": "GLOB(detector.name_in_raft, 'a[*?') OR detector.raft = NULL"}),
    "long_list": (["exposure"], {"where": "exposure.seq_num IN (:many)", "bind": {"many": range(3000)}}),
    "lists_and_ranges": (["detector"], {"where": X + "detector NOT IN (1, 3..9:2) AND raft IN (NULL, 'A')"}),
    "order_and_limit": (["exposure"], {"order_by": ("-exposure.tracking_ra", "obs_id"), "limit": 3}),
    "overlap_inside_not": (["visit", "tract"], {"where": "NOT visit.region OVERLAPS tract.region"}),
    "region": (["visit"], {"where": "visit.region OVERLAPS POINT(0, 0)"}),
    "spatial_join": (["visit", "detector", "patch"], {"where": "skymap = 'SkyMap1' AND " + X + "tract = 0"}),
    "times": (["exposure"], {"where": "exposure.timespan OVERLAPS (T'2021-09-10/tai', NULL) AND exposure.timespan.end > T'2021-01-01/tai'"}),
    "union": (["band"], {}),
}  # fmt: skip


# Few datasets are joined; so are written the tests that are chosen where there are many.
TESTED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "tested_datasets": (["exposure"], {"datasets": [RAW]}),
    "tested_datasets_of_detectors": (["exposure"], {"where": X + "detector.raft = 'A' AND exposure > 1", "datasets": [RAW]}),
    "tested_calibrations_by_last_range": (["exposure"], {"datasets": [BIAS]}),
    "tested_calibrations_in_both_by_last_range": (["exposure", "detector"], {"datasets": [BOTH]}),
    "tested_datasets_together_by_last_range": (["exposure"], {"datasets": [RAW, BIAS]}),
    "tested_datasets_together": (["exposure"], {"where": "detector != exposure", "datasets": [RAW, BIAS], "data_id": {"instrument": "Cam1"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_sql(example: SqlRegistry, name: str) -> None:
    dimensions, conditions = QUERIES[name]
    spec = example.query.spec(dimensions, **conditions)
    _compare(example, name, example.query.sql(spec))
    # What is written also runs.
    assert len(example.query.fetch(spec)) == example.query.count(spec)


@pytest.mark.parametrize("name", TESTED)
def test_sql_of_tests_for_datasets(example: SqlRegistry, name: str) -> None:
    dimensions, conditions = TESTED[name]
    spec = example.query.spec(dimensions, **conditions)
    plan = first_plan(example, spec)
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    tested = with_semi_join(plan, source, by_last_range=name.endswith("by_last_range"))
    assert tested is not None
    one_by_one = replace(tested, existences=tuple(replace(there, row_by_row=True) for there in tested.existences))
    state = example._state
    _compare(example, name, str(compile_plan(one_by_one, state.schema, state.dialect).compile(state.database.engine)))
    with state.database.snapshot() as connection:
        assert len(run_plan(state, connection, one_by_one)) == len(example.query.fetch(spec))


def test_sql_of_a_test_of_what_records_imply(example: SqlRegistry) -> None:
    spec = example.query.spec(["physical_filter"], datasets=[RAW])
    plan = first_plan(example, spec)
    lifted = with_lifted_test(semi_join_plans(plan, example._state.dialect)[0])
    assert [there.element for there in lifted.existences] == ["physical_filter"]
    state = example._state
    _compare(
        example, "tested_implied", str(compile_plan(lifted, state.schema, state.dialect).compile(state.database.engine))
    )
    with state.database.snapshot() as connection:
        assert len(run_plan(state, connection, lifted)) == len(example.query.fetch(spec)) > 0


def test_sql_of_ranges_that_are_looked_up(example: SqlRegistry) -> None:
    spec = example.query.dataset_spec("bias", "calib", where=X + "exposure = 3")
    state = example._state
    plan = looked_up_plan(first_plan(example, spec), state.dialect)
    assert plan is not None
    sql = str(compile_plan(plan, state.schema, state.dialect).compile(state.database.engine))
    _compare(example, "ranges_looked_up", sql)
    with state.database.snapshot() as connection:
        assert len(run_plan(state, connection, plan)) == len(example.query.fetch(spec)) > 0


def test_sql_of_merged_ranges(example: SqlRegistry) -> None:
    state = example._state
    if state.dialect == "sqlite":
        pytest.skip("SQLite has no sets of ranges")
    spec = example.query.spec(["exposure"], datasets=[BIAS], data_id={"instrument": "Cam1"})
    merged = semi_join_plans(first_plan(example, spec), state.dialect)[-1]
    assert merged.existences[0].valid[0].merged
    sql = str(compile_plan(merged, state.schema, state.dialect).compile(state.database.engine))
    _compare(example, "merged_ranges", sql)
    with state.database.snapshot() as connection:
        assert len(run_plan(state, connection, merged)) == len(example.query.fetch(spec)) > 0


def _compare(example: SqlRegistry, name: str, text: str) -> None:
    sql = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    file = SNAPSHOTS / example._state.dialect / f"{name}.sql"
    if os.environ.get("PACHON_UPDATE_SNAPSHOTS"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sql)
    assert sql == file.read_text(), f"The SQL of {name!r} has changed; PACHON_UPDATE_SNAPSHOTS=1 writes it anew."
