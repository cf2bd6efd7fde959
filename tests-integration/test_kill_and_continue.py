# SPDX-License-Identifier: BSD-3-Clause
"""A science run that is killed in its middle, and goes on: what is registered is readable, and just what is missing is made."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pachon.butler import Butler
from pachon.datasets import DatasetExistence

SEED = 2
WHERE = "instrument='SimCam' AND skymap='fields' AND visit.day_obs=20250301 AND band='r'"
PRODUCTS = (
    "isr_image",
    "visit_image",
    "source_catalog",
    "registration",
    "warp",
    "coadd",
    "coadd_catalog",
    "tract_summary",
)


def counts(butler: Butler, collection: str) -> dict[str, int]:
    """Count the datasets of the run by type."""
    return dict(Counter(ref.dataset_type.name for ref in all_datasets(butler, collection)))


def all_datasets(butler: Butler, collection: str) -> list[Any]:
    runs = butler.collections.query(f"{collection}/*")
    return list(butler.query_all_datasets(runs)) if runs else []


@pytest.mark.skipif(os.name != "posix", reason="needs process groups and SIGKILL of POSIX systems")
def test_a_run_that_is_killed_goes_on_where_it_was(simulated_survey: Any, tmp_path: Path) -> None:
    survey = simulated_survey.copy(tmp_path)
    command = [
        "pipetask", "run", "-b", "repo", "-p", f"{survey.pipelines}/science.yaml", "-i", "SimCam/defaults", "-o", "u/me",
        "-d", WHERE, "--register-dataset-types", "-j", 2,
    ]  # fmt: skip
    # How far it is to come: some datasets of the first task are registered, and not all.
    enough = random.Random(SEED).randint(2, 6)
    process = start(survey, [*command, "-q", "first.qg"])
    before: dict[str, int] = {}
    try:
        with Butler.open(str(survey.repository)) as butler:
            deadline = time.monotonic() + 300
            while time.monotonic() < deadline and process.poll() is None:
                before = counts(butler, "u/me")
                if before.get("isr_image", 0) >= enough:
                    break
                time.sleep(0.05)
        process.kill()
        process.wait()
        # Nobody told the workers; they end by themselves.
        while group_lives(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not group_lives(process.pid)
    finally:
        if group_lives(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == -signal.SIGKILL, "it was to be killed before its end"

    with Butler.open(str(survey.repository)) as butler:
        registered = all_datasets(butler, "u/me")
        before = counts(butler, "u/me")
        assert before["isr_image"] >= enough
        assert "tract_summary" not in before
        for ref in registered:
            assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
            butler.get(ref)
        ids_before = {ref.id for ref in registered}

    written = whole_files(survey.repository / "u" / "me")
    done = survey.run(*command, "--extend-run", "--summary", "again.json", "-q", "again.qg")
    assert "Traceback" not in done.stderr
    with Butler.open(str(survey.repository)) as butler:
        after = counts(butler, "u/me")
        assert {name: after[name] for name in PRODUCTS} == expected_counts(survey, tmp_path)
        refs = all_datasets(butler, "u/me")
        assert ids_before <= {ref.id for ref in refs}, "what was registered stays"
        for ref in refs:
            assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
            butler.get(ref)
        assert len(butler.collections.query("u/me/*")) == 1
    # Just what was missing was made: quanta whose metadata were written, the last of their outputs, did not run again.
    reports = json.loads((tmp_path / "again.json").read_text())["quantaReports"]
    assert all(one["status"] == "success" for one in reports)
    made_again = Counter(one["taskLabel"] for one in reports)
    for label in ("isr", "characterize", "registration", "warp", "coadd", "detect_coadd", "summary"):
        assert made_again[label] == after[f"{label}_metadata"] - written.get(f"{label}_metadata", 0), label
    report = json.loads(survey.run("pipetask", "report", "repo", "first.qg", "again.qg", "--json").stdout)
    assert {task["n_successful"] - task["n_expected"] for task in report["tasks"].values()} == {0}


def whole_files(folder: Path) -> dict[str, int]:
    """Count the files of the only run in a folder by dataset type, with those that have no rows yet."""
    (run,) = folder.iterdir()
    found = (
        path.relative_to(run).parts[0] for path in run.glob("*_metadata/**/*.json") if not path.name.startswith(".")
    )
    return dict(Counter(found))


def start(survey: Any, command: list[Any]) -> "subprocess.Popen[bytes]":
    """Start a program as the leader of a group, to which its workers belong."""
    import sys

    scripts = Path(sys.executable).parent
    with (survey.folder / "first.log").open("wb") as log:
        return subprocess.Popen(
            [scripts / command[0], *map(str, command[1:])], cwd=survey.folder, stderr=log, start_new_session=True
        )


def group_lives(group: int) -> bool:
    """Tell whether a group of processes has any."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def expected_counts(survey: Any, folder: Path) -> dict[str, int]:
    from pachon.quantum_butler import QuantumGraph

    tasks = QuantumGraph.open(str(folder / "first.qg")).task_counts()
    made_by = {
        "isr_image": "isr", "visit_image": "characterize", "source_catalog": "characterize",
        "registration": "registration", "warp": "warp", "coadd": "coadd", "coadd_catalog": "detect_coadd",
        "tract_summary": "summary",
    }  # fmt: skip
    return {name: tasks[made_by[name]] for name in PRODUCTS}
