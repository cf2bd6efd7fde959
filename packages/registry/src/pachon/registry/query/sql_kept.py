# SPDX-License-Identifier: BSD-3-Clause
"""Tables and columns of statements that are made once for all statements: SQLAlchemy takes longer to make them than to plan a small query.

They are kept by what they are made of: tables of a schema, numbers and names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from pachon.dimensions import DimensionElement
from pachon.dimensions.timespan import MAX_NS
from pachon.registry.database.column_types import Key64
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.sql_conditions import Column, all_of
from pachon.registry.query.sql_values import has_value, in_collections, in_order
from pachon.registry.schema.dataset_tables import DatasetTables
from pachon.registry.schema.dimension_tables import dimension_column

__all__ = [
    "ONE",
    "PLACE_COLUMNS",
    "alias_of",
    "all_places",
    "by_ingest",
    "keys_of",
    "labelled",
    "of_search",
    "one_after_the_other",
    "places_in",
    "rank_of",
    "selecting",
    "sorted_by",
    "values_in",
]

ONE: Column = sa.literal_column("1")
"""What is selected where it matters only whether there is a row."""
PLACE_COLUMNS = ("dataset_id", "run_id", "collection_id")
"""The columns that say which dataset it is, and where."""


@lru_cache(maxsize=1024)
def alias_of(table: sa.Table, name: str) -> sa.FromClause:
    """Give a table under another name."""
    alias = table.alias(name)
    len(alias.c)
    return alias


@lru_cache(maxsize=1024)
def keys_of(element: DimensionElement, table: sa.FromClause) -> Mapping[str, Column]:
    """Give the columns of the dimensions that the records of an element name."""
    return {d: table.c[element.key_name(d)] for d in (*element.required, *element.implied)}


@lru_cache(maxsize=500)
def selecting(columns: tuple[Column, ...], tables: tuple[sa.FromClause, ...]) -> sa.Select[Any]:
    """Select columns from tables."""
    return sa.select(*columns).select_from(*tables)


@lru_cache(maxsize=500)
def one_after_the_other(tables: tuple[sa.FromClause, ...]) -> sa.FromClause:
    """Give tables through which SQLite goes in this order."""
    chain = tables[0]
    for other in tables[1:]:
        chain = _CrossJoin(chain, other, sa.true())
    return chain


class _CrossJoin(sa.sql.selectable.Join):
    """Two tables that SQLite goes through in this order."""

    inherit_cache = True


@compiles(_CrossJoin)
def _write_cross_join(join: _CrossJoin, compiler: Any, **options: Any) -> str:
    options["asfrom"] = True
    return f"{compiler.process(join.left, **options)} CROSS JOIN {compiler.process(join.right, **options)}"


def labelled(column: Column, name: str) -> Column:
    """Give a column under another name; that of a table which lasts is kept."""
    table = getattr(column, "table", None)
    is_kept = isinstance(table, sa.Alias) or table in _kept
    return _label_of(column, name) if is_kept else column.label(name)


_kept: WeakSet[sa.FromClause] = WeakSet()
"""Selections that last."""


def _lasting(selection: sa.FromClause) -> sa.FromClause:
    _kept.add(selection)
    return selection


@lru_cache(maxsize=4096)
def _label_of(column: Column, name: str) -> Column:
    return column.label(name)


@lru_cache(maxsize=200)
def values_in(column: Column, name: str) -> sa.FromClause:
    """Give the distinct values of a column, under a name."""
    return _lasting(sa.select(column.label(name)).distinct().subquery(f"all_{name}"))


@lru_cache(maxsize=200)
def sorted_by(
    table: sa.FromClause, order: tuple[tuple[str, bool], ...], name: str, *, with_region: bool
) -> sa.FromClause:
    """Give a table in the order of some columns, of which each may descend."""
    columns = [c for c in table.c if c.name != "region" or with_region]
    terms = [in_order(table.c[column], descending=descending) for column, descending in order]
    return _lasting(sa.select(*columns).order_by(*terms).subquery(name))


@lru_cache(maxsize=20)
def by_ingest(datasets: sa.Table, type_id: int, runs: tuple[int, ...], name: str, *, descending: bool) -> sa.FromClause:
    """Give the datasets of a type in runs, by number, in the order of their ingest.

    Each run is sorted by itself, for which there is an index; what is sorted is merged.
    """
    parts = []
    for number, run in enumerate(runs):
        searched = [has_value(datasets.c.run_id, run), has_value(datasets.c.dataset_type_id, type_id)]
        time = in_order(datasets.c.ingest_ns, descending=descending)
        part = sa.select(datasets.c.dataset_id, datasets.c.ingest_ns).where(all_of(searched)).order_by(time)
        parts.append(sa.select(part.subquery(f"of_run_{number}")))
    order: Column = sa.literal_column("ingest_ns")
    return _lasting(sa.union_all(*parts).order_by(order.desc() if descending else order).subquery(name))


def of_search(membership: sa.FromClause, facts: SearchFacts) -> list[Column]:
    """Require the type of a search and its collections, other than those of calibrations."""
    return [
        has_value(membership.c.dataset_type_id, facts.type_id),
        in_collections(membership.c.collection_id, facts.members),
    ]


@lru_cache(maxsize=50)
def rank_of(collection: Column, ranks: tuple[tuple[int, int], ...]) -> Column:
    """Give the rank of a collection, of numbers with a rank each."""
    return sa.case(dict(ranks), value=collection)


@lru_cache(maxsize=200)
def all_places(
    tables: DatasetTables, type_id: int, members: tuple[int, ...], certified: tuple[int, ...], name: str
) -> sa.FromClause:
    """Give the datasets of a type in collections of both kinds, by number: RUN or TAGGED ones, and CALIBRATION ones."""
    sides = ((tables.membership, members), (tables.validity, certified))
    parts = [places_in(table, type_id, ids, tables.group.required) for table, ids in sides if ids]
    both = parts[0] if len(parts) == 1 else sa.union_all(*parts)
    return _lasting(both.subquery(name))


def places_in(
    table: sa.Table, type_id: int, collections: tuple[int, ...], dimensions: tuple[str, ...]
) -> sa.Select[Any]:
    """Select the keys of datasets of a type in some collections, where they are, and when they are valid."""
    bounds = (
        [table.c.begin_ns, table.c.end_ns]
        if "begin_ns" in table.c
        else [sa.literal(0, Key64).label("begin_ns"), sa.literal(MAX_NS, Key64).label("end_ns")]
    )
    keys = [table.c[dimension_column(d)] for d in dimensions]
    searched = [has_value(table.c.dataset_type_id, type_id), in_collections(table.c.collection_id, collections)]
    return sa.select(*keys, *(table.c[name] for name in PLACE_COLUMNS), *bounds).where(all_of(searched))
