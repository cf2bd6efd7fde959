# SPDX-License-Identifier: BSD-3-Clause
"""Compound keys of many rows, for any set of dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pachon.base import InvalidInputError
from pachon.dimensions import Categorical, DataIdTable, combine_codes

__all__ = ["KeyTable"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyTable:
    """Columns by dimension. Unlike a table of data IDs it need not hold a closed group of dimensions."""

    columns: Mapping[str, Categorical]
    length: int

    @classmethod
    def from_data_ids(cls, data_ids: DataIdTable, dimensions: Iterable[str]) -> Self:
        """Take the columns of some dimensions.

        Raises
        ------
        InvalidInputError
            If the table lacks one.
        """
        dimensions = tuple(dimensions)
        if missing := [name for name in dimensions if name not in data_ids.columns]:
            raise InvalidInputError(f"The data IDs of {data_ids.group!r} lack {', '.join(missing)}.")
        return cls(columns={name: data_ids.columns[name] for name in dimensions}, length=len(data_ids))

    @classmethod
    def from_lists(cls, columns: Mapping[str, Sequence[Any]], length: int) -> Self:
        """Encode plain columns of integers or strings."""
        return cls(columns={name: _encode(values) for name, values in columns.items()}, length=length)

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any], length: int) -> Self:
        """Take columns as `pachon.registry.database.columns` gives them: int64, or categorical."""
        encoded = {n: c if isinstance(c, Categorical) else Categorical.encode(c) for n, c in columns.items()}
        return cls(columns=encoded, length=length)

    def __len__(self) -> int:
        return self.length

    def take(self, rows: np.ndarray) -> KeyTable:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        length = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return KeyTable(columns={n: c.take(rows) for n, c in self.columns.items()}, length=length)

    def codes(self) -> np.ndarray:
        """Give one int64 a row, equal for equal keys of this table."""
        columns = list(self.columns.values())
        return combine_codes([c.codes for c in columns], [len(c.values) for c in columns], self.length)

    def first_rows(self) -> np.ndarray:
        """Give the index of the first row of each distinct key."""
        return np.unique(self.codes(), return_index=True)[1]

    def match(self, other: KeyTable) -> np.ndarray:
        """Find for each row the first row of another table with the same key; -1 where there is none."""
        both = KeyTable(
            columns={n: Categorical.concat([other.columns[n], c]) for n, c in self.columns.items()},
            length=len(other) + len(self),
        ).codes()
        there, wanted = both[: len(other)], both[len(other) :]
        if len(there) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        order = np.argsort(there, kind="stable")
        place = np.searchsorted(there, wanted, sorter=order)
        candidate = order[np.minimum(place, len(order) - 1)]
        return np.where(there[candidate] == wanted, candidate, -1)

    def row(self, index: int) -> dict[str, int | str]:
        """Give the key of a row, by dimension."""
        return {name: column[index] for name, column in self.columns.items()}


def _encode(values: Sequence[Any]) -> Categorical:
    if len(values) and type(values[0]) is int:
        return Categorical.encode(np.array(values, dtype=np.int64))
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return Categorical.encode(array)
