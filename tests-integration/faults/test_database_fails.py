# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL is restarted in the middle of a transaction or commit, or a connection is cut around COMMIT.

What became of the commit is read again and never undone, and the same butler goes on working. (A commit of SQLite that reports an
error is among the failing calls of ``test_failing_storage``.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.checking import check_one_of, finish, mend
from faults.operations import Operation, Put
from faults.repositories import Repository
from faults.state import Key, State
from faults.tcp_proxy import Cut, TcpProxy
from faults.test_kill_at_points import CASES
from pachon.base import PachonError
from pachon.butler import Butler
from pachon.datastore import faults
from pachon.registry.testing.postgresql import PostgresServer

WRITES = ("put", "put_many", "ingest move", "purge", "transaction", "certify")


@pytest.fixture(scope="module")
def durable_server() -> Iterator[PostgresServer]:
    """A server that keeps what was committed."""
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture
def proxy(durable_server: PostgresServer) -> Iterator[TcpProxy]:
    with TcpProxy(durable_server.port) as proxy:
        yield proxy


@pytest.fixture
def behind_proxy(durable_server: PostgresServer, proxy: TcpProxy, tmp_path: Path) -> Repository:
    """A repository whose connections go through the proxy."""
    url = durable_server.new_url().replace(f":{durable_server.port}/", f":{proxy.port}/")
    return Repository.make(tmp_path, database=url)


def begin(butler: Butler, case: str, repository: Repository) -> tuple[State, Operation]:
    """Do what comes before, and make the butler a writer, which takes a commit of its own."""
    first, operation = CASES[case]
    first = (*first, Put(key=Key("r/2", "gain", 0), number=77))
    state = State()
    for one in first:
        one.prepare(repository.folder)
        one.apply(butler, repository.folder)
        state = one.states(state)[-1]
    operation.prepare(repository.folder)
    return state, operation


def attempt(butler: Butler, operation: Operation, folder: Path) -> bool:
    """Do it, and tell whether it was acknowledged; any error is of our tree."""
    try:
        operation.apply(butler, folder)
    except PachonError:
        return False
    return True


def settle(
    butler: Butler, operation: Operation, before: State, acknowledged: bool, repository: Repository, what: str
) -> bool:
    """Check all that must hold, by the same butler; tell whether the operation took place."""
    states = operation.states(before)
    found = check_one_of(butler, states[-1:] if acknowledged else states, what)
    final = finish(butler, operation, before, found, repository.folder, what)
    with repository.open() as fresh:
        mend(fresh, final, what)
    return found == states[-1]


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("case", WRITES)
def test_a_connection_is_cut_around_commit(behind_proxy: Repository, proxy: TcpProxy, case: str, cut: Cut) -> None:
    with behind_proxy.open() as butler:
        before, operation = begin(butler, case, behind_proxy)
        proxy.arm(cut)
        acknowledged = attempt(butler, operation, behind_proxy.folder)
        assert proxy.cuts == 1
        what = f"{case}, cut {cut.value}"
        took_place = settle(butler, operation, before, acknowledged, behind_proxy, what)
        # What is known for sure is told: a commit that took place is success, one that did not is an error.
        assert took_place == acknowledged, what
        assert took_place == {Cut.BEFORE: False, Cut.AFTER: True}.get(cut, took_place), what


@pytest.mark.parametrize("cut", [Cut.AT_ONCE, Cut.AFTER])
@pytest.mark.parametrize("case", ["put_many", "transaction"])
def test_the_server_is_restarted_in_mid_commit(
    behind_proxy: Repository, proxy: TcpProxy, durable_server: PostgresServer, case: str, cut: Cut
) -> None:
    with behind_proxy.open() as butler:
        before, operation = begin(butler, case, behind_proxy)
        proxy.arm(cut, lambda: durable_server.restart("immediate"))
        acknowledged = attempt(butler, operation, behind_proxy.folder)
        assert proxy.cuts == 1
        took_place = settle(butler, operation, before, acknowledged, behind_proxy, f"{case}, restarted {cut.value}")
        assert took_place == acknowledged
        assert took_place or cut is Cut.AT_ONCE, "the server had answered that it was committed"


@pytest.mark.parametrize(
    "point", ["write.written", "commit.begin", "commit.counted", "commit.rows_written", "commit.done"]
)
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_server_goes_away_in_a_write(durable_server: PostgresServer, tmp_path: Path, point: str, how: str) -> None:
    repository = Repository.make(tmp_path, database=durable_server.new_url())
    done = False

    def hook(reached: str) -> None:
        nonlocal done
        if reached == point and not done:
            done = True
            if how == "restart":
                durable_server.restart("immediate")
            else:
                durable_server.kill()
                durable_server.start()

    with repository.open() as butler:
        before, operation = begin(butler, "put_many", repository)
        with faults.install(hook):
            acknowledged = attempt(butler, operation, repository.folder)
        assert done
        took_place = settle(butler, operation, before, acknowledged, repository, f"{how} at {point}")
        assert took_place == acknowledged
        if point == "commit.done":
            assert took_place
