# SPDX-License-Identifier: BSD-3-Clause
"""Remove the files of deleted datasets: the middle step of a deletion (``docs/formats/datastore.md``).

The rows are in the trash already, by a committed transaction, so no reader can find the files. Removed are exactly the
recorded paths; not absolute ones, which are somebody else's, nor those that a live row still names. The caller deletes
the trash rows of what `Removal.done` says.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pachon.base import PachonError
from pachon.datastore.faults import reach
from pachon.datastore.file_store import FileStore
from pachon.datastore.record_store import RecordStore
from pachon.datastore.records import FileRecords, absolute_paths, file_part, is_owned, path_below
from pachon.resources.bulk import worker_count

__all__ = ["BATCH", "Removal", "RemovalOutcome", "remove_files"]

BATCH: Final = 200
"""Files for which the live rows are asked at once. The answer must not get old: an output of a graph, whose path is that of its
earlier attempt, may be stored again while a large removal goes on."""

_FEW: Final = 20
"""Fewer local files than that are removed one after the other."""
_AT_ONCE: Final = 10
"""Local files that a thread takes: to hand one over costs as much as to remove it."""


class RemovalOutcome(enum.Enum):
    """What became of the file of a deleted dataset."""

    REMOVED = "removed"
    MISSING = "missing"
    """It was gone already, perhaps by an earlier attempt."""
    SHARED = "shared"
    """A dataset that is not deleted is in the same file, which stays."""
    NOT_OWNED = "not owned"
    """It lies outside the root, by an absolute URI, and stays."""
    FAILED = "failed"
    """It could not be removed; the row must stay in the trash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What `remove_files` did, row by row."""

    records: FileRecords
    outcomes: tuple[RemovalOutcome, ...]
    errors: tuple[str, ...]
    """Why it failed; empty text where it did not."""

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which rows may be deleted from the trash."""
        return np.array([outcome is not RemovalOutcome.FAILED for outcome in self.outcomes], dtype=np.bool_)

    @property
    def removed_paths(self) -> tuple[str, ...]:
        """The files that this call removed, each once."""
        paths = zip(self.records.path, self.outcomes, strict=True)
        return tuple(dict.fromkeys(file_part(path) for path, outcome in paths if outcome is RemovalOutcome.REMOVED))


def remove_files(store: FileStore, records: FileRecords, live: RecordStore | None) -> Removal:
    """Remove the files of rows.

    Parameters
    ----------
    store
        Where they are.
    records
        Rows of the trash; rows of one file are treated as one.
    live
        The records of what is not deleted.
    """
    reach("remove.begin")
    results: dict[str, tuple[RemovalOutcome, str]] = {}
    files = list(dict.fromkeys(file_part(path) for path in records.path))
    with ThreadPoolExecutor(worker_count()) as threads:
        for start in range(0, len(files), BATCH):
            part = files[start : start + BATCH]
            # Of this part only: a folder may be exchanged for a link while a large removal goes on.
            plain: set[str] = set()
            owned = [path for path in part if is_owned(path)]
            shared = _still_named(store, owned, live) if live is not None and owned else set()
            reach("remove.looked")
            for path, result in zip(part, _remove_each(store, part, shared, plain, threads), strict=True):
                results[path] = result
                reach("remove.removed")
    reach("remove.end")
    outcomes = [results[file_part(path)] for path in records.path]
    return Removal(
        records=records,
        outcomes=tuple(outcome for outcome, _ in outcomes),
        errors=tuple(error for _, error in outcomes),
    )


def _still_named(store: FileStore, paths: Sequence[str], live: RecordStore) -> set[str]:
    """Give those of these files that live rows name, be it by an absolute URI (``direct``)."""
    named = live.find_paths([*paths, *absolute_paths(store.root_urls, paths)])
    return {path_below(store.root_urls, file_part(path)) for path in named.path}


def _remove_each(
    store: FileStore, paths: Sequence[str], shared: set[str], plain: set[str], threads: ThreadPoolExecutor
) -> Iterator[tuple[RemovalOutcome, str]]:
    """Remove files: those of an object store, which has to be waited for, and many local ones some at a time.

    A file system has the process sleep for each file, as with ``discard`` on a solid-state disk. On a busy machine it then waits each
    time until it may go on; several threads wait together.
    """

    def remove(some: Sequence[str]) -> list[tuple[RemovalOutcome, str]]:
        return [_remove_file(store, path, plain, is_shared=path in shared) for path in some]

    if len(paths) < (_FEW if store.local_root is not None else 2):
        for path in paths:
            yield from remove([path])
        return
    size = _AT_ONCE if store.local_root is not None else 1
    for found in threads.map(remove, (paths[start : start + size] for start in range(0, len(paths), size))):
        yield from found


def _remove_file(store: FileStore, path: str, plain: set[str], *, is_shared: bool) -> tuple[RemovalOutcome, str]:
    if not is_owned(path):
        return RemovalOutcome.NOT_OWNED, ""
    if is_shared:
        return RemovalOutcome.SHARED, ""
    try:
        return (RemovalOutcome.REMOVED if store.remove(path, plain) else RemovalOutcome.MISSING), ""
    except PachonError as error:
        return RemovalOutcome.FAILED, str(error)
