# SPDX-License-Identifier: BSD-3-Clause
"""Random questions of every kind get the same rows, in the same order, from LSST's packages and from pachon.

Where LSST's packages are is said in `test_peer_queries`. ``PACHON_TEST_VOLUME=20`` asks twenty times as many, and new ones, of as many
repositories; ``docs/query-language.md`` lists the differences that are meant.
"""

import json
import os
import random
import uuid
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lsst import sphgeom
from peer_asking import PEER, ask_peer

from pachon.base import PachonError
from pachon.butler import Butler
from pachon.dimensions import DimensionUniverse, Timespan
from pachon.dimensions.testing.volume import VARIABLE
from pachon.registry import SqlRegistry
from pachon.registry.testing.example import fill_example
from pachon.registry.testing.postgresql import postgres_server, postgres_url
from pachon.registry.testing.random_world import World, random_world, read_world
from pachon.registry.testing.wide_queries import WideQuery, wide_queries

__all__ = ["postgres_server", "postgres_url"]

TOP = Path(__file__).resolve().parents[1]
SCRIPT = TOP / "tools" / "peer_wide_queries.py"
EXAMPLE = TOP / "packages" / "registry" / "tests" / "data" / "example"
QUERIES = 150
"""Of each repository."""
TYPES = {
    "raw": ["exposure", "detector"],
    "src": ["visit", "detector"],
    "coadd": ["patch", "band"],
    "warp": ["visit", "patch"],
    "note": ["instrument"],
    "sky_map": ["skymap"],
    "c_bias": ["detector"],
    "c_flat": ["detector", "physical_filter"],
    "pixels": ["htm7"],
    "tiles": ["htm9", "band"],
}
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)

Rows = list[Any]


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
@pytest.mark.parametrize(
    ("kind", "database"), [("made_up", "sqlite"), ("made_up", "postgresql"), ("example", "sqlite")]
)
def test_equal_answers(kind: str, database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    repositories = []
    ours = []
    for number in range(max(1, round(VOLUME))):
        rng = random.Random(f"{kind} {database} {number} {os.urandom(8).hex() if VOLUME else 7}")
        world = _example(tmp_path) if kind == "example" else random_world(rng, DimensionUniverse.default(), TYPES)
        made = wide_queries(rng, world)
        queries = [next(made) for _ in range(QUERIES)]
        url = None
        if database == "postgresql":
            url = request.getfixturevalue("postgres_server").new_url()
        ours.append(_ask_all(world, queries, tmp_path / f"repo{number}", url))
        repositories.append((world, queries))
    theirs = _ask_peer(repositories, tmp_path)
    outcomes: Counter[str] = Counter()
    failures = []
    for (_, queries), own_answers, peer_answers in zip(repositories, ours, theirs, strict=True):
        for query, own, peer in zip(queries, own_answers, peer_answers, strict=True):
            outcome = _compare(query, own, peer)
            if outcome.startswith("differ"):
                failures.append(f"{outcome}\n{query}\nhere: {_short(own)}\nthere: {_short(peer)}")
            outcomes[outcome] += 1
    print(f"{kind} {database}: {dict(outcomes)}")
    if path := os.environ.get("PACHON_PEER_REPORT"):
        _write_report(Path(path), repositories, ours, theirs)
    assert not failures, f"{len(failures)} differ\n\n" + "\n\n".join(failures[:10])
    assert outcomes["rows"] > sum(outcomes.values()) / 8


def _example(folder: Path) -> World:
    """Give the content of the small repository of the query language's examples."""
    file = folder / "example.sqlite3"
    if file.exists():
        with SqlRegistry.open(f"sqlite:///{file}") as registry:
            return read_world(registry)
    with SqlRegistry.create(f"sqlite:///{file}") as registry:
        fill_example(registry, EXAMPLE)
        return read_world(registry)


def _compare(query: WideQuery, own: dict[str, Any], peer: dict[str, Any]) -> str:
    """Say how two answers agree."""
    if "error" in peer:
        # What they refuse may be answered here; what they find has to be found.
        return "refused by both" if "error" in own else "answered here only"
    if "error" in own:
        return "differ: refused here"
    found, expected = [json.dumps(row) for row in own["rows"]], [json.dumps(row) for row in peer["rows"]]
    if query.kind in ("collections", "types"):
        # What patterns match has no certain order there.
        plain = not any(set(name) & set("*?[") for name in query.names)
        # Dataset types that several names or patterns match are repeated there.
        equal = found == expected if query.kind == "collections" and plain else set(found) == set(expected)
        return "names" if equal else "differ in names"
    # A row that is found in several ways, such as a dataset in several collections, is given once here.
    once = list(dict.fromkeys(expected))
    if query.kind == "general" and query.searches and not query.find_first:
        # There one of several datasets of a data ID is given where further dimensions are joined.
        return "rows" if set(once) <= set(found) else "differ in rows"
    if query.limit is not None and not query.complete:
        return "differ in number" if len(found) != len(once) else "rows" if expected else "no rows"
    if query.kind in ("datasets", "all_datasets") and not query.find_first:
        # There one of several datasets of a data ID in a CALIBRATION collection is given where further dimensions are joined.
        more = [row for row in own["rows"] if row[1].startswith("c_") and json.dumps(row) not in set(once)]
        known = [row[1::2] for row in peer["rows"]]
        found = [json.dumps(row) for row in own["rows"] if row not in more or row[1::2] not in known]
    if sorted(found) != sorted(once):
        return "differ in rows"
    if query.complete and found != once:
        return "differ in order"
    if query.simple and own["warned"] != peer["warned"]:
        return "differ in warning"
    return "rows" if expected else "no rows"


def _short(answer: dict[str, Any]) -> str:
    rows = answer.get("rows")
    return f"{len(rows)} rows, {rows[:6]}" if rows is not None else str(answer)


def _write_report(path: Path, repositories: Any, ours: Any, theirs: Any) -> None:
    """Keep all questions with both answers, to be looked through."""
    document = [
        {"query": query.document(), "ours": own, "theirs": peer}
        for (_, queries), own_answers, peer_answers in zip(repositories, ours, theirs, strict=True)
        for query, own, peer in zip(queries, own_answers, peer_answers, strict=True)
    ]
    path.write_text(json.dumps(document, indent=1))


def _ask_all(world: World, queries: list[WideQuery], folder: Path, database: str | None) -> list[dict[str, Any]]:
    with Butler.create(str(folder), database=database) as butler:
        world.fill(butler._session.registry)  # type: ignore[arg-type]  # it is the one of SQL
        return [_ask(butler, query) for query in queries]


def _ask(butler: Butler, query: WideQuery) -> dict[str, Any]:
    if query.defaults:
        butler = butler.clone(data_id=query.defaults)
    if query.searched is not None:
        butler = butler.clone(collections=query.searched)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = _found(butler, query)
            # The database counts, before any row is fetched.
            counted = (found.count(), found.any()) if query.kind not in ("collections", "types") else None
            rows = [_as_row(item, query) for item in found]
            assert counted in (None, (len(rows), bool(rows))), (query, counted, len(rows))
        except PachonError as error:
            return {"error": f"{type(error).__name__}: {error}"}
    return {"rows": rows, "warned": any("There are more than" in str(item.message) for item in caught)}


def _found(butler: Butler, query: WideQuery) -> Any:
    match query.kind:
        case "collections":
            return butler.collections.query(
                query.names, query.types or None, flatten_chains=query.flatten, include_chains=query.chains
            )
        case "types":
            return [item.name for item in butler.dataset_types.query(query.names)]
        case "all_datasets":
            return butler.query_all_datasets(
                query.collections,
                name=query.names,
                find_first=query.find_first,
                where=query.where,
                bind=query.bound(),
                limit=query.limit,
            )
    own = query.collections if query.searched is None else None
    result: dict[str, Any] = {"order_by": query.order_by, "limit": query.limit}
    if query.simple:
        conditions: dict[str, Any] = {"where": query.where, "bind": query.bound(), "data_id": query.data_id, **result}
        match query.kind:
            case "datasets":
                return butler.query_datasets(
                    str(query.dataset_type),
                    collections=own,
                    find_first=query.find_first,
                    **conditions,
                )
            case "records":
                return butler.query_dimension_records(str(query.element), **conditions)
            case _:
                return butler.query_data_ids(query.dimensions, **conditions)
    with butler.query() as q:
        if query.given:
            if query.tabular:
                q = q.join_table({name: [row[name] for row in query.given] for name in query.given[0]})
            else:
                q = q.join_data_ids(query.given)
        if query.joined:
            q = q.join_dimensions(query.joined)
        for name, collections in query.searches:
            q = q.join_datasets(name, collections=collections)
        q = q.where(query.where, bind=query.bound(), data_id=query.data_id)
        if query.materialized:
            q = q.materialize(query.materialized)
        found: Any
        match query.kind:
            case "datasets":
                found = q.datasets(str(query.dataset_type), collections=own, find_first=query.find_first, **result)
            case "records":
                found = q.dimension_records(str(query.element), **result)
            case "general":
                found = q.general(query.dimensions, query.fields, find_first=query.find_first)
            case _:
                found = q.data_ids(query.dimensions, **result)
        return found.where(query.further, bind=query.bound()) if query.further else found


def _as_row(item: Any, query: WideQuery) -> Any:
    match query.kind:
        case "collections" | "types":
            return item
        case "datasets" | "all_datasets":
            return [str(item.id), item.dataset_type.name, item.run, _pairs(item.data_id.full)]
        case "records":
            return _pairs(item.as_stored())
        case "general":
            return _pairs(item)
        case _:
            return _pairs(item.full)


def _pairs(values: Any) -> Rows:
    return [[name, _plain(value)] for name, value in sorted(values.items())]


def _plain(value: Any) -> Any:
    match value:
        case Timespan():
            return [value.begin_ns, value.end_ns]
        case sphgeom.Region():
            return value.encode().hex()
        case uuid.UUID():
            return str(value)
        case bytes():
            return value.hex()
        case _ if hasattr(value, "item"):
            return value.item()
        case _:
            return value


def _ask_peer(repositories: list[tuple[World, list[WideQuery]]], folder: Path) -> list[list[dict[str, Any]]]:
    document = [
        {"world": w.document(), "queries": [query.document() for query in queries]} for w, queries in repositories
    ]
    answers: list[list[dict[str, Any]]] = ask_peer(SCRIPT, document, folder)
    return answers
