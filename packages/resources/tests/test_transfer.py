# SPDX-License-Identifier: BSD-3-Clause
import errno
import os
from pathlib import Path

import pytest

from pachon.base import InvalidInputError
from pachon.resources import ResourceExistsError, ResourcePath


@pytest.fixture
def source(tmp_path: Path) -> ResourcePath:
    path = ResourcePath(tmp_path / "in" / "source.fits")
    path.write(b"pixels")
    return path


@pytest.fixture
def target(tmp_path: Path) -> ResourcePath:
    return ResourcePath(tmp_path / "out" / "deep" / "target.fits")


def inode(path: ResourcePath) -> int:
    return os.stat(path.ospath).st_ino


@pytest.mark.parametrize("overwrite", [False, True])
def test_kinds_of_link(source: ResourcePath, target: ResourcePath, overwrite: bool) -> None:
    for mode, is_link in (
        ("link", False),
        ("hardlink", False),
        ("symlink", True),
        ("relsymlink", True),
        ("auto", False),
    ):
        place = target.updated_file(f"{mode}.fits")
        if overwrite:
            place.write(b"old")
        place.transfer_from(source, mode, overwrite=overwrite)
        assert os.path.islink(place.ospath) == is_link
        assert inode(place) == inode(source)
    assert os.readlink(target.updated_file("symlink.fits").ospath) == os.path.realpath(source.ospath)
    assert os.readlink(target.updated_file("relsymlink.fits").ospath) == "../../in/source.fits"


def test_links_point_to_the_file_itself(tmp_path: Path, source: ResourcePath, target: ResourcePath) -> None:
    link = ResourcePath(tmp_path / "link.fits")
    link.transfer_from(source, "symlink")
    target.transfer_from(link, "symlink")
    assert os.readlink(target.ospath) == os.path.realpath(source.ospath)
    copy = target.updated_file("copy.fits")
    copy.transfer_from(link, "copy")
    assert not os.path.islink(copy.ospath)
    moved = target.updated_file("moved.fits")
    moved.transfer_from(link, "move")
    assert not os.path.islink(moved.ospath)
    assert not os.path.lexists(link.ospath)
    assert source.read() == b"pixels"


def test_same_file_is_left_alone(tmp_path: Path, source: ResourcePath) -> None:
    hard = ResourcePath(tmp_path / "hard.fits")
    hard.transfer_from(source, "hardlink")
    for mode in ("copy", "move", "symlink", "hardlink"):
        hard.transfer_from(source, mode)
    assert source.read() == hard.read() == b"pixels"


def test_dangling_link_counts_as_existing(source: ResourcePath, target: ResourcePath) -> None:
    target.parent().mkdir()
    os.symlink("/no/such/file", target.ospath)
    for mode in ("copy", "move", "hardlink", "symlink"):
        with pytest.raises(ResourceExistsError):
            target.transfer_from(source, mode)
    target.transfer_from(source, "copy", overwrite=True)
    assert target.read() == b"pixels"
    assert not os.path.islink(target.ospath)


@pytest.mark.parametrize("overwrite", [False, True])
def test_across_devices(
    source: ResourcePath, target: ResourcePath, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    linked = target.updated_file("linked.fits")
    linked.transfer_from(source, "link", overwrite=overwrite)
    assert os.path.islink(linked.ospath)
    with pytest.raises(OSError, match="cross-device"):
        target.transfer_from(source, "hardlink", overwrite=overwrite)
    target.transfer_from(source, "move", overwrite=overwrite)
    assert target.read() == b"pixels"
    assert not source.exists()


def test_move_keeps_the_file(source: ResourcePath, target: ResourcePath) -> None:
    before = inode(source)
    target.transfer_from(source, "move")
    assert inode(target) == before
    assert os.stat(target.ospath).st_nlink == 1


def test_unknown_mode(source: ResourcePath, target: ResourcePath) -> None:
    with pytest.raises(InvalidInputError, match="Did you mean 'symlink'"):
        target.transfer_from(source, "simlink")
    with pytest.raises(InvalidInputError, match="no transfer mode 'direct'"):
        target.transfer_from(source, "direct")
