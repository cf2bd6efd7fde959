# SPDX-License-Identifier: BSD-3-Clause
"""Runs on a file system that is full, or read-only: one clear outcome, nothing registered without its file, and going on afterwards."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetExistence
from pachon.quantum_butler import QuantumGraph
from pachon.registry import DatabaseFullError

EXPOSURES = 4
TOTAL = {"correct": 2 * EXPOSURES, "visit": 2 * EXPOSURES, "gather": EXPOSURES}
PIPETASK = str(Path(sys.executable).parent / "pipetask")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this user may not mount: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def pipetask(repository: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [
        PIPETASK, "--no-progress", "run", "-b", repository, "-p", repository.parent / "pipeline.yaml", "-i", "defaults", "-o", "me",
        "--output-run", "me/run", "--register-dataset-types", *arguments,
    ]  # fmt: skip
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)


def fill(disk: Path, *, left: int) -> Path:
    """Leave so many bytes free."""
    filler = disk / "filler"
    space = os.statvfs(disk)
    with filler.open("wb") as stream:
        stream.write(b"x" * (space.f_bavail * space.f_frsize - left))
    return filler


def check_registered(repository: Path) -> Counter[str]:
    """Read all that is registered; give its numbers by type."""
    with Butler.open(str(repository)) as butler:
        refs = list(butler.query_all_datasets(["me/run"])) if butler.collections.query("me/*") else []
        for ref in refs:
            assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
            butler.get(ref)
    return Counter(ref.dataset_type.name for ref in refs)


def check_outcome(done: "subprocess.CompletedProcess[str]", text: str) -> None:
    """One message that says what is the matter, and the exit code of a failure."""
    assert done.returncode == 1, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.stderr.endswith(f"{error}\n"), "it is the last that is said"
    assert text.lower() in error.lower(), error


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("left", [30_000, 130_000])
def test_files_on_a_full_disk(disk: Path, tmp_path: Path, processes: int, left: int) -> None:
    repository = tmp_path / "repo"
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    make_repository(repository, exposures=EXPOSURES, files=f"{disk}/files")
    filler = fill(disk, left=left)
    failed = pipetask(repository, "-j", processes, "-q", tmp_path / "first.qg")
    check_outcome(failed, "No space left on device")
    before = check_registered(repository)
    assert sum(before[f"{label}_metadata"] for label in TOTAL) < sum(TOTAL.values())
    filler.unlink()
    go_on(repository, processes, before)
    # The graphs of both attempts tell the same story as the first would have, had there been space.
    assert QuantumGraph.open(str(tmp_path / "first.qg")).task_counts() == TOTAL


@pytest.mark.parametrize("processes", [1, 2])
def test_everything_on_a_full_disk(disk: Path, tmp_path: Path, processes: int) -> None:
    repository = disk / "repo"
    (disk / "pipeline.yaml").write_text(PIPELINE)
    make_repository(repository, exposures=EXPOSURES)
    # The dataset types are registered and the run is begun, so that what fails is the running of quanta.
    pipetask(repository, "--init-only")
    filler = fill(disk, left=60_000)
    failed = pipetask(repository, "-j", processes, "--extend-run")
    # The files of the quanta, or the database: what came first.
    check_outcome(failed, "database or disk is full" if "disk is full" in failed.stderr else "No space left on device")
    filler.unlink()
    before = check_registered(repository)
    go_on(repository, processes, before)


@pytest.mark.parametrize("processes", [1, 2])
def test_files_on_a_read_only_disk(disk: Path, tmp_path: Path, processes: int) -> None:
    repository = tmp_path / "repo"
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    make_repository(repository, exposures=EXPOSURES, files=f"{disk}/files")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    failed = pipetask(repository, "-j", processes)
    check_outcome(failed, "Read-only file system")
    before = check_registered(repository)
    assert not before
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    go_on(repository, processes, before)


def test_a_read_only_repository(disk: Path) -> None:
    repository = disk / "repo"
    (disk / "pipeline.yaml").write_text(PIPELINE)
    make_repository(repository, exposures=1)
    files = sorted(path for path in disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    failed = pipetask(repository)
    check_outcome(failed, "registry.sqlite3 cannot be written: it is on a read-only file system.")
    assert "Traceback" not in failed.stderr
    assert sorted(path for path in disk.rglob("*")) == files


def go_on(repository: Path, processes: int, before: Counter[str]) -> None:
    """With space again, the run goes on with what is missing, and nothing is wrong in the end."""
    existing = repository.is_dir() and bool(before)
    done = pipetask(repository, "-j", processes, *(["--extend-run"] if existing or started(repository) else []))
    assert done.returncode == 0, done.stderr
    after = check_registered(repository)
    assert {label: after[f"{label}_metadata"] for label in TOTAL} == TOTAL
    assert {label: after[f"{label}_log"] for label in TOTAL} == TOTAL
    checked = subprocess.run(
        [str(Path(PIPETASK).with_name("butler")), "fsck", repository], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def started(repository: Path) -> bool:
    with Butler.open(str(repository)) as butler:
        return bool(butler.collections.query("me/*"))


def test_a_full_database_says_at_once_that_nothing_was_committed(disk: Path, tmp_path: Path) -> None:
    make_repository(disk / "repo", exposures=1, files=f"{tmp_path}/files")
    with Butler.open(str(disk / "repo"), writeable=True, run="me/run", instrument="Cam") as butler:
        butler.put({"value": 1}, "raw", exposure=1, detector=0)
        filler = fill(disk, left=0)
        before = {path for path in (tmp_path / "files").rglob("*") if path.is_file()}
        with pytest.raises(DatabaseFullError, match="disk is full"):
            butler.put({"value": 2}, "raw", exposure=1, detector=1)
        assert {path for path in (tmp_path / "files").rglob("*") if path.is_file()} == before
        filler.unlink()
        butler.put({"value": 3}, "raw", exposure=1, detector=1)
        assert [butler.get("raw", exposure=1, detector=d, collections="me/run") for d in (0, 1)] == [
            {"value": 1},
            {"value": 3},
        ]
