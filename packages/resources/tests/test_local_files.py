# SPDX-License-Identifier: BSD-3-Clause
import errno
import os
import stat
from pathlib import Path

import pytest

from pachon.base import InvalidInputError, StorageError
from pachon.resources import (
    ResourceNotDirectoryError,
    ResourceNotFoundError,
    ResourcePath,
    ResourcePermissionError,
    fsync_files,
)
from pachon.resources.folder_sync import sync_folder
from pachon.resources.local_files import create_file, make_folders, replace_file


def test_new_file_and_all_new_folders_are_synced(tmp_path: Path, synced: list[str]) -> None:
    ResourcePath(tmp_path / "a" / "b" / "c.txt").write(b"x")
    assert synced[:2] == [str(tmp_path), str(tmp_path / "a")]
    assert sorted(synced[2:]) == [str(tmp_path / "a/b"), str(tmp_path / "a/b/c.txt")]


def test_replaced_file_is_synced_before_it_is_renamed(tmp_path: Path, synced: list[str], monkeypatch) -> None:
    file = ResourcePath(tmp_path / "c.txt")
    file.write(b"x")
    synced.clear()
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (synced.append("rename"), real(a, b)))
    file.write(b"y", overwrite=True)
    assert synced[0].startswith(str(tmp_path / ".c.txt."))
    assert "rename" in synced
    assert synced.index("rename") > 0
    assert synced[-1] == str(tmp_path)


def test_sync_can_be_left_to_a_batch(tmp_path: Path, synced: list[str]) -> None:
    files = [ResourcePath(tmp_path / f"{number}.txt") for number in range(6)]
    for file in files:
        file.write(b"x", sync=False)
    assert synced == []
    fsync_files(file.ospath for file in files)
    assert sorted(synced) == sorted([str(tmp_path), *(file.ospath for file in files)])
    synced.clear()
    fsync_files([files[0].ospath])
    assert synced == [files[0].ospath, str(tmp_path)]


@pytest.mark.parametrize("make", [create_file, replace_file])
def test_failed_write_leaves_nothing(tmp_path: Path, make) -> None:
    def fail(stream) -> None:
        stream.write(b"part")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make(str(tmp_path / "x"), fail)
    assert list(tmp_path.iterdir()) == []


def test_failed_replacement_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ResourcePath(tmp_path / "x")
    file.write(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="cannot be written: Input/output error"):
        file.write(b"new", overwrite=True)
    assert file.read() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_crash_in_mid_write_never_shows_a_part(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"old")
    child = os.fork()
    if child == 0:
        replace_file(str(file), lambda stream: (stream.write(b"n" * 10), stream.flush(), os._exit(0)))
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert file.read_bytes() == b"old"


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    sync_folder(str(tmp_path))
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(errno.EIO, "x")))
    with pytest.raises(OSError, match="x"):
        sync_folder(str(tmp_path))


def test_folders_are_usable_under_a_strict_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        make_folders(str(tmp_path / "a" / "b"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(ResourceNotDirectoryError):
        ResourcePath(tmp_path / "a" / "b").write(b"x")
    with pytest.raises(ResourceNotDirectoryError):
        ResourcePath(tmp_path / "a").mkdir()
    ResourcePath(tmp_path / "deep" / "er").mkdir()
    ResourcePath(tmp_path / "deep" / "er").mkdir()
    assert (tmp_path / "deep" / "er").is_dir()


def test_long_names_can_be_replaced(tmp_path: Path) -> None:
    file = ResourcePath(tmp_path / ("x" * 250))
    file.write(b"a", overwrite=True)
    file.write(b"b", overwrite=True)
    assert file.read() == b"b"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission(tmp_path: Path) -> None:
    file = ResourcePath(tmp_path / "secret")
    file.write(b"x")
    os.chmod(file.ospath, 0)
    with pytest.raises(ResourcePermissionError, match="permission denied"):
        file.read()


def test_permission_errors_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(ResourcePermissionError):
        ResourcePath("/some/where").exists()


def test_change_in_place(tmp_path: Path) -> None:
    file = ResourcePath(tmp_path / "log.txt")
    with file.open("a") as stream:
        stream.write("one\n")
    with file.open("a") as stream:
        stream.write("two\n")
    with file.open("r+b") as stream:
        stream.write(b"O")
    assert file.read() == b"One\ntwo\n"
    with pytest.raises(ResourceNotFoundError), ResourcePath(tmp_path / "no").open("r+"):
        pass
    with pytest.raises(ValueError, match="no way 'z'"), file.open("z"):
        pass


def test_error_of_the_body_is_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, ResourcePath(tmp_path / "x").open("w"):
        Path("/no/such/file").read_text()
    assert not isinstance(caught.value, ResourceNotFoundError)


def test_temporary() -> None:
    with ResourcePath.temporary(suffix=".fits") as file:
        assert file.is_temporary
        assert file.extension == ".fits"
        assert not file.exists()
        file.write(b"x")
        moved = ResourcePath(file.ospath + ".moved")
        moved.transfer_from(file, "auto")
        assert os.stat(moved.ospath).st_nlink == 1  # a temporary file is copied, not linked
    assert not file.exists()
    moved.remove()
    with ResourcePath.temporary(folder="memory://t/") as file:
        assert str(file).startswith("memory://t/")


def test_a_new_file_whose_folder_cannot_be_synced_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fail_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    with pytest.raises(StorageError):
        ResourcePath(tmp_path / "new.txt").write(b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["write", "open", "copy"])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, how: str) -> None:
    file, source = tmp_path / "file.txt", tmp_path / "source.txt"
    file.write_text("old")
    source.write_text("new")
    file.chmod(0o664)
    before = os.umask(0o077)
    try:
        if how == "write":
            ResourcePath(file).write(b"new", overwrite=True)
        elif how == "open":
            with ResourcePath(file).open("w") as stream:
                stream.write("new")
        else:
            ResourcePath(file).transfer_from(source, "copy", overwrite=True)
    finally:
        os.umask(before)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o664)


@pytest.mark.parametrize("name", ["a\0b", "/a\0", "file:///a%00b", "%00"])
def test_no_name_holds_a_null_character(name):
    with pytest.raises(InvalidInputError, match="holds a null character"):
        ResourcePath(name)
    with pytest.raises(InvalidInputError, match="holds a null character"):
        ResourcePath("/folder/").join(name)


def test_a_name_that_is_not_in_utf_8_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"xff.*not in UTF-8|udcff.*not in UTF-8"):
        ResourcePath(os.fsdecode(b"/data/x\xff.fits"))


def test_a_walk_follows_links_and_no_circles(tmp_path: Path) -> None:
    for name in ("top/a", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file.txt").touch()
    (tmp_path / "top" / "a" / "up").symlink_to("..")
    (tmp_path / "top" / "latest").symlink_to("../elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to("../top")
    walked = [(str(folder.relative_to(tmp_path)), files) for folder, _, files in ResourcePath(tmp_path / "top/").walk()]
    assert walked == [("top", []), ("top/a", ["file.txt"]), ("top/latest", ["file.txt"])]
