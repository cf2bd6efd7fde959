# SPDX-License-Identifier: BSD-3-Clause
"""The whole process tree killed at random moments: each time ``--extend-run`` goes on with exactly what is missing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetExistence
from pachon.quantum_butler import QuantumGraph

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs process groups and SIGKILL of POSIX systems")

PIPETASK = [sys.executable, "-c", "from pachon.ctrl_mpexec.program import main; main()"]
EXPOSURES = 12
TOTAL = {"correct": 2 * EXPOSURES, "visit": 2 * EXPOSURES, "gather": EXPOSURES}


def done(repository):
    """Count the quanta that are done: whose metadata is whole on the medium, registered or not."""
    return {
        label: sum(path.is_file() and not path.name.startswith(".") for path in repository.glob(f"me/run/{label}_metadata/**/*"))
        for label in TOTAL
    }  # fmt: skip


def check_report(repository, processes):
    """What ran when the program was killed is told apart from what had not started."""
    graphs = sorted(
        repository.glob("me/run/.receipts/graphs/*.qg"), key=lambda path: QuantumGraph.open(path).header.created
    )
    said = subprocess.run(
        [*PIPETASK, "report", repository, graphs[-1], "--json"], capture_output=True, text=True, check=False
    )
    interrupted = [one for task in json.loads(said.stdout)["tasks"].values() for one in task["interrupted_quanta"]]
    assert len(interrupted) <= processes
    for one in interrupted:
        assert one["messages"][0].startswith("It ran since 20")
        assert "when the execution was cut off: process " in one["messages"][0]


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_again_and_again(tmp_path, processes):
    repository, chance = tmp_path / "repo", random.Random(20260301 + processes)
    make_repository(repository, exposures=EXPOSURES)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    command = [
        *PIPETASK, "--no-progress", "run", "-b", repository, "-p", tmp_path / "pipeline.yaml", "-i", "defaults", "-o", "me",
        "--output-run", "me/run", "--register-dataset-types", "-j", processes, "-c", "correct:fail=pause", "-c", "correct:pause=0.03",
    ]  # fmt: skip
    before = dict.fromkeys(TOTAL, 0)
    for attempt in range(3):
        summary = tmp_path / f"{attempt}.json"
        more = ["--extend-run"] if attempt else []
        process = subprocess.Popen(
            list(map(str, [*command, *more, "--summary", summary])), stderr=subprocess.DEVNULL, start_new_session=True
        )
        # How many more are to be done when it is killed; the last time it is left alone.
        goal = sum(before.values()) + chance.randint(1, 12)
        deadline = time.monotonic() + 60
        while (
            attempt < 2
            and process.poll() is None
            and time.monotonic() < deadline
            and sum(done(repository).values()) < goal
        ):
            time.sleep(0.005)
        if attempt < 2:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(0.3)  # workers end as soon as they find that the program has
            before = done(repository)
            assert 0 < sum(before.values()) < sum(TOTAL.values())
            check_report(repository, processes)
            with Butler.open(str(repository)) as butler:
                for ref in butler.query_all_datasets(["me/run"]):
                    assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
                    butler.get(ref)
    assert process.wait(timeout=120) == 0
    reports = json.loads(summary.read_text())["quantaReports"]
    ran = {label: sum(one["taskLabel"] == label for one in reports) for label in TOTAL}
    assert {label: TOTAL[label] - ran[label] for label in TOTAL} == before, "exactly what was missing was run"
    assert done(repository) == TOTAL, "nothing lies there twice, under an id of a graph before"
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        for label, count in TOTAL.items():
            for name in (f"{label}_metadata", f"{label}_log"):
                refs = list(butler.query_datasets(name))
                assert len(refs) == count, name
                assert set(butler.exists_many(refs, verify=True).values()) == {DatasetExistence.VERIFIED}
        # What was done before the last kill was not done again, whether or not it had its rows: one attempt each.
        attempts = [len(butler.get(ref).get("previous_attempts", ())) for ref in butler.query_datasets("correct_log")]
        assert sum(attempts) <= 2 * processes
    # The report over all graphs of the run finds nothing odd in what the killed ones left.
    graphs = sorted(
        Path(repository).glob("me/run/.receipts/graphs/*.qg"), key=lambda path: QuantumGraph.open(path).header.created
    )
    done_report = subprocess.run(
        [*PIPETASK, "report", repository, *graphs, "--json"], capture_output=True, text=True, check=False
    )
    assert done_report.returncode == 0, done_report.stdout + done_report.stderr
    assert {label: task["n_successful"] for label, task in json.loads(done_report.stdout)["tasks"].items()} == TOTAL
    assert not [path for path in Path(repository).glob("me/run/**/*") if path.name.endswith(".tmp")]
