# SPDX-License-Identifier: BSD-3-Clause
"""Datasets with validity ranges in CALIBRATION collections."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.base import InvalidInputError, NotFoundError
from pachon.datasets import CollectionType, DatasetTable
from pachon.dimensions import DataIdTable, Timespan
from pachon.registry.collections.associations import summarize_ids
from pachon.registry.collections.locks import lock_collection
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.retries import retried
from pachon.registry.database.statistics import note_growth
from pachon.registry.datasets.insertion import registered_type
from pachon.registry.datasets.references import hold_datasets
from pachon.registry.datasets.rows import data_id_columns, id_list, transposed, type_chunks
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.errors import CollectionTypeError, ConflictingDefinitionError, DatasetTypeError
from pachon.registry.state import State

__all__ = ["certify", "decertify"]


@retried
def certify(state: State, name: str, datasets: list[DatasetTable], timespan: Timespan) -> None:
    """Give datasets a validity range in a CALIBRATION collection; all or none.

    Raises
    ------
    CollectionTypeError, DatasetTypeError
        If the collection is not CALIBRATION, or a dataset type is none of calibrations.
    ConflictingDefinitionError
        If a range of the same type and data ID overlaps, be it of the same dataset, or two datasets of the call have
        the same data ID.
    InvalidInputError
        If the time span is empty.
    """
    if timespan.is_empty:
        raise InvalidInputError("Datasets cannot be certified for an empty time span.")
    with state.database.write() as connection:
        collection = _get_calibration(state, connection, name)
        for table in datasets:
            known = registered_type(state, connection, table)
            _require_calibration(known)
            if len(table):
                _certify(state, connection, collection, known, table, timespan=timespan)


def _certify(
    state: State,
    connection: sa.Connection,
    collection: Collection,
    known: RegisteredType,
    datasets: DatasetTable,
    *,
    timespan: Timespan,
) -> None:
    member, validity = known.tables.membership, known.tables.validity
    ids = id_list(datasets.ids)
    _refuse_twice(datasets)
    hold_datasets(state, connection, ids)
    columns = data_id_columns(known.tables, member)
    names = [*(column.name for column in columns.values()), "dataset_id", "run_id", "dataset_type_id"]
    same = [validity.c[column.name] == column for column in columns.values()]
    inserted = 0
    for part in type_chunks(ids):
        own_rows = sa.and_(
            member.c.dataset_id.in_(part),
            member.c.collection_id == member.c.run_id,
            member.c.dataset_type_id == known.id,
        )
        # Ranges of a data ID do not overlap: the last one that begins before the end of the new one is the one that may.
        last = (
            sa.select(validity.c.end_ns)
            .where(validity.c.dataset_type_id == known.id, validity.c.collection_id == collection.id, *same)
            .where(validity.c.begin_ns < timespan.end_ns)
            .order_by(validity.c.begin_ns.desc())
            .limit(1)
        )
        begin, end = last.with_only_columns(validity.c.begin_ns).scalar_subquery(), last.scalar_subquery()
        clash = connection.execute(
            sa.select(*columns.values(), begin.label("begin_ns"), end.label("end_ns"))
            .where(own_rows, end > timespan.begin_ns)
            .limit(1)
        ).first()
        if clash is not None:
            raise _conflict(collection, known, clash, timespan)
        constants = [sa.literal(value) for value in (collection.id, timespan.begin_ns, timespan.end_ns)]
        rows = sa.select(*(member.c[name] for name in names), *constants).where(own_rows)
        statement = sa.insert(validity).from_select([*names, "collection_id", "begin_ns", "end_ns"], rows)
        inserted += connection.execute(statement).rowcount
    if inserted < len(ids):
        raise NotFoundError(f"{len(ids) - inserted} of these {len(ids)} datasets are not registered.")
    note_growth(connection, validity, inserted)
    summarize_ids(state, connection, collection, known, ids)


def _refuse_twice(datasets: DatasetTable) -> None:
    keys = KeyTable.from_data_ids(datasets.data_ids, datasets.data_ids.group.required)
    once = keys.first_rows()
    if len(once) < len(keys):
        row = int(np.setdiff1d(np.arange(len(keys)), once)[0])
        raise ConflictingDefinitionError(
            f"Two datasets {datasets.dataset_type.name} with {datasets.data_ids[row]} cannot be certified together."
        )


def _conflict(collection: Collection, known: RegisteredType, row: Any, timespan: Timespan) -> Exception:
    data_id = ", ".join(f"{n}={v!r}" for n, v in zip(known.tables.group.required, row, strict=False))
    existing = Timespan.from_ns(row.begin_ns, row.end_ns)
    return ConflictingDefinitionError(
        f"{known.dataset_type.name} {{{data_id}}} is certified in {collection.name!r} for {existing}, "
        f"which overlaps {timespan}."
    )


@retried
def decertify(
    state: State, name: str, dataset_type: str, timespan: Timespan, data_ids: DataIdTable | None = None
) -> None:
    """Take a time span out of validity ranges, of all data IDs or of some; what is left of a range stays.

    Raises
    ------
    CollectionTypeError, DatasetTypeError
        If the collection is not CALIBRATION, or the dataset type is none of calibrations.
    """
    with state.database.write() as connection:
        collection = _get_calibration(state, connection, name)
        known = state.view(connection).get_dataset_type(dataset_type)
        _require_calibration(known)
        table = known.tables.validity
        overlapping = sa.select(table).where(
            table.c.dataset_type_id == known.id,
            table.c.collection_id == collection.id,
            table.c.begin_ns < timespan.end_ns,
            table.c.end_ns > timespan.begin_ns,
        )
        rows = _of_data_ids(known, connection.execute(overlapping).all(), data_ids)
        if not state.database.checks_references and rows:
            # A dataset that another client is removing must not get ranges again: what is left is read anew.
            hold_datasets(state, connection, list({row.dataset_id for row in rows}))
            rows = _of_data_ids(known, connection.execute(overlapping).all(), data_ids)
        kept = [row._asdict() for row in rows]
        if not kept:
            return
        key = [column.name for column in table.primary_key]
        connection.execute(
            sa.delete(table).where(*(table.c[column] == sa.bindparam(f"old_{column}") for column in key)),
            [{f"old_{column}": row[column] for column in key} for row in kept],
        )
        if remains := [remain for row in kept for remain in _remains(row, timespan)]:
            connection.execute(sa.insert(table), remains)


def _of_data_ids(known: RegisteredType, rows: Any, data_ids: DataIdTable | None) -> list[Any]:
    if data_ids is None or not rows:
        return list(rows)
    columns = data_id_columns(known.tables, known.tables.validity)
    lists = transposed([tuple(getattr(row, c.name) for c in columns.values()) for row in rows], len(columns))
    keys = KeyTable.from_lists(dict(zip(columns, lists, strict=True)), len(rows))
    wanted = KeyTable.from_data_ids(data_ids, columns)
    return [rows[i] for i in np.flatnonzero(keys.match(wanted) >= 0).tolist()]


def _remains(row: dict[str, Any], timespan: Timespan) -> list[dict[str, Any]]:
    left = Timespan.from_ns(row["begin_ns"], row["end_ns"]).difference(timespan)
    return [row | {"begin_ns": part.begin_ns, "end_ns": part.end_ns} for part in left]


def _require_calibration(known: RegisteredType) -> None:
    if not known.dataset_type.is_calibration:
        raise DatasetTypeError(f"Dataset type {known.dataset_type.name!r} is no calibration type.")


def _get_calibration(state: State, connection: sa.Connection, name: str) -> Collection:
    collection = state.view(connection).get_collection(name)
    if collection.type is not CollectionType.CALIBRATION:
        raise CollectionTypeError(f"Collection {name!r} is of type {collection.type.name}, not CALIBRATION.")
    # Rows are read before others are written: on PostgreSQL nobody else may do so at the same time. (That ranges do not
    # overlap, its exclusion constraint would see to as well.)
    lock_collection(state, connection, collection)
    return collection
