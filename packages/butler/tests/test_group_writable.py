# SPDX-License-Identifier: BSD-3-Clause
"""Repositories that the users of a group share, whatever the umask of each."""

import os
import shutil
import stat
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pachon.butler
from pachon.butler import Butler, relocate_repository, restore_repository
from pachon.butler.migration import move_database
from pachon.butler.testing import add_example_records
from pachon.datasets import DatasetType, FileDataset

GROUP, OTHER_GROUP = 54321, 54322
FIRST, SECOND, STRANGER = 54001, 54002, 54003


def modes(root: Path) -> dict[str, int]:
    """Give the mode of everything in a folder, and of the folder."""
    found = {".": stat.S_IMODE(root.stat().st_mode)}
    for path in root.rglob("*"):
        found[str(path.relative_to(root))] = stat.S_IMODE(path.lstat().st_mode)
    return found


def make(root: Path) -> None:
    with Butler.create(str(root), group_writable=True) as butler:
        add_example_records(butler)
        for name in ("gain", "offset"):
            butler.dataset_types.register(
                DatasetType(name, ("detector",), "StructuredDataDict", universe=butler.universe)
            )


def write(root: Path, run: str, source: Path) -> None:
    with Butler.open(str(root), run=run, instrument="Cam") as butler:
        butler.put({"n": 0}, "gain", detector=0)
        butler.put_many([({"n": n}, "gain", {"detector": n}) for n in (1, 2)])
        files = [FileDataset(source, dataset_type="offset", data_ids={"detector": 0})]
        butler.ingest(files, transfer="copy")
        # Marks of what was changed, which the next one may replace.
        notes = DatasetType("notes", (), "StructuredDataDict", universe=butler.universe)
        butler.dataset_types.register(notes)
        butler.dataset_types.remove("notes")
        # Into a folder that somebody else may have made.
        butler.put({"n": 3}, "gain", detector=3, run="shared/by all" if run == "first" else "shared/by all/too")


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002, 0o000])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    source = tmp_path / "source.yaml"
    source.write_text("n: 5\n")
    before = os.umask(umask)
    try:
        make(tmp_path / "repo")
        write(tmp_path / "repo", "first", source)
        found = modes(tmp_path / "repo")
    finally:
        os.umask(before)
    for name, mode in found.items():
        expected = 0o2775 if (tmp_path / "repo" / name).is_dir() else 0o664
        assert mode == expected, f"{name}: {mode:o}"
    assert sum(name.endswith(".yaml") for name in found) == 6
    assert "group_writable: true" in (tmp_path / "repo" / "butler.yaml").read_text()


@pytest.mark.parametrize("umask", [0o077, 0o022])
def test_all_of_the_group_may_repair(tmp_path: Path, umask: int) -> None:
    """What one of them has put aside is in folders into which the next one puts more."""
    root = tmp_path / "repo"
    before = os.umask(umask)
    try:
        make(root)
        (root / "folder").mkdir()
        for name in ("strange", "folder/strange"):
            (root / name).write_text("by hand")
        with Butler.open(str(root), writeable=True) as butler:
            assert butler.fsck(repair=True, min_age=0.0).clean
    finally:
        os.umask(before)
    lost = root / ".lost+found"
    folders = [lost, *(path for path in lost.rglob("*") if path.is_dir())]
    assert len(folders) == 3
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o2775}


def test_folders_elsewhere_and_folders_that_were_lost(tmp_path: Path) -> None:
    root, files = tmp_path / "repo", tmp_path / "files"
    before = os.umask(0o077)
    try:
        with Butler.create(str(root), group_writable=True, datastore={"root": str(files)}) as butler:
            butler.backup(tmp_path / "backup")
        shutil.rmtree(root)
        restore_repository(str(root), tmp_path / "backup")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (root, files)] == [0o2775, 0o2775]


def test_without_it_the_umask_rules(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with Butler.create(str(tmp_path / "repo")) as butler:
            add_example_records(butler)
            butler.dataset_types.register(
                DatasetType("gain", ("detector",), "StructuredDataDict", universe=butler.universe)
            )
            butler.put({"n": 0}, "gain", detector=0, instrument="Cam", run="run")
    finally:
        os.umask(before)
    assert all(mode & 0o077 == 0 for name, mode in modes(tmp_path / "repo").items() if name != ".")


def test_files_of_others_that_are_linked_keep_their_mode(tmp_path: Path) -> None:
    source = tmp_path / "source.yaml"
    source.write_text("n: 5\n")
    source.chmod(0o640)
    make(tmp_path / "repo")
    with Butler.open(str(tmp_path / "repo"), run="run", instrument="Cam") as butler:
        files = [FileDataset(source, dataset_type="offset", data_ids={"detector": 0})]
        butler.ingest(files, transfer="hardlink")
    assert stat.S_IMODE(source.stat().st_mode) == 0o640


def as_user(user: int, group: int, work: Callable[[], None]) -> int:
    """Do something in a child process as another user, with a umask that shuts everybody else out."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            os.umask(0o077)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 (a child must not go on with the parent's tests)
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _everybody_reaches(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that a group may write to and everybody may reach, outside the folders of pytest, which are private."""
    if os.getuid() != 0:
        pytest.skip("only root can become two other users")
    code = [Path(pachon.butler.__file__), Path(sys.prefix), Path(sys.base_prefix)]
    if not all(map(_everybody_reaches, code)):
        pytest.skip("other users cannot reach this checkout or its Python")
    places = [Path(place) for place in (tempfile.gettempdir(), "/dev/shm", "/tmp", "/var/tmp")]
    place = next(place for place in places if place.is_dir() and _everybody_reaches(place / "it"))
    with tempfile.TemporaryDirectory(prefix="pachon-group-", dir=place) as name:
        folder = Path(name)
        os.chown(folder, FIRST, GROUP)
        folder.chmod(0o2775)
        yield folder


def test_two_users_of_one_group(shared: Path) -> None:
    source = shared / "source.yaml"
    source.write_text("n: 5\n")
    source.chmod(0o644)
    root = shared / "repo"

    def read_and_remove() -> None:
        with Butler.open(str(root), run="second", instrument="Cam", collections="first") as butler:
            ref = butler.find_dataset("gain", detector=0)
            assert ref is not None
            assert butler.get(ref) == {"n": 0}
            butler.prune([ref], purge=True)
            assert butler.find_dataset("gain", detector=0) is None

    assert as_user(FIRST, GROUP, lambda: make(root)) == 0
    assert as_user(FIRST, GROUP, lambda: write(root, "first", source)) == 0
    assert as_user(SECOND, GROUP, lambda: write(root, "second", source)) == 0
    assert as_user(SECOND, GROUP, read_and_remove) == 0
    assert as_user(FIRST, GROUP, lambda: write(root, "third", source)) != 0  # detector 3 is there already
    assert as_user(STRANGER, OTHER_GROUP, lambda: write(root, "stranger", source)) != 0
    assert {path.stat().st_gid for path in root.rglob("*")} == {GROUP}
    assert {path.stat().st_uid for path in root.rglob("*.yaml")} == {FIRST, SECOND}


def test_modes_survive_restoring_relocating_and_moving_the_database(tmp_path: Path) -> None:
    def shared(root: Path, *names: str) -> None:
        assert {name: oct(modes(root)[name]) for name in names} == dict.fromkeys(names, "0o664")

    before = os.umask(0o077)
    try:
        database = f"sqlite:///{tmp_path}/old/registry.sqlite3"
        with Butler.create(str(tmp_path / "old"), database=database, group_writable=True) as butler:
            butler.backup(tmp_path / "backup")
        restore_repository(str(tmp_path / "old"), tmp_path / "backup")
        shared(tmp_path / "old", "butler.yaml", "registry.sqlite3")
        (tmp_path / "old" / "registry.sqlite3").unlink()
        (tmp_path / "old" / "butler.yaml").unlink()
        restore_repository(str(tmp_path / "old"), tmp_path / "backup")
        shared(tmp_path / "old", "butler.yaml", "registry.sqlite3")
        (tmp_path / "old").rename(tmp_path / "new")
        relocate_repository(str(tmp_path / "new"), from_=str(tmp_path / "old"))
        shared(tmp_path / "new", "butler.yaml", "registry.sqlite3")
        move_database(str(tmp_path / "new"), "sqlite:///<butlerRoot>/other.sqlite3")
        shared(tmp_path / "new", "butler.yaml", "other.sqlite3")
    finally:
        os.umask(before)
