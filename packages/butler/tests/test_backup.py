# SPDX-License-Identifier: BSD-3-Clause
"""A backup that is made while others write is one state of the database, and can be put back."""

import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError
from pachon.butler import Butler, FindingKind, restore_repository
from pachon.butler.testing.concurrent_writers import put_until_told
from pachon.registry import SchemaVersionError
from pachon.registry.schema.guard import SCHEMA_VERSION


def butler_program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pachon.butler.program import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_while_writers_work(repository: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    stop = tmp_path / "stop"
    with context.Pool(2) as pool:
        done = pool.map_async(put_until_told, [(str(repository), str(stop), number) for number in range(2)])
        deadline = time.monotonic() + 60
        with Butler.open(str(repository)) as butler:
            while not butler.collections.query("run/*") and time.monotonic() < deadline:
                time.sleep(0.02)
            for number in range(5):
                butler.backup(tmp_path / f"backup{number}")
                time.sleep(0.1)
        stop.touch()
        written = [ref for refs in done.get(60) for ref in refs]
    assert len(written) > 10
    for number in range(5):
        copy = tmp_path / f"backup{number}" / "registry.sqlite3"
        assert sorted(f.name for f in copy.parent.iterdir()) == ["backup.json", "butler.yaml", "registry.sqlite3"]
        with closing(sqlite3.connect(copy)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            # Rows of files and of datasets are written together: no state has one without the other.
            counts = "SELECT (SELECT count(*) FROM dataset), (SELECT count(*) FROM records_file_record)"
            datasets, files = database.execute(counts).fetchone()
            assert datasets == files > 0
    restored = restore_repository(str(repository), tmp_path / "backup2")
    assert restored.replaced is not None
    with Butler.open(str(repository), writeable=True) as butler:
        known = [ref for run in butler.collections.query("run/*") for ref in butler.query_all_datasets(run)]
        for ref in known:
            assert butler.get(ref)
        report = butler.fsck(repair=True, min_age=0)
        assert report.clean
        kinds = {FindingKind.LATER_FILE, FindingKind.LEFTOVER_FILE, FindingKind.DEAD_WRITER}
        assert {finding.kind for finding in report.findings} <= kinds
        # What was acknowledged after the backup is nowhere removed, only put aside.
        aside = [path for path in (repository / ".lost+found").rglob("*") if path.is_file()]
        assert len(aside) + len(known) == len(written)
        assert butler.fsck(verify="checksum").findings == ()
    with Butler.open(str(repository), run="run/0", instrument="Cam") as butler:
        butler.put({"after": 1}, "note")


class TestRefusals:
    @pytest.fixture
    def backup(self, repository: Path, tmp_path: Path) -> Path:
        with Butler.open(str(repository), run="run", instrument="Cam") as butler:
            butler.put({"n": 1}, "gain", detector=1)
            butler.backup(tmp_path / "backup")
        return tmp_path / "backup"

    def test_a_folder_that_holds_something(self, repository: Path, backup: Path) -> None:
        with Butler.open(str(repository)) as butler, pytest.raises(ConflictError, match="not empty"):
            butler.backup(backup)

    def test_a_backup_that_was_not_finished(self, repository: Path, backup: Path) -> None:
        (backup / "backup.json").unlink()
        with pytest.raises(NotFoundError, match="no finished backup"):
            restore_repository(str(repository), backup)

    @pytest.mark.parametrize("damage", ["cut", "flipped"])
    def test_a_damaged_copy(self, repository: Path, backup: Path, damage: str) -> None:
        copy = backup / "registry.sqlite3"
        data = bytearray(copy.read_bytes())
        data[5000] ^= 1
        copy.write_bytes(bytes(data) if damage == "flipped" else bytes(data[:-4096]))
        before = (repository / "registry.sqlite3").read_bytes()
        with pytest.raises(FormatError, match="size or checksum"):
            restore_repository(str(repository), backup)
        assert (repository / "registry.sqlite3").read_bytes() == before

    @pytest.mark.parametrize("name", [5, "../registry.sqlite3", "/etc/passwd", ""])
    def test_a_database_elsewhere(self, repository: Path, backup: Path, name: object) -> None:
        document = json.loads((backup / "backup.json").read_text())
        (backup / "backup.json").write_text(json.dumps({**document, "database": name}))
        with pytest.raises(FormatError, match="names no file beside it"):
            restore_repository(str(repository), backup)

    def test_a_newer_format(self, repository: Path, backup: Path) -> None:
        document = json.loads((backup / "backup.json").read_text())
        (backup / "backup.json").write_text(json.dumps({**document, "pachon_backup": 99}))
        with pytest.raises(FormatError, match="99"):
            restore_repository(str(repository), backup)

    def test_a_repository_that_is_open(self, repository: Path, backup: Path) -> None:
        with Butler.open(str(repository), run="run", instrument="Cam") as butler:
            butler.put({"n": 2}, "gain", detector=2)
            with pytest.raises(ConflictError, match="open"):
                restore_repository(str(repository), backup)
            assert butler.get("gain", detector=2) == {"n": 2}
            assert not list(repository.glob(".registry*")), "nothing is left of a restoration that was refused"
        with Butler.open(str(repository), collections="run", instrument="Cam") as butler:
            assert butler.get("gain", detector=2) == {"n": 2}

    def test_of_another_repository(self, repository: Path, backup: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        shutil.copytree(repository, other)
        before = (other / "registry.sqlite3").read_bytes()
        with pytest.raises(ConflictError, match=rf"{repository}, not of one at {other}"):
            restore_repository(str(other), backup)
        assert (other / "registry.sqlite3").read_bytes() == before
        refused = butler_program("restore", tmp_path / "typo", backup, "--no-confirm")
        assert (refused.returncode, "--moved" in refused.stderr) == (1, True)
        assert not (tmp_path / "typo").exists()

    def test_behind_a_link_it_is_the_same(self, repository: Path, backup: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(repository)
        restore_repository(str(tmp_path / "link"), backup)

    def test_a_database_on_a_server(self, repository: Path, backup: Path) -> None:
        shutil.rmtree(repository)
        config = backup / "butler.yaml"
        config.write_text(config.read_text().replace("sqlite:///<butlerRoot>/registry.sqlite3", "postgresql://host/db"))
        with pytest.raises(InvalidInputError, match="on a server"):
            restore_repository(str(repository), backup)
        assert not repository.exists()


def test_a_lost_or_broken_database(repository: Path, tmp_path: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 1}, "gain", detector=1)
        butler.backup(tmp_path / "backup")
    database = repository / "registry.sqlite3"
    database.write_bytes(os.urandom(10_000))
    restore_repository(str(repository), tmp_path / "backup")
    with Butler.open(str(repository)) as butler:
        assert butler.get(ref) == {"n": 1}
        assert butler.fsck(verify="checksum").clean
    for name in ("registry.sqlite3", "butler.yaml"):
        (repository / name).unlink()
    restore_repository(str(repository), tmp_path / "backup")
    with Butler.open(str(repository)) as butler:
        assert butler.get(ref) == {"n": 1}


def test_commands(repository: Path, tmp_path: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        kept = butler.put({"n": 1}, "gain", detector=1)
    made = butler_program("backup", repository, tmp_path / "backup")
    assert (made.returncode, "Copied the database" in made.stdout) == (0, True), made.stderr
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        later = butler.put({"n": 2}, "gain", detector=2)
    restored = butler_program("restore", repository, tmp_path / "backup", "--no-confirm")
    assert restored.returncode == 0, restored.stderr
    assert f"butler fsck {repository}" in restored.stdout
    found = butler_program("fsck", repository)
    assert found.returncode == 1
    assert "later than" in found.stdout
    with Butler.open(str(repository)) as butler:
        assert butler.get(kept) == {"n": 1}
        assert not butler.exists(later)
    again = butler_program("backup", repository, tmp_path / "backup")
    assert again.returncode == 1
    assert "not empty" in again.stderr


def test_a_copy_of_the_folder_with_the_backup_is_a_repository(repository: Path, tmp_path: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 1}, "gain", detector=1)
        butler.backup(tmp_path / "backup")
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy, ignore=shutil.ignore_patterns("registry.sqlite3*"))
    restore_repository(str(copy), tmp_path / "backup", moved=True)
    with Butler.open(str(copy)) as butler:
        assert butler.get(ref) == {"n": 1}
        assert butler.fsck(verify="checksum").clean


def test_before_a_migration(repository: Path, tmp_path: Path) -> None:
    """The command backs up what this version of pachon cannot open: that is when one wants a backup."""
    with closing(sqlite3.connect(repository / "registry.sqlite3")) as database, database:
        older = (str(SCHEMA_VERSION - 1),)
        database.execute("UPDATE attribute SET value = ? WHERE name = 'schema_version'", older)
    with pytest.raises(SchemaVersionError, match="butler migrate"):
        Butler.open(str(repository))
    made = butler_program("backup", repository, tmp_path / "backup")
    assert made.returncode == 0, made.stderr
    assert restore_repository(str(repository), tmp_path / "backup").replaced is not None
    with closing(sqlite3.connect(repository / "registry.sqlite3")) as database:
        assert database.execute("SELECT value FROM attribute WHERE name = 'schema_version'").fetchone() == older


@pytest.mark.parametrize("content", [None, b"no database" * 100, b""])
def test_what_is_no_registry(repository: Path, tmp_path: Path, content: bytes | None) -> None:
    database = repository / "registry.sqlite3"
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    refused = butler_program("backup", repository, tmp_path / "backup")
    assert refused.returncode == 1
    assert str(database) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "backup").exists()
