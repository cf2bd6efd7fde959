# SPDX-License-Identifier: BSD-3-Clause
"""Fetching what the registry knows of dataset searches, for the planner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetSearch
from pachon.registry import summaries
from pachon.registry.collection_names import as_expressions, is_glob, match_glob
from pachon.registry.database.quick import QuickStatement
from pachon.registry.definitions import SearchPath, View
from pachon.registry.errors import InvalidQueryError, MissingCollectionError
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.state import State

__all__ = ["fetch_search_facts", "other_holders"]


def fetch_search_facts(state: State, connection: sa.Connection, spec: QuerySpec) -> tuple[SearchFacts, ...]:
    """Give the facts of all searches of a query.

    Raises
    ------
    MissingDatasetTypeError, MissingCollectionError
        If one of them does not exist.
    InvalidQueryError
        If a type is searched for twice in different collections, or patterns stand where order matters.
    """
    facts: dict[str, SearchFacts] = {}
    for search in spec.all_searches:
        ordered = search is spec.result and spec.find_first
        known = facts.get(search.dataset_type)
        if known is not None and known.collections != search.collections:
            raise InvalidQueryError(
                f"Dataset type {search.dataset_type!r} is searched for in {', '.join(known.collections)} and in "
                f"{', '.join(search.collections)}; one search of each type is possible"
            )
        if known is None:
            facts[search.dataset_type] = _facts(state, connection, search, ordered=ordered)
    return tuple(facts.values())


def other_holders(state: State, connection: sa.Connection, facts: SearchFacts) -> list[str]:
    """Give the names of RUN and TAGGED collections that may hold the type of a search and are not searched, by name."""
    static = state.schema.static
    held, collection = static.summary_dataset_type, static.collection
    select = (
        sa.select(collection.c.name)
        .join(held, held.c.collection_id == collection.c.collection_id)
        .where(held.c.dataset_type_id == facts.type_id, collection.c.type != CollectionType.CALIBRATION.value)
        .order_by(collection.c.name)
        .limit(len(facts.names) + 20)
    )
    searched = set(facts.names.values())
    return [name for name in connection.execute(select).scalars() if name not in searched]


def _facts(state: State, connection: sa.Connection, search: DatasetSearch, *, ordered: bool) -> SearchFacts:
    view = state.view(connection)
    known = view.get_dataset_type(search.dataset_type)
    expressions = as_expressions(search.collections)
    if any(map(is_glob, expressions)):
        if ordered:
            raise InvalidQueryError(
                f"Patterns of collections ({', '.join(search.collections)}) have no order; "
                "give names, or ask for the datasets of all collections (find_first=False, --no-find-first)"
            )
        expressions = _expanded(state, connection, expressions)
    path = _path(view, expressions, search.collections)
    # Of thousands of collections a type is in few.
    held = summaries.select_searchable(state, connection, known.id, path.rank)
    found = sorted(held, key=path.rank.__getitem__)
    collections = [path[path.rank[number]] for number in found]
    governors = (
        summaries.fetch_governor_values(state, connection, found) if known.dataset_type.dimensions.governors else {}
    )
    return SearchFacts(
        dataset_type=search.dataset_type,
        dimensions=known.dataset_type.dimensions,
        type_id=known.id,
        group_id=known.group_id,
        collections=search.collections,
        members={c.id: path.rank[c.id] for c in collections if c.type is not CollectionType.CALIBRATION},
        certified={c.id: path.rank[c.id] for c in collections if c.type is CollectionType.CALIBRATION},
        names=path.names,
        governors={n: {g: frozenset(v) for g, v in values.items()} for n, values in governors.items()},
        runs=frozenset(c.id for c in collections if c.type is CollectionType.RUN),
    )


def _path(view: View, names: Sequence[str], written: Sequence[str]) -> SearchPath:
    """Give the collections of names; those that are not ``written`` are there no more if they were removed meanwhile."""
    try:
        return view.flatten(names)
    except MissingCollectionError:
        # A transaction of PostgreSQL that writes sees what others removed since a pattern was compared with all names.
        left = view.find_collections(names)
        return view.flatten([name for name in names if name in left or name in written])


def _expanded(state: State, connection: sa.Connection, expressions: Iterable[str]) -> tuple[str, ...]:
    """Replace patterns by the names that they match."""

    def build() -> QuickStatement:
        return QuickStatement(sa.select(state.schema.static.collection.c.name), connection)

    known = sorted(name for (name,) in state.prepare(("names of collections",), build).fetch(connection))
    names: dict[str, None] = {}
    for item in expressions:
        names.update(dict.fromkeys(match_glob(item, known) if is_glob(item) else [item]))
    return tuple(names)
