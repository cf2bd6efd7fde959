# SPDX-License-Identifier: BSD-3-Clause
"""Runs of made-up pipelines with two workers, whose quanta fail in every way, are killed or interrupted at random moments, again while they
are gone on with; then nothing is lost, nothing is there twice, and no process is left.

``PACHON_TEST_VOLUME=50`` tries a hundred pipelines a way, with other seeds.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from random_runs import random_behaviour, random_tasks

from pachon.butler import Butler, Finding, FindingKind
from pachon.ctrl_mpexec.testing.repository import make_repository
from pachon.datasets import DatasetExistence
from pachon.dimensions.testing.volume import VARIABLE

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find what is left")

VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
PIPELINES = round(2 * (VOLUME or 1))
SECONDS = 4.0
"""A run is ended so long after its first file at most."""


@pytest.mark.parametrize("way", ["killed", "interrupted"])
def test_runs_that_are_cut_off_are_gone_on_with(tmp_path: Path, way: str) -> None:
    make_repository(tmp_path / "pristine")
    outcomes: Counter[str] = Counter()
    for number in range(PIPELINES):
        seed = f"{way} {number} {os.urandom(8).hex() if VOLUME else 1}"
        print(seed)
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copytree(tmp_path / "pristine", folder / "repo")
        cut_off_and_go_on(folder, random.Random(seed), way, outcomes)
        shutil.rmtree(folder)
    print(dict(outcomes))


def cut_off_and_go_on(folder: Path, rng: random.Random, way: str, outcomes: Counter[str]) -> None:
    """End a run up to three times before its end, and then let it come to it."""
    tasks = random_tasks(rng, "p")
    (folder / "tasks.json").write_text(json.dumps(tasks))
    # Those that fail do so each time, and succeed the last time.
    (folder / "behaviour.json").write_text(json.dumps(random_behaviour(rng, tasks, 0.15)))
    classes = {task["label"]: {"class": f"described_tasks.{task['label']}Task"} for task in tasks}
    (folder / "pipeline.yaml").write_text(json.dumps({"description": "made up", "tasks": classes}))
    before: dict[str, set[str]] = {task["label"]: set() for task in tasks}
    for _ in range(rng.choice([1, 2, 2, 3])):
        process = start(folder)
        wait_for_a_moment(folder, process, rng)
        sent = end(process, rng, way)
        code = process.wait(timeout=120)
        outcomes[f"{sent} signals, exit code {code}"] += 1
        log = (folder / "log").read_text()
        if sent:
            # One that comes after the last quantum changes nothing. Shells tell the second of the codes as the first.
            interrupted = (128 + signal.SIGINT, -signal.SIGINT)
            codes = {0, 1, *((-signal.SIGKILL,) if way == "killed" else interrupted)}
            assert code in codes, log
        wait_for_workers(folder)
        now = done(folder, tasks)
        assert all(before[label] <= now[label] for label in now), "what was done stays done"
        before = now
        check_readable(folder)
    (folder / "behaviour.json").write_text("{}")
    assert start(folder).wait(timeout=300) == 0, (folder / "log").read_text()
    wait_for_workers(folder)
    now = done(folder, tasks)
    assert all(before[label] <= now[label] for label in now), "what was done was not done again"
    rows = check_readable(folder)
    for label, files in now.items():
        assert rows[f"{label}_metadata"] == len(files), f"{label}: one that was made twice has two files"
    with Butler.open(str(folder / "repo")) as butler:
        # A process that was killed stays noted, and what it was just writing under a name of its own; nothing else is to be mended.
        assert [one for one in butler.fsck().findings if not left_by_a_kill(one)] == []


def left_by_a_kill(finding: Finding) -> bool:
    """Tell whether nothing but a killed process can have left this."""
    return finding.kind is FindingKind.DEAD_WRITER or (
        finding.kind is FindingKind.GRAPH_OUTPUT and finding.path.endswith(".part")
    )


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the run, or go on with it, as the leader of a group of processes."""
    with Butler.open(str(folder / "repo")) as butler:
        more = ["--extend-run"] if butler.collections.query("out/*") else []
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PACHON_")}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [
                Path(sys.executable).with_name("pipetask"), "run", "-b", "repo", "-p", "pipeline.yaml", "-i", "raws", "-o", "out",
                "--output-run", "out/a", "--register-dataset-types", "-j", "2", *more,
            ],
            cwd=folder, stdout=log, stderr=log, start_new_session=True,
            env={**kept, "DESCRIBED_TASKS": str(folder), "PYTHONPATH": str(Path(__file__).parent)},
        )  # fmt: skip


def wait_for_a_moment(folder: Path, process: "subprocess.Popen[bytes]", rng: random.Random) -> None:
    """Wait for any moment from the start on, or more often for one after the first file of the run was written."""
    deadline = time.monotonic() + 60
    if rng.random() < 0.7:
        while not (folder / "repo" / "out").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    time.sleep(rng.uniform(0, SECONDS))


def end(process: "subprocess.Popen[bytes]", rng: random.Random, way: str) -> int:
    """Send up to three signals, to the program or to all of its group; give how many came before its end."""
    sent = 0
    for _ in range(1 if way == "killed" else rng.choice([1, 2, 3])):
        if process.poll() is not None:
            break
        if way == "killed":
            os.killpg(process.pid, signal.SIGKILL)
        elif rng.random() < 0.5:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        sent += 1
        time.sleep(rng.uniform(0, 0.4))
    return sent


def wait_for_workers(folder: Path) -> None:
    """Wait until no process of the run is left: all of them have a variable of their environment."""
    mark = f"DESCRIBED_TASKS={folder}\0".encode()
    deadline = time.monotonic() + 30
    left: list[str] = ["?"]
    while left and time.monotonic() < deadline:
        left = [place.parent.name for place in Path("/proc").glob("[0-9]*/environ") if mark in read(place)]
        time.sleep(0.05)
    assert left == []


def read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


def done(folder: Path, tasks: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Give the names of the metadata that are whole on the medium, registered or not."""
    run = folder / "repo" / "out" / "a"
    found = {task["label"]: run.glob(f"{task['label']}_metadata/**/*.json") for task in tasks}
    return {label: {path.name for path in paths if not path.name.startswith(".")} for label, paths in found.items()}


def check_readable(folder: Path) -> Counter[str]:
    """Read all that is registered; give the number of datasets by type."""
    counted: Counter[str] = Counter()
    with Butler.open(str(folder / "repo")) as butler:
        for ref in butler.query_all_datasets(["out/a"]) if butler.collections.query("out/*") else ():
            assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
            butler.get(ref)
            counted[ref.dataset_type.name] += 1
    return counted
