# SPDX-License-Identifier: BSD-3-Clause
"""Many data IDs of one group as dictionary-encoded columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.dimensions.categorical import Categorical, combine_codes
from pachon.dimensions.column import Value
from pachon.dimensions.data_id import NONE_GIVEN, DataCoordinate
from pachon.dimensions.instances import make_instances
from pachon.dimensions.universe import DimensionGroup

__all__ = ["DataIdTable", "match_rows"]

_AT_ONCE = 20_000
"""Data IDs that are made together when somebody goes through a table."""


class DataIdTable(Sequence[DataCoordinate]):
    """Data IDs of one group, a column a dimension; rows are made when somebody looks.

    Parameters
    ----------
    group
        The dimensions.
    columns
        A `Categorical` for each required dimension, or for all dimensions.
    length
        The number of rows; needed only for the empty group.
    given
        Implied values that some rows named although not all are known, by row; whoever completes the data IDs
        checks them. Tables that are made of this one do not have them.
    """

    __slots__ = ("_length", "columns", "given", "group")

    group: DimensionGroup
    columns: Mapping[str, Categorical]
    """By dimension, in the order `DimensionGroup.ordered`."""
    given: Mapping[int, Mapping[str, Value]]

    def __init__(
        self,
        group: DimensionGroup,
        columns: Mapping[str, Categorical],
        length: int | None = None,
        given: Mapping[int, Mapping[str, Value]] = MappingProxyType({}),
    ) -> None:
        order = group.ordered if all(map(columns.__contains__, group.ordered)) else group.required
        missing = [name for name in order if name not in columns]
        if missing:
            raise InvalidInputError(f"A table of data IDs of {group!r} lacks {', '.join(missing)}.")
        self.group = group
        self.given = given
        self.columns = MappingProxyType({name: columns[name] for name in order})
        lengths = {len(column.codes) for column in self.columns.values()} | ({length} if length is not None else set())
        if len(lengths) > 1:
            raise InvalidInputError(f"The columns of a table of data IDs have different lengths: {lengths}.")
        self._length = lengths.pop() if lengths else 0

    @classmethod
    def from_arrays(cls, group: DimensionGroup, columns: Mapping[str, Any], length: int | None = None) -> DataIdTable:
        """Encode plain columns of integers or strings."""
        return cls(
            group,
            {name: Categorical.encode(columns[name]) for name in group.ordered if name in columns},
            length,
        )

    @classmethod
    def from_rows(cls, group: DimensionGroup, rows: Iterable[DataCoordinate | Mapping[str, Any]]) -> DataIdTable:
        """Check data IDs and make a table of them; it is full if all of them are."""
        data_ids = [DataCoordinate.standardize(row, dimensions=group) for row in rows]
        order = group.ordered if all(data_id.is_full for data_id in data_ids) else group.required
        given = {} if order is group.ordered else {row: known for row, d in enumerate(data_ids) if (known := _given(d))}
        if len(data_ids) == 1:
            # A single call is a table of one row, and should not pay for sorting it.
            values = zip(order, data_ids[0].values, strict=False)
            return cls(group, {name: Categorical.constant(value, 1) for name, value in values}, 1, given)
        columns = {
            name: Categorical.encode(_plain_column(group, name, [data_id.values[i] for data_id in data_ids]))
            for i, name in enumerate(order)
        }
        return cls(group, columns, len(data_ids), given)

    @classmethod
    def concat(cls, parts: Sequence[DataIdTable]) -> DataIdTable:
        """Put tables of the same group one below the other."""
        group = parts[0].group
        names = group.ordered if all(part.is_full for part in parts) else group.required
        columns = {name: Categorical.concat([part.columns[name] for part in parts]) for name in names}
        return cls(group, columns, sum(len(part) for part in parts))

    @property
    def is_full(self) -> bool:
        """Whether the values of implied dimensions are known too."""
        return len(self.columns) == len(self.group.ordered)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(self._length)[index])
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return DataCoordinate(self.group, tuple(column[index] for column in self.columns.values()))

    def __iter__(self) -> Iterator[DataCoordinate]:
        if not self.columns:
            yield from [DataCoordinate(self.group, ())] * self._length
            return
        for start in range(0, self._length, _AT_ONCE):
            part = self if self._length <= _AT_ONCE else self[start : start + _AT_ONCE]
            yield from make_instances(
                DataCoordinate,
                len(part),
                group=itertools.repeat(self.group),
                values=zip(*(column.tolist() for column in part.columns.values()), strict=True),
                records=itertools.repeat(None),
                given=itertools.repeat(NONE_GIVEN),
            )

    def column(self, dimension: str) -> np.ndarray:
        """Give the values of a dimension row by row, int64 or object (``str``)."""
        return self.columns[dimension].decode()

    def take(self, rows: np.ndarray) -> DataIdTable:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        length = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return DataIdTable(self.group, {n: c.take(rows) for n, c in self.columns.items()}, length)

    def project(self, dimensions: DimensionGroup | Iterable[str], *, distinct: bool = True) -> DataIdTable:
        """Keep the columns of fewer dimensions, by default each data ID once, sorted.

        Raises
        ------
        InvalidInputError
            If a required value of the smaller group is not known here.
        """
        group = self.group.universe.conform(dimensions)
        projected = DataIdTable(group, {n: c for n, c in self.columns.items() if n in group}, self._length)
        return projected.distinct() if distinct else projected

    def distinct(self) -> DataIdTable:
        """Give each data ID once, sorted by the required values."""
        _, first = np.unique(self.keys(), return_index=True)
        return self.take(first)

    def keys(self, dimensions: Sequence[str] | None = None) -> np.ndarray:
        """Give one int64 a row that is equal for equal values of the dimensions (default: the required ones).

        Keys sort as the values do. Keys of different tables cannot be compared: see `match_rows`.
        """
        columns = [self.columns[name] for name in (self.group.required if dimensions is None else dimensions)]
        return combine_codes([c.codes for c in columns], [len(c.values) for c in columns], self._length)

    def __repr__(self) -> str:
        return f"DataIdTable({self.group!r}, {self._length} rows)"


def match_rows(left: DataIdTable, right: DataIdTable, dimensions: Sequence[str]) -> np.ndarray:
    """Find for each row on the left a row on the right with the same values.

    Parameters
    ----------
    left, right
        Tables that both have the dimensions.
    dimensions
        Names to compare.

    Returns
    -------
    numpy.ndarray
        Shape (len(left),), int64: the first such row of ``right``, or -1.
    """
    sizes = [len(right.columns[name].values) + 1 for name in dimensions]
    wanted = [left.columns[name].recoded(right.columns[name].values) + 1 for name in dimensions]
    there = [right.columns[name].codes.astype(np.int64) + 1 for name in dimensions]
    both = combine_codes(
        [np.concatenate(pair) for pair in zip(wanted, there, strict=True)], sizes, len(left) + len(right)
    )
    wanted_keys, there_keys = both[: len(left)], both[len(left) :]
    if len(there_keys) == 0:
        return np.full(len(left), -1, dtype=np.int64)
    order = np.argsort(there_keys, kind="stable")
    place = np.searchsorted(there_keys, wanted_keys, sorter=order)
    candidate = order[np.minimum(place, len(order) - 1)]
    return np.where(there_keys[candidate] == wanted_keys, candidate, -1)


def _given(data_id: DataCoordinate) -> Mapping[str, Value]:
    """Give the implied values that a data ID names, of which a table that is not full has no columns."""
    if not data_id.is_full:
        return data_id.given
    return {name: data_id[name] for name in data_id.group.implied}


def _plain_column(group: DimensionGroup, name: str, values: list[Any]) -> np.ndarray:
    if group.universe.dimensions[name].primary_key.type == "int":
        return np.array(values, dtype=np.int64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
