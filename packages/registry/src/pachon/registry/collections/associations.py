# SPDX-License-Identifier: BSD-3-Clause
"""Datasets in TAGGED collections."""

from __future__ import annotations

import sqlalchemy as sa

from pachon.base import NotFoundError
from pachon.datasets import CollectionType, DatasetTable
from pachon.registry import summaries
from pachon.registry.database.inserts import insert_or_skip
from pachon.registry.database.retries import retried
from pachon.registry.database.statistics import note_growth
from pachon.registry.datasets.insertion import registered_type
from pachon.registry.datasets.references import hold_collections, hold_datasets
from pachon.registry.datasets.rows import data_id_columns, id_list, type_chunks
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.errors import CollectionTypeError, ConflictingDefinitionError
from pachon.registry.state import State

__all__ = ["associate", "disassociate", "summarize_ids"]


@retried
def associate(state: State, name: str, datasets: list[DatasetTable]) -> None:
    """Refer to datasets in a TAGGED collection; all or none.

    Raises
    ------
    CollectionTypeError
        If the collection is not TAGGED.
    ConflictingDefinitionError
        If it holds another dataset of the same type and data ID.
    NotFoundError
        If a dataset is not registered.
    """
    with state.database.write() as connection:
        collection = _get_tagged(state, connection, name)
        for table in datasets:
            if len(table):
                _associate(state, connection, collection, registered_type(state, connection, table), table)


def _associate(
    state: State, connection: sa.Connection, collection: Collection, known: RegisteredType, datasets: DatasetTable
) -> None:
    table = known.tables.membership
    copied = [column.name for column in table.columns if column.name != "collection_id"]
    ids = list(dict.fromkeys(id_list(datasets.ids)))
    hold_collections(state, connection, known, [collection])
    hold_datasets(state, connection, ids)
    for part in type_chunks(ids):
        # The data ID comes from the run's own row, whatever the caller's reference says.
        source = sa.select(*(table.c[name] for name in copied), sa.literal(collection.id)).where(
            table.c.dataset_id.in_(part),
            table.c.collection_id == table.c.run_id,
            table.c.dataset_type_id == known.id,
        )
        statement = insert_or_skip(table, state.dialect).from_select([*copied, "collection_id"], source)
        note_growth(connection, table, connection.execute(statement).rowcount)
    present = _ids_in(connection, table, collection, ids)
    if lost := [id_ for id_ in ids if id_ not in present]:
        raise _why_absent(connection, known, collection, datasets, id_list(datasets.ids).index(lost[0]))
    summarize_ids(state, connection, collection, known, ids)


def _ids_in(connection: sa.Connection, table: sa.Table, collection: Collection, ids: list[bytes]) -> set[bytes]:
    select = sa.select(table.c.dataset_id).where(table.c.collection_id == collection.id)
    return {
        id_
        for part in type_chunks(ids)
        for id_ in connection.execute(select.where(table.c.dataset_id.in_(part))).scalars()
    }


def _why_absent(
    connection: sa.Connection, known: RegisteredType, collection: Collection, datasets: DatasetTable, row: int
) -> Exception:
    table, id_ = known.tables.membership, id_list(datasets.ids)[row]
    registered = sa.select(table.c.run_id).where(table.c.dataset_id == id_, table.c.dataset_type_id == known.id)
    if connection.execute(registered.limit(1)).first() is None:
        return NotFoundError(f"Dataset {datasets[row]} ({datasets[row].id}) is not registered.")
    return ConflictingDefinitionError(
        f"Collection {collection.name!r} holds another {datasets.dataset_type.name} with {datasets.data_ids[row]}."
    )


def summarize_ids(
    state: State, connection: sa.Connection, collection: Collection, known: RegisteredType, ids: list[bytes]
) -> None:
    """Put the type and the governor values of datasets into the summary of a collection."""
    table = known.tables.membership
    columns = data_id_columns(known.tables, table)
    governors = {name: columns[name] for name in known.tables.group.governors if name in columns}
    for part in type_chunks(ids):
        values: dict[str, set[str]] = {name: set() for name in governors}
        if governors:
            select = sa.select(*governors.values()).where(table.c.dataset_id.in_(part)).distinct()
            for row in connection.execute(select):
                for name, value in zip(governors, row, strict=True):
                    values[name].add(value)
        summaries.record(state, connection, collection.id, known.id, values)


@retried
def disassociate(state: State, name: str, datasets: list[DatasetTable]) -> None:
    """Take datasets out of a TAGGED collection; those that are not there are ignored."""
    with state.database.write() as connection:
        collection = _get_tagged(state, connection, name)
        for datasets_of_type in datasets:
            table = registered_type(state, connection, datasets_of_type).tables.membership
            for part in type_chunks(id_list(datasets_of_type.ids)):
                connection.execute(
                    sa.delete(table).where(table.c.dataset_id.in_(part), table.c.collection_id == collection.id)
                )


def _get_tagged(state: State, connection: sa.Connection, name: str) -> Collection:
    collection = state.view(connection).get_collection(name)
    if collection.type is not CollectionType.TAGGED:
        raise CollectionTypeError(f"Collection {name!r} is of type {collection.type.name}, not TAGGED.")
    return collection
