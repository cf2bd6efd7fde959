# SPDX-License-Identifier: BSD-3-Clause
"""A repository that was moved."""

import shutil
from pathlib import Path

import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.butler import Butler, FindingKind, relocate_repository
from pachon.datasets import DatasetRef, FileDataset


def put_one(root: Path) -> DatasetRef:
    with Butler.open(str(root), run="run", instrument="Cam") as butler:
        return butler.put({"n": 1}, "gain", detector=1)


def test_the_usual_one_names_no_place(repository: Path, tmp_path: Path) -> None:
    ref = put_one(repository)
    moved = tmp_path / "moved"
    repository.rename(moved)
    done = relocate_repository(str(moved))
    assert (done.settings, done.rows, done.elsewhere) == ((), 0, 0)
    with Butler.open(str(moved), writeable=True) as butler:
        assert butler.get(ref) == {"n": 1}
        assert butler.fsck(verify="checksum").findings == ()


def test_files_that_were_ingested_where_they_lie(repository: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive with blank"
    archive.mkdir()
    source = archive / "a%b.yaml"
    source.write_text("n: 3\n")
    file = FileDataset(source, dataset_type="gain", data_ids={"instrument": "Cam", "detector": 3})
    with Butler.open(str(repository), run="run") as butler:
        (ref,) = butler.ingest([file], transfer="direct")
    new = tmp_path / "elsewhere"
    archive.rename(new)
    with Butler.open(str(repository)) as butler:
        assert [finding.kind for finding in butler.fsck().findings] == [FindingKind.MISSING_FILE]
    found = relocate_repository(str(repository))
    assert (found.elsewhere, found.elsewhere_below) == (1, (str(archive),))
    found = relocate_repository(str(repository), from_="/no/such/place", to=str(new))
    assert (found.rows, found.elsewhere, found.elsewhere_below) == (0, 1, (str(archive),))
    assert relocate_repository(str(repository), from_=str(archive), to=str(new), dry_run=True).rows == 1
    done = relocate_repository(str(repository), from_=str(archive), to=str(new))
    assert (done.rows, done.elsewhere) == (1, 0)
    with Butler.open(str(repository)) as butler:
        assert butler.get(ref) == {"n": 3}
        assert butler.fsck(verify="checksum").findings == ()


def test_settings_that_name_the_place(empty_repository: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new place"
    database = f"sqlite:///{old}/db/registry.sqlite3"
    (old / "db").mkdir(parents=True)
    Butler.create(str(old), database=database, datastore={"root": str(old / "files")}).close()
    shutil.move(old, new)
    done = relocate_repository(str(new), from_=str(old), dry_run=True)
    assert [key for key, _, _ in done.settings] == ["database.url", "datastore.root"]
    assert str(old) in (new / "butler.yaml").read_text()
    relocate_repository(str(new), from_=str(old))
    assert f"{old}/" not in (new / "butler.yaml").read_text()
    with Butler.open(str(new)) as butler:
        assert butler.fsck().clean
    assert not old.exists(), "nothing was made in the old place"
    assert relocate_repository(str(new), from_=str(old)).settings == ()


def test_wrong_use(repository: Path) -> None:
    with pytest.raises(InvalidInputError, match="say in from_ where it was"):
        relocate_repository(str(repository), to=str(repository))
    with pytest.raises(InvalidInputError, match="both the old place and the new"):
        relocate_repository(str(repository), from_=str(repository))
    with pytest.raises(FileNotFoundError):
        relocate_repository(str(repository / "nothing"), from_="/old")
    for dry_run in (True, False):
        with pytest.raises(NotFoundError, match="no folder /does/not/exist"):
            relocate_repository(str(repository), from_="/old", to="/does/not/exist", dry_run=dry_run)
