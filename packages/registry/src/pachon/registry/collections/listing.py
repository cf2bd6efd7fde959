# SPDX-License-Identifier: BSD-3-Clause
"""Finding collections by name, pattern and type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from pachon.datasets import CollectionInfo, CollectionType
from pachon.registry import summaries
from pachon.registry.collection_names import as_expressions, is_glob, match_glob
from pachon.registry.definitions import Collection, View
from pachon.registry.state import State

__all__ = ["Types", "find_infos", "query"]

Types = CollectionType | str | Iterable[CollectionType | str]
"""One or several types of collections, or their names in any case."""


def query(
    state: State,
    expression: str | Iterable[str],
    types: Types | None = None,
    *,
    flatten_chains: bool = False,
    include_chains: bool | None = None,
) -> list[str]:
    """Give the names of matching collections: those of patterns first, by name, then explicit ones in order.

    With ``flatten_chains`` the children of matched chains are given in search order; the chains themselves only
    with ``include_chains`` (by default, when not flattening).

    Raises
    ------
    MissingCollectionError
        If an explicit name does not exist.
    InvalidInputError
        If there is no such type of collections.
    """
    wanted = None if types is None else _kinds(types)
    include_chains = not flatten_chains if include_chains is None else include_chains
    expressions = as_expressions(expression)
    with state.database.snapshot() as connection:
        view = state.view(connection)
        explicit = [name for name in expressions if not is_glob(name)]
        for name in explicit:
            view.get_collection(name)
        names = [*_matches(state, connection, [e for e in expressions if is_glob(e)]), *explicit]
        reported: dict[str, CollectionType] = {}
        known = view.find_collections(names)
        for name in names:
            collection = known[name]
            if collection.type is CollectionType.CHAINED:
                if include_chains:
                    reported.setdefault(name, collection.type)
                if flatten_chains:
                    _report_below(view, name, reported, include_chains=include_chains)
            else:
                reported.setdefault(name, collection.type)
        return [name for name, kind in reported.items() if wanted is None or kind in wanted]


def _kinds(types: Types) -> set[CollectionType]:
    listed = [types] if isinstance(types, CollectionType | str) else types
    return {CollectionType.parse(kind) if isinstance(kind, str) else CollectionType(kind) for kind in listed}


def _report_below(view: View, chain: str, reported: dict[str, CollectionType], *, include_chains: bool) -> None:
    if not include_chains:
        for member in view.flatten([chain]):
            reported.setdefault(member.name, member.type)
        return
    for member in view.children([view.get_collection(chain)])[view.get_collection(chain).id]:
        if member.name not in reported:
            reported[member.name] = member.type
            if member.type is CollectionType.CHAINED:
                _report_below(view, member.name, reported, include_chains=True)


def _matches(state: State, connection: sa.Connection, patterns: list[str]) -> list[str]:
    if not patterns:
        return []
    names: list[str] = sorted(connection.execute(sa.select(state.schema.static.collection.c.name)).scalars())
    return list(dict.fromkeys(name for pattern in patterns for name in match_glob(pattern, names)))


def find_infos(
    state: State, names: Iterable[str], *, parents: bool = False, dataset_types: bool = False
) -> dict[str, CollectionInfo]:
    """Give what is known of these collections; absent ones are left out."""
    static = state.schema.static
    with state.database.snapshot() as connection:
        view = state.view(connection)
        found = view.find_collections(names)
        ids = [collection.id for collection in found.values()]
        stored = _stored(connection, static.collection, ids)
        children = view.children(c for c in found.values() if c.type is CollectionType.CHAINED)
        above = _parents(state, connection, ids) if parents else {}
        held = _held_types(state, connection, view, found.values()) if dataset_types else None
        return {
            name: CollectionInfo(
                name=name,
                type=collection.type,
                doc=stored[collection.id].doc,
                sealed=bool(stored[collection.id].sealed),
                children=tuple(child.name for child in children.get(collection.id, ())),
                parents=tuple(above.get(collection.id, ())),
                dataset_types=None if held is None else tuple(sorted(held[collection.id])),
            )
            for name, collection in found.items()
        }


def _stored(connection: sa.Connection, table: sa.Table, ids: list[int]) -> dict[int, Any]:
    """Read what is not cached of collections, a statement for 5,000 of them."""
    select = sa.select(table.c.collection_id, table.c.doc, table.c.sealed)
    found: dict[int, Any] = {}
    for start in range(0, len(ids), 5000):
        rows = connection.execute(select.where(table.c.collection_id.in_(ids[start : start + 5000])))
        found.update((row.collection_id, row) for row in rows)
    return found


def _parents(state: State, connection: sa.Connection, ids: list[int]) -> dict[int, list[str]]:
    collection, child = state.schema.static.collection, state.schema.static.collection_child
    select = (
        sa.select(child.c.child_id, collection.c.name)
        .join(collection, collection.c.collection_id == child.c.parent_id)
        .order_by(collection.c.name)
    )
    above: dict[int, list[str]] = {}
    for start in range(0, len(ids), 5000):
        for row in connection.execute(select.where(child.c.child_id.in_(ids[start : start + 5000]))):
            above.setdefault(row.child_id, []).append(row.name)
    return above


def _held_types(
    state: State, connection: sa.Connection, view: View, collections: Iterable[Collection]
) -> dict[int, set[str]]:
    """Give the dataset types that collections, or those in a chain, ever held."""
    members = {collection.id: view.flatten([collection.name]) for collection in collections}
    held = summaries.fetch_dataset_types(state, connection, {m.id for below in members.values() for m in below})
    return {number: {name for member in below for name in held.get(member.id, ())} for number, below in members.items()}
