# SPDX-License-Identifier: BSD-3-Clause
"""Random repositories of several universes and random queries: the compiled SQL finds what plain Python finds.

``PACHON_TEST_VOLUME=20`` tries twenty times as many, and new ones.
"""

import itertools
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import PachonError
from pachon.datasets import DatasetSearch
from pachon.dimensions import DataIdTable, DimensionUniverse
from pachon.dimensions.testing.volume import volume
from pachon.registry import CalibrationLookupError, SqlRegistry
from pachon.registry.query.answers import make_answer
from pachon.registry.query.execute import count_plan, run_plan, stream_plan
from pachon.registry.query.plan import OrderTerm, Plan
from pachon.registry.query.planner import resolved_condition
from pachon.registry.query.rows import Rows
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.spec import QuerySpec
from pachon.registry.query.tree import Key, Truth
from pachon.registry.testing.oracle import Oracle, OracleAmbiguity
from pachon.registry.testing.plans import first_plan, looked_up_plan, semi_join_plans
from pachon.registry.testing.postgresql import shared_server
from pachon.registry.testing.random_queries import AskedQuery, random_queries
from pachon.registry.testing.random_universe import random_universe
from pachon.registry.testing.random_world import World, random_world
from pachon.registry.testing.universes import fibre_universe, library_universe

QUERIES = 12
"""Of each repository."""
CAMERA = {
    "raw": ["exposure", "detector"],
    "src": ["visit", "detector"],
    "warp": ["visit", "patch"],
    "c_bias": ["detector"],
    "c_dark": ["detector"],
    "note": [],
}


def _world(rng: random.Random, kind: str) -> World:
    match kind:
        case "camera":
            return random_world(rng, DimensionUniverse.default(), CAMERA)
        case "fibres":
            return random_world(rng, fibre_universe())
        case "library":
            return random_world(rng, library_universe())
        case _:
            return random_world(rng, random_universe(rng))


@contextmanager
def _registry(world: World, database: str) -> Iterator[SqlRegistry]:
    if database == "postgresql":
        server = shared_server()
        with server.database() as url, SqlRegistry.create(url, world.universe) as registry:
            world.fill(registry)
            yield registry
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        SqlRegistry.create(f"sqlite:///{Path(folder)}/r.sqlite3", world.universe) as registry,
    ):
        world.fill(registry)
        yield registry


@pytest.mark.parametrize("kind", ["camera", "fibres", "library", "random"])
def test_sqlite(kind: str) -> None:
    @volume(6)
    @given(st.integers(0, 2**32))
    def compare(seed: int) -> None:
        _compare(seed, kind, "sqlite")

    compare()


@pytest.mark.parametrize("kind", ["camera", "random"])
def test_postgresql(kind: str) -> None:
    @volume(2)
    @given(st.integers(0, 2**32))
    def compare(seed: int) -> None:
        _compare(seed, kind, "postgresql")

    compare()


def test_datasets_that_need_only_be_there_are_often_asked_for() -> None:
    asked, together, conditions, valid, looked_up, merged = 0, 0, 0, 0, 0, 0
    for kind in ("camera", "fibres", "library", "random"):
        rng = random.Random(f"often {kind}")
        world = _world(rng, kind)
        with _registry(world, "sqlite") as registry:
            for query in itertools.islice(random_queries(rng, world), 100):
                try:
                    plan = first_plan(registry, _spec(registry, query))
                except PachonError:
                    continue
                plans = semi_join_plans(plan, "postgresql")
                merged += any(test.merged for p in plans for there in p.existences for test in there.valid)
                looked_up += looked_up_plan(plan, "sqlite") is not None
                valid += any(there.valid for plan in plans for there in plan.existences)
                tests = [there for plan in plans[:1] for there in plan.existences]
                asked += bool(tests)
                together += any(len(there.sources) > 1 for there in tests)
                conditions += any(there.predicate != Truth(value=True) for there in tests)
    assert asked >= 30
    assert together >= 4
    assert conditions >= 3
    assert valid >= 10
    assert looked_up >= 10
    assert merged >= 5


def _compare(seed: int, kind: str, database: str) -> None:
    rng = random.Random(f"{seed} {kind}")
    world = _world(rng, kind)
    oracle = Oracle(world)
    with _registry(world, database) as registry:
        for query in itertools.islice(random_queries(rng, world), QUERIES):
            _compare_one(registry, oracle, query, rng)


def _compare_one(registry: SqlRegistry, oracle: Oracle, query: AskedQuery, rng: random.Random) -> None:
    spec = _spec(registry, query)
    if any(registry.universe[name].is_skypix for name in spec.dimensions.names):
        return
    try:
        plan = first_plan(registry, spec)
    except PachonError:
        # Whether it should have been refused is for other tests to say.
        return
    if query.kind != "datasets":
        _compare_data_ids(registry, oracle, spec, plan, query, rng)
        return
    try:
        found = registry.query.fetch(spec)
    except CalibrationLookupError:
        with pytest.raises(OracleAmbiguity):
            _ask_datasets(oracle, query, plan, spec, registry)
        return
    assert {i.bytes for i in found.uuids()} == {  # type: ignore[union-attr]  # a table of datasets
        i.bytes for i in _ask_datasets(oracle, query, plan, spec, registry)
    }, query
    assert len(found) == len(set(found.uuids())), query  # type: ignore[union-attr]  # a table of datasets
    _compare_looked_up(registry, spec, plan, {i.bytes for i in found.uuids()})  # type: ignore[union-attr]  # a table of datasets
    _compare_order(registry, spec, {ref.id for ref in found}, query, rng)


def _compare_looked_up(registry: SqlRegistry, spec: QuerySpec, plan: Plan, wanted: set[bytes]) -> None:
    """The same by validity ranges that are looked up one by one; in a small database they are not."""
    state = registry._state
    looked_up = looked_up_plan(plan, state.dialect)
    if looked_up is None:
        return
    with state.database.snapshot() as connection:
        rows = run_plan(state, connection, looked_up, spec.tables)
        assert {row.tobytes() for row in rows.ids} == wanted, (spec, str(looked_up))
        parts = list(stream_plan(state, connection, looked_up, spec.tables, size=3))
        assert {row.tobytes() for part in parts for row in part.ids} == wanted, (spec, str(looked_up))
        assert count_plan(state, connection, looked_up, spec.tables) == len(wanted), (spec, str(looked_up))


def _compare_data_ids(
    registry: SqlRegistry, oracle: Oracle, spec: QuerySpec, plan: Plan, query: AskedQuery, rng: random.Random
) -> None:
    wanted = oracle.data_ids(spec.dimensions, plan.dimensions, _condition(registry, spec), dict(query.searches))
    data_ids = registry.query.data_ids(spec.dimensions, where=query.where, bind=query.bound(), datasets=spec.searches)
    rows = [data_id.required_values for data_id in data_ids]
    assert sorted(rows) == sorted(wanted), query
    # The same in batches, by count, and as a general result.
    parts = [tuple(d.required_values) for part in registry.query.batches(spec, 3) for d in part]  # type: ignore[union-attr]
    assert sorted(parts) == sorted(wanted), query
    assert registry.query.count(spec) == len(wanted), query
    for tested in semi_join_plans(plan, registry._state.dialect):
        _compare_tested(registry, spec, tested, data_ids)
    if (looked_up := looked_up_plan(plan, registry._state.dialect)) is not None:
        _compare_tested(registry, spec, looked_up, data_ids)
    if query.kind == "data_ids":
        _compare_order(registry, spec, set(wanted), query, rng)
        _compare_given(registry, spec, wanted, query, rng)


def _compare_tested(registry: SqlRegistry, spec: QuerySpec, plan: Plan, wanted: DataIdTable) -> None:
    """The same by tests of each record: all at once, in batches, counted, and the first ones of an order."""
    state = registry._state
    keys = [(name, registry.universe[name].primary_key.type) for name in spec.dimensions.required]
    order = tuple(
        OrderTerm(value=Key(dimension=name, type="int" if kind == "int" else "string"), descending=True)
        for name, kind in keys
    )
    expected = sorted((d.required_values, sorted(d.full.items())) for d in wanted)
    with state.database.snapshot() as connection:

        def answer(rows: Rows) -> list[Any]:
            found = make_answer(state, connection, spec, plan, rows)
            return [(d.required_values, sorted(d.full.items())) for d in found]  # type: ignore[union-attr]  # data IDs

        assert sorted(answer(run_plan(state, connection, plan, spec.tables))) == expected, (spec, str(plan))
        parts = [row for part in stream_plan(state, connection, plan, spec.tables, size=3) for row in answer(part)]
        assert sorted(parts) == expected, (spec, str(plan))
        assert count_plan(state, connection, plan, spec.tables) == len(expected), (spec, str(plan))
        some = answer(run_plan(state, connection, replace(plan, order=order, limit=2), spec.tables))
        assert some == expected[::-1][:2], (spec, str(plan))


def _compare_order(
    registry: SqlRegistry, spec: QuerySpec, wanted: set[Any], query: AskedQuery, rng: random.Random
) -> None:
    """The same in an order of some dimensions, which a limit cuts off."""
    names = rng.sample(spec.dimensions.names, rng.randint(0, len(spec.dimensions.names)))
    # The rest makes the order complete.
    names += [name for name in spec.dimensions.required if name not in names]
    signs = [rng.choice(["", "-"]) for _ in names]
    order = tuple(sign + name for sign, name in zip(signs, names, strict=True))
    key = "id" if spec.result is not None else None
    limit = rng.randint(1, len(wanted) + 1)
    found = list(registry.query.fetch(replace(spec, order_by=order)))
    data_ids = [item.data_id if key else item for item in found]
    rows = [[data_id[name] for name in names] for data_id in data_ids]
    expected = rows
    for place in reversed(range(len(names))):
        expected = sorted(expected, key=lambda row: row[place], reverse=signs[place] == "-")
    assert rows == expected, (query, order)
    assert {item.id if key else item.required_values for item in found} == wanted, (query, order)
    some = list(registry.query.fetch(replace(spec, order_by=order, limit=limit)))
    if spec.find_first or not key:
        assert some == found[:limit], (query, order, limit)
    assert len(some) == min(limit, len(wanted)), (query, order, limit)
    assert registry.query.count(replace(spec, order_by=order, limit=limit)) == len(some), (query, order, limit)


def _compare_given(registry: SqlRegistry, spec: QuerySpec, wanted: Any, query: AskedQuery, rng: random.Random) -> None:
    """The same among some data IDs that the caller gives, in a table or one by one."""
    rows = sorted(wanted)
    if not rows or not spec.dimensions.required:
        return
    some = rng.sample(rows, rng.randint(1, min(len(rows), 5)))
    names = spec.dimensions.required
    unknown = tuple("nowhere" if isinstance(value, str) else 987654 for value in some[0])
    given = [dict(zip(names, row, strict=True)) for row in [*some, some[0], unknown]]
    asked = replace(spec, tables=(DataIdTable.from_rows(spec.dimensions, given),))
    found = registry.query.fetch(asked)
    assert sorted(d.required_values for d in found) == sorted(some), (query, some)
    for tested in semi_join_plans(first_plan(registry, asked), registry._state.dialect):
        _compare_tested(registry, asked, tested, found)
    one = dict(zip(names, some[0], strict=True))
    governors = registry.universe.governors
    fixed = {n: v for n, v in one.items() if n in governors or rng.random() < 0.5}
    found = registry.query.fetch(replace(spec, data_id=fixed))
    expected = [row for row in rows if all(row[names.index(n)] == v for n, v in fixed.items())]
    assert sorted(d.required_values for d in found) == expected, (query, fixed)


def _spec(registry: SqlRegistry, query: AskedQuery) -> QuerySpec:
    conditions = {"where": query.where, "bind": query.bound()}
    if query.kind == "datasets":
        return registry.query.dataset_spec(
            str(query.dataset_type), query.collections, find_first=query.find_first, **conditions
        )
    names = query.dimensions
    if query.kind == "records":
        names = registry.universe.group_of(registry.universe[str(query.element)]).names
    searches = [DatasetSearch(dataset_type=name, collections=places) for name, places in query.searches]
    return registry.query.spec(names, datasets=searches, **conditions)


def _condition(registry: SqlRegistry, spec: QuerySpec):  # type: ignore[no-untyped-def]  # a predicate of the tree
    state = registry._state
    with state.database.snapshot() as connection:
        return resolved_condition(spec, fetch_search_facts(state, connection, spec))


def _ask_datasets(oracle: Oracle, query: AskedQuery, plan: Plan, spec: QuerySpec, registry: SqlRegistry):  # type: ignore[no-untyped-def]  # ids
    return oracle.datasets(
        str(query.dataset_type),
        query.collections,
        plan.dimensions,
        _condition(registry, spec),
        find_first=query.find_first,
    )
