# SPDX-License-Identifier: BSD-3-Clause
"""Registering datasets in runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from pachon.datasets import CollectionType, DatasetRef, DatasetTable
from pachon.dimensions import DimensionGroup
from pachon.registry import summaries
from pachon.registry.database.inserts import insert_columns, insert_row
from pachon.registry.database.key_lookup import fetch_by_keys
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.retries import retried
from pachon.registry.datasets.reading import fetch_locations
from pachon.registry.datasets.references import (
    hold_collections,
    missing_record,
    named_indirectly,
    require_records,
)
from pachon.registry.datasets.rows import data_id_columns, id_list, transposed
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.errors import (
    CollectionTypeError,
    ConflictingDefinitionError,
    DatasetTypeError,
    TransactionConflictError,
)
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.state import State

__all__ = ["import_", "insert", "insert_one"]

TAI_MINUS_UTC_NS = 37_000_000_000
"""Since 2017; no leap second is announced, and an ingest date need not be exact."""
_PLAIN = {int, str}
"""Types of values that the database takes as they are."""
_DATASET = ("dataset_id", "dataset_type_id", "run_id", "ingest_ns")
_MEMBERSHIP = ("dataset_type_id", "collection_id", "dataset_id", "run_id")


@retried
def insert(state: State, tables: Sequence[DatasetTable]) -> None:
    """Register new datasets; all or none.

    Raises
    ------
    MissingCollectionError, CollectionTypeError
        If a run does not exist, or is no run.
    MissingDatasetTypeError, DatasetTypeError
        If the dataset type is not registered, or is registered otherwise.
    SealedRunError
        If a run is sealed.
    ConflictingDefinitionError
        If a run holds a dataset of that type and data ID already, or an id is taken.
    DataIdValueError
        If a dimension record does not exist.
    """
    if any(map(len, tables)):
        with state.database.write() as connection:
            for table in _in_order(tables):
                _insert(state, connection, table)


@retried
def insert_one(state: State, ref: DatasetRef) -> None:
    """Do the same as `insert` for one dataset, without columns of one row, which take as long as all the rest."""
    with state.database.write() as connection:
        _insert_one(state, connection, ref)


@retried
def import_(state: State, tables: Sequence[DatasetTable]) -> int:
    """Register datasets with their ids unless they are there, all or none; give the number of new ones.

    Raises
    ------
    ConflictingDefinitionError
        If an id exists with another type, run or data ID, or a run holds another dataset of that type and data ID.
    """
    with state.database.write() as connection:
        return sum(_import(state, connection, table) for table in _in_order(tables))


def _in_order(tables: Sequence[DatasetTable]) -> list[DatasetTable]:
    """Give what is not empty in an order that all clients have, so that two do not wait for each other in a circle."""
    return sorted((table for table in tables if len(table)), key=lambda table: table.dataset_type.name)


def _import(state: State, connection: sa.Connection, datasets: DatasetTable) -> int:
    while True:
        new = _unknown(state, connection, datasets)
        try:
            if len(new):
                _insert(state, connection, new)
        except ConflictingDefinitionError:
            # Another client may have imported some of them at the same time.
            if len(_unknown(state, connection, new)) == len(new):
                raise
        else:
            return len(new)


def registered_type(state: State, connection: sa.Connection, datasets: DatasetTable) -> RegisteredType:
    """Give the registered form of a table's dataset type; the storage class may differ."""
    asked = datasets.dataset_type
    known = state.view(connection).get_dataset_type(asked.name)
    if known.dataset_type is asked and datasets.data_ids.group is asked.dimensions:
        return known
    if known.dataset_type.dimensions != asked.dimensions or known.dataset_type.is_calibration != asked.is_calibration:
        raise DatasetTypeError(f"{asked!r} is registered as {known.dataset_type!r}.")
    if datasets.data_ids.group != known.dataset_type.dimensions:
        raise DatasetTypeError(
            f"Datasets {asked.name!r} have dimensions {asked.dimensions!r}, not {datasets.data_ids.group!r}."
        )
    return known


def _insert(state: State, connection: sa.Connection, datasets: DatasetTable) -> None:
    known = registered_type(state, connection, datasets)
    runs = _runs(state, connection, datasets)
    count = len(datasets)
    if len(runs) == 1:
        numbers = [next(iter(runs.values())).id] * count
    else:
        numbers = [runs[name].id for name in datasets.runs.tolist()]
    hold_collections(state, connection, known, runs.values())
    require_records(state, connection, known, datasets.data_ids)
    ids = id_list(datasets.ids)
    types = [known.id] * count
    rows: dict[str, Sequence[object]] = {
        "dataset_id": ids,
        "dataset_type_id": types,
        "run_id": numbers,
        "ingest_ns": [_now_ns()] * count,
    }
    members: dict[str, Sequence[object]] = {
        "dataset_type_id": types,
        "collection_id": numbers,
        "dataset_id": ids,
        "run_id": numbers,
    }
    tables = known.tables
    for dimension in tables.group.required:
        members[dimension_column(dimension)] = datasets.data_ids.columns[dimension].tolist()
    try:
        # A failed row must be undone before the reason is looked for; a single one undoes itself on SQLite.
        with state.database.part(connection, single=count == 1):
            insert_columns(connection, state.schema.static.dataset, rows)
            insert_columns(connection, tables.membership, members)
    except IntegrityError as error:
        raise _reason(state, connection, known, datasets, error) from None
    _summarize(state, connection, known, datasets, runs)


def _insert_one(state: State, connection: sa.Connection, ref: DatasetRef) -> None:
    asked, data_id, group = ref.dataset_type, ref.data_id, ref.dataset_type.dimensions
    database = state.database
    view = state.view(connection)
    known = view.get_dataset_type(asked.name)
    if (
        known.dataset_type is not asked
        or data_id.group is not group
        or (run := view.get_collection(ref.run)).type is not CollectionType.RUN
        or not _PLAIN.issuperset(map(type, data_id.values))
        or not database.checks_references
        or named_indirectly(group)
    ):
        # There is something to be said, converted or looked for.
        _insert(state, connection, DatasetTable.from_refs(asked, (ref,)))
        return
    hold_collections(state, connection, known, (run,))
    tables, id_ = known.tables, ref.id.bytes
    names = _member_columns(group)
    members = (known.id, run.id, id_, run.id, *data_id.required_values)
    try:
        with database.part(connection, single=True):
            insert_row(connection, state.schema.static.dataset, _DATASET, (id_, known.id, run.id, _now_ns()))
            insert_row(connection, tables.membership, names, members)
    except IntegrityError as error:
        datasets = DatasetTable.from_refs(asked, (ref,))
        raise _reason(state, connection, known, datasets, error) from None
    values = data_id.mapping  # implied ones are not all known
    facts = [(run.id, "", str(known.id))]
    facts += [(run.id, name, str(values[name])) for name in group.governors if name in values]
    summaries.record_facts(state, connection, facts)


@lru_cache(maxsize=512)
def _member_columns(group: DimensionGroup) -> tuple[str, ...]:
    return (*_MEMBERSHIP, *map(dimension_column, group.required))


def _now_ns() -> int:
    return (time.time_ns() + TAI_MINUS_UTC_NS) // 1000 * 1000


def _runs(state: State, connection: sa.Connection, datasets: DatasetTable) -> dict[str, Collection]:
    view = state.view(connection)
    names = datasets.runs.tolist() if len(datasets) == 1 else datasets.runs.compacted().values.tolist()
    runs = view.get_collections(dict.fromkeys(names))
    for run in runs.values():
        if run.type is not CollectionType.RUN:
            raise CollectionTypeError(f"Collection {run.name!r} is of type {run.type.name}; datasets go into a RUN.")
    return runs


def _summarize(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    datasets: DatasetTable,
    runs: dict[str, Collection],
) -> None:
    facts = [(run.id, "", str(known.id)) for run in runs.values()]
    numbers = [runs[name].id if name in runs else -1 for name in datasets.runs.values.tolist()]
    for governor in known.tables.group.governors:
        column = datasets.data_ids.columns.get(governor)
        if column is None:
            continue
        if len(datasets) == 1:
            facts.append((next(iter(runs.values())).id, governor, str(column[0])))
            continue
        count = len(column.values)
        pairs = np.unique(datasets.runs.codes.astype(np.int64) * count + column.codes).tolist()
        facts += [(numbers[pair // count], governor, str(column.values[pair % count])) for pair in pairs]
    summaries.record_facts(state, connection, facts)


def _unknown(state: State, connection: sa.Connection, datasets: DatasetTable) -> DatasetTable:
    """Leave out what is registered already; refuse ids that mean something else."""
    known = registered_type(state, connection, datasets)
    located = fetch_locations(state, connection, id_list(datasets.ids))
    ids = id_list(datasets.ids)
    there = np.array([id_ in located for id_ in ids], dtype=bool)
    if not there.any():
        return datasets
    view = state.view(connection)
    tables = {
        item.id: item
        for item in view.dataset_types_by_id({place.dataset_type_id for place in located.values()}).values()
    }
    runs = view.collections_by_id({place.run_id for place in located.values()})
    for row in np.flatnonzero(there).tolist():
        place = located[ids[row]]
        if place.run_id not in runs or place.dataset_type_id not in tables:
            raise TransactionConflictError(f"Dataset {datasets[row].id} is being removed by another client; try again.")
        given = tuple(datasets.data_ids.columns[d][row] for d in known.tables.group.required)
        if (place.dataset_type_id, runs[place.run_id].name, place.data_id) != (known.id, datasets.runs[row], given):
            raise ConflictingDefinitionError(
                f"Dataset {datasets[row].id} exists as {tables[place.dataset_type_id].dataset_type.name} "
                f"{place.data_id} in {runs[place.run_id].name!r}, not as {datasets[row]}."
            )
    return datasets.take(~there)


def _reason(
    state: State, connection: sa.Connection, known: RegisteredType, datasets: DatasetTable, error: IntegrityError
) -> Exception:
    """Find out which rule the database has just enforced."""
    if (missing := missing_record(state, connection, known, datasets.data_ids)) is not None:
        return missing
    for id_, place in fetch_locations(state, connection, id_list(datasets.ids)).items():
        row = id_list(datasets.ids).index(id_)
        return ConflictingDefinitionError(f"A dataset with id {datasets[row].id} exists already: {place.data_id}.")
    if (row_of := _occupied(state, connection, known, datasets)) is not None:
        return ConflictingDefinitionError(
            f"A dataset {datasets[row_of]} exists already, with another id: choose another run, or remove that dataset first."
        )
    return ConflictingDefinitionError(
        f"Two datasets of the call have one id, or one data ID and run ({known.dataset_type.name}; {error.orig})."
    )


def _occupied(state: State, connection: sa.Connection, known: RegisteredType, datasets: DatasetTable) -> int | None:
    """Give a row of which the run holds another dataset with the same type and data ID."""
    table = known.tables.membership
    columns = data_id_columns(known.tables, table)
    keys = KeyTable.from_data_ids(datasets.data_ids, columns)
    for name, run in _runs(state, connection, datasets).items():
        of_run = np.flatnonzero(datasets.runs.decode() == name)
        select = sa.select(*columns.values(), table.c.dataset_id).where(
            table.c.dataset_type_id == known.id, table.c.collection_id == run.id
        )
        wanted = keys.take(of_run)
        lists = transposed(fetch_by_keys(connection, select, columns, wanted), len(columns) + 1)
        there = KeyTable.from_lists(dict(zip(columns, lists, strict=False)), len(lists[-1]))
        hit = np.flatnonzero(wanted.match(there) >= 0)
        if len(hit):
            return int(of_run[hit[0]])
    return None
