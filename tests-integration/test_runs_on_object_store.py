# SPDX-License-Identifier: BSD-3-Clause
"""Runs into a repository whose files are in an object store: one process at a time, and the lock of a dead one is no obstacle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import running_server, temporary_bucket

from pachon.butler import Butler, FindingKind
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetExistence
from pachon.quantum_butler import find_receipts_of_run
from pachon.quantum_butler.run_lease import STALE_S, LeaseHeldError, run_lease
from pachon.quantum_butler.run_lock import RunBusyError, refuse_busy_runs
from pachon.resources import ResourcePath

PIPETASK = str(Path(sys.executable).parent / "pipetask")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with running_server() as address, temporary_bucket(address, "runs", monkeypatch) as uri:
        yield f"{uri}the files/"


def start(repository: Path, *arguments: object, seconds: float) -> "subprocess.Popen[str]":
    command = [
        PIPETASK, "--no-progress", "run", "-b", repository, "-p", f"{repository.parent}/pipeline.yaml#correct", "-i", "defaults",
        "-o", "me", "--output-run", "me/run", "--register-dataset-types", "-c", "correct:fail=pause",
        "-c", f"correct:pause={seconds}", *arguments,
    ]  # fmt: skip
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)


def registered(butler: Butler) -> list[Any]:
    return list(butler.query_all_datasets(["me/run"])) if butler.collections.query("me/*") else []


def wait_for(place: ResourcePath) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if place.exists():
            found: dict[str, Any] = json.loads(place.read())
            return found
        time.sleep(0.05)
    raise AssertionError(f"{place} did not come")


def test_one_run_at_a_time_and_a_dead_one_is_no_obstacle(bucket: str, tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    make_repository(repository, files=bucket)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    lock = ResourcePath(f"{bucket}me/run/.receipts/running.json")
    first = start(repository, seconds=0.5)
    try:
        assert wait_for(lock)["process"] == first.pid
        with Butler.open(str(repository)) as butler:
            deadline = time.monotonic() + 60
            while not registered(butler) and time.monotonic() < deadline:
                time.sleep(0.05)
        first.send_signal(signal.SIGSTOP)  # however long the others take to start
        # Two that want to go on with it: each is told who runs.
        others = [start(repository, "--extend-run", seconds=0.5) for _ in range(2)]
        for other in others:
            _, errors = other.communicate(timeout=120)
            assert other.returncode == 1
            assert f"Run 'me/run' is being written by another process (process {first.pid} on" in errors
            assert "Traceback" not in errors
        with pytest.raises(RunBusyError, match=f"process {first.pid} on"):
            refuse_busy_runs(bucket, ["me/run"])
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert json.loads(lock.read())["process"] == first.pid, "nobody could take it away"
    again = start(repository, "--extend-run", seconds=0.5)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert "The lock of the run is taken over: its holder is gone" in errors
    assert not lock.exists()
    with Butler.open(str(repository), collections=["me"]) as butler:
        refs = list(butler.query_datasets("corrected"))
        assert len(refs) == 6
        assert set(butler.exists_many(refs, verify=True).values()) == {DatasetExistence.VERIFIED}
        run = refs[0].run
    with Butler.open(str(repository), writeable=True) as butler:
        refuse_busy_runs(bucket, ["me/run"])
        butler.remove_runs(run, unlink_from_chains=True)
    left = [
        f"{place}{name}"
        for place, _, names in ResourcePath(f"{bucket}me/", force_directory=True).walk()
        for name in names
    ]
    assert left == []


def test_the_lock_of_another_machine_holds_as_long_as_it_is_renewed(bucket: str) -> None:
    place = ResourcePath(f"{bucket}running.json")
    document = {
        "token": "x", "machine": "elsewhere 7 8", "process": os.getpid(), "started": 1, "since": "then", "renewed": time.time(),
        "command": "pipetask run",
    }  # fmt: skip
    place.write(json.dumps(document).encode())
    with (
        pytest.raises(LeaseHeldError, match=r"on elsewhere since then, last sign of life \d+ s ago: pipetask run"),
        run_lease(place, command="c"),
    ):
        pass
    place.write(json.dumps({**document, "renewed": time.time() - STALE_S - 1}).encode(), overwrite=True)
    with run_lease(place, command="c"):
        assert json.loads(place.read())["process"] == os.getpid()
        # This one lives, and is of this machine.
        with pytest.raises(LeaseHeldError), run_lease(place, command="c"):
            pass
    assert not place.exists()
    # What nobody can read is nobody's.
    place.write(b"{")
    with run_lease(place, command="c"):
        assert json.loads(place.read())["command"] == "c"


def test_who_lost_the_lock_comes_to_an_end(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ResourcePath(f"{bucket}running.json")
    monkeypatch.setattr("pachon.quantum_butler.run_lease.RENEWED_S", 0.1)
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with run_lease(place, command="c"):
            renewed = json.loads(place.read())["renewed"]
            deadline = time.monotonic() + 30
            while json.loads(place.read())["renewed"] == renewed and time.monotonic() < deadline:
                time.sleep(0.05)
            assert json.loads(place.read())["renewed"] > renewed
            other = {**json.loads(place.read()), "token": "other"}
            while not seen and time.monotonic() < deadline:
                place.write(json.dumps(other).encode(), overwrite=True)
                time.sleep(0.1)
        assert seen == [signal.SIGTERM]
        assert json.loads(place.read())["token"] == "other", "the lock of another is not removed"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outputs_that_a_job_wrote_anew_are_no_damage(
    bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    repository, graph = tmp_path / "repo", tmp_path / "g.qg"
    make_repository(repository, files=bucket)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)

    def call(*arguments: object, code: int = 0) -> None:
        done = subprocess.run([PIPETASK, *map(str, arguments)], stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == code, done.stderr

    call(
        "qgraph", "-b", repository, "-p", f"{tmp_path}/pipeline.yaml#correct", "-i", "defaults", "-o", "me",
        "--output-run", "me/run", "-q", graph,
    )  # fmt: skip
    with Butler.open(str(repository), writeable=True) as butler:
        raws = [
            butler.get_uri(ref)
            for ref in butler.query_datasets("raw", where="instrument = 'Cam' and exposure = 2", collections=["raws"])
        ]
        good = [raw.read() for raw in raws]
        for raw in raws:
            raw.write(b"{", overwrite=True)
        # The repository, whose files are in the bucket, or the bucket itself: both are told apart from any other place.
        call("pre-exec-init-qbb", repository, graph)
        call("run-qbb", repository, graph, code=1)
        butler.transfer_from_graph(str(graph), register_dataset_types=True)
        for raw, data in zip(raws, good, strict=True):
            raw.write(data, overwrite=True)
        assert butler.fsck().findings == ()
        call("run-qbb", bucket, graph)
        logs = list(
            butler.query_datasets("correct_log", where="instrument = 'Cam' and exposure = 2", collections=["me/run"])
        )
        assert len(logs) == 2
        found = butler.fsck(repair=True, unstore_damaged=True, min_age=0).findings
        assert {item.kind for item in found} == {FindingKind.GRAPH_OUTPUT}
        assert {item.dataset_id for item in found if item.dataset_id} == {ref.id for ref in logs}

        receipts = find_receipts_of_run(ResourcePath(bucket, force_directory=True), "me/run")
        kept = [uri.read() for uri in receipts]
        for uri in receipts:
            uri.remove()
        found = butler.fsck(repair=True, unstore_damaged=True).findings
        assert sum(item.mended for item in found) == 2
        for uri, data in zip(receipts, kept, strict=True):
            uri.write(data)
        butler.transfer_from_graph(str(graph))
        (said,) = [
            one.getMessage()
            for one in caplog.records
            if one.levelname == "WARNING" and ".lost+found" in one.getMessage()
        ]
        assert said.startswith("2 outputs of the graph were not registered")
        lost = ResourcePath(f"{bucket}.lost+found/", force_directory=True)
        for place, _, names in list(lost.walk()):
            for name in names:
                moved = ResourcePath(f"{place.geturl()}{name}")
                path = moved.relative_to(lost)
                assert path is not None
                ResourcePath(f"{bucket}{path.partition('/')[2]}").transfer_from(moved, "copy")
                moved.remove()
        butler.transfer_from_graph(str(graph))
        assert butler.fsck(verify="checksum").findings == ()
        assert all("exception" not in butler.get(ref) for ref in logs)
