# SPDX-License-Identifier: BSD-3-Clause
"""Datasets that need only be there: which are taken out of the join, with what, and when."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pachon.datasets import CollectionType, DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable, Timespan
from pachon.dimensions.timespan import MAX_NS
from pachon.registry import SqlRegistry
from pachon.registry.query.compile_sql import compile_plan, is_distinct
from pachon.registry.query.execute import run_plan
from pachon.registry.query.plan import DatasetSource, ElementSource, Existence, Plan
from pachon.registry.query.rows import Rows
from pachon.registry.query.semi_joins import with_semi_join
from pachon.registry.query.sizes import has_datasets_beyond, records_up_to
from pachon.registry.query.tree import conjuncts
from pachon.registry.query.validity_tests import with_merged_ranges
from pachon.registry.testing.example import load_records
from pachon.registry.testing.plans import first_plan, looked_up_plan
from pachon.registry.testing.postgresql import new_database
from pachon.registry.testing.statements import noted_statements

X = "instrument = 'Cam1'"
RAW = DatasetSearch(dataset_type="raw", collections=("proc",))
BIAS = DatasetSearch(dataset_type="bias", collections=("calib",))
EXPOSURES, DETECTORS = 200, 100
START, HOUR = 1_767_225_600_000_000_000, 3_600_000_000_000
CALIBRATIONS = {
    # Of every second hour and a half: it ends when an exposure ends, or begins when one begins.
    "hourly": [(START + 3 * k * HOUR, START + 3 * k * HOUR + 3 * HOUR // 2) for k in range(60)],
    # Without a beginning, without an end, and within one exposure.
    "open": [
        (0, START + HOUR),
        *((START + 2 * HOUR + k, START + 2 * HOUR + k + 1) for k in range(1, 120, 2)),
        (START + 190 * HOUR, MAX_NS),
    ],
    "rare": [(START + 5 * HOUR, START + 7 * HOUR)],
}
"""Validity ranges; of ``hourly`` those of odd detectors begin an hour later."""


def _tested(
    registry: SqlRegistry,
    dimensions: list[str],
    *searches: DatasetSearch,
    by_last_range: bool = False,
    **conditions: Any,
) -> Plan | None:
    plan = first_plan(registry, registry.query.spec(dimensions, datasets=searches, **conditions))
    sources = [s for s in plan.sources if isinstance(s, DatasetSource)]
    found = [with_semi_join(plan, s, by_last_range=by_last_range) for s in sources]
    return next((tested for tested in found if tested is not None), None)


def _only(plan: Plan | None) -> Existence:
    assert plan is not None
    (existence,) = plan.existences
    return existence


def _names(existence: Existence) -> list[str]:
    return [s.facts.dataset_type if isinstance(s, DatasetSource) else s.element for s in existence.sources]  # type: ignore[union-attr]  # of datasets or records


def test_records_are_tested_for_datasets(example: SqlRegistry) -> None:
    plan = _tested(example, ["exposure"], RAW)
    there = _only(plan)
    assert (there.element, _names(there), there.private) == ("exposure", ["raw"], ("detector",))
    assert plan is not None
    assert plan.sources == (ElementSource(element="exposure"),)
    # Nothing is found twice, and what the records imply is taken from them.
    assert is_distinct(plan)
    assert "exposure" not in plan.late
    assert "day_obs" in plan.keys
    assert "where there are datasets raw in" in str(plan)


def test_the_fewest_records_are_tested(example: SqlRegistry) -> None:
    assert _only(_tested(example, ["instrument"], RAW)).element == "instrument"
    assert _only(_tested(example, [], RAW)).element is None
    # A filter is that of an exposure, which is joined anyway.
    assert _only(_tested(example, ["physical_filter"], RAW)).element == "exposure"
    assert _only(_tested(example, ["instrument"], RAW, where=f"{X} AND exposure.seq_num > 1")).element == "exposure"


def test_a_visit_is_tested_by_its_exposures(example: SqlRegistry) -> None:
    plan = _tested(example, ["visit"], RAW)
    assert _only(plan).element == "exposure"
    assert plan is not None
    assert not is_distinct(plan)


def test_a_search_is_known_by_what_it_says(example: SqlRegistry) -> None:
    plan = first_plan(example, example.query.dataset_spec("bias", ("imported_g", "imported_r")))
    assert plan.datasets is not None
    copied = replace(plan, datasets=replace(plan.datasets))
    assert copied.datasets is not plan.datasets
    assert is_distinct(plan)
    assert is_distinct(copied)


def test_what_hangs_on_datasets_is_tested_with_them(example: SqlRegistry) -> None:
    there = _only(_tested(example, ["exposure"], RAW, where=f"{X} AND detector = 2 AND exposure > 1"))
    assert str(there.predicate) == "detector = 2"
    there = _only(_tested(example, ["exposure"], RAW, where=f"{X} AND detector.raft = 'A'"))
    assert _names(there) == ["raw", "detector"]


def test_datasets_that_share_a_dimension_stay_together(example: SqlRegistry) -> None:
    plan = _tested(example, ["exposure"], RAW, BIAS)
    there = _only(plan)
    assert _names(there) == ["raw", "bias"]
    assert "bias.timespan" in str(there.predicate)
    assert plan is not None
    assert not any(isinstance(s, DatasetSource) for s in plan.sources)


def test_calibrations_are_tested_at_the_time_of_a_record(example: SqlRegistry) -> None:
    there = _only(_tested(example, ["exposure"], BIAS))
    assert (there.element, there.private) == ("instrument", ("detector",))
    found = example.query.data_ids(["exposure"], datasets=[BIAS])
    joined = example.query.data_ids(["exposure", "detector"], datasets=[BIAS])
    assert sorted(set(joined.columns["exposure"].tolist())) == sorted(found.columns["exposure"].tolist())


def test_the_last_range_before_a_time_is_looked_for(example: SqlRegistry) -> None:
    there = _only(_tested(example, ["exposure"], BIAS, by_last_range=True))
    # Of which detectors is not said: of any that there are.
    assert (there.element, there.private, there.sources) == (
        "instrument",
        ("detector",),
        (ElementSource(element="detector"),),
    )
    assert [str(test) for test in there.valid] == ["bias valid at exposure.timespan"]
    assert str(there.predicate) == "TRUE"


def test_pairs_are_tested_for_calibrations(example: SqlRegistry) -> None:
    plan = _tested(example, ["exposure", "detector"], BIAS, by_last_range=True)
    there = _only(plan)
    assert (there.sources, there.private) == ((), ())
    assert plan is not None
    assert {str(s) for s in plan.sources} == {"records of detector", "records of exposure"}
    assert is_distinct(plan)
    assert "where there are bias valid at exposure.timespan" in str(plan)


def test_calibrations_of_datasets_are_looked_for_by_these(example: SqlRegistry) -> None:
    there = _only(_tested(example, ["exposure"], RAW, BIAS, by_last_range=True))
    assert _names(there) == ["raw"]
    assert [test.facts.dataset_type for test in there.valid] == ["bias"]


def test_both_kinds_of_collections_are_looked_into(example: SqlRegistry) -> None:
    both = DatasetSearch(dataset_type="bias", collections=("calib", "imported_g"))
    there = _only(_tested(example, ["exposure", "detector"], both, by_last_range=True))
    assert there.valid[0].facts.members
    assert there.valid[0].facts.certified


@pytest.mark.parametrize(
    ("dimensions", "searches", "conditions"),
    [
        # Nothing says at what time.
        (["detector"], [BIAS], {}),
        # More is said of the range than that.
        (["exposure", "detector"], [BIAS], {"where": f"{X} AND bias.timespan.begin > T'2020-01-01'"}),
        (["exposure", "detector"], [BIAS], {"where": f"{X} AND NOT bias.timespan OVERLAPS exposure.timespan"}),
        (["exposure", "detector"], [BIAS], {"fields": ("bias.timespan",)}),
        # They are valid always.
        (["exposure"], [RAW], {}),
    ],
)
def test_all_ranges_are_compared_else(
    example: SqlRegistry, dimensions: list[str], searches: Any, conditions: Any
) -> None:
    assert _tested(example, dimensions, *searches, by_last_range=True, **conditions) is None


@pytest.mark.parametrize(
    ("dimensions", "searches", "conditions"),
    [
        # They have all dimensions of the result, and are not repeated.
        (["exposure", "detector"], [RAW], {}),
        # Their index does not begin with a detector.
        (["detector"], [RAW], {}),
        # They relate exposures and detectors.
        (["exposure", "detector"], [BIAS], {}),
        # A field is compared, or shown.
        (["exposure"], [RAW], {"where": f"{X} AND raw.run = 'x'"}),
        (["exposure"], [RAW], {"where": f"{X} AND (raw.ingest_date > T'2020-01-01' OR detector = 1)"}),
        (["exposure"], [RAW], {"fields": ("raw.run",)}),
        (["detector"], [DatasetSearch(dataset_type="bias", collections=("imported_*",))], {"fields": ("bias.run",)}),
        (["exposure"], [RAW], {"fields": ("detector.raft",)}),
        # The tables of both kinds of collections are read before a record is tested.
        (["detector"], [DatasetSearch(dataset_type="bias", collections=("calib", "imported_g"))], {}),
        # The detector is needed for an overlap on the sky.
        (["visit", "patch"], [RAW], {}),
    ],
)
def test_all_else_is_joined(example: SqlRegistry, dimensions: list[str], searches: Any, conditions: Any) -> None:
    assert _tested(example, dimensions, *searches, **conditions) is None


def test_nothing_is_tested_for_a_dataset_that_is_shown(example: SqlRegistry) -> None:
    spec = example.query.dataset_spec("raw", "proc", datasets=[BIAS])
    plan = first_plan(example, spec)
    assert not any(with_semi_join(plan, s) for s in plan.sources if isinstance(s, DatasetSource))


def test_given_exposures_are_tested(example: SqlRegistry) -> None:
    group = example.universe.conform(["exposure"])
    rows = [{"instrument": "Cam1", "exposure": e} for e in (1, 2, 77)]
    spec = example.query.spec(["exposure"], datasets=[RAW], tables=[DataIdTable.from_rows(group, rows)])
    plan = first_plan(example, spec)
    tested = with_semi_join(plan, next(s for s in plan.sources if isinstance(s, DatasetSource)))
    assert _only(tested).element == "exposure"
    assert tested is not None
    # That an exposure is given does not mean that it exists.
    assert ElementSource(element="exposure") in tested.sources
    found = example.query.fetch(spec)
    assert isinstance(found, DataIdTable)
    assert sorted(found.columns["exposure"].tolist()) == [1, 2]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlRegistry]:
    """Many raws of each exposure, a focus of few exposures, and a source list of each exposure in each of twenty runs."""
    with SqlRegistry.create(new_database(request.param, tmp_path_factory.mktemp("large"))) as registry:
        _fill(registry)
        yield registry


def _fill(registry: SqlRegistry) -> None:
    cam = {"instrument": "Cam"}
    load_records(registry, "instrument", {"name": "Cam", "detector_max": DETECTORS})
    load_records(
        registry, "detector", *({**cam, "id": i, "full_name": f"D{i}", "raft": f"R{i % 9}"} for i in range(DETECTORS))
    )
    load_records(registry, "physical_filter", *({**cam, "name": n, "band": n} for n in "gr"))
    load_records(registry, "day_obs", {**cam, "id": 20260101})
    load_records(registry, "group", {**cam, "name": "g"})
    load_records(
        registry,
        "exposure",
        *(
            {**cam, "id": i, "obs_id": f"o{i}", "physical_filter": "gr"[i % 2], "day_obs": 20260101, "group": "g"}
            | {"seq_num": i, "exposure_time": 1.0, "timespan": _time_of(i)}
            for i in range(EXPOSURES)
        ),
    )
    _add(registry, "raw", "raw/all", range(EXPOSURES), range(DETECTORS))
    _add(registry, "focus", "focus/all", range(EXPOSURES - 2, EXPOSURES), range(4))
    registry.collections.register("calib", CollectionType.CALIBRATION)
    registry.collections.register("calib/more", CollectionType.CALIBRATION)
    for name in CALIBRATIONS:
        _certify(registry, name)
    for number in range(20):
        part = range(number * EXPOSURES // 20, (number + 1) * EXPOSURES // 20)
        _add(registry, "src", f"src/{number}", part, range(DETECTORS))


def _time_of(exposure: int) -> Timespan | None:
    """Give the hour of an exposure; of every tenth one nobody knows it."""
    return None if exposure % 10 == 9 else Timespan.from_ns(START + exposure * HOUR, START + (exposure + 1) * HOUR)


def _certify(registry: SqlRegistry, name: str) -> None:
    dataset_type = DatasetType(name, ["detector"], "int", is_calibration=True, universe=registry.universe)
    registry.dataset_types.register(dataset_type)
    registry.collections.register(f"made/{name}")
    columns = {"instrument": np.full(DETECTORS, "Cam", dtype=object), "detector": np.arange(DETECTORS)}
    keys = DataIdTable.from_arrays(dataset_type.dimensions, columns)
    table = DatasetTable(dataset_type, keys, new_ids(DETECTORS), f"made/{name}")
    registry.datasets.insert(table)
    odd = np.arange(DETECTORS) % 2 == 1
    for begin, end in CALIBRATIONS[name]:
        for rows, later in ((~odd, 0), (odd, HOUR)):
            shift = later if name == "hourly" else 0
            span = Timespan.from_ns(begin + shift, end + shift)
            registry.collections.certify("calib", table.take(np.flatnonzero(rows)), span)
    # The same again at two times, of which one is none of the others.
    for begin in (START + 2 * HOUR, START + 150 * HOUR):
        registry.collections.certify("calib/more", table, Timespan.from_ns(begin, begin + HOUR))


def _valid(name: str, exposure: int, detector: int, *, more: bool) -> bool:
    """Whether a calibration is valid at some time of an exposure, perhaps in another collection."""
    time = _time_of(exposure)
    if time is None:
        return False
    shift = HOUR * (detector % 2) if name == "hourly" else 0
    if more and exposure in (2, 150):
        return True
    return any(begin + shift < time.end_ns and time.begin_ns < end + shift for begin, end in CALIBRATIONS[name])


def _add(registry: SqlRegistry, name: str, run: str, exposures: range, detectors: range) -> None:
    dataset_type = DatasetType(name, ["exposure", "detector"], "int", universe=registry.universe)
    registry.dataset_types.register(dataset_type)
    registry.collections.register(run)
    count = len(exposures) * len(detectors)
    columns = {
        "instrument": np.full(count, "Cam", dtype=object),
        "exposure": np.repeat(exposures, len(detectors)),
        "detector": np.tile(detectors, len(exposures)),
    }
    keys = DataIdTable.from_arrays(dataset_type.dimensions, columns)
    registry.datasets.insert(DatasetTable(dataset_type, keys, new_ids(count), run))


def _chosen(registry: SqlRegistry, dimensions: list[str], search: tuple[str, str], **conditions: Any) -> Plan:
    datasets = [DatasetSearch(dataset_type=search[0], collections=(search[1],))]
    return registry.query.plan(registry.query.spec(dimensions, datasets=datasets, **conditions))


@pytest.mark.parametrize(
    ("dimensions", "search", "conditions", "tested"),
    [
        (["exposure"], ("raw", "raw/all"), {}, True),
        (["instrument"], ("raw", "raw/all"), {}, True),
        (["physical_filter"], ("raw", "raw/all"), {}, True),
        # Few exposures have what is looked for.
        (["exposure"], ("focus", "focus/all"), {}, False),
        (["exposure"], ("src", "src/3"), {}, False),
        (["exposure"], ("src", "src/*"), {}, True),
        # Conditions on the records lead to them.
        (["exposure"], ("raw", "raw/all"), {"where": "exposure.seq_num < 3"}, True),
        (["exposure", "detector"], ("raw", "raw/all"), {}, False),
    ],
)
def test_what_is_quicker_is_chosen(
    large: SqlRegistry, dimensions: list[str], search: tuple[str, str], conditions: Any, tested: bool
) -> None:
    assert bool(_chosen(large, dimensions, search, **conditions).existences) == tested


@pytest.mark.parametrize(
    ("where", "records"),
    [
        ("exposure = 5", 0),
        ("exposure IN (5, 6, 77)", 3),
        ("exposure IN (5, 6, 2..10:4)", 5),
        # More than there are are not looked for.
        ("exposure IN (5, 6, 100..20000)", EXPOSURES),
        ("exposure < 4", 4),
        ("exposure.seq_num < 3 AND physical_filter = 'g'", 2),
        ("exposure < 4 AND detector = 3", 4),
    ],
)
def test_a_small_question_is_no_reason_to_look_at_much(large: SqlRegistry, where: str, records: int) -> None:
    if large._state.dialect != "sqlite":
        pytest.skip("PostgreSQL estimates")
    with noted_statements(large) as noted:
        plan = _chosen(large, ["exposure"], ("raw", "raw/all"), where=f"instrument = 'Cam' AND {where}")
    offsets = [parameters[-1] for statement, parameters in noted if "OFFSET" in statement]
    assert plan.existences
    assert all(number <= 20 * records for number in offsets)
    assert bool(offsets) == bool(records)


def test_a_long_list_is_written_once(large: SqlRegistry) -> None:
    with noted_statements(large) as noted:
        plan = _chosen(
            large,
            ["exposure"],
            ("raw", "raw/all"),
            where="instrument = 'Cam' AND exposure IN (:some)",
            bind={"some": list(range(0, 600, 3))},
        )
    statements = [statement for statement, _ in noted]
    assert plan.existences
    assert not [statement for statement in statements if "EXPLAIN" in statement]
    assert max(map(len, statements)) < 2000


def test_what_conditions_leave_is_counted(large: SqlRegistry) -> None:
    state = large._state
    where = "instrument = 'Cam' AND exposure IN (5, 6, 77) AND exposure.seq_num > 5"
    search = DatasetSearch(dataset_type="raw", collections=("raw/all",))
    plan = first_plan(large, large.query.spec(["exposure"], datasets=[search], where=where))
    conditions = conjuncts(plan.predicate)
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    with state.database.snapshot() as connection:
        assert records_up_to(state, connection, "exposure", 2, conditions) == 2
        assert records_up_to(state, connection, "exposure", 1, conditions) is None
        assert records_up_to(state, connection, "exposure", EXPOSURES) == EXPOSURES
        # Datasets have no field of an exposure.
        assert has_datasets_beyond(state, connection, source, 3 * DETECTORS - 1, conditions)
        assert not has_datasets_beyond(state, connection, source, 3 * DETECTORS, conditions)
        assert has_datasets_beyond(state, connection, source, EXPOSURES * DETECTORS - 1)
        assert not has_datasets_beyond(state, connection, source, EXPOSURES * DETECTORS)


def test_the_first_rows_are_found_by_a_join(large: SqlRegistry) -> None:
    assert not _chosen(large, ["exposure"], ("raw", "raw/all"), limit=3).existences
    # PostgreSQL reads the index of the datasets backwards.
    plan = _chosen(large, ["exposure"], ("raw", "raw/all"), limit=3, order_by=["-exposure"])
    assert bool(plan.existences) == (large._state.dialect == "sqlite")


def test_equal_answers(large: SqlRegistry) -> None:
    query = large.query
    asked = {
        "raw/all": range(EXPOSURES),
        "focus/all": range(EXPOSURES - 2, EXPOSURES),
        "src/3": range(30, 40),
    }
    for run, exposures in asked.items():
        search = DatasetSearch(dataset_type=run.split("/")[0], collections=(run,))
        found = query.data_ids(["exposure"], datasets=[search], order_by="exposure")
        assert found.columns["exposure"].tolist() == list(exposures)
        assert [d["physical_filter"] for d in found] == ["gr"[e % 2] for e in exposures]
        general = query.general(["exposure"], ["exposure.seq_num"], datasets=[search], order_by="-exposure")
        assert [row["exposure.seq_num"] for row in general] == list(exposures)[::-1]
        spec = query.spec(["exposure"], datasets=[search])
        assert query.count(spec) == sum(map(len, query.batches(spec, 7))) == len(exposures)
        records = query.records("exposure", datasets=[search], where="instrument = 'Cam' AND detector = 2")
        assert len(records) == len(exposures)
        assert len(query.data_ids(["exposure"], datasets=[search], where="instrument = 'Cam' AND detector = 99")) == (
            0 if run == "focus/all" else len(exposures)
        )


@pytest.mark.parametrize(
    ("dimensions", "conditions", "element"),
    [
        (["physical_filter"], {}, "physical_filter"),
        (["band"], {"order_by": ["-band"]}, "physical_filter"),
        (["physical_filter"], {"where": "instrument = 'Cam' AND band = 'g'"}, "physical_filter"),
        (["day_obs"], {}, "day_obs"),
        # Few exposures are left, or more is asked than what one of them implies.
        (["physical_filter"], {"where": "instrument = 'Cam' AND exposure.seq_num < 3"}, "exposure"),
        (["physical_filter", "day_obs"], {}, "exposure"),
    ],
)
def test_what_many_records_imply_is_tested_once(
    large: SqlRegistry, dimensions: list[str], conditions: Any, element: str
) -> None:
    plan = _chosen(large, dimensions, ("raw", "raw/all"), **conditions)
    assert [there.element for there in plan.existences] == [element]
    datasets = [DatasetSearch(dataset_type="raw", collections=("raw/all",))]
    spec = large.query.spec(dimensions, datasets=datasets, **conditions)
    state = large._state
    with state.database.snapshot() as connection:
        joined = connection.execute(compile_plan(first_plan(large, spec), state.schema, state.dialect)).all()
    found = large.query.fetch(spec)
    assert isinstance(found, DataIdTable)
    assert len(found) == len(joined) == large.query.count(spec) > 0
    if dimensions == ["band"]:
        assert found.columns["band"].tolist() == ["r", "g"]


def test_a_search_for_detectors_is_left_out(large: SqlRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    # An index of PostgreSQL tells which have any; on SQLite a look at some datasets shows that all have.
    is_postgresql = large._state.dialect == "postgresql"
    plan = _chosen(large, ["detector"], ("raw", "raw/all"))
    assert plan.assured == ("all have raw",)
    assert plan.assured[0] in str(plan)
    assert plan.sources == (ElementSource(element="detector"),)
    raws = [DatasetSearch(dataset_type="raw", collections=("raw/all",))]
    assert len(large.query.data_ids(["detector"], datasets=raws)) == DETECTORS
    where = "instrument = 'Cam' AND detector.raft = 'R1'"
    assert len(large.query.data_ids(["detector"], datasets=raws, where=where)) == len(range(1, DETECTORS, 9))
    few = [DatasetSearch(dataset_type="focus", collections=("focus/all",))]
    plan = _chosen(large, ["detector"], ("focus", "focus/all"))
    assert plan.assured == (("these have focus",) if is_postgresql else ())
    where = "instrument = 'Cam' AND detector > 1"
    assert sorted(large.query.data_ids(["detector"], datasets=few, where=where).columns["detector"].tolist()) == [2, 3]
    assert sorted(large.query.data_ids(["detector"], datasets=few).columns["detector"].tolist()) == [0, 1, 2, 3]
    # More is asked than whether there are any.
    assert not _chosen(
        large, ["detector"], ("raw", "raw/all"), where="exposure > 3", data_id={"instrument": "Cam"}
    ).assured
    assert not _chosen(large, ["exposure", "detector"], ("raw", "raw/all")).assured
    # Of a chain of hundreds of runs there is too much to ask the index for; that all have raws is still seen.
    monkeypatch.setattr("pachon.registry.query.complete_records._MOST_LOOKS", 0)
    assert _chosen(large, ["detector"], ("raw", "raw/all")).assured == ("all have raw",)
    assert not _chosen(large, ["detector"], ("focus", "focus/all")).assured


def test_detectors_of_another_instrument_need_no_datasets(registry: SqlRegistry) -> None:
    _fill(registry)
    load_records(registry, "instrument", {"name": "Other"})
    load_records(registry, "detector", {"instrument": "Other", "id": 1, "full_name": "D1"})
    cam = {"where": "instrument = 'Cam'"}
    assert _chosen(registry, ["detector"], ("raw", "raw/all"), **cam).assured
    assert not _chosen(registry, ["detector"], ("raw", "raw/all")).assured
    raws = [DatasetSearch(dataset_type="raw", collections=("raw/all",))]
    assert len(registry.query.data_ids(["detector"], datasets=raws)) == DETECTORS
    assert len(registry.query.data_ids(["detector"], datasets=raws, where="instrument = 'Other'")) == 0


def test_what_is_run_is_shown(large: SqlRegistry) -> None:
    spec = large.query.spec(["exposure"], datasets=[DatasetSearch(dataset_type="raw", collections=("raw/all",))])
    assert "where there are datasets raw in 1 collection" in str(large.query.plan(spec))
    assert "EXISTS" in large.query.sql(spec)


@pytest.mark.parametrize(
    ("dimensions", "name", "conditions", "looked_up"),
    [
        (["exposure"], "hourly", {}, True),
        (["exposure"], "hourly", {"order_by": ["-exposure"], "limit": 2}, True),
        # There is no time.
        (["physical_filter"], "hourly", {}, False),
        # There is little to compare with.
        (["exposure"], "rare", {}, False),
        (["exposure", "detector"], "rare", {}, False),
    ],
)
def test_ranges_are_looked_up_where_there_are_many(
    large: SqlRegistry, dimensions: list[str], name: str, conditions: Any, looked_up: bool
) -> None:
    plan = _chosen(large, dimensions, (name, "calib"), **conditions)
    tests = [test for there in plan.existences for test in there.valid]
    if large._state.dialect == "sqlite":
        assert bool(tests) == looked_up
    else:
        # PostgreSQL may merge them, be they many or few.
        assert tests if looked_up else all(test.merged for test in tests)


def _merged(registry: SqlRegistry, plan: Plan) -> list[Plan]:
    """Give the plan with ranges that are merged, where PostgreSQL can do it."""
    if registry._state.dialect == "sqlite" or not plan.existences or not plan.existences[0].valid:
        return []
    merged = with_merged_ranges(registry.universe, plan.existences[0])
    # Something else is said of the detectors in some questions.
    return [] if merged is None else [replace(plan, existences=(merged,))]


def test_ranges_are_merged_if_nothing_else_is_said(example: SqlRegistry) -> None:
    universe = example.universe
    there = _only(_tested(example, ["exposure"], BIAS, by_last_range=True))
    merged = with_merged_ranges(universe, there)
    assert merged is not None
    assert (merged.sources, merged.private) == ((), ("detector",))
    assert str(merged) == "bias valid at exposure.timespan, by merged ranges"
    others = [
        _tested(example, ["exposure"], BIAS, by_last_range=True, where=f"{X} AND detector = 2"),
        _tested(example, ["exposure"], RAW, BIAS, by_last_range=True),
        _tested(
            example,
            ["exposure"],
            DatasetSearch(dataset_type="bias", collections=("calib", "imported_g")),
            by_last_range=True,
        ),
    ]
    assert [with_merged_ranges(universe, _only(other)) for other in others] == [None] * 3


def test_postgresql_merges_ranges_for_many_questions(large: SqlRegistry) -> None:
    if large._state.dialect == "sqlite":
        pytest.skip("SQLite has no sets of ranges")
    # 20,000 pairs: to look into the index for each takes longer than to read 6,000 ranges.
    plan = _chosen(large, ["exposure", "detector"], ("hourly", "calib"))
    assert [test.merged for there in plan.existences for test in there.valid] == [True]
    # Of one exposure little is looked for.
    plan = _chosen(large, ["exposure"], ("hourly", "calib"), where="instrument = 'Cam' AND exposure = 3")
    assert not any(test.merged for there in plan.existences for test in there.valid)


@pytest.mark.parametrize("name", CALIBRATIONS)
@pytest.mark.parametrize("by_last_range", [False, True])
@pytest.mark.parametrize("more", [False, True])
def test_equal_answers_of_calibrations(large: SqlRegistry, name: str, by_last_range: bool, more: bool) -> None:
    state = large._state
    search = DatasetSearch(dataset_type=name, collections=("calib", *(["calib/more"] if more else [])))
    pairs = {(e, d) for e in range(EXPOSURES) for d in range(DETECTORS) if _valid(name, e, d, more=more)}
    asked = {
        "": pairs,
        "exposure IN (2, 3, 4, 7, 9, 190..199)": {p for p in pairs if p[0] in (2, 3, 4, 7, 9) or p[0] >= 190},
        "detector = 3": {p for p in pairs if p[1] == 3},
        "exposure = 5 AND detector = 4": pairs & {(5, 4)},
    }
    for where, wanted in asked.items():
        whole = " AND ".join(["instrument = 'Cam'", *([where] if where else [])])
        for dimensions in (["exposure", "detector"], ["exposure"]):
            spec = large.query.spec(dimensions, datasets=[search], where=whole)
            plan = first_plan(large, spec)
            source = next(s for s in plan.sources if isinstance(s, DatasetSource))
            plan = with_semi_join(plan, source, by_last_range=by_last_range) or plan
            assert bool(plan.existences) == (by_last_range or dimensions == ["exposure"])
            expected = sorted(wanted) if len(dimensions) == 2 else sorted({(e,) for e, _ in wanted})
            for asked_plan in (plan, *_merged(large, plan)):
                with state.database.snapshot() as connection:
                    keys = run_plan(state, connection, asked_plan).keys
                found = list(zip(*(keys.columns[name].tolist() for name in dimensions), strict=True))
                assert sorted(found) == expected, (where, dimensions, str(asked_plan))
            assert large.query.count(spec) == len(expected)


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("name", CALIBRATIONS)
def test_ranges_that_are_shown_are_looked_up(large: SqlRegistry, name: str, more: bool) -> None:
    state = large._state
    collections = ["calib", *(["calib/more"] if more else [])]
    for exposures in ([0], [1, 2, 3], [4], [9], [5, 150, 190, 199]):
        listed = ", ".join(map(str, exposures))
        spec = large.query.spec(
            ["exposure", "detector"],
            fields=(f"{name}.timespan",),
            datasets=[DatasetSearch(dataset_type=name, collections=tuple(collections))],
            where=f"instrument = 'Cam' AND exposure IN ({listed})",
            find_first=False,
        )
        plan = first_plan(large, spec)
        looked_up = looked_up_plan(plan, state.dialect)
        assert looked_up is not None
        with state.database.snapshot() as connection:
            found, expected = (_shown(run_plan(state, connection, p)) for p in (looked_up, plan))
        assert found == expected
        pairs = {(e, d) for e in exposures for d in range(DETECTORS) if _valid(name, e, d, more=more)}
        assert {row[:2] for row in found} == pairs


def test_several_calibrations_are_looked_up(large: SqlRegistry) -> None:
    """None gives the other its detectors, as they would if they were joined."""
    query, state = large.query, large._state
    searches = [DatasetSearch(dataset_type=name, collections=("calib",)) for name in ("hourly", "open")]
    spec = query.spec(
        ["exposure", "detector"],
        fields=("hourly.timespan", "open.timespan"),
        datasets=searches,
        where="instrument = 'Cam' AND exposure IN (0, 2, 3, 191)",
        find_first=False,
    )
    looked_up = looked_up_plan(first_plan(large, spec), state.dialect)
    assert looked_up is not None
    assert sum(isinstance(s, DatasetSource) and s.at is not None for s in looked_up.sources) == 2
    pairs = {
        (e, d)
        for e in (0, 2, 3, 191)
        for d in range(DETECTORS)
        if all(_valid(s.dataset_type, e, d, more=False) for s in searches)
    }
    assert pairs
    with state.database.snapshot() as connection:
        rows = run_plan(state, connection, looked_up)
    keys = [rows.keys.columns[d].tolist() for d in ("exposure", "detector")]
    assert set(zip(*keys, strict=True)) == pairs
    found = query.general(["exposure", "detector"], spec.fields, datasets=searches, where=spec.where, find_first=False)
    assert {(row["exposure"], row["detector"]) for row in found} == pairs


def _shown(rows: Rows) -> set[tuple[int, ...]]:
    ((begins, ends),) = rows.fields.values()
    keys = [rows.keys.columns[d].tolist() for d in ("exposure", "detector")]
    return set(zip(*keys, begins.tolist(), ends.tolist(), strict=True))


def test_a_calibration_is_looked_up_at_the_time_of_an_exposure(large: SqlRegistry) -> None:
    where = "instrument = 'Cam' AND exposure = 6"
    plan = large.query.plan(large.query.dataset_spec("hourly", "calib", where=where))
    # In so small a table PostgreSQL compares them all in no time.
    looked_up = "datasets hourly in 1 collection, looked up at exposure.timespan" in str(plan)
    assert looked_up == (large._state.dialect == "sqlite")
    found = large.query.datasets("hourly", "calib", where=where)
    assert sorted(found.data_ids.columns["detector"].tolist()) == [
        d for d in range(DETECTORS) if _valid("hourly", 6, d, more=False)
    ]
    # There are two ranges of it: the query has no time, and so no range of its own.
    assert "looked up" not in str(large.query.plan(large.query.dataset_spec("hourly", "calib", find_first=False)))
    # Few ranges are compared.
    assert "looked up" not in str(large.query.plan(large.query.dataset_spec("rare", "calib", where=where)))


def test_a_calibration_is_looked_up_at_a_time(large: SqlRegistry) -> None:
    for name in CALIBRATIONS:
        spec = large.query.dataset_spec(
            name, "calib", where=f"{name}.timespan OVERLAPS T'2026-01-01 06:00:00/tai'", find_first=False
        )
        plan = first_plan(large, spec)
        looked_up = looked_up_plan(plan, large._state.dialect)
        assert looked_up is not None
        with large._state.database.snapshot() as connection:
            ids = [{row.tobytes() for row in run_plan(large._state, connection, p).ids} for p in (looked_up, plan)]
        assert ids[0] == ids[1]
        assert bool(ids[0]) == (name != "open")
