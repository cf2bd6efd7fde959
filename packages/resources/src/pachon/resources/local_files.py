# SPDX-License-Identifier: BSD-3-Clause
"""Files of this machine that are whole and on the medium when a function returns.

A new file is created exclusively, written and fsynced, and so is its folder; what failed half-way is removed. A replaced
file is written beside under a random name, fsynced and renamed.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from pachon.resources.folder_sync import FolderSync, sync_folder
from pachon.resources.threaded_calls import ThreadedCalls

__all__ = [
    "begin_file",
    "create_file",
    "fsync_files",
    "fsync_folders",
    "keep_mode",
    "make_folders",
    "new_sibling",
    "replace_file",
]

Fill = Callable[[BinaryIO], object]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)

GROUP_FILE = 0o664
GROUP_FOLDER = 0o2775
"""Mode of a folder that a group shares; the set-group bit hands the group on to what is made inside."""

SYNC_THREADS = 32
"""fsyncs in flight at a time: a journalling file system commits those that wait together."""


def create_file(
    path: str,
    content: bytes | memoryview | Fill,
    *,
    sync: bool = True,
    sync_name: bool = True,
    group_writable: bool = False,
) -> None:
    """Create a file that must not exist and fill it; missing folders are made.

    Parameters
    ----------
    path
        Where; the folders above are made if needed.
    content
        What is written, or what writes it: that is called with the open file. If it fails, or anything after it, the file
        is removed.
    sync
        Whether the file and its folder are on the medium on return. Without, call `fsync_files` later.
    sync_name
        Whether that holds for the folder too. A file that is renamed at once needs it after that, and not twice.
    group_writable
        Give the group the rights of the owner, whatever the umask: to the file and to folders that are made.
    """
    naming = _create(path, content, sync=sync, begin_naming=sync and sync_name, group_writable=group_writable)
    if naming is not None:
        try:
            naming.wait()
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def begin_file(path: str, content: bytes | memoryview, *, group_writable: bool = False) -> FolderSync:
    """Create a file as `create_file` does, and give what is to be waited for until its folder is on the medium too."""
    naming = _create(path, content, sync=True, begin_naming=True, group_writable=group_writable)
    assert naming is not None
    return naming


def _create(
    path: str, content: bytes | memoryview | Fill, *, sync: bool, begin_naming: bool, group_writable: bool
) -> FolderSync | None:
    """Create a file, and begin to sync its folder if that is wanted; what failed half-way is removed."""
    naming: FolderSync | None = None
    descriptor = _open_new(path, group_writable=group_writable)
    try:
        try:
            if group_writable:
                os.fchmod(descriptor, GROUP_FILE)
            if callable(content):
                with open(descriptor, "wb", closefd=False) as stream:
                    content(stream)
            else:
                _write_all(descriptor, content)
            if begin_naming:
                naming = FolderSync(os.path.dirname(path))
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        if naming is not None:
            naming.abandon()
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    return naming


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    # The length of a view counts its elements, which need not be bytes.
    rest = memoryview(data).cast("B") if memoryview(data).nbytes else b""
    while len(rest):
        rest = rest[os.write(descriptor, rest) :]


def replace_file(path: str, fill: Fill, *, sync: bool = True) -> None:
    """Write a file beside the place and rename it there, over what may exist, whose mode it gets.

    Parameters
    ----------
    path, sync
        As for `create_file`.
    fill
        Is called with the open file.
    """
    with new_sibling(path) as sibling:
        create_file(sibling, fill, sync=sync, sync_name=False)
        keep_mode(path, sibling)
        os.replace(sibling, path)
    if sync:
        sync_folder(os.path.dirname(path))


def keep_mode(old: str, new: str) -> None:
    """Give a file that is going to replace another the mode of that: who could read it or write to it still can."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(new, os.stat(old).st_mode & 0o7777)


@contextlib.contextmanager
def new_sibling(path: str) -> Iterator[str]:
    """Give an unused hidden name beside a path; a file of that name is removed at the end, if it is still there."""
    folder, name = os.path.split(path)
    # The whole name must stay below the limit of 255 bytes that most file systems have.
    sibling = os.path.join(folder, f".{name[:180]}.{secrets.token_hex(8)}.part")
    try:
        yield sibling
    finally:
        with contextlib.suppress(OSError):
            os.unlink(sibling)


def _open_new(path: str, *, group_writable: bool) -> int:
    try:
        return os.open(path, _CREATE, 0o666)
    except FileNotFoundError:
        make_folders(os.path.dirname(path), group_writable=group_writable)
        return os.open(path, _CREATE, 0o666)


def make_folders(path: str, *, group_writable: bool = False, sync: bool = True) -> None:
    """Make a folder and its parents, usable by their owner under any umask, each on the medium on return.

    With ``group_writable`` by their group as well, and what is made in them belongs to that group. Without ``sync`` the names of
    all of them are owed to the medium.
    """
    if not path or os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    make_folders(parent, group_writable=group_writable, sync=sync)
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        if sync:
            sync_folder(parent)  # somebody else was faster, and may not have come to this yet
        return
    mode = os.stat(path).st_mode
    if group_writable:
        os.chmod(path, GROUP_FOLDER)
    elif mode & 0o700 != 0o700:
        os.chmod(path, mode & 0o7777 | 0o700)
    if sync:
        sync_folder(parent)


def fsync_files(paths: Iterable[str | os.PathLike[str]], *, sync_names: bool = True) -> None:
    """Bring files and their folders to the medium, many at a time.

    Parameters
    ----------
    paths
        Local files, written with ``sync=False``.
    sync_names
        Whether their folders are as well; files that are renamed at once need it after that, and not twice.
    """
    names = [os.fspath(path) for path in paths]
    _sync_many(_sync_file, names)
    if sync_names:
        fsync_folders({os.path.dirname(name) for name in names})


def fsync_folders(folders: Iterable[str]) -> None:
    """Bring the names in folders to the medium, many at a time."""
    _sync_many(sync_folder, sorted(folders))


def _sync_many(sync: Callable[[str], None], paths: Sequence[str]) -> None:
    with ThreadedCalls(sync, len(paths), SYNC_THREADS) as calls:
        for path in paths:
            calls.add(path)


def _sync_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
