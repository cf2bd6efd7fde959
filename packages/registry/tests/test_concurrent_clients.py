# SPDX-License-Identifier: BSD-3-Clause
"""Several processes register, import, chain, certify and seal the same things at the same moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pachon.datasets import CollectionType
from pachon.dimensions import Timespan
from pachon.registry import CollectionCycleError, SqlRegistry
from pachon.registry.testing.concurrent_clients import ACTIONS, at_once
from pachon.registry.testing.pgbouncer import PgBouncer, find_pgbouncer
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData

CLIENTS, ROUNDS = 3, 5
DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def pgbouncer(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    if find_pgbouncer() is None:
        pytest.skip("there is no PgBouncer here; install Debian's package 'pgbouncer'")
    # Fewer connections than clients: each transaction may get another one.
    with PgBouncer(postgres_server, connections=2) as pooler:
        yield pooler


@dataclass(frozen=True)
class After:
    """A registry, and what the processes got that have done everything to it."""

    url: str
    outcomes: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"], scope="module")
def after(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[After]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.sqlite3"
        _fill(url)
        yield After(url, at_once(url, list(ACTIONS), clients=CLIENTS, rounds=ROUNDS))
        return
    name = postgres_server.create_database(postgres_server.template("concurrency", _fill))
    pooled = request.param == "pgbouncer"
    url = request.getfixturevalue("pgbouncer").url(name) if pooled else postgres_server.url(name)
    yield After(url, at_once(url, list(ACTIONS), clients=CLIENTS, rounds=ROUNDS))
    postgres_server.drop_database(name)


def _fill(url: str) -> None:
    with SqlRegistry.create(url) as registry:
        sample = SampleData(registry)
        for detector in range(4):
            sample.put(sample.bias, "one", detector=detector)
        (table,) = registry.datasets.get_by_run("one")
        registry.collections.certify("calib", table, Timespan.from_ns(0, 1000 * DAY))


@pytest.mark.parametrize("action", ["collection", "dataset_type", "record"])
def test_one_registration_and_no_error(after: After, action: str) -> None:
    assert [sorted(outcome) for outcome in after.outcomes[action]] == [[False, False, True]] * ROUNDS
    with SqlRegistry.open(after.url) as registry:
        if action == "collection":
            kinds = [registry.collections.get(f"shared/{turn}").type for turn in range(4)]
            assert kinds == list(CollectionType)
        elif action == "dataset_type":
            assert len(registry.dataset_types.query("shared_*")) == ROUNDS
        else:
            found = registry.dimension_records.fetch("detector").columns["id"]
            assert set(range(100, 100 + ROUNDS)) <= set(found.tolist())


@pytest.mark.parametrize(("action", "count"), [("records", 200), ("opaque", 2), ("import", 4)])
def test_rows_are_written_once(after: After, action: str, count: int) -> None:
    assert [sum(outcome) for outcome in after.outcomes[action]] == [count] * ROUNDS
    with SqlRegistry.open(after.url) as registry:
        for turn in range(ROUNDS):
            assert sum(len(table) for table in registry.datasets.get_by_run(f"import/{turn}")) == 4


def test_no_cycle_comes_about(after: After) -> None:
    assert [sorted(outcome) for outcome in after.outcomes["cycle"]] == [["cycle", "done", "done"]] * ROUNDS
    with SqlRegistry.open(after.url, writeable=True) as registry:
        for turn in range(ROUNDS):
            names = [f"cycle/{turn}/{i}" for i in range(3)]
            assert registry.collections.flatten(names) == ()
            last = next(name for name in names if not registry.collections.get(name).children)
            with pytest.raises(CollectionCycleError):
                registry.collections.set_chain(last, [name for name in names if name != last])


def test_no_child_of_a_chain_is_lost(after: After) -> None:
    with SqlRegistry.open(after.url) as registry:
        children = registry.collections.get("grown").children
        assert sorted(children) == [f"grown/{client}/{turn}" for client in range(CLIENTS) for turn in range(ROUNDS)]


def test_one_certification_wins(after: After) -> None:
    assert [sorted(outcome) for outcome in after.outcomes["certify"]] == [["conflict", "conflict", "done"]] * ROUNDS


def test_decertifications_do_not_undo_each_other(after: After) -> None:
    with SqlRegistry.open(after.url) as registry:
        validity = registry.datasets.fetch_validity("bias", "calib")
    left = sorted({(int(b), int(e)) for b, e in zip(validity.begin_ns, validity.end_ns, strict=True)})
    early = [span for span in left if span[0] < 1000 * DAY]
    edges = [(10 * turn + 3) * DAY for turn in range(ROUNDS)]
    assert early == list(zip(edges, [*((10 * turn) * DAY for turn in range(1, ROUNDS)), 1000 * DAY], strict=True))
    assert len(left) == 2 * ROUNDS
    assert len(validity) == 4 * 2 * ROUNDS


def test_nothing_is_added_after_the_seal(after: After) -> None:
    with SqlRegistry.open(after.url) as registry:
        for turn, (at_seal, *written) in enumerate(after.outcomes["seal"]):
            assert registry.collections.get(f"sealed/{turn}").sealed
            found = sum(len(table) for table in registry.datasets.get_by_run(f"sealed/{turn}"))
            assert found == sum(written) == at_seal
