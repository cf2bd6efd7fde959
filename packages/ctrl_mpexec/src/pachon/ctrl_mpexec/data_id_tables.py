# SPDX-License-Identifier: BSD-3-Clause
"""Tables of data IDs from files."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError, NotFoundError, PachonError
from pachon.dimensions import DataIdTable, DimensionGroup, DimensionUniverse
from pachon.resources import ResourcePath

__all__ = ["read_data_id_table"]


def read_data_id_table(
    uri: str, universe: DimensionUniverse, fixed: Callable[[DimensionGroup], DataIdTable] | None = None
) -> DataIdTable:
    """Read a table whose columns are dimensions: ``.csv`` and ``.parquet``, and whatever astropy's tables read, if it is there.

    Parameters
    ----------
    uri, universe
        The file, and the dimensions.
    fixed
        Gives all values that dimensions may have otherwise, by the expression or the pipeline. A column that others need, as that of the
        instrument, may be lacking if this gives a single value.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InvalidInputError
        If it cannot be read, has a column that is no dimension, or lacks one that others need.
    """
    path = ResourcePath(uri)
    if not path.exists():
        raise NotFoundError(f"There is no table {uri}.")
    try:
        columns = _read(path)
    except PachonError:
        raise
    except Exception as error:
        # Libraries list all formats that they know, line by line.
        why = str(error).partition("\n")[0]
        raise InvalidInputError(f"The table {uri} cannot be read: {why}") from error
    if not columns:
        raise InvalidInputError(f"The table {uri} has no columns.")
    group = universe.conform(columns)
    lacking = [name for name in group.required if name not in columns]
    further = dict(_complete(uri, list(columns), universe.conform(lacking), fixed)) if lacking else {}
    rows = len(next(iter(columns.values())))
    data_ids = [{**further, **{name: _plain(values[i]) for name, values in columns.items()}} for i in range(rows)]
    return DataIdTable.from_rows(group, [{n: row[n] for n in group.required} for row in data_ids]).distinct()


def _complete(
    uri: str, columns: list[str], lacking: DimensionGroup, fixed: Callable[[DimensionGroup], DataIdTable] | None
) -> Mapping[str, int | str]:
    """Give the values of columns that a table lacks."""
    found = list(fixed(lacking).distinct()) if fixed is not None else []
    if len(found) == 1:
        return found[0].required
    names = ", ".join(lacking.required)
    why = ""
    if found:
        why = f" There are {', '.join(str(data_id) for data_id in found[:3])}; the expression may say which."
    elif fixed is not None:
        why = " It does not follow from the expression, which nothing satisfies."
    raise InvalidInputError(f"The table {uri} has columns {', '.join(columns)}; it needs {names} too.{why}")


def _read(path: ResourcePath) -> Mapping[str, Sequence[Any]]:
    if path.extension == ".csv":
        header, *body = [row for row in csv.reader(io.StringIO(path.read().decode())) if row] or [[]]
        short = [row for row in body if len(row) < len(header)]
        if short:
            raise InvalidInputError(
                f"The table {path.shown} has a row with {len(short[0])} values for its {len(header)} columns: {','.join(short[0])}"
            )
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
