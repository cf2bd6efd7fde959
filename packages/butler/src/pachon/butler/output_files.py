# SPDX-License-Identifier: BSD-3-Clause
"""Whether the files of a graph's outputs are what receipts and the repository say of them, and their checksums."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import numpy as np

from pachon.base import PachonError
from pachon.butler.receipt_index import ReceiptIndex
from pachon.datasets import DatasetTable, id_keys
from pachon.datastore import Datastore, FileRecords, StoredFile
from pachon.datastore.file_store import checksum_of_file

__all__ = ["Doubts", "check_output_files"]

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Doubts:
    """Files that are others than what is said of them, collected to be told together."""

    readable: list[str] = field(default_factory=list)
    """Registered as they are: a retry whose receipt is missing wrote them, as far as anybody can tell."""
    unreadable: list[str] = field(default_factory=list)
    """Left alone: what is wrong with each."""

    def warn(self) -> None:
        """Say it in one message for each kind, if there is anything to be said."""
        if self.readable:
            _log.warning(
                "%d outputs are others than their receipts say and can be read; they are registered as they are, %s for one.",
                len(self.readable),
                self.readable[0],
            )
        if self.unreadable:
            _log.warning(
                "%d outputs are not registered: their files are not what was written, and cannot be read: %s. Remove such a file "
                "and the metadata of its quantum, run the quantum again, and transfer again.",
                len(self.unreadable),
                "; ".join(self.unreadable[:3]) + ("; ..." if len(self.unreadable) > 3 else ""),
            )


def check_output_files(
    datastore: Datastore,
    table: DatasetTable,
    files: FileRecords,
    stored: FileRecords,
    receipts: ReceiptIndex,
    doubts: Doubts,
) -> FileRecords:
    """Give the files, with checksums, of the datasets that are new or were written anew since they were registered.

    Checksums come from receipts if these agree with the files, else from hashing. A file of which the repository has a record that
    agrees in size, and no receipt says anything else, is the one that was registered. A file that is larger or smaller than is said
    of it, or empty with nothing said, is only taken if it can be read: it may have been cut short.

    Parameters
    ----------
    datastore, table
        Where the files are, and the datasets that they belong to (among others).
    files
        The files that are there, with sizes.
    stored
        What the repository has registered of these datasets.
    receipts
        What jobs said.
    doubts
        Is told of files that are others than is said of them.
    """
    checksums = receipts.checksums(files)
    agreed = checksums.astype(bool)
    named = receipts.name(files)
    fresh = np.ones(len(files), dtype=bool)
    left = np.zeros(len(files), dtype=bool)
    # With a receipt that agrees, and nothing registered, there is nothing to look at.
    known = _recorded(files, stored)
    for row in range(len(files)) if len(stored) else np.flatnonzero(~agreed).tolist():
        before = known.get(row)
        if before is not None and before.path != files.path[row]:
            _log.warning(
                "Dataset %s is stored in %s; the file %s is left alone.",
                before.dataset_id,
                before.path,
                files.path[row],
            )
            left[row] = True
            continue
        same_size = before is not None and before.size in (None, files.size[row])
        recorded = (before.checksum or "") if before is not None and same_size else None
        if recorded is not None and not named[row]:
            checksums[row] = recorded
        elif not agreed[row] or (recorded is not None and checksums[row] != recorded):
            # Of a file that was registered even a receipt that differs is not believed: it may be the older one.
            is_said_otherwise = (named[row] and not receipts.has_size(files.row(row))) or (
                before is not None and not same_size
            )
            if not agreed[row] and recorded is None and (is_said_otherwise or files.size[row] == 0):
                problem = _why_unreadable(datastore, table, files, row)
                if problem:
                    doubts.unreadable.append(problem)
                    left[row] = True
                    continue
                if named[row]:
                    doubts.readable.append(str(files.path[row]))
            _log.debug("%s has no receipt that agrees with it and is hashed.", files.path[row])
            place = datastore.uri(files.row(row))
            checksums[row] = checksum_of_file(place.ospath if place.is_local else place)
        fresh[row] = checksums[row] != recorded
    keys = id_keys(files.dataset_id)
    chosen = np.isin(keys, keys[fresh]) & ~np.isin(keys, keys[left])
    return FileRecords.from_columns(files.columns() | {"checksum": checksums}).take(chosen)


def _recorded(files: FileRecords, stored: FileRecords) -> dict[int, StoredFile]:
    """Give for each file, by its row, the record that the repository has in its stead."""
    if not len(stored):
        return {}
    known = {(row.dataset_id.bytes, row.component or ""): row for row in stored.rows()}
    keys = zip(map(bytes, files.dataset_id), files.component.tolist(), strict=True)
    found = ((row, known.get(key)) for row, key in enumerate(keys))
    return {row: record for row, record in found if record is not None}


def _why_unreadable(datastore: Datastore, table: DatasetTable, files: FileRecords, row: int) -> str:
    """Try to read the dataset of a file as it is; say what is wrong, or nothing."""
    same = np.flatnonzero((files.dataset_id == files.dataset_id[row]).all(axis=1))
    place = int(np.flatnonzero((table.ids == files.dataset_id[row]).all(axis=1))[0])
    # Its parts are compared with no checksum: what was said of them is what is in doubt.
    as_they_are = FileRecords.from_rows(replace(files.row(int(i)), checksum=None) for i in same)
    try:
        datastore.get(table[place], records=as_they_are)
    except PachonError as error:
        return f"{files.path[row]} ({files.size[row]} bytes): {error}"
    return ""
