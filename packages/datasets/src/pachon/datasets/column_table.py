# SPDX-License-Identifier: BSD-3-Clause
"""Columns of any kind side by side: values of dimensions, fields of records and of datasets."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pachon.datasets.dataset_id import uuids_from_ids
from pachon.dimensions import NULL_NS, Categorical, Timespan

__all__ = ["ColumnTable"]


class ColumnTable(Sequence[Mapping[str, Any]]):
    """Rows of a general query; each is a mapping that is made when somebody looks.

    Parameters
    ----------
    types
        Type of each column by name, as the query language calls it: ``int``, ``float``, ``string``, ``bool``, ``datetime``,
        ``timespan``, ``region``, ``uuid``, ``hash``, ``ingest_date``.
    arrays
        The arrays of each column by name, all of one length: two of TAI nanoseconds (begin and end) for a time span, one
        for all else. Times are int64 and `NULL_NS` for null; ids of shape (n, 16), uint8; floats have NaN for null; all others
        are categorical, int64 without nulls, or objects and None.
    length
        The number of rows.
    """

    __slots__ = ("_length", "arrays", "types")

    types: Mapping[str, str]
    arrays: Mapping[str, tuple[Any, ...]]

    def __init__(self, types: Mapping[str, str], arrays: Mapping[str, tuple[Any, ...]], length: int) -> None:
        self.types = MappingProxyType(dict(types))
        self.arrays = MappingProxyType(dict(arrays))
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(self._length)[index])
        if not -self._length <= index < self._length:
            raise IndexError(index)
        position = index % self._length
        return next(iter(self.take(np.array([position]))))

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        names = list(self.types)
        if not names:
            return iter([{}] * self._length)
        columns = [self.values(name) for name in names]
        return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))

    def values(self, name: str) -> list[Any]:
        """Give a column as Python values: times as nanoseconds (TAI), time spans, regions as their stored bytes, UUIDs."""
        arrays = self.arrays[name]
        return _VALUES.get(self.types[name], _plain)(arrays)

    def take(self, rows: np.ndarray) -> ColumnTable:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        taken = {
            name: tuple(part.take(rows) if isinstance(part, Categorical) else part[rows] for part in arrays)
            for name, arrays in self.arrays.items()
        }
        length = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return ColumnTable(self.types, taken, length)

    def __repr__(self) -> str:
        return f"ColumnTable({', '.join(self.types)}: {self._length} rows)"


def _plain(arrays: tuple[Any, ...]) -> list[Any]:
    values: list[Any] = arrays[0].tolist()
    return values


def _floats(arrays: tuple[Any, ...]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in arrays[0].tolist()]


def _times(arrays: tuple[Any, ...]) -> list[int | None]:
    return [None if value == NULL_NS else value for value in arrays[0].tolist()]


def _spans(arrays: tuple[Any, ...]) -> list[Timespan | None]:
    begin, end = (array.tolist() for array in arrays)
    return [None if b == NULL_NS else Timespan.from_ns(b, e) for b, e in zip(begin, end, strict=True)]


def _ids(arrays: tuple[Any, ...]) -> list[uuid.UUID]:
    return uuids_from_ids(arrays[0])


_VALUES: Mapping[str, Callable[[tuple[Any, ...]], list[Any]]] = {
    "float": _floats,
    "datetime": _times,
    "ingest_date": _times,
    "timespan": _spans,
    "uuid": _ids,
}
