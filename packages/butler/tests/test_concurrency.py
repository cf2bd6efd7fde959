# SPDX-License-Identifier: BSD-3-Clause
"""Several processes and threads on one repository."""

import multiprocessing
import multiprocessing.pool
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.butler.testing.concurrent_writers import put_and_prune, put_same, register_same


@pytest.fixture
def pool() -> Iterator[multiprocessing.pool.Pool]:
    with multiprocessing.get_context("spawn").Pool(4) as made:
        yield made


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*.yaml") if path.name != "butler.yaml"]


def test_one_of_several_puts_of_a_data_id_wins(repository: Path, pool: multiprocessing.pool.Pool) -> None:
    outcomes = pool.map(put_same, [(str(repository), n) for n in range(8)])
    winners = [outcome for outcome in outcomes if outcome != "conflict"]
    assert len(winners) == 1
    with Butler.open(str(repository), collections="run", instrument="Cam") as butler:
        assert butler.get("gain", detector=1) == {"by": int(winners[0].removeprefix("put "))}
    # The losers removed their own files and nobody else's.
    assert len(files_below(repository)) == 1


def test_registering_the_same_at_once_is_one_registration(repository: Path, pool: multiprocessing.pool.Pool) -> None:
    assert sum(pool.map(register_same, [(str(repository), n) for n in range(8)])) == 1
    with Butler.open(str(repository), collections="chain", instrument="Cam") as butler:
        assert set(butler.collections.get("chain").children) == {f"run/{n}" for n in range(8)}
        found = list(butler.query_datasets("new", find_first=False))
        assert len(found) == 8
        assert all(butler.get(ref)["by"] == int(ref.run.removeprefix("run/")) for ref in found)


def testput_and_prune_of_the_same_data_id_never_meet(repository: Path, pool: multiprocessing.pool.Pool) -> None:
    assert sum(pool.map(put_and_prune, [(str(repository), n) for n in range(4)])) > 0
    with Butler.open(str(repository), run="shared", instrument="Cam") as butler:
        butler.empty_trash()
        found = list(butler.query_datasets("gain"))
        for ref in found:
            assert butler.exists(ref, verify=True)
            butler.get(ref)
        assert len(files_below(repository)) == len(found)


def test_readers_go_on_while_files_are_written(butler: Butler, repository: Path) -> None:
    """Nobody waits for a file: the lock is held for rows only."""
    from pachon.datastore import faults

    reached, go_on = threading.Event(), threading.Event()

    def wait(point: str) -> None:
        if point == "write.written":
            reached.set()
            assert go_on.wait(20)

    def slow() -> None:
        with butler.clone(run="slow") as clone:
            clone.put({"slow": 1}, "note")

    with faults.install(wait):
        writer = threading.Thread(target=slow)
        writer.start()
        assert reached.wait(20)
        with faults.install(lambda _: None), Butler.open(str(repository), run="fast", instrument="Cam") as other:
            other.put({"fast": 1}, "gain", detector=1)
            assert other.get("gain", detector=1) == {"fast": 1}
            assert other.find_dataset("note", collections=["fast"]) is None
            assert "slow" not in other.collections.query("*"), "the run comes with its first rows"
        go_on.set()
        writer.join(20)
    assert butler.get("note", collections="slow") == {"slow": 1}


def test_a_clone_for_each_thread(butler: Butler) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with butler.clone(run=f"thread/{number}") as clone:
                for detector in range(4):
                    clone.put({"n": number}, "gain", detector=detector)
                    assert clone.get("gain", detector=detector) == {"n": number}
        except BaseException as error:  # noqa: BLE001 (told to the test)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(butler.query_all_datasets("thread/*")) == 16
