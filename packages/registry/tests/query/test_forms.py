# SPDX-License-Identifier: BSD-3-Clause
"""Statements that plans of one form share."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pachon.datasets import DatasetSearch
from pachon.dimensions import Timespan
from pachon.registry import SqlRegistry
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.execute import run_plan
from pachon.registry.query.forms import shared_statement
from pachon.registry.query.plan import Plan
from pachon.registry.query.spec import QuerySpec
from pachon.registry.testing.plans import first_plan, semi_join_plans

RAW = DatasetSearch(dataset_type="raw", collections=("proc",))
BIAS = DatasetSearch(dataset_type="bias", collections=("calib",))
NIGHTS = (Timespan("2021-09-09", "2021-09-10"), Timespan("2021-09-10", "2021-09-11"), Timespan(None, None))
EXPOSED = Timespan("2021-09-09 03:00:00", "2021-09-09 03:01:00")
"""When the first exposure was taken."""
FIRST_ID = "e15ab039-bc8b-4135-87c5-90902a7c0b22"

ALIKE: dict[str, tuple[Callable[[SqlRegistry, Any], QuerySpec], Sequence[Any]]] = {
    "integers": (lambda r, v: _ids(r, "detector", "detector >= :v", v), (1, 2, 3, 100)),
    "fractions": (lambda r, v: _ids(r, "exposure", "exposure.exposure_time < :v", v), (1.0, 40.5, 1e300)),
    "texts": (lambda r, v: _ids(r, "detector", "detector.purpose = :v", v), ("SCIENCE", "none", "it's")),
    "times": (lambda r, v: _ids(r, "exposure", "exposure.timespan OVERLAPS :v", v), NIGHTS),
    "equal times": (lambda r, v: _ids(r, "exposure", "exposure.timespan = :v", v), (EXPOSED, *NIGHTS)),
    "lists": (
        lambda r, v: _ids(r, "detector", f"detector IN {v} AND detector.purpose IN ('SCIENCE', 'none')", None),
        ((1, 2), (3, 2), (100, 100)),
    ),
    "lists of fractions": (
        lambda r, v: _ids(r, "exposure", f"exposure.exposure_time NOT IN ({v}, 2.0)", None),
        (30.0, 15.5),
    ),
    "lists of ids": (
        lambda r, v: r.query.dataset_spec("bias", "imported_g", where="bias.dataset_id IN (:v)", bind={"v": [v]}),
        (uuid.UUID(FIRST_ID), uuid.UUID(int=1)),
    ),
    "inside": (lambda r, v: _ids(r, "detector", "NOT (detector = :v OR detector = 2)", v), (1, 3, 100)),
    "one before another": (
        lambda r, v: _ids(r, "exposure", f"exposure > {v} AND exposure.seq_num < {v + 2}", v),
        (-1, 1, 10, 1000),
    ),
    "data IDs": (lambda r, v: r.query.spec(["detector"], data_id={"instrument": "Cam1", "detector": v}), (1, 2, 100)),
    "ids": (
        lambda r, v: r.query.dataset_spec("bias", "imported_g", where="bias.dataset_id = :v", bind={"v": v}),
        (uuid.UUID(FIRST_ID), uuid.UUID(int=1)),
    ),
    "datasets": (lambda r, v: r.query.dataset_spec("bias", "imported_g", where=f"{X}detector = {v}"), (1, 2, 100)),
    "calibrations": (
        lambda r, v: r.query.spec(["exposure", "detector"], where=f"{X}exposure = {v}", datasets=[BIAS]),
        (1, 3, 100),
    ),
    "tests of datasets of one": (
        lambda r, v: r.query.spec(["exposure"], where=f"{X}exposure = {v} AND detector > {v}", datasets=[RAW]),
        (0, 1, 2),
    ),
    "tests of datasets": (lambda r, v: r.query.spec(["exposure"], where=f"{X}exposure > {v}", datasets=[RAW]), (0, 2)),
}
X = "instrument = 'Cam1' AND "


def _ids(registry: SqlRegistry, dimension: str, where: str, value: Any) -> QuerySpec:
    return registry.query.spec([dimension], where=X + where, bind={"v": value} if ":v" in where else {})


@pytest.mark.parametrize("name", ALIKE)
def test_plans_that_differ_in_constants_share_a_statement(example: SqlRegistry, name: str) -> None:
    make_spec, values = ALIKE[name]
    plans = [first_plan(example, make_spec(example, value)) for value in values]
    assert len({id(_shared(example, plan)[0]) for plan in plans}) == 1
    variants = [semi_join_plans(plan, example._state.dialect) for plan in plans]
    for alike in zip(*variants, strict=True):
        if not any(test.merged for there in alike[0].existences for test in there.valid):
            assert len({id(_shared(example, plan)[0]) for plan in alike}) == 1
    for number, plan in enumerate(plans):
        for variant in [plan, *variants[number]]:
            assert _rows(example, variant) == _rows_alone(example, variant), (name, values[number])
    # Each value is still its own query.
    assert len({str(_rows(example, plan)) for plan in plans}) > 1


UNLIKE: dict[str, tuple[str, str]] = {
    "operators": ("detector > 1", "detector >= 1"),
    "columns": ("detector > 1", "detector.raft > 'A'"),
    "lists": ("detector IN (1, 2)", "detector IN (1, 2, 3)"),
    "lists of two types": ("exposure.exposure_time IN (30, 1.5)", "exposure.exposure_time IN (40, 1.5)"),
    "ranges": ("detector IN (1..2)", "detector IN (1..3)"),
    "patterns": ("GLOB(detector.purpose, 'S*')", "GLOB(detector.purpose, 'W*')"),
    "nulls": ("detector.raft = NULL", "detector.raft != NULL"),
    "sums": ("detector + 1 > 2", "detector + 2 > 2"),
    "conjunctions": ("detector = 1 AND detector < 3", "detector = 1 OR detector < 3"),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_what_is_written_into_a_statement_makes_another_one(example: SqlRegistry, name: str) -> None:
    plans = [first_plan(example, _ids(example, "detector", where, None)) for where in UNLIKE[name]]
    assert _shared(example, plans[0])[0] is not _shared(example, plans[1])[0]
    for plan in plans:
        assert _rows(example, plan) == _rows_alone(example, plan)


@pytest.mark.parametrize(
    "conditions",
    [
        {"dimensions": ["visit"], "where": "visit.region OVERLAPS POINT(0, 0)"},
        {"dimensions": ["visit", "tract"], "where": "NOT visit.region OVERLAPS tract.region"},
        {"dimensions": ["exposure"], "where": "exposure.seq_num IN (:many)", "bind": {"many": range(51)}},
    ],
)
def test_what_would_hardly_come_again_is_not_kept(example: SqlRegistry, conditions: dict[str, Any]) -> None:
    plan = first_plan(example, example.query.spec(**conditions))
    before = len(example._state.statements)
    made: list[Plan] = []

    def make(form: Plan) -> Any:
        made.append(form)
        return compile_plan(form, example._state.schema, example._state.dialect)

    if not plan.marks:
        _, values = shared_statement(example._state, plan, "test", make)
        assert not values
        assert made == [plan]
    example.query.fetch(example.query.spec(**conditions))
    assert len(example._state.statements) == before


def test_collections_are_part_of_a_statement(example: SqlRegistry) -> None:
    plans = [first_plan(example, example.query.dataset_spec("bias", c)) for c in ("imported_g", "imported_r")]
    assert _shared(example, plans[0])[0] is not _shared(example, plans[1])[0]
    assert _rows(example, plans[0]) != _rows(example, plans[1])


def test_a_forgotten_group_takes_its_statements_along(example: SqlRegistry) -> None:
    state = example._state
    example.query.fetch(example.query.dataset_spec("bias", "imported_g"))
    assert state.statements
    state.forget_group(1_000_000)
    assert not state.statements


def test_only_so_many_are_kept(example: SqlRegistry) -> None:
    plan = first_plan(example, _ids(example, "detector", "detector > 1", None))
    state = example._state
    for number in range(600):
        shared_statement(state, plan, ("test", number), lambda form: compile_plan(form, state.schema, state.dialect))
    assert 0 < len(state.statements) <= 500


def _shared(registry: SqlRegistry, plan: Plan) -> tuple[Any, dict[str, Any]]:
    state = registry._state
    return shared_statement(state, plan, "test", lambda form: compile_plan(form, state.schema, state.dialect))


def _rows(registry: SqlRegistry, plan: Plan) -> list[Any]:
    with registry._state.database.snapshot() as connection:
        rows = run_plan(registry._state, connection, plan)
    columns = [rows.keys.columns[name].tolist() for name in sorted(rows.keys.columns)]
    return sorted(zip(*columns, strict=True), key=str)


def _rows_alone(registry: SqlRegistry, plan: Plan) -> list[Any]:
    """Give the rows by a statement that nothing else shares."""
    known = dict(registry._state.statements)
    registry._state.statements.clear()
    rows = _rows(registry, plan)
    registry._state.statements.clear()
    registry._state.statements.update(known)
    return rows
