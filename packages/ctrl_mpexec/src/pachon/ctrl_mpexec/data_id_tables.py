# SPDX-License-Identifier: BSD-3-Clause
"""Tables of data IDs from files."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.dimensions import DataIdTable, DimensionUniverse
from pachon.resources import ResourcePath

__all__ = ["read_data_id_table"]


def read_data_id_table(uri: str, universe: DimensionUniverse) -> DataIdTable:
    """Read a table whose columns are dimensions: ``.csv`` and ``.parquet``, and whatever astropy's tables read, if it is there.

    Raises
    ------
    InvalidInputError
        If it cannot be read, has a column that is no dimension, or lacks one that others need.
    """
    path = ResourcePath(uri)
    try:
        columns = _read(path)
    except (InvalidInputError, FileNotFoundError):
        raise
    except Exception as error:
        raise InvalidInputError(f"The table {uri} cannot be read: {error}") from error
    if not columns:
        raise InvalidInputError(f"The table {uri} has no columns.")
    group = universe.conform(columns)
    lacking = [name for name in group.required if name not in columns]
    if lacking:
        raise InvalidInputError(f"The table {uri} has columns {', '.join(columns)}; it needs {', '.join(lacking)} too.")
    rows = len(next(iter(columns.values())))
    data_ids = [{name: _plain(values[i]) for name, values in columns.items()} for i in range(rows)]
    return DataIdTable.from_rows(group, [{n: row[n] for n in group.required} for row in data_ids]).distinct()


def _read(path: ResourcePath) -> Mapping[str, Sequence[Any]]:
    if path.extension == ".csv":
        rows = list(csv.reader(io.StringIO(path.read().decode())))
        header, body = rows[0], [row for row in rows[1:] if row]
        return {name.strip(): [_number(row[i].strip()) for row in body] for i, name in enumerate(header)}
    if path.extension in (".parquet", ".parq"):
        table = importlib.import_module("pyarrow.parquet").read_table(io.BytesIO(path.read()))
        return {name: table.column(name).to_pylist() for name in table.column_names}
    with path.as_local() as local:
        astropy = importlib.import_module("astropy.table").Table.read(local.ospath)
    return {name: astropy[name].tolist() for name in astropy.colnames}


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value
