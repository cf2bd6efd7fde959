# SPDX-License-Identifier: BSD-3-Clause
"""Checking and repairing repositories with a PostgreSQL database, and with files in an object store."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import running_server, temporary_bucket

from pachon.base import InvalidInputError
from pachon.butler import Butler, FindingKind, FsckReport
from pachon.butler.testing.example_repository import TYPES, add_example_records
from pachon.butler.writer_table import WriterTable
from pachon.datasets import DatasetRef, DatasetType
from pachon.registry.testing.postgresql import PostgresServer, postgres_server, postgres_url
from pachon.registry.testing.postgresql_programs import find_programs

__all__ = ["postgres_server", "postgres_url"]

KILLED_WRITER = """
import os, sys
from pachon.butler import Butler
from pachon.datastore import faults

def kill(point):
    if point == "commit.rows_written":
        os.kill(os.getpid(), 9)

butler = Butler.open(sys.argv[1], run="run", instrument="Cam")
with faults.install(kill):
    butler.put({"n": 99}, "gain", detector=3)
"""


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with running_server() as address:
        yield address


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with temporary_bucket(s3_endpoint, "tests", monkeypatch) as uri:
        yield f"{uri}the files/"


@pytest.fixture(params=["postgresql", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with three datasets, whose database or files are on a server."""
    root = tmp_path / "repo"
    if request.param == "postgresql":
        butler = Butler.create(str(root), database=request.getfixturevalue("postgres_url"))
    else:
        butler = Butler.create(str(root), datastore={"root": request.getfixturevalue("bucket")})
    with butler:
        add_example_records(butler)
        for name, dimensions, storage_class, is_calibration in TYPES:
            butler.dataset_types.register(
                DatasetType(name, dimensions, storage_class, is_calibration=is_calibration, universe=butler.universe)
            )
        for n in range(3):
            butler.put({"n": n}, "gain", instrument="Cam", detector=n, run="run")
    return root


@pytest.fixture
def butler(root: Path) -> Iterator[Butler]:
    with Butler.open(str(root), writeable=True, collections="run", instrument="Cam") as butler:
        yield butler


def kinds(report: FsckReport) -> list[FindingKind]:
    return [finding.kind for finding in report.findings]


def gain(butler: Butler, n: int) -> DatasetRef:
    found = butler.find_dataset("gain", detector=n)
    assert found is not None
    return found


def test_everything_that_can_be_wrong(butler: Butler, root: Path) -> None:
    assert butler.fsck(verify="checksum").findings == ()
    place = butler.get_uri(gain(butler, 0))
    folder = place.dirname()
    assert subprocess.run([sys.executable, "-c", KILLED_WRITER, str(root)], check=False).returncode == -9
    folder.updated_file("stray #1.yaml").write(b"x: 1\n")
    butler.trash([gain(butler, 2)])
    content = place.read()
    place.write(content[:-1] + b"?", overwrite=True)
    butler.get_uri(gain(butler, 1)).remove()
    report = butler.fsck(verify="checksum")
    assert sorted(kind.value for kind in kinds(report)) == sorted(
        ["wrong_checksum", "missing_file", "leftover_file", "foreign_file", "trash", "dead_writer"]
    )
    assert not report.clean
    report = butler.fsck(repair=True, min_age=0, verify="checksum")
    assert {finding.kind for finding in report.remaining} == {FindingKind.WRONG_CHECKSUM, FindingKind.MISSING_FILE}
    place.write(content, overwrite=True)
    report = butler.fsck(repair=True, min_age=0, verify="checksum", unstore_damaged=True)
    assert kinds(report) == [FindingKind.MISSING_FILE]
    assert report.clean
    assert butler.fsck(verify="checksum").findings == ()
    assert butler.get("gain", detector=0) == {"n": 0}
    assert not butler.exists(gain(butler, 1))
    butler.put({"n": 1}, gain(butler, 1))
    butler.put({"n": 3}, "gain", detector=3, run="run")
    assert butler.get("gain", detector=3) == {"n": 3}
    assert butler.fsck(verify="checksum").findings == ()


def test_what_is_at_work_stays(butler: Butler, root: Path) -> None:
    with Butler.open(str(root), run="run", instrument="Cam") as writer, writer.transaction():
        ref = writer.put({"n": 3}, "gain", detector=3)
        report = butler.fsck(repair=True, min_age=0)
        assert kinds(report) == [FindingKind.FILE_IN_PROGRESS]
        assert report.clean
    assert butler.get(ref) == {"n": 3}


def test_a_writer_that_is_ended_while_it_commits(butler: Butler, root: Path) -> None:
    """The row of the writer decides which of the two comes first; there is no state between."""
    from concurrent.futures import ThreadPoolExecutor

    from pachon.butler import WriterEndedError

    outcomes = []
    with ThreadPoolExecutor(1) as threads:
        for turn in range(20):
            with Butler.open(str(root), run=f"turn/{turn}", instrument="Cam") as writer:
                table = WriterTable(butler._session.registry)
                (token,) = {writer._session.repository.files.lease.hold()}
                ended = threads.submit(table.end, token, time.time_ns(), "declared dead")
                try:
                    ref = writer.put({"n": turn}, "gain", detector=3)
                except WriterEndedError:
                    outcomes.append("ended")
                else:
                    outcomes.append("put")
                    assert butler.get(ref) == {"n": turn}
                ended.result()
    assert len(outcomes) == 20
    report = butler.fsck(repair=True, min_age=0)
    assert report.clean
    assert butler.fsck(verify="checksum").findings == ()


class TestBackupOfPostgres:
    @pytest.fixture
    def root(self, postgres_url: str, tmp_path: Path) -> Path:
        root = tmp_path / "repo"
        with Butler.create(str(root), database=postgres_url) as butler:
            add_example_records(butler)
            butler.dataset_types.register(
                DatasetType("gain", ("instrument", "detector"), "StructuredDataDict", universe=butler.universe)
            )
            for n in range(3):
                butler.put({"n": n}, "gain", instrument="Cam", detector=n, run="run")
        return root

    def test_the_advice_works(
        self, root: Path, postgres_url: str, postgres_server: PostgresServer, tmp_path: Path
    ) -> None:
        dump = tmp_path / "dump"
        with (
            Butler.open(str(root), run="run", instrument="Cam") as butler,
            pytest.raises(InvalidInputError) as caught,
        ):
            butler.backup(dump)
        commands = _commands(str(caught.value))
        assert [command.split()[0] for command in commands] == ["pg_dump", "pg_restore"]
        _shell(commands[0])
        with Butler.open(str(root), run="run", instrument="Cam") as butler:
            later = butler.get_uri(butler.put({"n": 3}, "gain", detector=3))
            gone = gain(butler, 0)
            butler.prune([gone], purge=True)
        _shell(commands[1])
        with Butler.open(str(root), writeable=True, collections="run", instrument="Cam") as butler:
            report = butler.fsck()
            assert sorted(kind.value for kind in kinds(report)) == ["later_file", "missing_file"]
            report = butler.fsck(repair=True, min_age=0, unstore_damaged=True)
            assert report.clean
            assert len(list((root / ".lost+found").rglob(later.basename()))) == 1
            assert butler.fsck(verify="checksum").findings == ()
            assert [butler.get("gain", detector=n) for n in (1, 2)] == [{"n": 1}, {"n": 2}]
            butler.put({"n": 3}, "gain", detector=3, run="run")


def _commands(text: str) -> list[str]:
    """Find the commands in the advice of ``butler backup``."""
    dump = text.partition("pg_dump ")[2].partition(". It comes back by")[0]
    restore = text.partition("pg_restore ")[2].partition("; then run")[0]
    return [f"pg_dump {dump}", f"pg_restore {restore}"]


def _shell(command: str) -> None:
    programs = find_programs()
    path = f"{programs.folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, shell=True, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
