# SPDX-License-Identifier: BSD-3-Clause
"""What rows of datasets refer to: held while they are written, so that nothing vanishes or is sealed meanwhile.

SQLite has one writer, and its foreign keys look at each row. PostgreSQL has many, and its large tables have no foreign keys
(`pachon.registry.schema.references`): here the collections, the dataset type and the datasets are locked against removal, and the
dimension records are looked for, once a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from pachon.dimensions import Categorical, DataIdTable, DataIdValueError, DimensionElement, DimensionGroup
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.quick import QuickStatement
from pachon.registry.datasets.rows import type_chunks
from pachon.registry.definitions import Collection, RegisteredType
from pachon.registry.dimension_records.fields import show_key
from pachon.registry.dimension_records.implied import fetch_implied
from pachon.registry.dimension_records.reading import find_missing
from pachon.registry.errors import MissingCollectionError, MissingDatasetTypeError, SealedRunError
from pachon.registry.schema.dimension_tables import leaves
from pachon.registry.state import State

__all__ = ["hold_collections", "hold_datasets", "missing_record", "named_indirectly", "require_records"]


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
    pairs = [(number, known.id) for number in by_id]
    usable = state.definitions.known_usable(connection)
    if usable is not None and usable.issuperset(pairs):
        return
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
    if usable is not None:
        usable.update(pairs)


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
    group = known.dataset_type.dimensions
    # No reference can be checked by values that are not stored.
    names = named_indirectly(group) if state.database.checks_references else leaves(group.universe, group.required)
    if names and (reason := _missing_record(state, connection, data_ids, names)):
        raise reason


def missing_record(
    state: State, connection: sa.Connection, known: RegisteredType, data_ids: DataIdTable
) -> DataIdValueError | None:
    """Say which dimension record some data IDs lack."""
    group = known.dataset_type.dimensions
    return _missing_record(state, connection, data_ids, leaves(group.universe, group.required))


def _missing_record(
    state: State, connection: sa.Connection, data_ids: DataIdTable, names: Iterable[str]
) -> DataIdValueError | None:
    columns = {name: data_ids.columns[name] for name in data_ids.group.required}
    for name in names:
        element = data_ids.group.universe[name]
        try:
            columns = _completed(state, connection, data_ids.group, columns, element.required)
        except DataIdValueError as error:
            return error
        if (reason := _absent(state, connection, element, columns)) is not None:
            return reason
    return None


@lru_cache(maxsize=512)
def named_indirectly(group: DimensionGroup) -> tuple[str, ...]:
    """Give the dimensions of which a part of the key is merely implied: the band of a visit's subfilter."""
    names = leaves(group.universe, group.required)
    return tuple(name for name in names if not set(group.universe[name].required) <= set(group.required))


def _completed(
    state: State,
    connection: sa.Connection,
    group: DimensionGroup,
    columns: dict[str, Categorical],
    wanted: Iterable[str],
) -> dict[str, Categorical]:
    """Add the values of implied dimensions that the records of others say, until some dimensions are known."""
    for name in group.lookup_order:
        element = group.universe[name]
        if all(dimension in columns for dimension in wanted):
            break
        if all(n in columns for n in element.implied) or not all(n in columns for n in element.required):
            continue
        if (reason := _absent(state, connection, element, columns)) is not None:
            raise reason
        found, place = fetch_implied(state, connection, element, _keys(element, columns))
        columns = {**{n: column.take(place) for n, column in found.items()}, **columns}
    return columns


def _absent(
    state: State, connection: sa.Connection, element: DimensionElement, columns: Mapping[str, Categorical]
) -> DataIdValueError | None:
    lost = find_missing(state, connection, element, _keys(element, columns))
    if lost is None:
        return None
    return DataIdValueError(f"There is no {element.name} record for {show_key(lost)}; insert it first.")


def _keys(element: DimensionElement, columns: Mapping[str, Categorical]) -> KeyTable:
    return KeyTable(columns={n: columns[n] for n in element.required}, length=len(next(iter(columns.values()))))
