# SPDX-License-Identifier: BSD-3-Clause
"""Registering, documenting and removing collections."""

from __future__ import annotations

import sqlalchemy as sa

from pachon.datasets import CollectionType
from pachon.registry import summaries
from pachon.registry.collection_names import check_collection_name
from pachon.registry.collections.locks import lock_collection
from pachon.registry.database.inserts import insert_or_skip
from pachon.registry.database.retries import retried
from pachon.registry.database.texts import check_text
from pachon.registry.definitions import Collection
from pachon.registry.errors import (
    CollectionTypeError,
    ConflictingDefinitionError,
    OrphanedRecordError,
    TransactionConflictError,
)
from pachon.registry.state import State

__all__ = ["register", "remove", "seal", "set_doc"]


@retried
def register(state: State, name: str, kind: CollectionType | str, doc: str | None) -> bool:
    """Make a collection unless it exists; true if it was made. An existing one keeps its documentation.

    Raises
    ------
    ConflictingDefinitionError
        If it exists with another type.
    """
    check_collection_name(name)
    kind = CollectionType.parse(kind) if isinstance(kind, str) else CollectionType(kind)
    doc = check_text(doc or "", "The documentation")
    with state.database.read() as connection:
        known = state.view(connection).find_collections([name]).get(name)
    if known is not None:
        return _same(known, kind)
    table = state.schema.static.collection
    with state.database.write() as connection:
        state.definitions.added(connection)
        inserted = connection.execute(
            insert_or_skip(table, state.dialect, keys=["name"]), {"name": name, "type": int(kind), "doc": doc}
        )
        if inserted.rowcount == 1:
            return True
        known = state.view(connection).find_collections([name]).get(name)
        if known is None:
            # The insertion met one that is gone by now.
            raise TransactionConflictError(f"Collection {name!r} was removed while it was registered.")
        return _same(known, kind)


def _same(known: Collection, kind: CollectionType) -> bool:
    if known.type is not kind:
        raise ConflictingDefinitionError(
            f"Collection {known.name!r} exists with type {known.type.name}; it cannot be registered as {kind.name}."
        )
    return False


@retried
def set_doc(state: State, name: str, doc: str | None) -> None:
    """Replace the documentation of a collection."""
    table = state.schema.static.collection
    doc = check_text(doc or "", "The documentation")
    with state.database.write() as connection:
        known = state.view(connection).get_collection(name)
        connection.execute(sa.update(table).where(table.c.collection_id == known.id), {"doc": doc})


@retried
def remove(state: State, name: str) -> None:
    """Remove a collection, with its associations and validity ranges; datasets and children stay.

    Raises
    ------
    OrphanedRecordError
        If a chain holds it, or it is a run with datasets.
    """
    static = state.schema.static
    with state.database.write() as connection:
        known = state.view(connection).get_collection(name)
        lock_collection(state, connection, known, against_use=True)
        parent = connection.execute(
            sa.select(static.collection.c.name)
            .join(static.collection_child, static.collection_child.c.parent_id == static.collection.c.collection_id)
            .where(static.collection_child.c.child_id == known.id)
            .limit(1)
        ).scalar()
        if parent is not None:
            raise OrphanedRecordError(f"Collection {name!r} is a child of the chain {parent!r}; take it out first.")
        if known.type is CollectionType.RUN:
            _refuse_datasets(state, connection, known)
        state.definitions.changed(connection)
        if not state.database.checks_references:
            _delete_members(state, connection, known)
        connection.execute(sa.delete(static.collection).where(static.collection.c.collection_id == known.id))


def _delete_members(state: State, connection: sa.Connection, collection: Collection) -> None:
    """Delete the tags and validity ranges of a collection; its summary names the tables that may hold some."""
    held = summaries.fetch_dataset_types(state, connection, [collection.id]).get(collection.id, set())
    types = state.view(connection).find_dataset_types(held).values()
    for tables in {known.group_id: known.tables for known in types}.values():
        for table in (tables.membership, tables.validity):
            connection.execute(sa.delete(table).where(table.c.collection_id == collection.id))


@retried
def seal(state: State, name: str, *, sealed: bool) -> None:
    """Let a run take no further datasets, or take some again.

    Raises
    ------
    CollectionTypeError
        If the collection is no run.
    """
    table = state.schema.static.collection
    with state.database.write() as connection:
        known = state.view(connection).get_collection(name)
        if known.type is not CollectionType.RUN:
            raise CollectionTypeError(f"Collection {name!r} is of type {known.type.name}; only a RUN can be sealed.")
        # Who is writing into the run finishes first.
        lock_collection(state, connection, known, against_use=True)
        state.definitions.sealed(connection)
        connection.execute(sa.update(table).where(table.c.collection_id == known.id), {"sealed": sealed})


def _refuse_datasets(state: State, connection: sa.Connection, run: Collection) -> None:
    table = state.schema.static.dataset
    if connection.execute(sa.select(table.c.dataset_id).where(table.c.run_id == run.id).limit(1)).first():
        raise OrphanedRecordError(f"Run {run.name!r} holds datasets; remove these first.")
