# SPDX-License-Identifier: BSD-3-Clause
"""Folders that a repair has emptied go, unless somebody may want them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.butler.fsck.emptied_folders import old_folders
from pachon.datasets import FileDataset
from pachon.quantum_butler.testing import busy_run


@pytest.fixture
def checker(repository: Path) -> Iterator[Butler]:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        butler.put({"n": 0}, "gain", detector=0)
        butler.put({"n": 0}, "gain", detector=0, run="u/me")
        yield butler


def stray(repository: Path, path: str) -> Path:
    """Make a file that no row names."""
    file = repository / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x: 1\n")
    return file


def test_folders_that_held_nothing_else_are_removed(checker: Butler, repository: Path) -> None:
    for path in ("run/bias/0/a.yaml", "run/bias/1/b.yaml", "run/gain/c.yaml", "old/one/bias/d.yaml", "e.yaml"):
        stray(repository, path)
    (repository / "run/empty").mkdir()
    assert checker.fsck(repair=True, min_age=0).clean
    assert not (repository / "run/bias").exists()
    assert not (repository / "old").exists()
    assert (repository / "run/empty").is_dir(), "nothing was removed from it"
    assert len(os.listdir(repository / "run/gain")) == 1
    assert checker.fsck().findings == ()
    assert {file.name for file in (repository / ".lost+found").rglob("*.yaml")} == {f"{name}.yaml" for name in "abcde"}


def test_those_of_runs_stay(checker: Butler, repository: Path) -> None:
    stray(repository, "v/you/bias/a.yaml")
    checker.put({"n": 0}, "gain", detector=1, run="v/you")
    checker.prune(checker.query_datasets("gain", collections="v/you"), purge=True, unstore=True)
    assert checker.fsck(repair=True, min_age=0).clean
    assert sorted(place.name for place in (repository / "v/you").iterdir()) == ["gain"]
    (repository / "v/you/gain").rmdir()
    stray(repository, "v/you/b.yaml")
    assert checker.fsck(repair=True, min_age=0).clean
    assert list((repository / "v/you").iterdir()) == []


def test_those_that_a_writer_at_work_may_want_stay(checker: Butler, repository: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as writer:
        writer.put({"n": 1}, "gain", detector=1)
        stray(repository, "run/bias/a.yaml")
        assert checker.fsck(repair=True, min_age=0).clean
        assert list((repository / "run/bias").iterdir()) == []
    stray(repository, "run/bias/a.yaml")
    assert checker.fsck(repair=True, min_age=0).clean
    assert not (repository / "run/bias").exists()


def test_those_of_a_run_into_which_quanta_are_run_stay(checker: Butler, repository: Path) -> None:
    with busy_run(str(repository), "jobs/1"):
        stray(repository, "jobs/1/bias/a.yaml")
        stray(repository, "jobs/2/bias/a.yaml")
        assert checker.fsck(repair=True, min_age=0).clean
    assert list((repository / "jobs/1/bias").iterdir()) == []
    assert not (repository / "jobs/2").exists()


def test_only_those_that_are_old_enough(tmp_path: Path) -> None:
    file = stray(tmp_path, "a/b/c.yaml")
    stray(tmp_path, "a/d/e.yaml")
    assert old_folders(str(tmp_path), ["a/b/c.yaml", "a/d/e.yaml", "f.yaml"], before_ns=time.time_ns()) == [
        "a/d",
        "a/b",
        "a",
    ]
    last = max(os.stat(tmp_path / folder).st_ctime_ns for folder in ("a", "a/b", "a/d"))
    time.sleep(0.02)
    file.with_name("g.yaml").write_text("")
    assert old_folders(str(tmp_path), ["a/b/c.yaml", "a/d/e.yaml"], before_ns=last) == ["a/d", "a"]
    assert old_folders(str(tmp_path), ["a/b/c.yaml", "a/d/e.yaml"], before_ns=0) == []


def test_a_writer_makes_a_folder_anew_that_is_gone(repository: Path, tmp_path: Path) -> None:
    """What it knows of the folder was true when it looked."""
    source = stray(tmp_path, "source.yaml")
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 0}, "gain", detector=0)
        butler.prune([ref], purge=True, unstore=True)
        (repository / "run/gain").rmdir()
        assert butler.get(butler.put({"n": 1}, "gain", detector=0)) == {"n": 1}
        butler.prune(butler.query_datasets("gain", collections="run"), purge=True, unstore=True)
        (repository / "run/gain").rmdir()
        (repository / "run").rmdir()
        for detector, transfer in enumerate(("copy", "hardlink", "symlink")):
            if (repository / "run/gain").exists():
                for name in os.listdir(repository / "run/gain"):
                    (repository / "run/gain" / name).rename(tmp_path / name)
                (repository / "run/gain").rmdir()
            butler.ingest(
                [FileDataset(str(source), dataset_type="gain", data_ids=[{"detector": detector}])], transfer=transfer
            )
            assert len(os.listdir(repository / "run/gain")) == 1
