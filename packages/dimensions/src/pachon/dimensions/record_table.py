# SPDX-License-Identifier: BSD-3-Clause
"""Many dimension records of one element as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from pachon.base import InvalidInputError, closest
from pachon.dimensions.categorical import Categorical
from pachon.dimensions.column import Column
from pachon.dimensions.data_id_table import DataIdTable
from pachon.dimensions.element import DimensionElement
from pachon.dimensions.record import DimensionRecord
from pachon.dimensions.timespan import Timespan
from pachon.dimensions.universe import DimensionGroup, DimensionUniverse

__all__ = ["NULL_NS", "RecordTable", "column_arrays"]

NULL_NS: Final = -1
"""What stands for a null in the two integer columns of a time span."""


class RecordTable(Sequence[DimensionRecord]):
    """Records of one element, a column a field; rows are made when somebody looks.

    Keys and implied keys are int64 or object (``str``) arrays without nulls. ``float``
    columns are float64 with NaN for null; ``region`` holds stored bytes or `None`; a time
    span is two int64 columns, ``timespan_begin`` and ``timespan_end``, with `NULL_NS` for
    null. All other columns are object arrays with `None` for null.
    """

    __slots__ = ("_length", "columns", "element")

    element: DimensionElement
    columns: Mapping[str, np.ndarray]

    def __init__(self, element: DimensionElement, columns: Mapping[str, np.ndarray]) -> None:
        names = [name for column in element.columns for name in column_arrays(column)]
        missing = [name for name in names if name not in columns]
        if missing:
            raise InvalidInputError(f"A table of {element.name!r} records lacks {', '.join(missing)}.")
        self.element = element
        self.columns = MappingProxyType({name: columns[name] for name in names})
        self._length = len(columns[names[0]])

    @classmethod
    def from_rows(
        cls,
        element: DimensionElement,
        rows: Iterable[Mapping[str, Any] | DimensionRecord] | Mapping[str, Sequence[Any]] | Any,
    ) -> RecordTable:
        """Check records and make a table of them.

        Parameters
        ----------
        element
            The element they are records of.
        rows
            A mapping a record, one mapping of columns, or a table of pandas, Arrow, astropy or
            NumPy (a structured array). The primary key may be spelled by its own name or that
            of the dimension; ``datetime_begin`` with ``datetime_end`` replace ``timespan``.
            Missing fields are null.

        Raises
        ------
        InvalidInputError
            If a field is unknown, has a wrong type, or is null and must not be.
        """
        if not element.has_table:
            raise InvalidInputError(f"Records of {element.name!r} are derived and cannot be inserted.")
        if (table := _columns_of(rows)) is not None:
            rows = _rows_of_columns(table)
        elif not isinstance(rows, Iterable):
            raise InvalidInputError(f"Records of {element.name!r} are a table or a list of mappings; got {rows!r}.")
        fields = {column.name: column for column in element.columns}
        checked = [_checked_row(element, fields, _plain_row(element, row)) for row in rows]
        columns: dict[str, np.ndarray] = {}
        for column in fields.values():
            values = [row[column.name] for row in checked]
            columns.update(_arrays_from_values(column, values))
        return cls(element, columns)

    @classmethod
    def concat(cls, parts: Sequence[RecordTable]) -> RecordTable:
        """Put tables of one element one below the other."""
        first = parts[0]
        return cls(first.element, {n: np.concatenate([p.columns[n] for p in parts]) for n in first.columns})

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(self._length)[index])
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return DimensionRecord(self.element, {c.name: _value_at(c, self.columns, index) for c in self.element.columns})

    def __iter__(self) -> Iterator[DimensionRecord]:
        return (self[index] for index in range(self._length))

    def take(self, rows: np.ndarray) -> RecordTable:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        return RecordTable(self.element, {name: column[rows] for name, column in self.columns.items()})

    def data_ids(
        self, universe: DimensionUniverse, dimensions: DimensionGroup | Iterable[str] | None = None
    ) -> DataIdTable:
        """Give the data ID of each record, or its part for dimensions that the records name themselves."""
        group = universe.group_of(self.element) if dimensions is None else universe.conform(dimensions)
        known = {
            name: Categorical.encode(self.columns[self.element.key_name(name)])
            for name in (*self.element.required, *self.element.implied)
            if name in group
        }
        return DataIdTable(group, known, self._length)

    def __repr__(self) -> str:
        return f"RecordTable({self.element.name}, {self._length} rows)"


def column_arrays(column: Column) -> tuple[str, ...]:
    """Give the names of the arrays that hold a column: two for a time span, else one."""
    return ("timespan_begin", "timespan_end") if column.type == "timespan" else (column.name,)


def _plain_row(element: DimensionElement, row: Any) -> Mapping[str, Any]:
    if isinstance(row, DimensionRecord):
        return row.as_stored()
    if not isinstance(row, Mapping) and not hasattr(row, "keys"):
        raise InvalidInputError(f"A record of {element.name!r} is a mapping of fields to values; got {row!r}.")
    plain: Mapping[str, Any] = row
    return plain


def _columns_of(table: Any) -> Mapping[str, Sequence[Any]] | None:
    """Give the columns of a table; None if it is none. The libraries that make tables need not be installed."""
    if isinstance(table, Mapping):
        return table
    if hasattr(table, "to_pydict"):  # Arrow
        columns: dict[str, Sequence[Any]] = table.to_pydict()
        return columns
    if hasattr(table, "to_dict") and hasattr(table, "columns"):  # pandas, which has several kinds of missing values
        return {str(name): table[name].astype(object).where(table[name].notna(), None) for name in table.columns}
    if hasattr(table, "colnames"):  # astropy, whose masked values become None
        return {name: table[name].tolist() for name in table.colnames}
    names = getattr(getattr(table, "dtype", None), "names", None)
    return {name: table[name] for name in names} if names and isinstance(table, np.ndarray) else None


def _rows_of_columns(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise InvalidInputError(f"The columns have different lengths: {sorted(lengths)}.")
    names = list(columns)
    lists = [np.asarray(c).tolist() if hasattr(c, "dtype") else list(c) for c in columns.values()]
    return (dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True))


def _checked_row(element: DimensionElement, fields: Mapping[str, Column], row: Mapping[str, Any]) -> dict[str, Any]:
    row = _spelled(element, row)
    for key in row:
        if key not in fields:
            raise InvalidInputError(f"{element.name!r} has no field {key!r}.{closest(key, tuple(fields))}")
    return {name: _checked_value(element, column, row.get(name)) for name, column in fields.items()}


def _spelled(element: DimensionElement, row: Mapping[str, Any]) -> dict[str, Any]:
    """Bring the permitted other spellings to the names of the columns."""
    plain = dict(row)
    if element.is_dimension and element.name in plain:
        key, value = element.primary_key.name, plain.pop(element.name)
        if plain.setdefault(key, value) != value:
            raise InvalidInputError(f"{element.name}={value!r} and {key}={plain[key]!r} contradict each other.")
    if element.temporal is not None and ("datetime_begin" in plain or "datetime_end" in plain):
        if "timespan" in plain or not {"datetime_begin", "datetime_end"} <= plain.keys():
            raise InvalidInputError(f"{element.name}: datetime_begin and datetime_end together replace timespan.")
        begin, end = plain.pop("datetime_begin"), plain.pop("datetime_end")
        plain["timespan"] = None if begin is None and end is None else Timespan(begin, end)
    return plain


def _checked_value(element: DimensionElement, column: Column, value: Any) -> Any:
    if value is None and not column.nullable:
        raise InvalidInputError(f"{element.name}.{column.name} must not be null.")
    if column.type == "timespan":
        if value is None or isinstance(value, Timespan):
            return value
        raise InvalidInputError(f"{element.name}.timespan must be a Timespan; got {value!r}.")
    if column.type == "region":
        return None if value is None else _region_bytes(element, value)
    checked = column.check(value, element.name)
    if isinstance(checked, float) and math.isnan(checked):
        # Not a number stands for a null, of whatever type of float it is.
        return column.check(None, element.name)
    return checked


def _region_bytes(element: DimensionElement, value: Any) -> bytes:
    # lsst-sphgeom takes a while to import; who has no regions needs it not.
    from pachon.dimensions.region import Region, region_from_bytes

    if isinstance(value, Region):
        return bytes(value.encode())
    if isinstance(value, bytes):
        region_from_bytes(value)
        return value
    shown = repr(value)
    raise InvalidInputError(
        f"{element.name}.region must be a region of lsst.sphgeom, or its bytes; got {shown[:80]} ({type(value).__name__})."
    )


def _arrays_from_values(column: Column, values: list[Any]) -> dict[str, np.ndarray]:
    if column.type == "timespan":
        bounds = [(NULL_NS, NULL_NS) if v is None else (v.begin_ns, v.end_ns) for v in values]
        pairs = np.array(bounds, dtype=np.int64).reshape(-1, 2)
        return {"timespan_begin": pairs[:, 0].copy(), "timespan_end": pairs[:, 1].copy()}
    if column.type == "float":
        return {column.name: np.array([np.nan if v is None else v for v in values], dtype=np.float64)}
    if column.type == "int" and not column.nullable:
        return {column.name: np.array(values, dtype=np.int64)}
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return {column.name: array}


def _value_at(column: Column, columns: Mapping[str, np.ndarray], index: int) -> Any:
    if column.type == "timespan":
        begin = int(columns["timespan_begin"][index])
        end = int(columns["timespan_end"][index])
        return None if begin == NULL_NS else Timespan.from_ns(begin, end)
    value = columns[column.name][index]
    if column.type == "float":
        return None if value is None or np.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
