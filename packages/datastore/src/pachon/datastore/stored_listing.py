# SPDX-License-Identifier: BSD-3-Clause
"""What lies below the root of a datastore, whoever made it; and putting aside what should not lie there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pachon.base import NotFoundError, StorageError
from pachon.datastore.file_store import FileStore
from pachon.datastore.final_path import check_stored_path
from pachon.resources.folder_sync import sync_folder
from pachon.resources.local_files import make_folders

__all__ = ["LOST_FOLDER", "StoredListing", "list_files", "set_aside"]

LOST_FOLDER = ".lost+found"
"""Folder below the root where files that nothing explains are put aside; it is not listed."""

_CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredListing:
    """Some files, as columns of equal length."""

    paths: list[str]
    """Below the root, as they would be recorded."""
    sizes: NDArray[np.int64]
    """Bytes; of a link those of the file that it leads to, -1 if that does not exist."""
    changed_ns: NDArray[np.int64]
    """When the file, or its name, last changed: Unix time, ns; 0 if the storage does not say."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Where links among the files, and links to folders, lead to, as far as that is below the root too.

    A folder that is a link is not listed under that name.
    """

    def __len__(self) -> int:
        return len(self.paths)


def list_files(store: FileStore) -> Iterator[StoredListing]:
    """Give all files below the root, some thousand at a time.

    Raises
    ------
    StorageError
        If a folder cannot be read: what lies there is not known, so nothing can be said of it.
    """
    links: dict[str, str] = {}
    if store.local_root is None:
        found = _remote_files(store)
    else:
        found = _local_files(store.local_root, os.path.realpath(store.local_root), "", links)
    while True:
        part = list(islice(found, _CHUNK))
        if not part and not links:
            return
        yield _listing(part, links)
        links.clear()


def set_aside(store: FileStore, path: str, name: str) -> str:
    """Move a file that no row names out of the way, below `LOST_FOLDER`; give its new path below the root.

    Parameters
    ----------
    store
        Where it lies.
    path
        Where it is, below the root.
    name
        Of the folder in `LOST_FOLDER` that it goes to; the folders of its path are kept there.

    Raises
    ------
    NotFoundError
        If it is not there.
    StorageError
        If it cannot be moved; then it is where it was.
    """
    check_stored_path(path)
    target = f"{LOST_FOLDER}/{name}/{path}"
    if store.local_root is None:
        store.uri(target).transfer_from(store.uri(path), "copy")
        store.uri(path).remove(missing_ok=True)
        return target
    old, new = f"{store.local_root}/{path}", f"{store.local_root}/{target}"
    store.local_path(path)
    if not os.path.lexists(old):
        raise NotFoundError(f"{old} cannot be put aside: it does not exist.")
    try:
        make_folders(os.path.dirname(new), group_writable=store.group_writable)
        os.rename(old, new)
        sync_folder(os.path.dirname(new))
        sync_folder(os.path.dirname(old))
    except OSError as error:
        raise StorageError(f"{old} cannot be put aside: {error.strerror or error}") from error
    return target


def _listing(files: list[tuple[str, int, int]], links: dict[str, str]) -> StoredListing:
    return StoredListing(
        paths=[path for path, _, _ in files],
        sizes=np.array([size for _, size, _ in files], dtype=np.int64),
        changed_ns=np.array([changed for _, _, changed in files], dtype=np.int64),
        links=dict(links),
    )


def _local_files(root: str, real_root: str, below: str, links: dict[str, str]) -> Iterator[tuple[str, int, int]]:
    folders: list[str] = []
    try:
        with os.scandir(f"{root}/{below}") as entries:
            for entry in entries:
                path = f"{below}{entry.name}"
                if entry.is_symlink():
                    if (target := _target(f"{root}/{path}", real_root)) is not None:
                        links[path] = target
                    # A folder that is a link may lead anywhere, and back.
                    if _leads_to_folder(entry):
                        continue
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                    continue
                if found := _look_at(entry):
                    yield path, *found
    except OSError as error:
        if isinstance(error, FileNotFoundError) and below:
            return  # removed meanwhile
        raise StorageError(f"The folder {root}/{below} cannot be listed: {error.strerror or error}") from error
    for folder in sorted(folders):
        if folder != LOST_FOLDER:
            yield from _local_files(root, real_root, f"{folder}/", links)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:
        return False  # it leads to itself, or to where nobody may look


def _target(link: str, real_root: str) -> str | None:
    """Give where a link leads to below the root; None if that is elsewhere, or if it leads to itself."""
    real = os.path.realpath(link)
    if os.path.islink(real):
        return None
    return real[len(real_root) :].lstrip("/") if real.startswith(f"{real_root.rstrip('/')}/") else None


def _look_at(entry: os.DirEntry[str]) -> tuple[int, int] | None:
    try:
        own = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    size = own.st_size
    if entry.is_symlink():
        try:
            size = entry.stat().st_size
        except OSError:
            size = -1
    # A hard link keeps the old time of its content, and gets a new one of its name.
    return size, max(own.st_mtime_ns, own.st_ctime_ns)


def _remote_files(store: FileStore) -> Iterator[tuple[str, int, int]]:
    for found in store.root.list_files():
        path = found.path
        if path.split("/", 1)[0] == LOST_FOLDER:
            continue
        modified = found.info.last_modified
        yield path, found.info.size, 0 if modified is None else int(modified.timestamp() * 1e9)
