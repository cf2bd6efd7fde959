# SPDX-License-Identifier: BSD-3-Clause
"""Rows that somebody edited: no path of them leads out of the root, and no name in them is imported."""

import sqlite3
import sys
from pathlib import Path

import pytest

from pachon.base import PachonError
from pachon.butler import Butler
from pachon.datasets import DatasetRef, DatasetType
from pachon.registry import DatabaseError

SECRET = "n: secret\n"

PATHS = [
    "../outside/secret.yaml",
    "run/../../outside/secret.yaml",
    "run/gain/../../../outside/secret.yaml",
    "link/secret.yaml",
    "run/link/secret.yaml",
    "link-to-file.yaml/../../outside/secret.yaml",
    "..\0/outside/secret.yaml",
    "../outside/secret.yaml#zip-path=x",
    "link/secret.yaml#zip-path=../../x",
    "%2e%2e/outside/secret.yaml",
    "..%2foutside%2fsecret.yaml",
    "..\\outside\\secret.yaml",
    "./../outside/secret.yaml",
    "run//../../outside/secret.yaml",
    "",
    ".",
    "..",
]
"""Recorded paths below the root that would lead elsewhere, if they were taken for what they look like."""


@pytest.fixture
def outside(tmp_path: Path, repository: Path) -> Path:
    """A folder beside the repository, with links to it inside."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.yaml").write_text(SECRET)
    (repository / "link").symlink_to(folder)
    (repository / "run").mkdir(exist_ok=True)
    (repository / "run" / "link").symlink_to(folder)
    return folder


def edit(repository: Path, statement: str, *values: object) -> None:
    (path,) = repository.glob("*.sqlite3")
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


def put_and_edit(repository: Path, column: str, value: str) -> DatasetRef:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 1}, "gain", detector=1)
    edit(repository, f"UPDATE records_file_record SET {column} = ?, size = ?", value, len(SECRET))
    return ref


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_lead_out(repository: Path, outside: Path, path: str, tmp_path: Path) -> None:
    ref = put_and_edit(repository, "path", path)
    with Butler.open(str(repository), run="run", instrument="Cam", writeable=True) as butler:
        with pytest.raises(PachonError):
            butler.get(ref)
        with pytest.raises(PachonError):
            butler.retrieve([ref], str(tmp_path / "retrieved"))
        assert not list((tmp_path / "retrieved").rglob("secret*"))
        try:
            butler.prune([ref], purge=True)
        except* PachonError:
            pass
        try:
            butler.empty_trash()
        except* PachonError:
            pass
    assert (outside / "secret.yaml").read_text() == SECRET
    assert (repository / "link").is_symlink()
    assert (repository / "butler.yaml").exists()


@pytest.mark.parametrize("form", ["{}/secret.yaml", "/{}/secret.yaml", "file://{}/secret.yaml", "file:{}/secret.yaml"])
def test_what_is_recorded_outside_is_never_removed(repository: Path, outside: Path, form: str) -> None:
    ref = put_and_edit(repository, "path", form.format(outside))
    with Butler.open(str(repository), run="run", instrument="Cam", writeable=True) as butler:
        try:
            butler.prune([ref], purge=True)
            butler.empty_trash()
        except* PachonError:
            pass
    assert (outside / "secret.yaml").read_text() == SECRET


@pytest.mark.parametrize("column", ["formatter", "storage_class"])
@pytest.mark.parametrize(
    "name", ["os.system", "evil_module.Formatter", "evil_module:Formatter", "evil_module", "", "a\0b"]
)
def test_names_in_rows_are_not_imported(
    repository: Path, column: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "evil_module.py").write_text("from pathlib import Path\nclass Formatter: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    ref = put_and_edit(repository, column, name)
    with Butler.open(str(repository), instrument="Cam") as butler, pytest.raises(PachonError):
        butler.get(ref)
    assert "evil_module" not in sys.modules


@pytest.mark.parametrize("name", ["os.system", "evil_module.Class", "builtins.eval"])
def test_storage_classes_of_dataset_types_are_not_imported(
    repository: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_module.py").write_text("class Class: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 1}, "gain", detector=1)
    edit(repository, "UPDATE dataset_type SET storage_class = ? WHERE name = 'gain'", name)
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        with pytest.raises(PachonError):
            butler.get("gain", detector=1)
        with pytest.raises(PachonError):
            butler.put({"n": 1}, "gain", detector=2)
        assert butler.get(ref) == {"n": 1}
    assert "evil_module" not in sys.modules


def test_storage_classes_of_a_configuration_come_from_allowed_modules(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_module.py").write_text("class Class(dict): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for key in ("pytype", "delegate"):
        definition = {"Evil": {"pytype": "dict", key: "evil_module.Class"}}
        root = tmp_path / key
        with pytest.raises(PachonError), Butler.create(str(root), storage_classes=definition) as butler:  # noqa: PT012
            butler.dataset_types.register(DatasetType("evil", (), "Evil", universe=butler.universe))
            butler.put({"a": 1}, "evil", run="run")
            butler.get("evil", collections="run")
        assert "evil_module" not in sys.modules


def test_a_password_is_never_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = "postgresql+psycopg://user:hunter2@127.0.0.1:1/none"
    caplog.set_level("DEBUG")
    with pytest.raises((DatabaseError, PachonError)) as caught:
        Butler.create(str(tmp_path / "repo"), database=url)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "hunter2" not in f"{chain!r} {chain} {getattr(chain, '__notes__', '')}"
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    assert "hunter2" not in caplog.text
