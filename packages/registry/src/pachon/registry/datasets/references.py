# SPDX-License-Identifier: BSD-3-Clause
"""What rows of datasets refer to: held while they are written, so that nothing vanishes or is sealed meanwhile.

SQLite has one writer, and its foreign keys look at each row. PostgreSQL has many, and its large tables have no foreign keys
(`pachon.registry.schema.references`): here the collections, the dataset type and the datasets are locked against removal, and the
dimension records are looked for, once a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from pachon.dimensions import DataIdTable, DataIdValueError
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.quick import QuickStatement
from pachon.registry.datasets.rows import type_chunks
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.dimension_records.insertion import show_key
from pachon.registry.dimension_records.reading import find_missing
from pachon.registry.errors import MissingCollectionError, MissingDatasetTypeError, SealedRunError
from pachon.registry.schema.dimension_tables import leaves
from pachon.registry.state import State

__all__ = ["hold_collections", "hold_datasets", "missing_record", "require_records"]


def hold_collections(
    state: State, connection: sa.Connection, known: RegisteredType, collections: Iterable[Collection]
) -> None:
    """Keep collections and a dataset type as they are until the transaction ends.

    Raises
    ------
    MissingCollectionError, MissingDatasetTypeError
        If another client has just removed one.
    SealedRunError
        If a collection is sealed.
    """
    by_id = {collection.id: collection for collection in collections}
    if len(by_id) == 1:
        one = state.prepare("hold one collection", lambda: QuickStatement(_held(state, one=True), connection))
        rows = one.fetch(connection, {"type": known.id, "id": next(iter(by_id))})
    else:
        several = state.prepare("hold collections", lambda: _held(state, one=False))
        rows = list(connection.execute(several, {"type": known.id, "ids": list(by_id)}))
    found = {row[0]: row for row in rows}
    for number, collection in by_id.items():
        row = found.get(number)
        if row is None:
            raise MissingCollectionError(collection.name)
        if row[2] is None:
            raise MissingDatasetTypeError(known.dataset_type.name)
        if row[1]:
            raise SealedRunError(collection.name)


def _held(state: State, *, one: bool) -> sa.Select[Any]:
    collection, type_ = state.schema.static.collection, state.schema.static.dataset_type
    number = collection.c.collection_id
    return (
        # The lock of the dataset type is taken inside, since an outer join cannot take it.
        sa.select(
            number,
            collection.c.sealed,
            sa.select(type_.c.dataset_type_id)
            .where(type_.c.dataset_type_id == sa.bindparam("type"))
            .with_for_update(read=True, key_share=True)
            .scalar_subquery(),
        )
        .where(number == sa.bindparam("id") if one else number.in_(sa.bindparam("ids", expanding=True)))
        .order_by(number)
        .with_for_update(of=collection, read=True, key_share=True)
    )


def hold_datasets(state: State, connection: sa.Connection, ids: list[bytes]) -> None:
    """Keep registered datasets from being removed until the transaction ends."""
    if state.database.checks_references:
        return
    table = state.schema.static.dataset
    for part in type_chunks(ids):
        connection.execute(
            sa.select(table.c.dataset_id)
            .where(table.c.dataset_id.in_(part))
            .order_by(table.c.dataset_id)
            .with_for_update(read=True, key_share=True)
        )


def require_records(state: State, connection: sa.Connection, known: RegisteredType, data_ids: DataIdTable) -> None:
    """Look for the dimension records of data IDs, where the database does not do so itself.

    Raises
    ------
    DataIdValueError
        If one does not exist.
    """
    if not state.database.checks_references and (reason := missing_record(state, connection, known, data_ids)):
        raise reason


def missing_record(
    state: State, connection: sa.Connection, known: RegisteredType, data_ids: DataIdTable
) -> DataIdValueError | None:
    """Say which dimension record some data IDs lack."""
    group = known.tables.group
    for name in leaves(group.universe, group.required):
        parent = group.universe[name]
        lost = find_missing(state, connection, parent, KeyTable.from_data_ids(data_ids, parent.required))
        if lost is not None:
            return DataIdValueError(f"There is no {name} record for {show_key(lost)}; insert it first.")
    return None
