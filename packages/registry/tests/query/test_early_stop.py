# SPDX-License-Identifier: BSD-3-Clause
"""The first rows of an answer are those of the whole answer, though the database stops after them."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.datasets import CollectionType, DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable
from pachon.registry import SqlRegistry
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.plan import EarlyStop, Plan
from pachon.registry.query.spec import QuerySpec
from pachon.registry.testing.example import fill_example
from pachon.registry.testing.postgresql import new_database
from pachon.registry.testing.statements import noted_statements

RUNS = ("first", "second", "third")
X = "instrument = 'Cam1' AND "
ORDERS = [
    ("-exposure", "detector"),
    ("exposure.timespan.begin", "exposure", "-detector"),
    ("-exposure.timespan.begin", "-exposure", "detector"),
    ("-exposure.timespan.end", "-exposure.obs_id", "detector"),
    ("exposure.observation_type", "-exposure.seq_num", "detector", "exposure"),
    ("-exposure.tracking_ra", "exposure", "detector"),
    ("detector.full_name", "exposure"),
    ("-detector", "exposure.obs_id"),
    ("-ingest_date", "exposure", "detector"),
    ("overlaid.ingest_date", "-exposure.timespan.begin", "detector", "exposure"),
]
"""Each names every row once."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def overlaid(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlRegistry]:
    """The example with three runs, of which later ones have some of the data IDs of those before."""
    with SqlRegistry.create(new_database(request.param, tmp_path_factory.mktemp("overlaid"))) as registry:
        fill_example(registry, Path(__file__).parent.parent / "data" / "example")
        known = next(iter(registry.dimension_records.fetch("exposure")))
        timeless = [{**known.as_dict(), "id": n, "obs_id": f"timeless {n}", "timespan": None} for n in (5_000, 0)]
        registry.dimension_records.insert("exposure", timeless)
        dataset_type = DatasetType("overlaid", ["exposure", "detector"], "int", universe=registry.universe)
        registry.dataset_types.register(dataset_type)
        data_ids = [data_id.full for data_id in registry.query.data_ids(["exposure", "detector"])]
        rng = random.Random(5)
        for run in RUNS:
            registry.collections.register(run)
            some = [data_id for data_id in data_ids if rng.random() < 0.5]
            keys = DataIdTable.from_rows(dataset_type.dimensions, some)
            registry.datasets.insert(DatasetTable(dataset_type, keys, new_ids(len(some)), run))
        seen = DatasetType("seen", ["visit", "detector"], "int", universe=registry.universe)
        registry.dataset_types.register(seen)
        data_ids = [data_id.full for data_id in registry.query.data_ids(["visit", "detector"])]
        keys = DataIdTable.from_rows(seen.dimensions, data_ids)
        registry.datasets.insert(DatasetTable(seen, keys, new_ids(len(data_ids)), RUNS[0]))
        yield registry


@pytest.fixture(autouse=True)
def _many_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what the example holds for so many datasets that SQLite does not sort them."""
    monkeypatch.setattr("pachon.registry.query.reordering._SORTED_QUICKLY", 3)


def _stop(plan: Plan) -> EarlyStop:
    assert plan.early_stop is not None
    return plan.early_stop


def _spec(registry: SqlRegistry, collections: Any, **conditions: Any) -> QuerySpec:
    return registry.query.dataset_spec("overlaid", collections, **conditions)


def _plan(registry: SqlRegistry, collections: Any, **conditions: Any) -> Plan:
    return registry.query.plan(_spec(registry, collections, **conditions))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("where", ["", X + "exposure > 1", X + "detector.raft = 'A'", "overlaid.run != 'second'"])
def test_the_first_rows(overlaid: SqlRegistry, order: tuple[str, ...], where: str) -> None:
    for find_first, collections in itertools.product([True, False], [RUNS, RUNS[::-1], RUNS[1:2]]):
        # Those that agree in the order differ in their runs.
        complete = order if find_first else (*order, "overlaid.run")
        conditions = {"where": where, "order_by": complete, "find_first": find_first}
        wanted = [ref.id for ref in overlaid.query.fetch(_spec(overlaid, collections, **conditions))]
        assert len(wanted) > 5 or where
        for limit in (3, len(wanted) + 1):
            spec = _spec(overlaid, collections, limit=limit, **conditions)
            assert [ref.id for ref in overlaid.query.fetch(spec)] == wanted[:limit]
            assert [ref.id for part in overlaid.query.batches(spec, 2) for ref in part] == wanted[:limit]
            assert overlaid.query.count(spec) == min(limit, len(wanted))


@pytest.mark.parametrize(
    "order", [("exposure.timespan.begin", "exposure"), ("-exposure",), ("-exposure.obs_id", "exposure")]
)
@pytest.mark.parametrize("dimensions", [["exposure"], ["exposure", "detector"]])
def test_the_first_data_ids(overlaid: SqlRegistry, order: tuple[str, ...], dimensions: list[str]) -> None:
    search = DatasetSearch(dataset_type="overlaid", collections=RUNS)
    order = (*order, "instrument", *dimensions[1:])
    wanted = list(overlaid.query.fetch(overlaid.query.spec(dimensions, datasets=[search], order_by=order)))
    for limit in range(1, len(wanted) + 2):
        spec = overlaid.query.spec(dimensions, datasets=[search], order_by=order, limit=limit)
        assert list(overlaid.query.fetch(spec)) == wanted[:limit]


@pytest.mark.parametrize(
    "region", ["visit.region = NULL", "visit.region != NULL", "NOT (visit.region OVERLAPS POINT(56.6, -36.4))"]
)
def test_regions_are_tested_of_records_that_are_read_in_order(overlaid: SqlRegistry, region: str) -> None:
    conditions = {"where": X + region, "order_by": ("visit.timespan.begin", "visit", "detector")}
    query = overlaid.query
    wanted = [ref.id for ref in query.fetch(query.dataset_spec("seen", RUNS[0], **conditions))]
    spec = query.dataset_spec("seen", RUNS[0], limit=2, **conditions)
    if overlaid._state.dialect == "postgresql":
        assert _stop(query.plan(spec)).sorted_element == "visit"
    assert [ref.id for ref in query.fetch(spec)] == wanted[:2]


def test_of_each_data_id_one_is_given(overlaid: SqlRegistry) -> None:
    whole = {ref.data_id.required_values: ref.id for ref in overlaid.query.fetch(_spec(overlaid, RUNS))}
    first = list(overlaid.query.fetch(_spec(overlaid, RUNS, limit=1000)))
    assert {ref.data_id.required_values: ref.id for ref in first} == whole
    assert len(first) == len(whole)
    assert len({ref.run for ref in first}) == 3


@pytest.mark.parametrize(
    ("where", "is_by_database"),
    [
        ("", True),
        (X + "exposure > 1 AND detector.raft = 'A'", True),
        (X + "visit > 0", True),
        # It is the first one that must satisfy this, not any.
        ("overlaid.run != 'second'", False),
    ],
)
def test_what_is_found_first_is_counted(overlaid: SqlRegistry, where: str, is_by_database: bool) -> None:
    for collections in (RUNS, RUNS[::-1]):
        spec = _spec(overlaid, collections, where=where)
        found = len(overlaid.query.fetch(spec))
        with noted_statements(overlaid) as noted:
            assert overlaid.query.count(spec) == found > 0
        assert is_by_database == all(statement.startswith("SELECT count(*)") for statement, _ in noted[-1:])


def test_the_database_chooses_only_where_it_can(overlaid: SqlRegistry) -> None:
    assert _stop(_plan(overlaid, RUNS, limit=3)).drops_later
    assert _plan(overlaid, RUNS).early_stop is None, "all are fetched anyway"
    assert not _stop(_plan(overlaid, RUNS, limit=3, find_first=False)).drops_later
    assert not _stop(_plan(overlaid, RUNS[:1], limit=3)).drops_later
    # A condition on datasets may leave out the first one of a data ID.
    assert not _stop(_plan(overlaid, RUNS, limit=3, where="overlaid.run != 'first'")).drops_later
    assert not _stop(_plan(overlaid, RUNS, limit=3, where="NOT overlaid.ingest_date < T'2000-01-01'")).drops_later
    query = overlaid.query
    assert not _stop(query.plan(query.dataset_spec("bias", ("calib", "imported_g"), limit=3))).drops_later


def test_records_are_read_in_order(overlaid: SqlRegistry) -> None:
    is_postgresql = overlaid._state.dialect == "postgresql"
    by_time = _plan(overlaid, RUNS, limit=3, order_by=["exposure.timespan.begin"])
    assert _stop(by_time).sorted_element == "exposure"
    assert "reading exposure in order" in str(by_time)
    # SQLite has an index by time, and sees no other order.
    by_number = _plan(overlaid, RUNS, limit=3, order_by=["exposure.seq_num", "exposure.timespan.begin"])
    assert _stop(by_number).sorted_element == ("exposure" if is_postgresql else None)
    by_end = _plan(overlaid, RUNS, limit=3, order_by=["-exposure.timespan.end"])
    assert _stop(by_end).sorted_element == ("exposure" if is_postgresql else None)
    # Datasets are not found by the night at once.
    by_night = _plan(overlaid, RUNS, limit=3, order_by=["day_obs.timespan.begin"])
    assert _stop(by_night).sorted_element == ("day_obs" if is_postgresql else None)
    assert _stop(_plan(overlaid, RUNS, limit=3, order_by=["exposure"])).sorted_element is None
    assert _plan(overlaid, RUNS, order_by=["exposure.timespan.begin"]).early_stop is None


@pytest.mark.parametrize(
    ("where", "few"),
    [
        ("detector = 1", False),
        ("exposure.seq_num > 1 AND exposure.timespan.begin > T'2000-01-01'", False),
        ("exposure > 1", True),
        ("exposure.obs_id = 'no'", True),
        ("day_obs IN (1, 2)", True),
        ("physical_filter.band = 'g' AND NOT detector = 1", True),
        ("day_obs.timespan.begin > T'2000-01-01'", True),
    ],
)
def test_sqlite_looks_for_records_of_which_something_is_said(overlaid: SqlRegistry, where: str, few: bool) -> None:
    if overlaid._state.dialect != "sqlite":
        pytest.skip("PostgreSQL decides by what there is")
    plan = _plan(overlaid, RUNS, limit=3, order_by=["-exposure.timespan.begin"], where=X + where)
    assert _stop(plan).sorted_element == (None if few else "exposure")


def test_sqlite_sorts_few_datasets(overlaid: SqlRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    if overlaid._state.dialect != "sqlite":
        pytest.skip("PostgreSQL decides by what there is")
    conditions: dict[str, Any] = {"limit": 3, "order_by": ["-exposure.timespan.begin", "detector"]}
    found = len(overlaid.query.fetch(_spec(overlaid, RUNS[1])))
    for sorted_quickly, element in ((found - 1, "exposure"), (found, None)):
        monkeypatch.setattr("pachon.registry.query.reordering._SORTED_QUICKLY", sorted_quickly)
        assert _stop(_plan(overlaid, RUNS[1], **conditions)).sorted_element == element
        assert _plan(overlaid, RUNS[1], **conditions).leading == ((element,) if element else ())


def test_sqlite_sorts_nothing_by_time(overlaid: SqlRegistry) -> None:
    if overlaid._state.dialect != "sqlite":
        pytest.skip("PostgreSQL decides by what there is")
    for term in ("exposure.timespan.begin", "-exposure.timespan.begin"):
        spec = _spec(overlaid, RUNS[:1], limit=3, order_by=[term])
        statement = compile_plan(overlaid.query.plan(spec), overlaid._state.schema, "sqlite", limit=3)
        with overlaid._state.database.read() as connection:
            compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
        assert any("ix_element_exposure_by_time" in step.detail for step in steps)
        assert not any("TEMP B-TREE" in step.detail for step in steps)


def test_datasets_are_read_by_ingest(overlaid: SqlRegistry) -> None:
    is_postgresql = overlaid._state.dialect == "postgresql"

    def is_so(collections: Any, **conditions: Any) -> bool:
        plan = _plan(overlaid, collections, **{"limit": 3, "order_by": ["-ingest_date"], **conditions})
        assert ("reading datasets in the order of their ingest" in str(plan)) == _stop(plan).by_ingest
        return _stop(plan).by_ingest

    assert is_so(RUNS[1])
    assert is_so(RUNS[1], order_by=["ingest_date", "-exposure.obs_id", "detector"])
    assert is_so(RUNS[1], where="instrument = 'Cam1'")
    assert is_so(RUNS) == is_so(RUNS, find_first=False) == is_postgresql
    # These may leave out all but the last of a million.
    assert not is_so(RUNS[1], where=X + "exposure > 1")
    assert not is_so(RUNS[1], where=X + "exposure.seq_num > 1")
    assert not is_so(RUNS[1], where="overlaid.run = 'second'")
    assert not is_so(RUNS[1], where="skymap = 'no'")
    assert not is_so(RUNS[1], datasets=[DatasetSearch(dataset_type="seen", collections=RUNS[:1])])
    assert not is_so(RUNS[1], order_by=["exposure", "ingest_date"])


def test_records_of_what_was_just_ingested_are_looked_up_by_their_keys(overlaid: SqlRegistry) -> None:
    state = overlaid._state
    if state.dialect != "sqlite":
        pytest.skip("PostgreSQL knows in which order it goes through tables")
    order = ["-ingest_date", "day_obs.timespan.begin", "physical_filter.band", "detector.full_name"]
    plan = _plan(overlaid, RUNS[1], limit=3, order_by=order)
    assert _stop(plan).by_ingest
    select = compile_plan(plan, state.schema, state.dialect, limit=3)
    statement = select.compile(state.database.engine, compile_kwargs={"literal_binds": True})
    with state.database.snapshot() as connection:
        steps = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert steps[0].startswith("SEARCH dataset_of_overlaid USING COVERING INDEX ix_dataset_run_id"), steps
    for element, key in {"exposure": "id", "day_obs": "id", "physical_filter": "name", "detector": "id"}.items():
        assert f"SEARCH {element} USING PRIMARY KEY (instrument=? AND {key}=?)" in steps


def test_the_newest_of_a_tagged_collection(overlaid: SqlRegistry) -> None:
    overlaid.collections.register("tagged", CollectionType.TAGGED)
    some = list(overlaid.query.fetch(_spec(overlaid, RUNS[1])))[::2]
    overlaid.collections.associate("tagged", some)
    for collections in ("tagged", ("tagged", RUNS[1])):
        spec = _spec(overlaid, collections, limit=4, order_by=["-ingest_date", "exposure", "detector"])
        assert not _stop(overlaid.query.plan(spec)).by_ingest
        whole = _spec(overlaid, collections, order_by=["-ingest_date", "exposure", "detector"])
        assert [ref.id for ref in overlaid.query.fetch(spec)] == [ref.id for ref in overlaid.query.fetch(whole)][:4]
