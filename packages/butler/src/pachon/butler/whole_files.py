# SPDX-License-Identifier: BSD-3-Clause
"""Are files still those that were written? By their sizes, as at each read; by their checksums where the repository wants that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import DatasetRef
from pachon.datastore import Datastore, FileIntegrityError, FileRecords, StoredFile
from pachon.datastore.file_check import FileKeeper
from pachon.datastore.file_store import checksum_of_file
from pachon.datastore.records import ZIP_MEMBER

__all__ = ["check_whole", "find_whole"]


def find_whole(datastore: Datastore, records: FileRecords) -> NDArray[np.bool_]:
    """Tell for each row whether its file is there, with the size that was recorded."""
    if not isinstance(datastore, FileKeeper):
        return datastore.exists(records)
    found = datastore.sizes(records)
    return (found >= 0) & ~_differ(records, found)


def check_whole(datastore: Datastore, refs: Mapping[UUID, DatasetRef], rows: Sequence[StoredFile]) -> None:
    """Refuse files that are there and are not those that were written; a missing one is left to who reads it.

    Raises
    ------
    FileIntegrityError
        If a size differs from the record or, in a repository with ``verify_checksum``, a checksum.
    """
    if not rows or not isinstance(datastore, FileKeeper):
        return
    records = FileRecords.from_rows(rows)
    found = datastore.sizes(records)
    for index in np.flatnonzero((found >= 0) & _differ(records, found)).tolist():
        _complain(refs, rows[index], "size", rows[index].size, int(found[index]))
    if getattr(datastore.config, "verify_checksum", False):
        for row, size in zip(rows, found.tolist(), strict=True):
            if size < 0 or row.checksum is None or ZIP_MEMBER in row.path:
                continue
            checksum = checksum_of_file(datastore.uri(row))
            if checksum != row.checksum:
                _complain(refs, row, "checksum", row.checksum, checksum)


def _differ(records: FileRecords, found: NDArray[np.int64]) -> NDArray[np.bool_]:
    # The size in the row of a zip file's member is that of the member.
    whole = np.array([ZIP_MEMBER not in path for path in records.path], dtype=np.bool_)
    differ: NDArray[np.bool_] = whole & (records.size >= 0) & (records.size != found)
    return differ


def _complain(refs: Mapping[UUID, DatasetRef], row: StoredFile, quantity: str, recorded: object, found: object) -> None:
    name = refs[row.dataset_id].dataset_type.name
    raise FileIntegrityError(row.dataset_id, name, row.path, quantity=quantity, recorded=recorded, found=found)
