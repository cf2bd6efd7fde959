# SPDX-License-Identifier: BSD-3-Clause
"""Dimension records between database rows and columns of arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import (
    NULL_NS,
    Categorical,
    Column,
    DimensionElement,
    DimensionRecord,
    RecordTable,
    Timespan,
)
from pachon.registry.database.key_table import KeyTable

__all__ = [
    "key_columns",
    "keys_of",
    "plain_columns",
    "record_columns",
    "record_from_row",
    "row_dicts",
    "show_key",
    "table_from_rows",
]


def record_columns(element: DimensionElement, table: sa.Table) -> list[sa.Column[Any]]:
    """Give all columns of an element's table, in the order of the arrays of a `RecordTable`."""
    return [table.c[name] for column in element.columns for name in array_names(column)]


def key_columns(element: DimensionElement, table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    """Give the columns of an element's table that identify a record, by dimension."""
    return {name: table.c[element.key_name(name)] for name in element.required}


def array_names(column: Column) -> tuple[str, ...]:
    """Give the names of the arrays, and of the table's columns, that hold a field."""
    return ("timespan_begin", "timespan_end") if column.type == "timespan" else (column.name,)


def table_from_rows(element: DimensionElement, rows: Sequence[Sequence[Any]]) -> RecordTable:
    """Make a table of rows in the order of `record_columns`."""
    names = [(name, column) for column in element.columns for name in array_names(column)]
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return RecordTable(
        element, {name: _array(column, items) for (name, column), items in zip(names, values, strict=True)}
    )


def _array(column: Column, values: Sequence[Any]) -> np.ndarray:
    if column.type == "timespan":
        return np.array([NULL_NS if value is None else value for value in values], dtype=np.int64)
    if column.type == "float":
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if column.type == "int" and not column.nullable:
        return np.array(values, dtype=np.int64)
    if column.type == "bool":
        values = [None if value is None else bool(value) for value in values]
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def record_from_row(element: DimensionElement, row: Sequence[Any]) -> DimensionRecord:
    """Make one record of a row in the order of `record_columns`."""
    values: dict[str, Any] = {}
    place = 0
    for column in element.columns:
        value = row[place]
        place += 1
        if column.type == "timespan":
            value = None if value is None else Timespan.from_ns(value, row[place])
            place += 1
        elif column.type == "bool" and value is not None:
            value = bool(value)
        values[column.name] = value
    return DimensionRecord(element, values)


def plain_columns(records: RecordTable) -> dict[str, list[Any]]:
    """Give the records as columns of values for an insertion."""
    names = [(name, column) for column in records.element.columns for name in array_names(column)]
    return {name: _plain(column, records.columns[name]) for name, column in names}


def row_dicts(records: RecordTable) -> list[dict[str, Any]]:
    """Give the records as rows for an insertion."""
    columns = plain_columns(records)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column: Column, array: np.ndarray) -> list[Any]:
    values: list[Any] = array.tolist()
    if column.type == "timespan":
        return [None if value == NULL_NS else value for value in values]
    if column.type == "float":
        return [None if value is None or math.isnan(value) else value for value in values]
    return values


def keys_of(records: RecordTable) -> KeyTable:
    """Give the keys of records, by dimension."""
    element = records.element
    columns = {name: Categorical.encode(records.columns[element.key_name(name)]) for name in element.required}
    return KeyTable(columns=columns, length=len(records))


def show_key(key: Mapping[str, Any]) -> str:
    """Write a key for a message."""
    return "{" + ", ".join(f"{name}={value!r}" for name, value in key.items()) + "}"
