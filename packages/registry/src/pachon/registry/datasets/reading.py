# SPDX-License-Identifier: BSD-3-Clause
"""Datasets by id, by run, and with their validity ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetTable, ValidityTable
from pachon.dimensions import Timespan
from pachon.registry import summaries
from pachon.registry.database.columns import Kind, concatenated
from pachon.registry.database.key_lookup import fetch_columns_by_keys
from pachon.registry.database.key_table import KeyTable
from pachon.registry.datasets.rows import (
    data_id_columns,
    dataset_table,
    ids_array,
    key_kinds,
    transposed,
    type_chunks,
)
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.state import State

__all__ = ["Location", "fetch_by_ids", "fetch_ids_of_run", "fetch_locations", "fetch_members", "fetch_validity"]


_PROBED = 4
"""Collections up to which each is looked into for each data ID."""
_LISTED = 25_000
"""Collections in one statement, below SQLite's limit of parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a dataset is registered."""

    dataset_type_id: int
    run_id: int
    data_id: tuple[int | str, ...]
    """Values of the required dimensions."""


def fetch_locations(state: State, connection: sa.Connection, ids: list[bytes]) -> dict[bytes, Location]:
    """Give type, run and data ID of datasets, by id; ids that are not registered are left out."""
    found: dict[bytes, Location] = {}
    for known, rows in _rows_by_type(state, connection, ids):
        for *data_id, id_, run_id in rows:
            found[id_] = Location(dataset_type_id=known.id, run_id=run_id, data_id=tuple(data_id))
    return found


def fetch_by_ids(state: State, connection: sa.Connection, ids: list[bytes]) -> list[DatasetTable]:
    """Give datasets by id, one table a dataset type; ids that are not registered are left out."""
    view = state.view(connection)
    tables = []
    for known, rows in _rows_by_type(state, connection, ids):
        group = known.tables.group
        *data_id, found, runs = transposed(rows, len(group.required) + 2)
        keys = KeyTable.from_lists(dict(zip(group.required, data_id, strict=True)), len(found))
        tables.append(dataset_table(view, known, keys, ids_array(found), np.array(runs, dtype=np.int64)))
    return tables


def _rows_by_type(
    state: State, connection: sa.Connection, ids: list[bytes]
) -> list[tuple[RegisteredType, list[tuple[Any, ...]]]]:
    """Give rows of (data ID..., id, run number) for each dataset type."""
    dataset = state.schema.static.dataset
    by_type: dict[int, list[bytes]] = {}
    select = sa.select(dataset.c.dataset_id, dataset.c.dataset_type_id)
    for part in type_chunks(ids):
        for id_, type_id in connection.execute(select.where(dataset.c.dataset_id.in_(part))):
            by_type.setdefault(type_id, []).append(id_)
    known = state.view(connection).dataset_types_by_id(by_type)
    result = []
    for type_id, members in by_type.items():
        table = known[type_id].tables.membership
        columns = data_id_columns(known[type_id].tables, table)
        select_rows = sa.select(*columns.values(), table.c.dataset_id, table.c.run_id).where(
            table.c.collection_id == table.c.run_id
        )
        rows: list[tuple[Any, ...]] = []
        for part in type_chunks(members):
            rows.extend(tuple(row) for row in connection.execute(select_rows.where(table.c.dataset_id.in_(part))))
        result.append((known[type_id], rows))
    return result


def fetch_ids_of_run(state: State, connection: sa.Connection, run: Collection) -> list[bytes]:
    """Give the ids of all datasets of a run."""
    table = state.schema.static.dataset
    return list(connection.execute(sa.select(table.c.dataset_id).where(table.c.run_id == run.id)).scalars())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """Datasets of one type in collections, one row for each place where one was found."""

    keys: KeyTable
    ids: np.ndarray
    """Shape (n, 16), uint8."""
    runs: np.ndarray
    """Numbers of the runs, int64."""
    rank: np.ndarray
    """Position of the collection in the search, int64."""
    begin_ns: np.ndarray
    end_ns: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def fetch_members(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    collections: Sequence[Collection],
    keys: KeyTable | None = None,
    *,
    calibrations: bool = True,
) -> Members:
    """Give all datasets of a type in collections (chains expanded), perhaps of some data IDs only.

    Rows of other data IDs may be among them. Ranges of RUN and TAGGED collections are unbounded.
    """
    rank = {collection.id: place for place, collection in enumerate(collections)}
    held = summaries.select_searchable(state, connection, known.id, rank)
    tagged = [c.id for c in collections if c.id in held and c.type is not CollectionType.CALIBRATION]
    certified = [c.id for c in collections if c.id in held and c.type is CollectionType.CALIBRATION and calibrations]
    tables = known.tables
    kinds: list[Kind] = [*key_kinds(tables), "id", "int", "int"]
    unbounded = Timespan()
    columns = _member_columns(connection, known, tables.membership, tagged, keys, kinds)
    count = len(columns[-1])
    columns += [np.full(count, unbounded.begin_ns), np.full(count, unbounded.end_ns)]
    if certified:
        kinds += ["int", "int"]
        columns = concatenated(
            [columns, _member_columns(connection, known, tables.validity, certified, keys, kinds)], kinds
        )
    *data_id, ids, runs, places, begin_ns, end_ns = columns
    rank_of = np.full(max(rank, default=0) + 1, -1, dtype=np.int64)
    rank_of[list(rank)] = list(rank.values())
    return Members(
        keys=KeyTable.from_columns(dict(zip(tables.group.required, data_id, strict=True)), len(ids)),
        ids=ids,
        runs=runs,
        rank=rank_of[places],
        begin_ns=begin_ns,
        end_ns=end_ns,
    )


def _member_columns(
    connection: sa.Connection,
    known: RegisteredType,
    table: sa.Table,
    collections: list[int],
    keys: KeyTable | None,
    kinds: list[Kind],
) -> list[Any]:
    columns = data_id_columns(known.tables, table)
    wanted = [*columns.values(), table.c.dataset_id, table.c.run_id, table.c.collection_id]
    if "begin_ns" in table.c:
        wanted += [table.c.begin_ns, table.c.end_ns]
    select = sa.select(*wanted).where(table.c.dataset_type_id == known.id)
    place: sa.ColumnElement[int] = table.c.collection_id
    if keys is not None and len(collections) > _PROBED:
        # The sum is in no index: the database goes through the places of each data ID, instead of looking into each
        # collection for each of them.
        place = place + 0
    parts = [
        fetch_columns_by_keys(
            connection,
            select.where(place.in_(collections[start : start + _LISTED])),
            columns,
            keys,
            kinds,
        )
        for start in range(0, len(collections), _LISTED)
    ]
    return concatenated(parts, kinds)


def fetch_validity(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    collections: Sequence[Collection],
    keys: KeyTable | None,
) -> ValidityTable:
    """Give every dataset of a type in collections, with its validity range and the rank of the collection."""
    members = fetch_members(state, connection, known, collections, keys)
    table = dataset_table(state.view(connection), known, members.keys, members.ids, members.runs)
    found = ValidityTable(table, members.begin_ns, members.end_ns, members.rank.astype(np.int32))
    return found if keys is None else found.take(members.keys.match(keys) >= 0)
