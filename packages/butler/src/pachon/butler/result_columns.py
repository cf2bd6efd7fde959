# SPDX-License-Identifier: BSD-3-Clause
"""Query results as plain columns, and as tables of Arrow, pandas and astropy; no loop over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pachon.base import InvalidInputError
from pachon.datasets import ColumnTable, DatasetTable
from pachon.dimensions import NULL_NS, Categorical, DataIdTable, RecordTable
from pachon.dimensions.record_table import column_arrays

if TYPE_CHECKING:
    import astropy.table
    import pandas
    import pyarrow

__all__ = [
    "Columns",
    "Kinds",
    "arrow_table",
    "astropy_table",
    "data_id_columns",
    "dataset_columns",
    "general_columns",
    "joined_records",
    "pandas_table",
    "record_columns",
    "uuid_texts",
]

Columns = Mapping[str, Categorical | np.ndarray]
"""Column by name, all of one length; nulls are None, NaN, or the time `NULL_NS`."""

Kinds = Mapping[str, str]
"""What a column is, by name: the types of the query language."""

_ARROW_KINDS: Final[Mapping[str | None, str]] = {
    "int": "int64",
    "string": "string",
    "bool": "bool_",
    "hash": "binary",
    "region": "binary",
    "uuid": "string",
}
_DASHES: Final = (8, 13, 18, 23)
_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def data_id_columns(table: DataIdTable) -> Columns:
    """Give a column a dimension."""
    return dict(table.columns)


def record_columns(table: RecordTable) -> Columns:
    """Give a column a field; a time span is two columns of TAI nanoseconds."""
    return dict(table.columns)


def general_columns(table: ColumnTable) -> Columns:
    """Give the columns of a general result: a time span is two of nanoseconds, an id is text."""
    columns: dict[str, Categorical | np.ndarray] = {}
    for name, arrays in table.arrays.items():
        if table.types[name] == "timespan":
            columns[f"{name}_begin"], columns[f"{name}_end"] = arrays
        elif table.types[name] == "uuid":
            columns[name] = uuid_texts(arrays[0])
        else:
            columns[name] = arrays[0]
    return columns


def joined_records(tables: Mapping[str, RecordTable], rows: Mapping[str, np.ndarray]) -> tuple[Columns, Kinds]:
    """Give fields of records beside data IDs: ``element.field``, without the keys.

    Parameters
    ----------
    tables
        Records by element.
    rows
        For each data ID the row of its record, by element; -1 for none.
    """
    columns: dict[str, Categorical | np.ndarray] = {}
    kinds: dict[str, str] = {}
    for name, table in tables.items():
        place = rows[name]
        keys = {column.name for column in table.element.key_columns}
        for column in table.element.columns:
            if column.name in keys:
                continue
            for part in column_arrays(column):
                columns[f"{name}.{part}"] = _at(table.columns[part], place, _NULLS.get(column.type))
                kinds[f"{name}.{part}"] = "datetime" if column.type == "timespan" else column.type
    return columns, kinds


_NULLS: Final[Mapping[str, Any]] = {"timespan": NULL_NS, "float": np.nan}


def _at(values: np.ndarray, place: np.ndarray, null: Any) -> np.ndarray:
    absent = place < 0
    if not absent.any():
        return np.take(values, place)
    found = np.empty(len(place), dtype=object if null is None else values.dtype)
    found[~absent] = values[place[~absent]]
    found[absent] = null
    return found


def dataset_columns(tables: Sequence[DatasetTable]) -> Columns:
    """Give the columns ``type``, ``run``, ``id`` and one a dimension.

    With several dataset types the dimensions are those of all of them, and None where a type lacks one.
    """
    types = np.repeat(
        np.array([table.dataset_type.name for table in tables], dtype=object), [len(table) for table in tables]
    )
    columns: dict[str, Categorical | np.ndarray] = {
        "type": Categorical.encode(types),
        "run": Categorical.concat([table.runs for table in tables]) if tables else Categorical.encode([]),
        "id": np.concatenate([uuid_texts(table.ids) for table in tables]) if tables else np.array([], dtype=object),
    }
    if len(tables) == 1:
        return {**columns, **tables[0].data_ids.columns}
    names = dict.fromkeys(name for table in tables for name in table.data_ids.columns)
    for name in names:
        parts = [
            table.data_ids.column(name) if name in table.data_ids.columns else np.full(len(table), None, dtype=object)
            for table in tables
        ]
        columns[name] = np.concatenate(parts)
    return columns


def uuid_texts(ids: np.ndarray) -> np.ndarray:
    """Give ids, shape (n, 16), as text of 36 characters, shape (n,), object."""
    digits = np.empty((len(ids), 32), dtype=np.uint8)
    digits[:, 0::2] = _HEX[ids >> 4]
    digits[:, 1::2] = _HEX[ids & 15]
    text = np.full((len(ids), 36), ord("-"), dtype=np.uint8)
    text[:, [i for i in range(36) if i not in _DASHES]] = digits
    return text.view("S36").reshape(-1).astype("U36").astype(object)


def arrow_table(columns: Columns, kinds: Kinds | None = None) -> pyarrow.Table:
    """Make an Arrow table; strings that repeat are dictionary-encoded, times are ``timestamp[ns]`` of TAI.

    ``kinds`` say what a column is that holds nulls only (`pachon.datasets.ColumnTable`).
    """
    pa = _library("pyarrow", "arrow")
    known = kinds or {}
    return pa.table({name: _arrow_array(pa, name, column, known.get(name)) for name, column in columns.items()})


def pandas_table(columns: Columns, kinds: Kinds | None = None) -> pandas.DataFrame:
    """Make a pandas table; strings that repeat are categories."""
    _library("pandas", "pandas")
    return arrow_table(columns, kinds).to_pandas()


def astropy_table(columns: Columns) -> astropy.table.Table:
    """Make an astropy table; nulls are masked, times are integer nanoseconds of TAI."""
    table = _library("astropy.table", "astropy").Table
    return table({name: _astropy_column(name, column) for name, column in columns.items()})


def _library(name: str, extra: str) -> Any:
    # Tables of other libraries are made for those who have them.
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidInputError(
            f"This needs {name.partition('.')[0]}: pip install 'pachon-butler[{extra}]'."
        ) from error


def _arrow_array(pa: Any, name: str, column: Categorical | np.ndarray, kind: str | None) -> Any:
    if isinstance(column, Categorical):
        if column.values.dtype.kind == "i" or kind == "int":
            return pa.array(column.decode(), pa.int64())
        return pa.DictionaryArray.from_arrays(pa.array(column.codes), pa.array(column.values.tolist(), pa.string()))
    if _is_time(name) or kind in ("datetime", "ingest_date"):
        return pa.array(column, mask=column == NULL_NS, type=pa.timestamp("ns"))
    if column.dtype.kind == "f":
        return pa.array(column, mask=np.isnan(column))
    if kind in _ARROW_KINDS:
        return pa.array(column.tolist(), getattr(pa, _ARROW_KINDS[kind])())
    if column.dtype == object and all(value is None for value in column):
        return pa.nulls(len(column))
    return pa.array(column)


def _is_time(name: str) -> bool:
    return name.rpartition(".")[2] in ("timespan_begin", "timespan_end")


def _astropy_column(name: str, column: Categorical | np.ndarray) -> Any:
    values = column.decode() if isinstance(column, Categorical) else column
    if _is_time(name):
        return np.ma.masked_equal(values, NULL_NS)
    if values.dtype != object:
        return values
    null = np.array([value is None for value in values], dtype=bool)
    if not null.any():
        texts = all(isinstance(value, str) for value in values)
        return values.astype(str) if texts and len(values) else values
    return np.ma.array(values, mask=null)
