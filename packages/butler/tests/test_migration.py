# SPDX-License-Identifier: BSD-3-Clause
"""Repositories whose database is brought up to date, or elsewhere."""

import copy
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pachon.base import ConflictError, PachonError
from pachon.butler import Butler
from pachon.butler.migration import migrate_repository, move_database
from pachon.butler.program import program
from pachon.dimensions import DimensionUniverse
from pachon.registry import SchemaVersionError
from pachon.registry.errors import IncompatibleUniverseError
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.testing.postgresql import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def universe_file(tmp_path: Path) -> Path:
    """The next version of the default universe."""
    document: dict[str, Any] = copy.deepcopy({**DimensionUniverse.default().document})
    document["version"] += 1
    document["elements"]["detector"]["metadata"].append({"name": "serial", "type": "string", "length": 16})
    path = tmp_path / "universe.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(program, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_new_universe(repository: Path, butler: Butler, universe_file: Path) -> None:
    ref = butler.put({"a": 1}, "raw", {"exposure": 1, "detector": 1})
    rehearsal = run("migrate", repository, "--universe", universe_file, "--dry-run")
    assert "Would do: Universe daf_butler version 9: detector.serial is new" in rehearsal
    assert "ALTER TABLE element_detector ADD COLUMN serial" in rehearsal
    with Butler.open(str(repository)) as reader:
        assert reader.universe.version == 8
    assert "Done: Universe daf_butler version 9" in run("migrate", repository, "--universe", universe_file)
    with pytest.raises(SchemaVersionError, match="open it again"):
        butler.put({"a": 2}, "raw", {"exposure": 2, "detector": 1})
    with Butler.open(str(repository), writeable=True, run="run") as again:
        assert again.universe.version == 9
        assert again.get(ref) == {"a": 1}
        again.put({"a": 2}, "raw", {"instrument": "Cam", "exposure": 2, "detector": 1})
    assert "Nothing to do: the schema version is" in run("migrate", repository)
    with pytest.raises(IncompatibleUniverseError, match="needs a higher one"):
        migrate_repository(str(repository), universe="default")


def test_other_schema_versions(repository: Path) -> None:
    with sqlite3.connect(repository / "registry.sqlite3") as connection:
        connection.execute("UPDATE attribute SET value = '999' WHERE name = 'schema_version'")
    connection.close()
    for call in (lambda: Butler.open(str(repository)), lambda: migrate_repository(str(repository))):
        with pytest.raises(
            SchemaVersionError, match=f"999; this pachon knows versions up to {SCHEMA_VERSION}. Use a newer"
        ):
            call()


def test_to_postgresql(repository: Path, butler: Butler, postgres_url: str) -> None:
    refs = [butler.put({"n": e}, "raw", {"exposure": e, "detector": 0}) for e in (1, 2)]
    gone = butler.put({"n": 0}, "note", run="other")
    butler.prune([gone], purge=True)
    settings = yaml.safe_load((repository / "butler.yaml").read_text())
    assert "rows were copied" in run("move-database", repository, postgres_url)
    with pytest.raises(SchemaVersionError, match="moved to postgresql"):
        butler.put({"n": 3}, "raw", {"exposure": 1, "detector": 1})
    written = yaml.safe_load((repository / "butler.yaml").read_text())
    assert written == {**settings, "database": {"url": postgres_url}}
    with Butler.open(str(repository), writeable=True, run="run") as moved:
        assert [moved.get(ref)["n"] for ref in refs] == [1, 2]
        ref = moved.put({"n": 4}, "raw", {"instrument": "Cam", "exposure": 1, "detector": 1})
        assert moved.get(ref) == {"n": 4}
        assert moved.get_dataset(refs[0].id) == refs[0]
        butler.close()
        assert moved.fsck().findings == (), "the old database is nobody else's file"
    with pytest.raises(PachonError, match="already"):
        move_database(str(repository), postgres_url)
    back = "sqlite:///<butlerRoot>/again.sqlite3"
    move_database(str(repository), back)
    with Butler.open(str(repository)) as reader:
        assert reader.get(ref) == {"n": 4}


def test_to_a_relative_file(repository: Path, butler: Butler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = butler.put({"a": 1}, "raw", {"exposure": 1, "detector": 1})
    butler.close()
    monkeypatch.chdir(tmp_path)
    run("move-database", repository, "sqlite:///new.sqlite3")
    monkeypatch.chdir("/")
    with Butler.open(str(repository)) as again:
        assert again.get(ref) == {"a": 1}


def test_a_move_that_was_cut_off_before_the_configuration_was_written(
    repository: Path, butler: Butler, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = butler.put({"n": 1}, "raw", {"exposure": 1, "detector": 0})
    with monkeypatch.context() as patch:
        patch.setattr("pachon.butler.migration.config_text", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            move_database(str(repository), postgres_url)
    with pytest.raises(SchemaVersionError, match="moved to"):
        Butler.open(str(repository))
    with pytest.raises(ConflictError):
        migrate_repository(str(repository))
    assert move_database(str(repository), postgres_url).rows == {}
    with Butler.open(str(repository)) as reader:
        assert reader.get(ref) == {"n": 1}


def test_no_repository(tmp_path: Path) -> None:
    for call in (lambda: migrate_repository(f"{tmp_path}/no"), lambda: move_database(f"{tmp_path}/no", "sqlite:////x")):
        with pytest.raises(PachonError, match="no"):
            call()
