# SPDX-License-Identifier: BSD-3-Clause
"""What the receipts of a graph say of files, as sorted columns: checksums of millions of files in little memory."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from pachon.datastore import FileRecords, StoredFile
from pachon.quantum_butler import read_receipt
from pachon.quantum_butler.errors import NewerReceiptError, ReceiptError
from pachon.resources import ResourcePath

__all__ = ["ReceiptIndex"]

_log = logging.getLogger(__name__)

_KEY = "S24"
"""A dataset's id and a hash of the component."""


class ReceiptIndex:
    """Checksums by file; none where receipts disagree.

    A receipt is a file that anybody may have written: it gives nothing but the checksum of a file that is otherwise as predicted.
    """

    def __init__(self, keys: np.ndarray, rows: np.ndarray, sizes: np.ndarray, checksums: np.ndarray) -> None:
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._rows = rows[order]
        self._sizes = sizes[order]
        self._checksums = checksums[order]
        self._agree = np.ones(len(keys), dtype=bool)
        same = np.flatnonzero(self._keys[1:] == self._keys[:-1])
        differ = (
            (self._rows[same] != self._rows[same + 1])
            | (self._sizes[same] != self._sizes[same + 1])
            | (self._checksums[same] != self._checksums[same + 1])
        )
        doubtful = np.isin(self._keys, self._keys[same[differ]])
        self._agree[doubtful] = False

    @classmethod
    def read(cls, receipts: Iterable[ResourcePath]) -> ReceiptIndex:
        """Read receipts; those that are damaged say nothing, and are warned of.

        A file of which no receipt tells is hashed: that takes longer, and gives the same.

        Raises
        ------
        NewerReceiptError
            If one is of a newer version.
        """
        keys, rows, sizes, checksums = [], [], [], []
        for uri in receipts:
            try:
                records = read_receipt(uri).records
            except NewerReceiptError:
                raise
            except ReceiptError as error:
                _log.warning(
                    "%s The files that it was about are looked at and hashed instead. Remove it when they are registered.",
                    error,
                )
                continue
            keys.append(_keys(records))
            rows.append(_row_hashes(records))
            sizes.append(records.size)
            checksums.append(_digests(records.checksum))
        return cls(
            np.concatenate([np.empty(0, dtype=_KEY), *keys]),
            np.concatenate([np.empty(0, dtype=np.int64), *rows]),
            np.concatenate([np.empty(0, dtype=np.int64), *sizes]),
            np.concatenate([np.empty(0, dtype="S1"), *checksums]),
        )

    def __len__(self) -> int:
        return len(self._keys)

    def name(self, records: FileRecords) -> np.ndarray:
        """Tell for each file whether any receipt names it, whatever it says of it."""
        if not len(self._keys) or not len(records):
            return np.zeros(len(records), dtype=bool)
        wanted = _keys(records)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        named: np.ndarray = self._keys[place] == wanted
        return named

    def has_size(self, file: StoredFile) -> bool:
        """Tell whether a receipt says that a file has the size that it has."""
        wanted = _keys(FileRecords.from_rows([file]))[0]
        said = slice(
            np.searchsorted(self._keys, wanted, side="left"), np.searchsorted(self._keys, wanted, side="right")
        )
        return bool((self._sizes[said] == file.size).any())

    def checksums(self, records: FileRecords) -> np.ndarray:
        """Give the checksum of each file (object; empty text where it is not known), by path, formatter and size."""
        found = np.full(len(records), "", dtype=object)
        if not len(self._keys) or not len(records):
            return found
        wanted = _keys(records)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        known = (
            (self._keys[place] == wanted)
            & self._agree[place]
            & (self._rows[place] == _row_hashes(records))
            & (self._sizes[place] == records.size)
        )
        found[known] = self._checksums[place[known]].astype(str).astype(object)
        return found


def _keys(records: FileRecords) -> np.ndarray:
    # Hashes of texts are good for one process, and this index does not leave it.
    components = np.array([hash(text) for text in records.component], dtype=np.int64)
    both = np.concatenate([records.dataset_id, components.view(np.uint8).reshape(-1, 8)], axis=1)
    # A byte string of numpy loses trailing zeros, alike on both sides.
    keys: np.ndarray = np.ascontiguousarray(both).view(_KEY).reshape(-1)
    return keys


def _row_hashes(records: FileRecords) -> np.ndarray:
    texts = zip(records.path, records.formatter, records.storage_class, records.datastore, strict=True)
    return np.array([hash(row) for row in texts], dtype=np.int64)


def _digests(checksums: np.ndarray) -> np.ndarray:
    # Text that is no checksum is none: what does not match is hashed again.
    return np.array([text if text.isascii() else "" for text in checksums.tolist()] or [""], dtype="S")[
        : len(checksums)
    ]
