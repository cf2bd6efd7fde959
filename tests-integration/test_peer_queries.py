# SPDX-License-Identifier: BSD-3-Clause
"""LSST's packages and pachon are asked the same random questions of the same repositories, and must give the same rows.

LSST's packages are in an environment of their own: ``.environments/peer``, which ``tools/bench --peer`` makes, or the folder that
``PACHON_PEER_ENVIRONMENT`` names. Without it there is nothing to compare with. ``PACHON_TEST_VOLUME=10`` asks ten times as many new questions.
"""

import json
import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from peer_asking import PEER, ask_peer

from pachon.base import PachonError
from pachon.datasets import DatasetSearch
from pachon.dimensions import DimensionUniverse
from pachon.dimensions.testing.volume import VARIABLE
from pachon.registry import SqlRegistry
from pachon.registry.query.answers import make_answer
from pachon.registry.query.execute import run_plan
from pachon.registry.query.plan import Plan
from pachon.registry.query.spec import QuerySpec
from pachon.registry.testing.example import fill_example
from pachon.registry.testing.plans import first_plan, looked_up_plan, semi_join_plans
from pachon.registry.testing.random_queries import AskedQuery, random_queries
from pachon.registry.testing.random_world import World, random_world, read_world

TOP = Path(__file__).resolve().parents[1]
SCRIPT = TOP / "tools" / "peer_queries.py"
DATA = TOP.parent / "shared" / "data" / "registry"
TYPES = {
    "raw": ["exposure", "detector"],
    "src": ["visit", "detector"],
    "coadd": ["patch", "band"],
    "warp": ["visit", "patch"],
    "note": ["instrument"],
    "c_bias": ["detector"],
    "c_flat": ["detector", "physical_filter"],
}
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
STRIDE_FROM_BELOW = re.compile(r"-\d+\.\.-?\d+:(?!1\b)")
"""A range whose start is below zero and is none of its values there (``docs/query-language.md``)."""

Rows = list[Any]


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
@pytest.mark.parametrize("name", ["example", "made_up"])
def test_equal_rows(name: str, tmp_path: Path) -> None:
    rng = random.Random(f"{name} {os.urandom(8).hex() if VOLUME else 5}")
    with SqlRegistry.create(f"sqlite:///{tmp_path}/registry.sqlite3") as registry:
        if name == "example":
            if not DATA.exists():
                pytest.skip("the data of ../shared/data/registry are not there")
            fill_example(registry, DATA)
            world = read_world(registry)
        else:
            world = random_world(rng, DimensionUniverse.default(), TYPES)
            world.fill(registry)
        queries = _take(rng, world, round(150 * (VOLUME or 1)))
        ours = [_ask(registry, query) for query in queries]
    theirs = _ask_peer(world, queries, tmp_path)
    outcomes: Counter[str] = Counter()
    for query, own, peer in zip(queries, ours, theirs, strict=True):
        if "error" in peer:
            # What they refuse may be answered here; what they find has to be found.
            outcomes["refused by both" if "error" in own else "answered here only"] += 1
            continue
        assert "error" not in own, f"{query}\n{own}"
        if STRIDE_FROM_BELOW.search(query.where):
            outcomes["strides from below zero"] += 1
            continue
        # A dataset that is in several collections is given once here.
        assert _alike(query, own["rows"]) == _alike(query, sorted({json.dumps(row) for row in peer["rows"]})), query
        outcomes["rows" if peer["rows"] else "no rows"] += 1
    print(f"{name}: {dict(outcomes)}")
    assert outcomes["rows"] > len(queries) / 5


def _alike(query: AskedQuery, rows: list[str]) -> list[Any]:
    """Give what both must have in common."""
    if query.kind == "datasets" and not query.find_first and str(query.dataset_type).startswith("c_"):
        # There one of several datasets of a data ID in a CALIBRATION collection is given where further dimensions are joined.
        return sorted({json.dumps(json.loads(row)[2]) for row in rows})
    return rows


def _take(rng: random.Random, world: World, count: int) -> list[AskedQuery]:
    queries = random_queries(rng, world)
    return [next(queries) for _ in range(count)]


def _ask(registry: SqlRegistry, query: AskedQuery) -> dict[str, Any]:
    asked = registry.query
    conditions: dict[str, Any] = {"where": query.where, "bind": query.bound()}
    searches = [DatasetSearch(dataset_type=name, collections=places) for name, places in query.searches]
    rows: Rows
    try:
        if query.kind == "datasets":
            found = asked.datasets(
                str(query.dataset_type), query.collections, find_first=query.find_first, **conditions
            )
            rows = [[str(ref.id), ref.run, sorted(ref.data_id.full.items())] for ref in found]
        elif query.kind == "records":
            records = asked.records(str(query.element), datasets=searches, **conditions)
            rows = [sorted(data_id.required.items()) for data_id in records.data_ids(registry.universe)]
        else:
            spec = asked.spec(query.dimensions, datasets=searches, **conditions)
            rows = [sorted(d.full.items()) for d in asked.fetch(spec)]  # type: ignore[union-attr]  # data IDs
            first, dialect = first_plan(registry, spec), registry._state.dialect
            looked_up = looked_up_plan(first, dialect)
            for plan in [*semi_join_plans(first, dialect), *([looked_up] if looked_up is not None else [])]:
                assert sorted(_rows_of(registry, spec, plan)) == sorted(rows), query
    except PachonError as error:
        return {"error": str(error)}
    return {"rows": sorted(map(json.dumps, rows))}


def _rows_of(registry: SqlRegistry, spec: QuerySpec, plan: Plan) -> Rows:
    """Answer by another plan than the one that is chosen for so few datasets."""
    state = registry._state
    with state.database.snapshot() as connection:
        found = make_answer(state, connection, spec, plan, run_plan(state, connection, plan))
    return [sorted(d.full.items()) for d in found]  # type: ignore[union-attr]  # data IDs


def _ask_peer(world: World, queries: list[AskedQuery], folder: Path) -> list[dict[str, Any]]:
    document = [{"world": world.document(), "queries": [query.document() for query in queries]}]
    answers: list[list[dict[str, Any]]] = ask_peer(SCRIPT, document, folder)
    return answers[0]
