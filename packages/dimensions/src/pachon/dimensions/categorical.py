# SPDX-License-Identifier: BSD-3-Clause
"""Dictionary-encoded columns: the form in which values of dimensions travel in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Categorical", "combine_codes"]


@dataclass(frozen=True, slots=True, eq=False)
class Categorical:
    """A column of n rows as codes into its sorted, distinct values."""

    codes: np.ndarray
    """Shape (n,), int32: index into `values`."""
    values: np.ndarray
    """Shape (k,), int64 or object (``str``): distinct, ascending. Some may be unused."""

    @classmethod
    def encode(cls, column: Iterable[Any] | np.ndarray) -> Categorical:
        """Encode a column of integers or of strings."""
        array = column if isinstance(column, np.ndarray) else np.array(list(column), dtype=object)
        if array.dtype.kind in "iu":
            return _encoded_integers(array)
        items = array.tolist()
        distinct = sorted(set(items))
        index = {value: code for code, value in enumerate(distinct)}
        codes = np.fromiter(map(index.__getitem__, items), dtype=np.int32, count=len(items))
        return cls(codes, value_array(distinct))

    @classmethod
    def constant(cls, value: int | str, length: int) -> Categorical:
        """Make a column that holds one value in every row."""
        # One value is not worth the questions that many are asked.
        values = np.array([value], dtype=np.int64 if type(value) is int else object)
        return cls(np.zeros(length, dtype=np.int32), values)

    @classmethod
    def concat(cls, parts: Sequence[Categorical]) -> Categorical:
        """Put columns one below the other."""
        if len(parts) == 1:
            return parts[0]
        distinct = sorted({value for part in parts for value in part.values.tolist()})
        merged = value_array(distinct)
        return cls(np.concatenate([part.recoded(merged) for part in parts]).astype(np.int32), merged)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int) -> int | str:
        value = self.values[self.codes[index]]
        return value if isinstance(value, str) else int(value)

    def decode(self) -> np.ndarray:
        """Give the values row by row, int64 or object (``str``)."""
        decoded: np.ndarray = self.values[self.codes]
        return decoded

    def tolist(self) -> list[Any]:
        """Give the values row by row as Python integers or strings."""
        values = self.values.tolist()
        return list(map(values.__getitem__, self.codes.tolist()))

    def take(self, rows: np.ndarray) -> Categorical:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        return Categorical(self.codes[rows], self.values)

    def recoded(self, values: np.ndarray) -> np.ndarray:
        """Give this column's codes in another dictionary, int64; -1 where it lacks the value."""
        index = {value: code for code, value in enumerate(values.tolist())}
        table = np.array([index.get(value, -1) for value in self.values.tolist()], dtype=np.int64)
        return table[self.codes] if len(table) else np.empty(0, dtype=np.int64)

    def compacted(self) -> Categorical:
        """Give the same column without unused values."""
        used = np.zeros(len(self.values), dtype=bool)
        used[self.codes] = True
        if used.all():
            return self
        table = np.cumsum(used) - 1
        return Categorical(table[self.codes].astype(np.int32), self.values[used])


def _encoded_integers(array: np.ndarray) -> Categorical:
    """Encode integers; without sorting them where they are near each other, as the keys of a survey are."""
    low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
    if high - low > 4 * len(array):
        values, codes = np.unique(array, return_inverse=True)
        return Categorical(codes.astype(np.int32).reshape(-1), values.astype(np.int64))
    places = np.subtract(array, low, dtype=np.int64)
    used = np.zeros(high - low + 1, dtype=bool)
    used[places] = True
    rank = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return Categorical(rank[places], np.flatnonzero(used) + low if len(array) else np.empty(0, dtype=np.int64))


def value_array(values: Sequence[Any]) -> np.ndarray:
    """Make a dictionary of integers (int64) or of anything else (object)."""
    if values and set(map(type, values)) == {int}:
        return np.array(values, dtype=np.int64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def combine_codes(columns: Sequence[np.ndarray], sizes: Sequence[int], length: int) -> np.ndarray:
    """Make one int64 key a row of several code columns (mixed radix).

    The order of keys is the lexicographic order of the codes. A product of sizes
    that would overflow is compressed on the way to the ranks that occur.

    Parameters
    ----------
    columns
        Codes, each of shape (n,), all non-negative.
    sizes
        The number of possible codes of each column.
    length
        The number of rows (needed when there are no columns).
    """
    keys = np.zeros(length, dtype=np.int64)
    span = 1
    for codes, size in zip(columns, sizes, strict=True):
        size = max(int(size), 1)
        if span > (2**62) // size:
            occurring, keys = np.unique(keys, return_inverse=True)
            keys = keys.astype(np.int64).reshape(-1)
            span = len(occurring)
        keys = keys * size + codes
        span *= size
    return keys
