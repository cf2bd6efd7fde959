# SPDX-License-Identifier: BSD-3-Clause
"""The folder of a datastore: recorded paths as files, and the single steps of the write protocol on them."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

from pachon.base import StorageError
from pachon.datastore.errors import PathOutsideRootError
from pachon.datastore.final_path import check_inside, check_stored_path
from pachon.datastore.records import ZIP_MEMBER, file_part, is_owned
from pachon.datastore.remote_sizes import remote_sizes
from pachon.resources import ResourcePath, exist_many, fsync_files
from pachon.resources.errors import ResourceExistsError, storage_errors
from pachon.resources.folder_sync import FolderSync
from pachon.resources.local_files import GROUP_FILE, begin_file, create_file, fsync_folders, make_folders

__all__ = ["FileStore", "checksum_of_bytes", "checksum_of_file"]

_log = logging.getLogger(__name__)

_CHUNK = 1 << 22
_WRITTEN = "written and brought to the medium"


class FileStore:
    """Files below a root, local or in an object store.

    Parameters
    ----------
    root
        The folder.
    group_writable
        Whether the group has the owner's rights to what is made (local files only).
    """

    def __init__(self, root: ResourcePath, *, group_writable: bool = False) -> None:
        self.group_writable = group_writable
        self.root = ResourcePath(root, force_directory=True)
        self.local_root: str | None = self.root.ospath.rstrip("/") or "/" if self.root.is_local else None
        self._real_root = None if self.local_root is None else os.path.realpath(self.local_root)
        self._url = self.root.geturl()
        real = () if self._real_root is None else (ResourcePath(self._real_root, force_directory=True).geturl(),)
        self.root_urls = tuple(dict.fromkeys((self._url, *real)))
        """How URIs of what is below the root begin: as the root is named, and without the links that lead there."""
        self._safe_folders: set[str] = set()
        """Local folders whose names are known to be on the medium."""

    def uri(self, path: str) -> ResourcePath:
        """Give the place of a recorded path.

        Raises
        ------
        PathOutsideRootError
            If it is a relative path that leads out of the root.
        """
        if not is_owned(path):
            return ResourcePath(path)
        check_stored_path(path)
        file, marker, member = path.partition(ZIP_MEMBER)
        # Not `root.join`: that would expand, decode and cut what are plain characters of a recorded path.
        return ResourcePath(f"{self._url}{quote(file)}{marker}{member}")

    def local_path(self, path: str, plain: set[str] | None = None) -> str | None:
        """Give the path of this machine for a recorded path; None if it is elsewhere. ``plain`` is that of `check_inside`.

        Raises
        ------
        PathOutsideRootError
            If it leads, perhaps by a link, out of the root.
        """
        file = file_part(path)
        if not is_owned(path):
            uri = ResourcePath(file)
            return uri.ospath if uri.is_local else None
        if self.local_root is None:
            return None
        check_stored_path(file)
        full = f"{self.local_root}/{file}"
        check_inside(self.local_root, full, plain)
        return full

    def path_inside(self, source: str | os.PathLike[str] | ResourcePath) -> str | None:
        """Give the recorded path of a file that lies in the root already, None if it lies elsewhere.

        A relative path is relative to the root.
        """
        if isinstance(source, ResourcePath) and not source.is_absolute:
            source = source.path
        if not isinstance(source, ResourcePath) and "://" not in (text := os.fspath(source)):
            text = os.path.expanduser(text) if text.startswith("~") else text
            if not text.startswith("/"):
                path = os.path.normpath(text)
                check_stored_path(path)
                return path
            if self.local_root is None:
                return None
            text = os.path.normpath(text)
            for root in dict.fromkeys((self.local_root, self._real_root)):
                if root is not None and text.startswith(f"{root.rstrip('/')}/"):
                    return text[len(root.rstrip("/")) + 1 :]
            # A link elsewhere may lead there.
            folder, name = os.path.split(text)
            real, top = os.path.realpath(folder), f"{str(self._real_root).rstrip('/')}/"
            return f"{real}/{name}"[len(top) :] if f"{real}/".startswith(top) else None
        uri = ResourcePath(source)
        if uri.is_local:
            return self.path_inside(uri.ospath)
        found = uri.relative_to(self.root)
        return None if found in (None, ".") else found

    def real_path(self, path: str) -> str:
        """Give the absolute path of a recorded path on this machine, without the links that lead to the root."""
        return f"{str(self._real_root).rstrip('/')}/{path}"

    def without_links(self, path: str) -> str:
        """Follow the links among the folders of a recorded path, so that a file has one path however it was reached.

        Raises
        ------
        PathOutsideRootError
            If they lead out of the root.
        """
        if self.local_path(path) is None:
            return path
        folder, _, name = path.rpartition("/")
        real = os.path.realpath(f"{self.local_root}/{folder}")
        below = real[len(str(self._real_root).rstrip("/")) + 1 :]
        return f"{below}/{name}" if below else name

    def create(
        self,
        path: str,
        data: bytes | memoryview,
        *,
        sync: bool = False,
        sync_name: bool = True,
        plain: set[str] | None = None,
    ) -> None:
        """Make a new file exclusively. Where there is fsync, `sync` is still owed unless it is asked for here.

        Without `sync_name` the name of the file is owed to the medium all the same: for one that is renamed at once. ``plain``
        is that of `check_inside`.
        """
        (local,) = self.make_room([path], plain)
        self.fill(path, local, data, sync=sync, sync_name=sync_name)

    def make_room(self, paths: Sequence[str], plain: set[str] | None = None) -> list[str | None]:
        """Give the local places of new files, in folders that are there and on the medium; None in an object store.

        ``plain`` is that of `check_inside`.
        """
        places = [self.local_path(path, plain) for path in paths]
        folders = {place.rpartition("/")[0]: None for place in places if place is not None}
        if not self._safe_folders.issuperset(folders):
            self._make_safe([folder for folder in folders if folder not in self._safe_folders])
        return places

    def fill(
        self, path: str, local: str | None, data: bytes | memoryview, *, sync: bool = False, sync_name: bool = True
    ) -> None:
        """Make a new file exclusively for which there is room, as `create` does; several threads may."""
        if local is None:
            content = bytes(data)
            with self.answer_may_be_lost(path, len(content), lambda: checksum_of_bytes(content)):
                self.uri(path).write(content)
            return
        with storage_errors(_WRITTEN if sync else "written", local):
            create_file(local, data, sync=sync, sync_name=sync_name, group_writable=self.group_writable)

    def begin(self, local: str, data: bytes | memoryview) -> FolderSync:
        """Make a new local file exclusively for which there is room, on the medium on return; its name is, after `wait_for_name`."""
        with storage_errors(_WRITTEN, local):
            return begin_file(local, data, group_writable=self.group_writable)

    def wait_for_name(self, path: str, naming: FolderSync) -> None:
        """Wait until the name of a file is on the medium.

        Raises
        ------
        StorageError
            Whether the file has its name is not known.
        """
        with storage_errors(_WRITTEN, f"{self.local_root}/{path}"):
            naming.wait()

    def _make_safe(self, folders: Sequence[str]) -> None:
        """Make local folders, and see to it that their names and those above them, up to the root, are on the medium.

        A folder that is there may have been made a moment ago by another process, which has not come to syncing its name yet.
        """
        inside = f"{str(self.local_root).rstrip('/')}/"
        with storage_errors("made", str(self.local_root)):
            make_folders(str(self.local_root), group_writable=self.group_writable)
        unsafe: set[str] = set()
        for folder in folders:
            there = folder
            while not os.path.isdir(there):
                # One that was known, was removed with its last file, and is made again, is as new as any.
                self._safe_folders.discard(there)
                there = os.path.dirname(there)
            # Many folders in one are named by one sync of that.
            with storage_errors("made", folder):
                make_folders(folder, group_writable=self.group_writable, sync=False)
            unsafe.update(name for name in _and_above(folder, inside) if name not in self._safe_folders)
        with storage_errors("brought to the medium", str(self.local_root)):
            fsync_folders({os.path.dirname(name) for name in unsafe})
        self._safe_folders.update(unsafe)

    def share(self, path: str) -> None:
        """Give the group its rights to a file that was copied here; a link is somebody else's file too and stays."""
        local = self.local_path(path)
        if local is None or not self.group_writable:
            return
        with storage_errors("changed", local):
            status = os.lstat(local)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.chmod(local, GROUP_FILE)

    def replace(self, path: str, data: bytes | memoryview) -> None:
        """Make or replace a file of an object store, in one step."""
        self.uri(path).write(bytes(data), overwrite=True)

    def upload(self, source: str, path: str, *, overwrite: bool) -> None:
        """Make (exclusively) or replace a file of an object store with the content of a local one."""
        with self.answer_may_be_lost(path, os.path.getsize(source), lambda: checksum_of_file(source)):
            self.uri(path).transfer_from(source, "copy", overwrite=overwrite)

    @contextmanager
    def answer_may_be_lost(self, path: str, size: int, checksum: Callable[[], str]) -> Iterator[None]:
        """Take a file that exists for the one that the block makes, if it holds the same.

        When the answer to a PUT is lost, the storage library tries again, and is told that the file exists: its own. The
        write token in a final path is nobody else's, so nobody else can have made it.
        """
        try:
            yield
        except ResourceExistsError:
            if self.local_root is not None:
                raise
            place = self.uri(path)
            if place.size() != size or checksum_of_file(place) != checksum():
                raise
            _log.info(
                "%s exists already and holds what was to be written: the answer to the first attempt was lost.", place
            )

    def sync(self, paths: Iterable[str]) -> None:
        """Bring what local files hold to the medium; their names are owed. If that fails it is never tried again.

        Raises
        ------
        StorageError
            The write failed: what the files hold is not known.
        """
        if self.local_root is None:
            return
        try:
            fsync_files([f"{self.local_root}/{path}" for path in paths], sync_names=False)
        except OSError as error:
            raise StorageError(f"Files below {self.root} cannot be brought to the medium: {error}") from error

    def sync_names(self, paths: Iterable[str]) -> None:
        """Bring the names of local files to the medium, each folder once. If that fails it is never tried again.

        Raises
        ------
        StorageError
            Whether the files have their names is not known.
        """
        if self.local_root is None:
            return
        try:
            fsync_folders({os.path.dirname(f"{self.local_root}/{path}") for path in paths})
        except OSError as error:
            raise StorageError(f"Folders below {self.root} cannot be brought to the medium: {error}") from error

    def exist(self, paths: Sequence[str]) -> list[bool]:
        """Tell for each recorded path whether the file is there; each file is looked for once."""
        known, elsewhere = self._look(paths)
        if elsewhere:
            answers = exist_many(elsewhere.values())
            known.update((path, 0 if answers[uri] else None) for path, uri in elsewhere.items())
        return [known[file_part(path)] is not None for path in paths]

    def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Give for each recorded path the bytes of the file; None if it is not there. Each file is looked for once.

        In an object store folders of many files are listed.
        """
        known, elsewhere = self._look(paths)
        known.update(remote_sizes(elsewhere))
        return [known[file_part(path)] for path in paths]

    def _look(self, paths: Sequence[str]) -> tuple[dict[str, int | None], dict[str, ResourcePath]]:
        """Give the sizes of files of this machine, and the places of the others."""
        known: dict[str, int | None] = {}
        elsewhere: dict[str, ResourcePath] = {}
        safe: set[str] = set()
        plain: set[str] = set()
        for path in dict.fromkeys(map(file_part, paths)):
            folder, _, name = path.rpartition("/")
            if folder in safe and name not in ("", ".", "..") and "\0" not in name:
                known[path] = _size(f"{self.local_root}/{path}")
                continue
            try:
                local = self.local_path(path, plain)
            except PathOutsideRootError:
                known[path] = None
                continue
            if local is None:
                elsewhere[path] = self.uri(path)
                continue
            if is_owned(path):
                # What leads out of the root is a link among the folders: one look for all files of a folder.
                safe.add(folder)
            known[path] = _size(local)
        return known, elsewhere

    def remove(self, path: str, plain: set[str] | None = None) -> bool:
        """Remove exactly one file; False if it was missing (an object store may not know). ``plain`` is that of `check_inside`.

        Raises
        ------
        PathOutsideRootError
            If the path is not below the root.
        StorageError
            If it cannot be removed.
        """
        if not is_owned(path):
            raise PathOutsideRootError(f"{path!r} is not below the root of the datastore and is never removed.")
        local = self.local_path(path, plain)
        if local is None:
            self.uri(file_part(path)).remove(missing_ok=True)
            return True
        try:
            os.unlink(local)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(f"{local} cannot be removed: {error.strerror or error}") from error
        return True


def _and_above(folder: str, inside: str) -> Iterator[str]:
    """Give a folder and those above it, as far as they are below the root; the topmost comes first."""
    below = folder[len(inside) :]
    for place in (*(match.start() for match in re.finditer("/", below)), len(below)):
        if place:
            yield f"{inside}{below[:place]}"


def checksum_of_bytes(data: bytes | memoryview) -> str:
    """Give the checksum that is recorded: BLAKE2b of 64 bytes, hexadecimal (as the command ``b2sum`` prints it)."""
    return hashlib.blake2b(data).hexdigest()


def checksum_of_file(place: str | ResourcePath) -> str:
    """Give the checksum of a file, local by its path or anywhere."""
    if isinstance(place, ResourcePath):
        return place.checksum("blake2b")
    digest = hashlib.blake2b()
    with open(place, "rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _size(path: str) -> int | None:
    """Give the bytes of a regular file, or None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
