# SPDX-License-Identifier: BSD-3-Clause
"""Where a search for datasets begins; the answers are the same."""

import itertools

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.query import reordering
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.join_order import (
    beside_records,
    elements_before_ranges,
    leading_elements,
    named_records,
    names_next_dimension,
    skipped_dimension,
    through_records,
)
from pachon.registry.query.plan import DatasetSource, ElementSource, Plan
from pachon.registry.query.sizes import records_up_to
from pachon.registry.testing.plans import first_plan

X = "instrument = 'Cam1' AND "


def _plan(example: SqlRegistry, where: str) -> Plan:
    return first_plan(example, example.query.dataset_spec("raw", "proc", where=where))


def _leading(plan: Plan) -> list[str]:
    return leading_elements(plan, next(s for s in plan.sources if isinstance(s, DatasetSource)))


def test_conditions_on_records_lead(example: SqlRegistry) -> None:
    assert _leading(_plan(example, X + "exposure.seq_num = 1")) == ["exposure"]
    assert _leading(_plan(example, X + "day_obs = 20210909")) == ["exposure"]
    assert _leading(_plan(example, X + "exposure = 1")) == []
    assert _leading(_plan(example, X + "detector.raft = 'A'")) == []
    assert _leading(_plan(example, "")) == []


@pytest.mark.parametrize(
    ("where", "before"),
    [
        ("exposure.seq_num = 1", ["exposure"]),
        ("exposure.timespan.begin < T'2021-09-10 12:00'", ["exposure"]),
        ("exposure.timespan OVERLAPS (T'2021-09-09', T'2021-09-10')", ["exposure"]),
        ("exposure > 0", []),
        ("exposure > 0 AND bias.timespan.begin < exposure.timespan.begin", []),
        ("detector.raft = 'A'", []),
        ("", []),
    ],
)
def test_ranges_are_compared_with_the_records_that_conditions_leave(
    example: SqlRegistry, where: str, before: list[str]
) -> None:
    spec = example.query.dataset_spec("bias", ["calib", "tagged"], find_first=False, where=X + where if where else "")
    plan = first_plan(example, spec)
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    assert source.with_validity
    assert elements_before_ranges(plan, source) == before
    state = example._state
    sql = str(compile_plan(plan, state.schema, state.dialect).compile(state.database.engine))
    assert ("element_exposure AS exposure CROSS JOIN" in " ".join(sql.split())) is (
        bool(before) and state.dialect == "sqlite"
    )


def test_an_index_is_not_read_as_a_whole(example: SqlRegistry) -> None:
    assert skipped_dimension(_plan(example, X + "detector = 1")) == "exposure"
    assert skipped_dimension(_plan(example, X + "detector.raft = 'A'")) == "exposure"
    for where in ("", "exposure = 1", "exposure.seq_num = 1 AND detector = 1", "exposure < 3 AND detector = 1"):
        assert skipped_dimension(_plan(example, X + where if where else "")) is None
    plan = through_records(_plan(example, X + "detector.raft = 'A'"), "exposure")
    assert _leading(plan) == ["detector", "exposure"]


@pytest.mark.parametrize(
    "where", ["detector = 1", "detector IN (2, 3)", "detector.raft = 'A'", "detector > 1 AND raft != 'A'"]
)
def test_equal_answers(example: SqlRegistry, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ids() -> list[object]:
        found = example.query.datasets("raw", "proc", where=X + where)
        keys = [found.data_ids.columns[name].tolist() for name in found.data_ids.group.names]
        return sorted(zip(found.uuids(), *keys, strict=True))

    plain = ids()
    monkeypatch.setattr(reordering, "_MANY_DATASETS", 0)
    monkeypatch.setattr(reordering, "_COST_OF_LOOK_UP", 0.0)
    assert ids() == plain
    monkeypatch.setattr(reordering, "_MOST_RECORDS", 1)
    monkeypatch.setattr(reordering, "_MOST_RECORDS_OF_SERVER", 1)
    assert ids() == plain


def test_postgresql_looks_for_datasets_record_by_record(example: SqlRegistry) -> None:
    plan = _plan(example, X + "detector = 1")
    assert names_next_dimension(plan)
    assert not names_next_dimension(_plan(example, X + "detector IN (1, 2)"))
    sql = str(compile_plan(through_records(plan, "exposure"), example._state.schema, "postgresql"))
    assert "LATERAL (SELECT" in sql
    assert "OFFSET 0" in sql


def test_implied_values_come_along_with_records_that_have_one_dataset(example: SqlRegistry) -> None:
    plan = _plan(example, X + "detector = 1")
    assert plan.late == ("exposure", "physical_filter")
    led = through_records(plan, "exposure")
    assert led.late == ("physical_filter",)
    assert {"day_obs", "group", "physical_filter"} <= set(led.keys)
    assert through_records(_plan(example, X + "detector IN (1, 2)"), "exposure").late == plan.late


def test_postgresql_finds_datasets_of_one_detector_by_an_index(
    example: SqlRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _plan(example, X + "detector = 1")
    beside = beside_records(plan, "exposure")
    assert beside.late == ("physical_filter",)
    assert {"day_obs", "group", "physical_filter"} <= set(beside.keys)
    assert not beside.leading
    assert beside_records(beside, "exposure").sources == beside.sources
    if example._state.dialect == "postgresql":
        with example._state.database.snapshot() as connection:
            taken = reordering.reordered(example._state, connection, plan)
            assert taken.sources == beside.sources
            by_name = _plan(example, X + "detector.full_name = 'Ab'")
            assert (
                ElementSource(element="exposure") in reordering.reordered(example._state, connection, by_name).sources
            )
            by_raft = _plan(example, X + "detector.raft != 'Z'")
            monkeypatch.setattr(reordering, "_FEW_EACH", 0)
            assert reordering.reordered(example._state, connection, by_raft) == by_raft
            table = example._state.schema.datasets(plan.datasets.dimensions, plan.datasets.group_id).membership
            statement = sa.text("SELECT indexdef FROM pg_indexes WHERE tablename = :name")
            indices = " ".join(connection.execute(statement, {"name": table.name}).scalars())
        assert "(dim_detector, dataset_type_id, collection_id, dim_instrument)" in indices
        assert "(dim_exposure," not in indices


def test_records_are_counted_up_to_different_numbers(example: SqlRegistry) -> None:
    state = example._state
    with state.database.snapshot() as connection:
        assert records_up_to(state, connection, "detector", 2) is None
        assert records_up_to(state, connection, "detector", 100) == 6
        assert records_up_to(state, connection, "detector", 2) is None
        own = _plan(example, X + "detector > 1").predicate
        assert records_up_to(state, connection, "detector", 1, [own]) is None
        assert records_up_to(state, connection, "detector", 100, [own]) == 3


def test_records_that_are_named_must_be_there(example: SqlRegistry) -> None:
    plan = _plan(example, X + "detector = 7")
    assert named_records(plan) == {"detector": {"instrument": "Cam1", "detector": 7}}
    assert named_records(_plan(example, X + "detector > 7")) == {}
    with example._state.database.snapshot() as connection:
        assert reordering.reordered(example._state, connection, plan).doomed
        there = reordering.reordered(example._state, connection, _plan(example, X + "detector = 1"))
    assert not there.doomed
    spec = example.query.dataset_spec("raw", "proc", where=X + "detector = 7")
    assert len(example.query.fetch(spec)) == example.query.count(spec) == len(list(example.query.batches(spec))) == 0


def test_equal_answers_in_any_order_of_conditions(example: SqlRegistry) -> None:
    parts = ["instrument = 'Cam1'", "exposure.seq_num < 3", "detector = 1", "band != 'z'"]
    found = {
        tuple(sorted(example.query.datasets("raw", "proc", where=" AND ".join(order)).uuids()))
        for order in itertools.permutations(parts)
    }
    assert len(found) == 1
