# SPDX-License-Identifier: BSD-3-Clause
"""The conformance suite of storages.

Subclass `ResourceSuite`, give the fixture ``folder``, and declare what the storage lacks::

    class TestMine(ResourceSuite):
        @pytest.fixture
        def folder(self) -> ResourcePath:
            return ResourcePath(f"mine://host/{uuid.uuid4()}/")
"""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pytest

from pachon.base import PachonError
from pachon.resources import (
    ResourceExistsError,
    ResourceIsDirectoryError,
    ResourceNotFoundError,
    ResourcePath,
    UnsupportedOperationError,
    exist_many,
    find_files,
    remove_many,
)

__all__ = ["ResourceSuite"]

NAMES = [
    "plain.txt",
    "with blank.fits",
    "a%b.txt",
    "50%.txt",
    "x+y.txt",
    "wh?t.txt",
    "größe.fits.gz",
    "a&b=c;d.txt",
    "[1].txt",
]


class ResourceSuite:
    """Behaviour of files and folders that the layers above rely on."""

    removal_tells_missing: ClassVar[bool] = True
    """Whether removing a file that is not there is an error; object stores cannot tell."""

    @pytest.fixture
    def folder(self) -> ResourcePath:
        """Give an empty folder of the storage, or the name of one that does not exist yet."""
        raise NotImplementedError("A suite gives a folder of its storage.")

    # Reading and writing.

    @pytest.mark.parametrize("name", NAMES)
    def test_names_come_back(self, folder: ResourcePath, name: str) -> None:
        file = folder.join(f"sub/{name}")
        file.write(name.encode())
        assert file.basename() == name
        assert file.exists()
        assert ResourcePath(str(file)).read() == name.encode()
        assert [names for _, _, names in folder.walk()] == [[], [name]]

    def test_read_and_ranges(self, folder: ResourcePath) -> None:
        file = folder.join("data.bin")
        data = bytes(range(256)) * 40
        file.write(data)
        assert file.read() == data
        assert file.read(10) == data[:10]
        assert file.read(0) == b""
        assert file.read(10**6) == data
        assert file.read_range(100, 7) == data[100:107]
        assert file.read_range(len(data) - 3, 100) == data[-3:]
        assert file.read_range(5, 0) == b""
        assert file.size() == len(data)
        assert not file.info().is_directory

    def test_empty_file(self, folder: ResourcePath) -> None:
        file = folder.join("empty")
        file.write(b"")
        assert file.exists()
        assert file.size() == 0
        assert file.read() == b""

    def test_write_never_touches_what_exists(self, folder: ResourcePath) -> None:
        file = folder.join("a/b.txt")
        file.write(b"first")
        with pytest.raises(ResourceExistsError):
            file.write(b"second")
        assert file.read() == b"first"
        file.write(b"third", overwrite=True)
        assert file.read() == b"third"

    def test_overwrite_creates_too(self, folder: ResourcePath) -> None:
        file = folder.join("new/c.txt")
        file.write(b"x", overwrite=True, sync=False)
        assert file.read() == b"x"

    def test_one_of_many_writers_wins(self, folder: ResourcePath) -> None:
        file = folder.join("contested")

        def attempt(number: int) -> bool:
            try:
                file.write(str(number).encode() * 1000)
            except ResourceExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            won = list(threads.map(attempt, range(8)))
        assert sum(won) == 1
        assert file.read() == str(won.index(True)).encode() * 1000

    def test_missing_file(self, folder: ResourcePath) -> None:
        file = folder.join("nothing.txt")
        assert not file.exists()
        assert not file.isdir()
        for ask in (file.read, file.size, file.info, lambda: file.read_range(0, 1), file.checksum):
            with pytest.raises(ResourceNotFoundError) as caught:
                ask()
            assert isinstance(caught.value, FileNotFoundError)
            assert isinstance(caught.value, PachonError)

    def test_remove(self, folder: ResourcePath) -> None:
        file = folder.join("a.txt")
        file.write(b"x")
        file.remove()
        assert not file.exists()
        file.remove(missing_ok=True)
        if self.removal_tells_missing:
            with pytest.raises(ResourceNotFoundError):
                file.remove()

    def test_folder_is_no_file(self, folder: ResourcePath) -> None:
        for act in (lambda: folder.write(b"x"), folder.read, lambda: folder.transfer_from(folder.join("x"), "copy")):
            with pytest.raises(ResourceIsDirectoryError):
                act()

    def test_checksum(self, folder: ResourcePath) -> None:
        file = folder.join("a.txt")
        file.write(b"abc")
        assert file.checksum("md5") == "900150983cd24fb0d6963f7d28e17f72"
        assert len(file.checksum()) == 128

    # Handles.

    def test_open_binary_and_text(self, folder: ResourcePath) -> None:
        file = folder.join("deep/er/a.txt")
        with file.open("w") as stream:
            stream.write("größe\n")
        with file.open() as stream:
            assert stream.read() == "größe\n"
        with file.open("wb") as stream:
            stream.write(b"0123456789")
        with file.open("rb") as stream:
            stream.seek(-3, 2)
            assert stream.tell() == 7
            assert stream.read() == b"789"
            stream.seek(2)
            assert stream.read(2) == b"23"

    def test_two_readers_do_not_disturb_each_other(self, folder: ResourcePath) -> None:
        file = folder.join("a.txt")
        file.write(b"0123456789")
        with file.open("rb") as one, file.open("rb") as two:
            assert one.read(3) == b"012"
            assert two.read(5) == b"01234"
            assert one.read(3) == b"345"

    @pytest.mark.parametrize("mode", ["w", "wb", "x"])
    def test_a_body_that_fails_leaves_nothing(self, folder: ResourcePath, mode: str) -> None:
        file = folder.join("half.txt")

        def fail() -> None:
            with file.open(mode) as stream:
                stream.write("x" if "b" not in mode else b"x")
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail()
        assert not file.exists()
        assert sum(len(files) for _, _, files in folder.walk()) == 0

    def test_open_for_exclusive_creation(self, folder: ResourcePath) -> None:
        file = folder.join("x.txt")
        with file.open("xb") as stream:
            stream.write(b"first")
        with pytest.raises(ResourceExistsError), file.open("xb") as stream:
            stream.write(b"second")
        assert file.read() == b"first"

    def test_open_missing(self, folder: ResourcePath) -> None:
        with pytest.raises(ResourceNotFoundError), folder.join("nothing").open("rb") as stream:
            stream.read()

    def test_list_files(self, folder: ResourcePath) -> None:
        assert list(folder.join("nowhere/").list_files()) == []
        for name in ("b.fits", "one/c #%20.fits", "one/two/d.fits"):
            folder.join(quote(name)).write(b"x" * len(name))
        found = {file.path: file.info for file in folder.list_files()}
        assert sorted(found) == ["b.fits", "one/c #%20.fits", "one/two/d.fits"]
        assert {path: info.size for path, info in found.items()} == {path: len(path) for path in found}
        assert not any(info.is_directory for info in found.values())
        assert [file.path for file in folder.join("one/two/").list_files()] == ["d.fits"]

    def test_as_local(self, folder: ResourcePath) -> None:
        file = folder.join("a.fits.gz")
        file.write(b"content")
        with file.as_local() as local:
            assert local.is_local
            assert local.extension == ".fits.gz"
            assert Path(local.ospath).read_bytes() == b"content"
            assert local.is_temporary == (not file.is_local)
            path = local.ospath
        assert Path(path).exists() == file.is_local

    # Folders.

    def test_walk(self, folder: ResourcePath) -> None:
        for name in ("b.fits", "a.txt", "one/c.fits", "one/two/d.fits", "three/e.txt"):
            folder.join(name).write(b"x")
        found = [(path.relative_to(folder), folders, files) for path, folders, files in folder.walk()]
        assert found == [
            (".", ["one", "three"], ["a.txt", "b.fits"]),
            ("one", ["two"], ["c.fits"]),
            ("one/two", [], ["d.fits"]),
            ("three", [], ["e.txt"]),
        ]
        assert [files for _, _, files in folder.walk(r"\.fits$")] == [["b.fits"], ["c.fits"], ["d.fits"], []]
        assert [path.basename() for path in find_files([folder], r"^[cd]\.")] == ["c.fits", "d.fits"]
        assert [path.basename() for path in find_files([folder.join("a.txt"), folder.join("one/")], "fits")] == [
            "a.txt",
            "c.fits",
            "d.fits",
        ]
        assert folder.join("one/").isdir()

    def test_walk_of_a_missing_folder_gives_nothing(self, folder: ResourcePath) -> None:
        assert list(folder.join("not/there/").walk()) == []

    # Many.

    def test_many(self, folder: ResourcePath) -> None:
        files = [folder.join(f"{number}.txt") for number in range(5)]
        for file in files[:3]:
            file.write(b"x")
        assert list(exist_many(files).values()) == [True] * 3 + [False] * 2
        outcome = remove_many(files[:3])
        assert set(outcome.values()) == {None}
        assert not any(exist_many(files).values())

    # Transfer.

    @pytest.mark.parametrize("mode", ["copy", "move", "auto"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_from_local(self, folder: ResourcePath, tmp_path: Path, mode: str, overwrite: bool) -> None:
        source = tmp_path / "source file.txt"
        source.write_bytes(b"new")
        target = folder.join("sub/target.txt")
        if overwrite:
            target.write(b"old")
        target.transfer_from(source, mode, overwrite=overwrite)
        assert target.read() == b"new"
        assert source.exists() == (mode != "move")

    @pytest.mark.parametrize("mode", ["copy", "move", "auto"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_to_local(self, folder: ResourcePath, tmp_path: Path, mode: str, overwrite: bool) -> None:
        source = folder.join("source.txt")
        source.write(b"new")
        target = ResourcePath(tmp_path / "sub" / "target.txt")
        if overwrite:
            target.write(b"old")
        target.transfer_from(source, mode, overwrite=overwrite)
        assert target.read() == b"new"
        assert source.exists() == (mode != "move")

    @pytest.mark.parametrize("mode", ["copy", "move"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_within(self, folder: ResourcePath, mode: str, overwrite: bool) -> None:
        source, target = folder.join("a.txt"), folder.join("b/c.txt")
        source.write(b"new")
        if overwrite:
            target.write(b"old")
        target.transfer_from(source, mode, overwrite=overwrite)
        assert target.read() == b"new"
        assert source.exists() == (mode == "copy")

    @pytest.mark.parametrize("mode", ["copy", "move", "auto"])
    def test_transfer_never_touches_what_exists(self, folder: ResourcePath, tmp_path: Path, mode: str) -> None:
        outside = ResourcePath(tmp_path / "outside.txt")
        outside.write(b"outside")
        inside = folder.join("inside.txt")
        inside.write(b"inside")
        for target, source in ((inside, outside), (outside, inside)):
            before = target.read()
            with pytest.raises(ResourceExistsError):
                target.transfer_from(source, mode)
            assert target.read() == before
            assert source.exists()

    def test_transfer_of_a_missing_source(self, folder: ResourcePath, tmp_path: Path) -> None:
        missing, target = folder.join("missing.txt"), folder.join("target.txt")
        for mode in ("copy", "move", "auto"):
            with pytest.raises(ResourceNotFoundError):
                target.transfer_from(missing, mode)
            with pytest.raises(ResourceNotFoundError):
                target.transfer_from(tmp_path / "missing.txt", mode)
            with pytest.raises(ResourceNotFoundError):
                ResourcePath(tmp_path / "target.txt").transfer_from(missing, mode)
        assert not target.exists()
        assert not (tmp_path / "target.txt").exists()

    def test_transfer_to_itself_does_nothing(self, folder: ResourcePath) -> None:
        file = folder.join("a.txt")
        file.write(b"x")
        for mode in ("copy", "move", "auto"):
            file.transfer_from(file, mode)
        assert file.read() == b"x"

    @pytest.mark.parametrize("mode", ["link", "hardlink", "symlink", "relsymlink"])
    def test_links_are_for_local_files(self, folder: ResourcePath, tmp_path: Path, mode: str) -> None:
        outside = ResourcePath(tmp_path / "outside.txt")
        outside.write(b"x")
        target = folder.join("link.txt")
        if folder.is_local:
            target.transfer_from(outside, mode)
            assert target.read() == b"x"
        else:
            with pytest.raises(UnsupportedOperationError, match="both must be local"):
                target.transfer_from(outside, mode)
            target.write(b"y")
            with pytest.raises(UnsupportedOperationError):
                ResourcePath(tmp_path / "link.txt").transfer_from(target, mode)

    # The value.

    def test_pickle(self, folder: ResourcePath) -> None:
        file = folder.join("a b.txt")
        file.write(b"x")
        for path in (file, folder):
            copy = pickle.loads(pickle.dumps(path))
            assert copy == path
            assert hash(copy) == hash(path)
            assert copy.isdir() == path.isdir()
        assert pickle.loads(pickle.dumps(file)).read() == b"x"

    def test_confinement(self, folder: ResourcePath) -> None:
        assert folder.join_inside("a/../b.txt").relative_to(folder) == "b.txt"
        for path in ("../x", "a/../../x", "/etc/passwd", "file:///etc/passwd", "s3://other/x"):
            with pytest.raises(ValueError, match="leads out of"):
                folder.join_inside(path)
