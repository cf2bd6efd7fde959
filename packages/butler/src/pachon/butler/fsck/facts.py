# SPDX-License-Identifier: BSD-3-Clause
"""The facts of a check: what lies below the root, what the database says, and where they differ.

Only hashes of paths, sizes and differences are kept in memory: 8 + 8 bytes a file. The folder is listed before the rows are
read, so that a dataset that is stored meanwhile is no file without a row; a row whose file is not in the list is looked at
again. What has no row is confirmed by asking the database for it once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pachon.butler.fsck.own_files import OwnFiles
from pachon.butler.record_store import RegistryRecordStore, TrashRow
from pachon.datasets import ids_from_uuids
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.file_check import FileKeeper, FileState
from pachon.datastore.records import ZIP_MEMBER, file_part, is_owned, path_below

__all__ = ["BadRow", "FsckFacts", "UnnamedFile", "Verify", "fetch_facts", "find_unnamed"]

Verify = Literal["existence", "size", "checksum"]

Hashes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row whose file is not as it says."""

    row: StoredFile
    state: FileState
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnnamedFile:
    """A file that neither a row nor the trash names."""

    path: str
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FsckFacts:
    """What was found."""

    files: int
    records: int
    bad_rows: tuple[BadRow, ...]
    unregistered: FileRecords
    trash: tuple[TrashRow, ...]
    unnamed: tuple[UnnamedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stored:
    """All files below the root, sorted by the hashes of their paths."""

    hashes: Hashes
    sizes: NDArray[np.int64]
    own: OwnFiles
    links: Mapping[str, str]
    """Where links lead to, below the root."""

    def find(self, paths: Sequence[str]) -> NDArray[np.int64]:
        """Give the size of the file of each path, -2 if it is not in the list."""
        hashes = _hashes(paths)
        places = np.searchsorted(self.hashes, hashes)
        places[places == len(self.hashes)] = 0
        there = self.hashes[places] == hashes if len(self.hashes) else np.zeros(len(hashes), dtype=bool)
        return np.where(there, self.sizes[places] if len(self.sizes) else -2, -2)


@dataclass(slots=True)
class _Rows:
    """What the rows gave so far."""

    count: int = 0
    hashes: list[Hashes] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def fetch_facts(
    keeper: FileKeeper,
    records: RegistryRecordStore,
    own: OwnFiles,
    *,
    verify: Verify,
) -> FsckFacts:
    """Compare the folder with the database. Nothing is changed, and no lock is held.

    Raises
    ------
    StorageError
        If a folder cannot be listed.
    """
    stored = _list(keeper, own)
    rows = _Rows()
    for chunk in records.iter_chunks():
        _compare(keeper, stored, chunk, rows, verify=verify)
    trash = tuple(records.describe_trash())
    rows.hashes.append(_hashes([file_part(row.file.path) for row in trash]))
    # What a link leads to has a reason to be there, whatever names it.
    rows.hashes.append(_hashes(list(stored.links.values())))
    named = np.unique(np.concatenate(rows.hashes))
    unnamed: tuple[UnnamedFile, ...] = ()
    if not np.isin(stored.hashes, named).all():
        unnamed = tuple(find_unnamed(keeper, records, stored.own, stored.links, named))
    return FsckFacts(
        files=len(stored.hashes),
        records=rows.count,
        bad_rows=tuple(_still_there(records, rows.bad)),
        unregistered=records.fetch_unregistered(),
        trash=trash,
        unnamed=unnamed,
    )


def find_unnamed(
    keeper: FileKeeper, records: RegistryRecordStore, own: OwnFiles, links: Mapping[str, str], named: Hashes
) -> Iterator[UnnamedFile]:
    """Give the files that no row names, asking the database once more for each that ``named`` lacks."""
    folders = tuple(f"{target}/" for target in links.values())
    for listing in keeper.list_files():
        unknown = [
            UnnamedFile(path=listing.paths[n], size=int(listing.sizes[n]), changed_ns=int(listing.changed_ns[n]))
            for n in np.flatnonzero(~np.isin(_hashes(listing.paths), named)).tolist()
            if not own.hold(listing.paths[n]) and not _is_linked(listing.paths[n], folders)
        ]
        for start in range(0, len(unknown), 1000):
            part = unknown[start : start + 1000]
            known = records.find_named([file.path for file in part], keeper.root_urls)
            yield from (file for file in part if file.path not in known)


def _is_linked(path: str, folders: tuple[str, ...]) -> bool:
    """Tell whether a file lies in a folder that a link leads to: a row may name it by the name of the link."""
    return bool(folders) and path.startswith(folders)


def _list(keeper: FileKeeper, own: OwnFiles) -> _Stored:
    hashes: list[Hashes] = [np.zeros(0, dtype=np.int64)]
    sizes: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    others: list[str] = []
    links: dict[str, str] = {}
    for listing in keeper.list_files():
        links.update(listing.links)
        others += (root for path in listing.paths if (root := own.starts_other_root(path)))
        kept = np.array([not own.hold(path) for path in listing.paths], dtype=bool)
        hashes.append(_hashes(listing.paths)[kept])
        sizes.append(listing.sizes[kept])
    all_hashes = np.concatenate(hashes)
    order = np.argsort(all_hashes)
    return _Stored(
        hashes=all_hashes[order],
        sizes=np.concatenate(sizes)[order],
        own=replace(own, other_roots=tuple(others)),
        links=links,
    )


def _compare(keeper: FileKeeper, stored: _Stored, chunk: FileRecords, rows: _Rows, *, verify: Verify) -> None:
    paths = [file_part(path) for path in chunk.path]
    rows.count += len(chunk)
    rows.hashes.append(_hashes([path_below(keeper.root_urls, path) for path in paths]))
    if verify == "checksum":
        doubtful = np.ones(len(chunk), dtype=bool)
    else:
        found = stored.find(paths)
        doubtful = found < 0
        if verify == "size":
            # The size in the row of a zip file's member is that of the member.
            whole = np.array([ZIP_MEMBER not in path for path in chunk.path], dtype=bool)
            doubtful |= whole & (chunk.size >= 0) & (chunk.size != found)
        doubtful |= ~np.array([is_owned(path) for path in paths], dtype=bool)
    if not doubtful.any():
        return
    suspects = chunk.take(doubtful)
    checked = keeper.check_files(suspects, checksum=verify == "checksum")
    for row, state, detail in zip(suspects.rows(), checked.states, checked.details, strict=True):
        if state is FileState.GOOD or (state is FileState.WRONG_SIZE and verify == "existence"):
            continue
        rows.bad.append(BadRow(row=row, state=state, detail=detail))


def _still_there(records: RegistryRecordStore, bad: Sequence[BadRow]) -> Iterator[BadRow]:
    """Leave out rows that were removed, or written again, while their files were looked at."""
    for start in range(0, len(bad), 1000):
        part = bad[start : start + 1000]
        now = set(records.fetch(ids_from_uuids({one.row.dataset_id for one in part})).rows())
        yield from (one for one in part if one.row in now)


def _hashes(paths: Sequence[str]) -> Hashes:
    return np.fromiter(map(hash, paths), dtype=np.int64, count=len(paths))
