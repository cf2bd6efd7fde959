# SPDX-License-Identifier: BSD-3-Clause
"""Are the files of records there, and are they the ones that were written? Nothing is parsed, nothing changed."""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pachon.base import NotFoundError, PachonError
from pachon.datastore.errors import PathOutsideRootError
from pachon.datastore.file_store import FileStore, checksum_of_file
from pachon.datastore.records import FileRecords, StoredFile, file_part
from pachon.datastore.stored_listing import StoredListing
from pachon.resources import ResourcePath
from pachon.resources.bulk import worker_count

__all__ = ["FileCheck", "FileKeeper", "FileState", "check_files"]


class FileState(enum.Enum):
    """What the file of a record is like."""

    GOOD = "good"
    MISSING = "missing"
    WRONG_SIZE = "wrong size"
    WRONG_CHECKSUM = "wrong checksum"
    UNREADABLE = "unreadable"
    """The storage failed, or does not allow it; what the file holds is not known."""
    OUTSIDE = "outside"
    """The recorded path leads out of the root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What `check_files` found, row by row."""

    states: tuple[FileState, ...]
    details: tuple[str, ...]
    """Both values where they differ, or what the storage said; empty for a good file."""


@runtime_checkable
class FileKeeper(Protocol):
    """What a datastore can do that keeps files for longer than its process lives: be compared with its records."""

    @property
    def root(self) -> ResourcePath:
        """The folder of all files."""
        ...

    @property
    def root_urls(self) -> tuple[str, ...]:
        """How URIs of what is below the root begin."""
        ...

    def list_files(self) -> Iterator[StoredListing]:
        """Give all files below the root; see `pachon.datastore.stored_listing.list_files`."""
        ...

    def check_files(self, records: FileRecords, *, checksum: bool) -> FileCheck:
        """Compare files with their records; see `pachon.datastore.file_check.check_files`."""
        ...

    def remove_unnamed(self, path: str) -> bool:
        """Remove one file that no row names; False if it was gone."""
        ...

    def set_aside(self, path: str, name: str) -> str:
        """Move one file that no row names out of the way; see `pachon.datastore.stored_listing.set_aside`."""
        ...


def check_files(store: FileStore, records: FileRecords, *, checksum: bool) -> FileCheck:
    """Compare the files of records with what is recorded: that they are there, their sizes, perhaps their checksums.

    Each file is looked at once, however many rows name it. What was not recorded is not compared.
    """
    firsts: dict[tuple[str, int | None, str | None], StoredFile] = {}
    for row in records.rows():
        firsts.setdefault((file_part(row.path), row.size, row.checksum), row)
    wanted = list(firsts.values())
    if len(wanted) > 1 and (checksum or store.local_root is None):
        # Hashing and the network release the interpreter's lock.
        with ThreadPoolExecutor(worker_count()) as threads:
            found = list(threads.map(lambda row: _check(store, row, checksum=checksum), wanted))
    else:
        found = [_check(store, row, checksum=checksum) for row in wanted]
    results = dict(zip(firsts, found, strict=True))
    rows = [results[file_part(row.path), row.size, row.checksum] for row in records.rows()]
    return FileCheck(states=tuple(state for state, _ in rows), details=tuple(detail for _, detail in rows))


def _check(store: FileStore, row: StoredFile, *, checksum: bool) -> tuple[FileState, str]:
    path = file_part(row.path)
    local = None
    try:
        local = store.local_path(path)
        place = store.uri(path) if local is None else local
        if local is not None and not stat.S_ISREG(mode := os.stat(local).st_mode):
            return FileState.UNREADABLE, f"{'a folder' if stat.S_ISDIR(mode) else 'what is no file'} is in its place"
        size = _size(place)
        # Of the member of a zip file the row has the size of the member.
        if row.size is not None and row.size != size and path == row.path:
            return FileState.WRONG_SIZE, f"it has {size} bytes, {row.size} were written"
        if checksum and row.checksum is not None and path == row.path:
            actual = checksum_of_file(place)
            if actual != row.checksum:
                return (
                    FileState.WRONG_CHECKSUM,
                    f"its checksum is {actual[:12]}..., that written {row.checksum[:12]}...",
                )
    except PathOutsideRootError as error:
        return FileState.OUTSIDE, str(error)
    except (FileNotFoundError, NotADirectoryError, NotFoundError):
        return FileState.MISSING, _dangling_link(local)
    except (PachonError, OSError) as error:
        return FileState.UNREADABLE, str(error)
    return FileState.GOOD, ""


def _dangling_link(path: str | None) -> str:
    """Say that a link is in the place of a missing file, if there is one."""
    try:
        return f"in its place is a link to {os.readlink(path)!r}, where nothing is" if path is not None else ""
    except OSError:
        return ""


def _size(place: str | ResourcePath) -> int:
    return os.stat(place).st_size if isinstance(place, str) else place.size()
