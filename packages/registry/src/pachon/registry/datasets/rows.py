# SPDX-License-Identifier: BSD-3-Clause
"""Datasets between database rows and columns of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.base import InvalidInputError
from pachon.datasets import DatasetRef, DatasetTable, DatasetType
from pachon.dimensions import Categorical, DataIdTable
from pachon.registry.database.columns import Kind
from pachon.registry.database.key_table import KeyTable
from pachon.registry.definitions import RegisteredType, View
from pachon.registry.schema.dataset_tables import DatasetTables
from pachon.registry.schema.dimension_tables import dimension_column, key_kind

__all__ = [
    "as_tables",
    "data_id_columns",
    "dataset_table",
    "id_list",
    "ids_array",
    "key_kinds",
    "run_column",
    "transposed",
    "type_chunks",
]

CHUNK = 5000
"""Ids in one list of IN."""


def data_id_columns(tables: DatasetTables, table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    """Give the data ID columns of a membership or validity table, by dimension."""
    return {name: table.c[dimension_column(name)] for name in tables.group.required}


def transposed(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Turn rows into columns; as many empty ones if there are no rows."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def ids_array(values: Sequence[bytes]) -> np.ndarray:
    """Give ids of 16 bytes each as an array of shape (n, 16), uint8."""
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, 16)


def id_list(ids: np.ndarray) -> list[bytes]:
    """Give the rows of an array of ids as bytes."""
    data = np.ascontiguousarray(ids, dtype=np.uint8)
    if data.size == 16:
        return [data.tobytes()]
    # Values without a type are bytes when they leave the array, all of them in one step.
    listed: list[bytes] = data.reshape(-1, 16).view("V16").reshape(-1).tolist()
    return listed


def type_chunks(ids: list[bytes]) -> Iterator[list[bytes]]:
    """Cut a list of ids into parts that fit into one statement."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def key_kinds(tables: DatasetTables) -> list[Kind]:
    """Give the kinds of the data ID columns of the tables."""
    return [key_kind(tables.group.universe, name) for name in tables.group.required]


def run_column(view: View, numbers: np.ndarray) -> Categorical:
    """Give the names of runs of which the numbers are known."""
    values, codes = np.unique(numbers, return_inverse=True)
    known = view.collections_by_id(values.tolist())
    names = np.empty(len(values), dtype=object)
    names[:] = [known[number].name for number in values.tolist()]
    order = np.argsort(names)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Categorical(place[codes.reshape(-1)], names[order])


def dataset_table(
    view: View, known: RegisteredType, data_ids: KeyTable | DataIdTable, ids: np.ndarray, runs: np.ndarray
) -> DatasetTable:
    """Make a table of datasets from columns; the data IDs are minimal unless they are given as a table."""
    if isinstance(data_ids, KeyTable):
        data_ids = DataIdTable(known.dataset_type.dimensions, data_ids.columns, data_ids.length)
    return DatasetTable(known.dataset_type, data_ids, ids, run_column(view, runs))


def as_tables(refs: DatasetTable | Iterable[DatasetRef]) -> list[DatasetTable]:
    """Give datasets of any types as one table a type."""
    if isinstance(refs, DatasetTable):
        return [refs]
    by_type: dict[DatasetType, list[DatasetRef]] = {}
    for ref in refs:
        if ref.dataset_type.component is not None:
            raise InvalidInputError(f"A component cannot be registered or associated: {ref}.")
        by_type.setdefault(ref.dataset_type, []).append(ref)
    return [DatasetTable.from_refs(dataset_type, items) for dataset_type, items in by_type.items()]
