# SPDX-License-Identifier: BSD-3-Clause
"""Files that are ingested where they lie, and of which another dataset of the same file is removed, perhaps meanwhile."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.butler import Butler, FindingKind
from pachon.butler.errors import FileRemovedMeanwhileError
from pachon.datasets import DatasetExistence, DatasetRef, FileDataset, FileTable, IdMode
from pachon.datastore import faults


@pytest.fixture
def butler(root: Path) -> Iterator[Butler]:
    """A butler on each database."""
    with Butler.open(str(root), run="run", instrument="Cam") as opened:
        yield opened


@pytest.fixture
def files(root: Path) -> list[FileDataset]:
    """Three files in the repository."""
    folder = root / "mine"
    folder.mkdir()
    for n in range(3):
        (folder / f"in{n}.yaml").write_text(f"n: {n}\n")
    return [FileDataset(f"mine/in{n}.yaml", dataset_type="gain", data_ids={"detector": n}) for n in range(3)]


@contextmanager
def meanwhile(step: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something when a step is reached for the first time."""
    begun: list[str] = []

    def hook(point: str) -> None:
        if point == step and not begun:
            begun.append(point)
            act()

    with faults.install(hook):
        yield
    assert begun


@pytest.mark.parametrize("id_mode", [IdMode.UNIQUE, IdMode.DATAID_TYPE_RUN])
@pytest.mark.parametrize("step", ["ingest.all_transferred", "commit.begin"])
@pytest.mark.parametrize("in_block", [False, True])
def test_a_file_that_is_removed_with_another_dataset_meanwhile_is_not_ingested(
    butler: Butler, root: Path, files: list[FileDataset], step: str, id_mode: IdMode, in_block: bool
) -> None:
    (old,) = butler.ingest(files[1:2], run="old", transfer=None)
    with Butler.open(str(root), run="old", instrument="Cam") as other, ExitStack() as stack:
        stack.enter_context(meanwhile(step, lambda: other.prune([old], purge=True)))
        stack.enter_context(pytest.raises(FileRemovedMeanwhileError, match=r"'mine/in1\.yaml' was removed while"))
        if in_block:
            stack.enter_context(butler.transaction())
        butler.ingest(files, run="new", transfer=None, id_mode=id_mode)
    assert sorted(path.name for path in root.glob("mine/*")) == ["in0.yaml", "in2.yaml"]
    assert not any(butler.exists(ref) & DatasetExistence.RECORDED for ref in butler.query_all_datasets("new"))
    # What is left can be ingested, and the file once it is there again.
    (root / "mine" / "in1.yaml").write_text("n: 11\n")
    butler.ingest(files, run="new", transfer=None, id_mode=id_mode)
    assert [butler.get("gain", detector=n, collections="new")["n"] for n in range(3)] == [0, 11, 2]


def test_a_file_that_a_removal_may_be_about_to_take_is_not_ingested(
    butler: Butler, root: Path, files: list[FileDataset]
) -> None:
    (old,) = butler.ingest(files[1:2], run="old", transfer=None)
    with Butler.open(str(root), run="old", instrument="Cam") as other:
        # It has looked whether another dataset has the file, and not removed it yet.
        with (
            meanwhile("commit.begin", lambda: other.trash([old])),
            pytest.raises(FileRemovedMeanwhileError, match=r"'mine/in1\.yaml' is in the trash"),
        ):
            butler.ingest(files, run="new", transfer=None)
        assert list(butler.query_all_datasets("new")) == []
        assert len(list(root.glob("mine/*"))) == 3
        other.empty_trash()
    assert len(list(root.glob("mine/*"))) == 2


def test_a_removal_that_comes_after_the_ingest_of_its_file_leaves_it(
    butler: Butler, root: Path, files: list[FileDataset]
) -> None:
    (old,) = butler.ingest(files[1:2], run="old", transfer=None)
    with (
        Butler.open(str(root), run="old", instrument="Cam") as other,
        meanwhile("commit.done", lambda: other.prune([old], purge=True)),
    ):
        refs = butler.ingest(files, run="new", transfer=None)
    assert [butler.get(ref) for ref in refs] == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize("as_columns", [False, True])
def test_a_file_has_one_path_also_through_a_link_to_its_folder(
    butler: Butler, root: Path, files: list[FileDataset], as_columns: bool
) -> None:
    (root / "alias").symlink_to("mine")
    (old,) = butler.ingest(files[1:2], run="old", transfer=None)
    alias = [FileDataset(f"alias/in{n}.yaml", dataset_type="gain", data_ids={"detector": n}) for n in range(2)]
    if not as_columns:
        alias[0] = FileDataset(
            str(root / "alias/in0.yaml"), dataset_type="gain", data_ids=[{"detector": 0}, {"detector": 2}]
        )
    new = butler.ingest(alias, run="new", transfer=None)
    assert {row.path for row in butler.datastore_records(new).rows()} == {"mine/in0.yaml", "mine/in1.yaml"}
    butler.prune([old], purge=True)
    assert butler.get("gain", detector=1, collections="new") == {"n": 1}
    (root / "top.yaml").write_text("n: 5\n")
    (root / "mine" / "up").symlink_to("..")
    (top,) = butler.ingest(
        [FileDataset("mine/up/top.yaml", dataset_type="gain", data_ids={"detector": 3})], transfer=None
    )
    assert butler.datastore_records([top]).path.tolist() == ["top.yaml"]


@pytest.mark.parametrize("as_columns", [True, False])
@pytest.mark.parametrize(
    ("first", "spelled", "then"),
    [
        ("link", "link", "real"),
        ("link", "real", "real"),
        ("real", "real", "link"),
        ("link", "link", "link"),
        ("real", "link", "real"),
    ],
)
def test_a_repository_may_be_reached_by_a_link(
    root: Path, first: str, spelled: str, then: str, as_columns: bool
) -> None:
    names = {"real": root, "link": root.parent / "link"}
    names["link"].symlink_to(root.name)
    (root / "mine").mkdir()
    (root / "mine" / "a.yaml").write_text("n: 1\n")
    data_id = {"detector": 1}
    several = data_id if as_columns else [data_id, {"detector": 2}]
    with Butler.open(str(names[first]), instrument="Cam", writeable=True) as butler:
        file = FileDataset("mine/a.yaml", dataset_type="gain", data_ids=data_id)
        relative = butler.ingest([file], run="one", transfer=None)
        file = FileDataset(f"{names[spelled]}/mine/a.yaml", dataset_type="gain", data_ids=several)
        absolute = butler.ingest([file], run="two", transfer="direct")
    with Butler.open(str(names[then]), instrument="Cam", writeable=True) as butler:
        butler.trash(relative)
        assert butler.empty_trash(dry_run=True) == []
        assert butler.empty_trash() == []
        assert butler.fsck(repair=True, min_age=0.0).findings == ()
        assert [butler.get(ref) for ref in absolute] == [{"n": 1}] * len(absolute)


@pytest.mark.parametrize("transfer", [None, "move"])
def test_a_file_of_the_repository_that_is_given_by_a_link_elsewhere_is_not_moved_away(
    butler: Butler, root: Path, files: list[FileDataset], transfer: str | None
) -> None:
    (old,) = butler.ingest(files[1:2], run="old", transfer=None)
    (root.parent / "elsewhere").symlink_to(root / "mine")
    given = FileDataset(str(root.parent / "elsewhere/in1.yaml"), dataset_type="gain", data_ids={"detector": 1})
    (new,) = butler.ingest([given], run="new", transfer=transfer)
    assert [butler.get(ref) for ref in (old, new)] == [{"n": 1}, {"n": 1}]
    butler.prune([old], purge=True)
    assert butler.get(new) == {"n": 1}


def test_a_file_that_another_dataset_names_by_an_absolute_path_stays(butler: Butler, root: Path) -> None:
    place = root / "mine" / "a b%.yaml"
    place.parent.mkdir()
    place.write_text("n: 1\n")

    def ingest(path: str, run: str, transfer: str | None) -> DatasetRef:
        (ref,) = butler.ingest(
            [FileDataset(path, dataset_type="gain", data_ids={"detector": 1})], run=run, transfer=transfer
        )
        return ref

    relative, absolute = ingest("mine/a b%.yaml", "one", None), ingest(str(place), "two", "direct")
    butler.trash([relative])
    assert butler.empty_trash(dry_run=True) == []
    assert butler.empty_trash() == []
    assert butler.get(absolute) == {"n": 1}
    assert butler.fsck(repair=True, min_age=0.0, verify="checksum").findings == ()
    assert butler.get(absolute) == {"n": 1}
    butler.prune([absolute], purge=True)
    assert place.exists()
    (found,) = butler.fsck(min_age=0.0).findings
    assert (found.kind, found.path) == (FindingKind.FOREIGN_FILE, "mine/a b%.yaml")


@pytest.mark.parametrize("transfer", ["direct", "split"])
def test_files_elsewhere_may_have_any_name(repository: Path, tmp_path: Path, transfer: str) -> None:
    path = tmp_path / "other" / "run" / ".receipts" / "1.json"
    path.parent.mkdir(parents=True)
    path.touch()
    file = FileDataset(path, dataset_type="note", data_ids={}, formatter="file")
    with Butler.open(str(repository), run="run", instrument="Cam") as opened:
        (ref,) = opened.ingest([file], transfer=transfer)
        opened.prune([ref], purge=True)
    assert path.exists()


def in_another_process(root: Path) -> int:
    """Open a repository for writing elsewhere, and give how many datasets are seen there."""
    script = (
        f"from pachon.butler import Butler\nwith Butler.open({str(root)!r}, writeable=True) as butler:\n"
        "    print(butler.query_all_datasets('run').count())"
    )
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("as_table", [False, True])
def test_the_database_is_not_read(repository: Path, suffix: str, as_table: bool) -> None:
    """Who closes one of its files gives up the locks of SQLite: then another process removes the log, and what is put is lost."""
    place = repository / f"registry.sqlite3{suffix}"
    with Butler.open(str(repository), run="run", instrument="Cam") as opened:
        opened.put({"n": 1}, "gain", detector=1)
        for transfer in (None, "auto", "split", "direct", "copy", "move", "link", "hardlink", "symlink"):
            path = place.name if transfer is None else str(place)
            if as_table:
                files: Any = FileTable([path], dataset_type="gain", data_ids={"detector": [3]}, formatter="file")
            else:
                files = [FileDataset(path, dataset_type="gain", data_ids={"detector": 3}, formatter="file")]
            with pytest.raises(InvalidInputError, match="belongs to the repository itself"):
                opened.ingest(files, transfer=transfer)
        assert in_another_process(repository) == 1
        opened.put({"n": 2}, "gain", detector=2)
        assert in_another_process(repository) == 2


@pytest.mark.parametrize("transfer", [None, "auto", "split", "direct"])
@pytest.mark.parametrize("name", ["butler.yaml", "registry.sqlite3", "run/.receipts/1.json", ".definitions/types.json"])
def test_files_of_the_repository_itself(repository: Path, name: str, transfer: str | None) -> None:
    """With a dataset of it the database would be deleted, or put aside by a repair."""
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).touch()
    with Butler.open(str(repository), run="run", instrument="Cam") as opened:
        path = repository / name if transfer == "direct" else name
        file = FileDataset(path, dataset_type="note", data_ids={}, formatter="file")
        with pytest.raises(InvalidInputError, match="belongs to the repository itself"):
            opened.ingest([file], transfer=transfer)
        assert not opened.collections.query("*")
        assert (repository / name).exists()
        assert not opened.fsck().findings
        if name == "registry.sqlite3":
            return  # it is not read, either: see `test_the_database_is_not_read`
        # A copy of it is a file as any other.
        (ref,) = opened.ingest([file], transfer="copy")
        opened.prune([ref], purge=True)
        assert (repository / name).exists()
