# SPDX-License-Identifier: BSD-3-Clause
"""Tables of pandas, astropy and NumPy as Arrow tables, and back.

Units, descriptions, masks, mixin columns (times, coordinates) and metadata of astropy tables survive, in the metadata
key that astropy's own Parquet writer uses; shapes and text lengths are kept under the keys of LSST's packages.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pachon.base import InvalidInputError

__all__ = ["ROWCOUNT", "arrow_from", "arrow_to"]

ROWCOUNT = "lsst::arrow::rowcount"
_LENGTH = "lsst::arrow::len::"
_SHAPE = "lsst::arrow::shape::"
_ASTROPY = "table_meta_yaml"


def arrow_from(obj: Any) -> pa.Table:
    """Make an Arrow table of a table of any kind: Arrow, pandas, astropy, structured array, mapping of arrays.

    Raises
    ------
    TypeError
        If it is none of them.
    """
    if isinstance(obj, pa.Table):
        return obj
    if isinstance(obj, pa.Schema):
        return obj.empty_table()
    if isinstance(obj, np.ndarray) and obj.dtype.names is not None:
        return _from_columns({name: obj[name] for name in obj.dtype.names}, {})
    if isinstance(obj, Mapping):
        return _from_columns({str(name): np.asarray(values) for name, values in obj.items()}, {})
    if hasattr(obj, "colnames") and hasattr(obj, "columns"):
        return _from_astropy(obj)
    if type(obj).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(obj)
    raise TypeError(f"an object of type {type(obj).__name__} is no table")


def arrow_to(table: pa.Table, pytype_name: str) -> Any:
    """Make a table of another kind of an Arrow table.

    Parameters
    ----------
    table
        The table.
    pytype_name
        Full name of the type: of pandas, astropy, ``numpy.ndarray`` (structured), ``dict`` (of arrays), or Arrow's.

    Raises
    ------
    InvalidInputError
        If there is no such kind of table.
    """
    match pytype_name:
        case "pyarrow.Table" | "pyarrow.lib.Table":
            return table
        case "pyarrow.Schema" | "pyarrow.lib.Schema":
            return table.schema
        case "pandas.DataFrame":
            return table.to_pandas()
        case "numpy.ndarray":
            columns = {name: np.ma.filled(array) for name, array in _columns(table).items()}
            made = np.empty(table.num_rows, dtype=[(n, a.dtype, a.shape[1:]) for n, a in columns.items()])
            for name, array in columns.items():
                made[name] = array
            return made
        case "dict":
            return _columns(table)
        case "astropy.table.Table" | "astropy.table.QTable":
            return _to_astropy(table, pytype_name.rpartition(".")[2])
    raise InvalidInputError(f"An Arrow table cannot be made a {pytype_name}.")


def _from_columns(columns: Mapping[str, Any], metadata: Mapping[str, str]) -> pa.Table:
    arrays: list[pa.Array] = []
    notes = dict(metadata)
    for name, values in columns.items():
        array = np.ma.getdata(values)
        if array.dtype.kind in "US":
            notes[_LENGTH + name] = str(array.dtype.itemsize // (4 if array.dtype.kind == "U" else 1))
        if array.ndim > 1:
            notes[_SHAPE + name] = str(tuple(array.shape[1:]))
        arrays.append(_to_arrow_array(values))
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise InvalidInputError(f"The columns of a table differ in length: {sorted(lengths)}.")
    notes[ROWCOUNT] = str(lengths.pop() if lengths else 0)
    schema = pa.schema([pa.field(n, a.type) for n, a in zip(columns, arrays, strict=True)], metadata=notes)
    return pa.Table.from_arrays(arrays, schema=schema)


def _to_arrow_array(values: Any) -> pa.Array:
    data = np.ma.getdata(values)
    mask = np.ma.getmaskarray(values) if np.ma.is_masked(values) else None
    flat = np.ascontiguousarray(data.reshape(-1))
    flat_mask = None if mask is None else mask.reshape(-1)
    if flat.dtype.kind in "USO":
        array = pa.array(flat.tolist(), mask=flat_mask, type={"U": pa.string(), "S": pa.binary()}.get(flat.dtype.kind))
    else:
        array = pa.array(flat.astype(flat.dtype.newbyteorder("="), copy=False), mask=flat_mask)
    if data.ndim == 1:
        return array
    return pa.FixedSizeListArray.from_arrays(array, int(np.prod(data.shape[1:])))


def _columns(table: pa.Table) -> dict[str, Any]:
    """Give the columns as arrays, masked where there are nulls."""
    metadata = _metadata(table)
    return {name: _to_array(name, table.column(name).combine_chunks(), metadata) for name in table.column_names}


def _metadata(table: pa.Table) -> dict[str, str]:
    return {key.decode(): value.decode(errors="replace") for key, value in (table.schema.metadata or {}).items()}


def _to_array(name: str, column: Any, metadata: Mapping[str, str]) -> Any:
    shape: tuple[int, ...] = ()
    if isinstance(column, pa.ChunkedArray):  # a column without chunks stays one
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)
    if pa.types.is_fixed_size_list(column.type):
        shape = ast.literal_eval(metadata.get(_SHAPE + name, f"({column.type.list_size},)"))
        rows, column = len(column), column.flatten()
        shape = (rows, *shape)
    mask = np.asarray(column.is_null()) if column.null_count else None
    if mask is not None:
        column = column.fill_null(_fill_value(column.type))
    values = column.to_numpy(zero_copy_only=False)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        length = metadata.get(_LENGTH + name)
        values = values.astype(f"U{length}" if length and length != "0" else str)
    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        length = metadata.get(_LENGTH + name)
        values = values.astype(f"S{length}" if length and length != "0" else bytes)
    result = values if mask is None else np.ma.MaskedArray(values, mask=mask, fill_value=_fill_value(column.type))
    return result.reshape(shape) if shape else result


def _fill_value(type_: Any) -> Any:
    """Give what stands in a masked place: nan, -1, True, or nothing."""
    if pa.types.is_floating(type_):
        return float("nan")
    if pa.types.is_boolean(type_):
        return True
    if pa.types.is_unsigned_integer(type_):
        return 0
    if pa.types.is_integer(type_):
        return -1
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return b""
    return ""


def _from_astropy(table: Any) -> pa.Table:
    from astropy.table import Column, MaskedColumn, meta, serialize
    from astropy.utils.data_info import serialize_context_as

    # Masks become nulls of Arrow, not columns of their own; all else that is no plain column is taken apart.
    with serialize_context_as("parquet"):
        encoded = serialize.represent_mixins_as_columns(table, exclude_classes=(Column, MaskedColumn))
    text = "\n".join(meta.get_yaml_from_table(encoded))
    columns = {
        name: np.ma.asarray(encoded[name]) if encoded[name].dtype.kind != "O" else encoded[name]
        for name in encoded.colnames
    }
    return _from_columns(columns, {_ASTROPY: text})


def _to_astropy(table: pa.Table, kind: str) -> Any:
    from astropy.table import Column, MaskedColumn, QTable, Table, meta, serialize

    made = Table()
    for name, values in _columns(table).items():
        made[name] = (MaskedColumn if np.ma.isMaskedArray(values) else Column)(values, name=name)
    text = _metadata(table).get(_ASTROPY)
    if text is None:
        for field in table.schema:
            unit = (field.metadata or {}).get(b"unit")
            if unit:
                made[field.name].unit = unit.decode()
        return QTable(made) if kind == "QTable" else made
    header = meta.get_header_from_yaml(text.split("\n"))
    notes = dict(header.get("meta", {}))
    taken_apart = notes.get("__serialized_columns__", {})
    notes_kept = {n: parts for n, parts in taken_apart.items() if _parts(parts) <= set(made.colnames)}
    if taken_apart:
        notes["__serialized_columns__"] = notes_kept
    made.meta.update(notes)
    for column in header["datatype"]:
        if column["name"] in made.colnames:
            for attribute in ("description", "format", "unit", "meta"):
                if attribute in column:
                    setattr(made[column["name"]], attribute, column[attribute])
    made = serialize._construct_mixins_from_columns(made)
    return QTable(made) if kind == "QTable" else made


def _parts(description: Mapping[str, Any]) -> set[str]:
    """Give the names of the columns that a mixin column was taken apart into."""
    names: set[str] = set()
    for value in description.values():
        if isinstance(value, Mapping):
            names |= {str(value["name"])} if "name" in value else _parts(value)
    return names
