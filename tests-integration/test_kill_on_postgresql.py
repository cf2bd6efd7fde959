# SPDX-License-Identifier: BSD-3-Clause
"""A run into a repository on PostgreSQL: all its processes are killed in the middle, and the next one makes what is missing."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetExistence
from pachon.registry.testing.postgresql import PostgresServer

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs /proc to find all processes of a run"
)

EXPOSURES = 10
TOTAL = {"correct": 2 * EXPOSURES, "visit": 2 * EXPOSURES, "gather": EXPOSURES}
PIPETASK = str(Path(sys.executable).parent / "pipetask")


@pytest.mark.parametrize(("processes", "enough"), [(1, 7), (2, 9)])
def test_goes_on_with_exactly_what_is_missing(
    postgres_server: PostgresServer, tmp_path: Path, processes: int, enough: int
) -> None:
    with postgres_server.database() as url:
        repository = tmp_path / "repo"
        make_repository(repository, exposures=EXPOSURES, database=url)
        (tmp_path / "pipeline.yaml").write_text(PIPELINE)
        command = [
            PIPETASK, "--no-progress", "run", "-b", repository, "-p", tmp_path / "pipeline.yaml", "-i", "defaults", "-o", "me",
            "--output-run", "me/run", "--register-dataset-types", "-j", processes, "-c", "correct:fail=pause",
            "-c", "correct:pause=0.5",
        ]  # fmt: skip
        process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            wait_for_rows(repository, process, enough)
        finally:
            killed = kill_tree(process.pid)
            process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was to be killed before its end"
        assert len(killed) >= (1 if processes == 1 else 4)  # with the fork server, and the workers

        with Butler.open(str(repository)) as butler:
            for ref in butler.query_all_datasets(["me/run"]):
                assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
                butler.get(ref)
            registered = Counter(ref.dataset_type.name for ref in butler.query_all_datasets(["me/run"]))
        done = finished(repository)
        assert enough <= sum(registered[f"{label}_metadata"] for label in TOTAL) <= len(done) < sum(TOTAL.values())

        again = [*command, "--extend-run", "--summary", tmp_path / "again.json"]
        report = subprocess.run(list(map(str, again)), capture_output=True, text=True, check=False, timeout=300)
        assert report.returncode == 0, report.stderr
        quanta = json.loads((tmp_path / "again.json").read_text())["quantaReports"]
        assert {one["status"] for one in quanta} == {"success"}
        # What was done but for its rows was registered first; the graph has the rest.
        whole = Counter(Path(path).relative_to(repository / "me" / "run").parts[0] for path in done)
        assert Counter(one["taskLabel"] for one in quanta) == Counter(
            {label: count - whole[f"{label}_metadata"] for label, count in TOTAL.items()}
        )
        after = finished(repository)
        assert {path: after.get(path) for path in done} == done
        with Butler.open(str(repository), collections=["me"]) as butler:
            refs = list(butler.query_all_datasets(["me/run"]))
            counts = Counter(ref.dataset_type.name for ref in refs)
            assert {label: counts[f"{label}_metadata"] for label in TOTAL} == TOTAL
            assert {label: counts[f"{label}_log"] for label in TOTAL} == TOTAL
            for ref in refs:
                assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
            assert [butler.get("visit_total", instrument="Cam", visit=n)["value"] for n in (1, EXPOSURES)] == [
                200,
                200 * EXPOSURES,
            ]
        checked = subprocess.run([str(Path(PIPETASK).with_name("butler")), "fsck", repository], check=False)
        assert checked.returncode == 0


def wait_for_rows(repository: Path, process: "subprocess.Popen[str]", enough: int) -> None:
    """Wait until so many quanta are registered as done."""
    deadline = time.monotonic() + 120
    with Butler.open(str(repository)) as butler:
        while time.monotonic() < deadline and process.poll() is None:
            if butler.collections.query("me/*"):
                names = (ref.dataset_type.name for ref in butler.query_all_datasets(["me/run"]))
                if sum(name.endswith("_metadata") for name in names) >= enough:
                    return
            time.sleep(0.02)
    raise AssertionError("it did not come so far")


def finished(repository: Path) -> dict[str, tuple[int, int]]:
    """Give the metadata files that are there, with what changes if one is written again."""
    found: dict[str, tuple[int, int]] = {}
    for label in TOTAL:
        for path in repository.glob(f"me/run/{label}_metadata/**/*.json"):
            if not path.name.startswith("."):
                found[str(path)] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


def kill_tree(top: int) -> list[int]:
    """Kill a process and all that descend from it, the topmost first, so that nobody can start anything new; give their ids."""
    os.kill(top, signal.SIGSTOP)
    tree = [top]
    for number in tree:
        tree.extend(children(number))
    for number in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return tree


def children(parent: int) -> list[int]:
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                # The name of the program stands in brackets, and may hold anything.
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(name))
    return found
