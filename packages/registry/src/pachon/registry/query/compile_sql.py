# SPDX-License-Identifier: BSD-3-Clause
"""A plan to one SQL statement, of what `sql_tables`, `sql_expressions`, `sql_validity` and `sql_values` write."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pachon.dimensions import DimensionElement
from pachon.registry.database.column_types import Key64
from pachon.registry.dimension_records.fields import key_columns
from pachon.registry.query.plan import (
    LASTING_SOURCES,
    DatasetSource,
    EnvelopeSource,
    Existence,
    PixelSource,
    Plan,
    RegionPixelsSource,
    UploadSource,
)
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.sql_conditions import Column, all_of
from pachon.registry.query.sql_expressions import SqlExpressions
from pachon.registry.query.sql_kept import ONE, labelled, selecting
from pachon.registry.query.sql_tables import JoinedTables, Uploaded
from pachon.registry.query.sql_validity import is_valid, is_valid_by_merged_ranges
from pachon.registry.query.sql_values import as_indexed, in_order
from pachon.registry.query.tree import Predicate
from pachon.registry.schema.dimension_tables import dimension_column, key_type
from pachon.registry.schema.schema import Schema

__all__ = [
    "Uploaded",
    "compile_count",
    "compile_plan",
    "count_different",
    "count_records",
    "datasets_beyond",
    "is_distinct",
    "records_with_any",
    "share_found",
    "stand_ins",
]

_REPEATING = (PixelSource, EnvelopeSource, RegionPixelsSource, UploadSource)
"""Sources that may have several rows of one data ID."""


def compile_plan(
    plan: Plan,
    schema: Schema,
    dialect: str,
    *,
    uploaded: Uploaded | None = None,
    limit: int | None = None,
    grouped: bool = False,
    repeated: bool = False,
) -> sa.Select[Any]:
    """Make the statement of a plan.

    Parameters
    ----------
    plan
        What to select from where.
    schema
        The tables of the registry.
    dialect
        ``sqlite`` or ``postgresql``.
    uploaded
        Tables made for this query.
    limit
        Number of rows after which the database may stop.
    grouped
        Let rows of the same data ID follow each other.
    repeated
        Give equal rows as often as they occur.

    Returns
    -------
    sqlalchemy.Select
        Columns: `Plan.selected`, `Plan.dataset_columns`, those of `Plan.fields` (two for a time span), the collection of each
        of `Plan.chosen` and the dataset of each of `Plan.looked_up`, then those of the order. A plan that wants none of these selects a number.
    """
    made = uploaded or Uploaded()
    tables = JoinedTables(plan, schema, dialect, made)
    expressions = SqlExpressions(tables, dialect, plan.marks, made.marks, _conditions(plan))
    condition = expressions.condition(plan.predicate)
    values = [expressions.order_value(term) for term in plan.order]
    distinct = is_distinct(plan)
    if not distinct:
        # PostgreSQL sorts distinct rows by what is selected alone, and takes no parameter for another one.
        values = [v if isinstance(v, sa.Column) else v.label(f"order_{i}") for i, v in enumerate(values)]
    order = [in_order(value, descending=term.descending) for value, term in zip(values, plan.order, strict=True)]
    is_read_in_order = plan.early_stop is not None and plan.early_stop.sorted_element is not None
    if order and is_read_in_order and dialect == "sqlite":
        order[0] = as_indexed(values[0], descending=plan.order[0].descending)
    if grouped:
        order += [tables.key(name) for name in plan.result.required if name not in plan.constants]
    columns: list[Column] = [labelled(tables.key(name), dimension_column(name)) for name in plan.selected]
    if plan.datasets is not None:
        table = tables.dataset(plan.datasets.dataset_type)
        columns += [table.c[name] for name in plan.dataset_columns]
    for number, output in enumerate(plan.fields or ()):
        parts = expressions.output(output.value)
        columns += [labelled(part, f"field_{number}_{i}") for i, part in enumerate(parts)]
    columns += [
        labelled(tables.dataset(f.dataset_type).c.collection_id, f"chosen_{i}") for i, f in enumerate(plan.chosen)
    ]
    columns += [
        labelled(tables.dataset(f.dataset_type).c.dataset_id, f"chosen_id_{i}") for i, f in enumerate(plan.looked_up)
    ]
    # Without anything to select the query asks whether there is any row.
    columns = columns or [ONE]
    if not distinct:
        columns += [labelled(v, f"order_{i}") if isinstance(v, sa.Column) else v for i, v in enumerate(values)]
    there = [_are_there(existence, plan, tables, schema, dialect) for existence in plan.existences]
    select = _selecting(columns, plan, tables)
    select = select.where(all_of([*tables.conditions, condition, *there]))
    select = select.order_by(*order) if order else select
    if not distinct and not repeated:
        select = select.distinct()
    return select if limit is None else select.limit(limit)


def _conditions(plan: Plan) -> list[Predicate]:
    return [plan.predicate, *[existence.predicate for existence in plan.existences]]


def _selecting(columns: Sequence[Column], plan: Plan, tables: JoinedTables) -> sa.Select[Any]:
    """Select columns from the tables of a plan; tables that were made for it alone are not kept."""
    selected_from = tables.selected_from()
    if all(isinstance(source, LASTING_SOURCES) for source in plan.sources):
        return selecting(tuple(columns), tuple(selected_from))
    return sa.select(*columns).select_from(*selected_from)


def _are_there(existence: Existence, plan: Plan, around: JoinedTables, schema: Schema, dialect: str) -> Column:
    """Test whether there are datasets for a row of the statement around."""
    inside = dataclasses.replace(plan, sources=existence.sources, leading=())
    tables = JoinedTables(inside, schema, dialect, Uploaded(), around)
    expressions = SqlExpressions(tables, dialect, (), (), _conditions(plan))
    outside = [*tables.tables, *around.tables]
    valid = [
        is_valid_by_merged_ranges(
            test.facts,
            expressions.bounds(test.time),
            tables.key,
            schema,
            outside,
            private=existence.private,
            constants=plan.constants,
        )
        if test.merged
        else is_valid(test.facts, expressions.bounds(test.time), tables.key, schema, outside)
        for test in existence.valid
    ]
    condition = expressions.condition(existence.predicate)
    if not existence.sources:
        return all_of([condition, *valid])
    select = _selecting([ONE], inside, tables)
    select = select.where(all_of([*tables.conditions, condition, *valid]))
    if existence.row_by_row and dialect == "postgresql":
        select = select.offset(sa.literal_column("0"))
    return (select.correlate(*around.tables) if around.tables else select).exists()


def stand_ins(plan: Plan, schema: Schema) -> Uploaded:
    """Give names that stand for the tables which would be made for a plan, so that its statement can be shown."""

    def table(name: str, dimensions: Sequence[str]) -> sa.FromClause:
        return sa.table(name, *(sa.column(d, key_type(schema.universe, d)) for d in dimensions))

    given = [s for s in plan.sources if isinstance(s, UploadSource)]
    pixels: dict[EnvelopeSource | RegionPixelsSource, sa.FromClause] = {}
    for source in plan.sources:
        if isinstance(source, EnvelopeSource):
            pixels[source] = table(
                f"pixels_of_{source.element}", (*schema.universe[source.element].required, source.pixel)
            )
        elif isinstance(source, RegionPixelsSource):
            pixels[source] = table("pixels_of_region", (source.pixel,))
    return Uploaded(
        tables=[table(f"given_{source.index}", source.dimensions) for source in given],
        marks=[table(f"overlaps_{number}", mark.plan.keys) for number, mark in enumerate(plan.marks)],
        pixels=pixels,
    )


def compile_count(
    plan: Plan,
    schema: Schema,
    dialect: str,
    *,
    uploaded: Uploaded | None = None,
    most: int | None = None,
    repeated: bool = False,
) -> sa.Select[Any]:
    """Make the statement that counts the rows of a plan, up to a number of them; equal ones once unless they are ``repeated``."""
    unordered = dataclasses.replace(plan, order=())
    rows = compile_plan(unordered, schema, dialect, uploaded=uploaded, limit=most, repeated=repeated)
    return sa.select(sa.func.count()).select_from(rows.subquery("found"))


def count_different(rows: sa.Select[Any]) -> sa.Select[Any]:
    """Make the statement that counts how many rows of another one differ."""
    some = rows.subquery("some_rows")
    return sa.select(sa.func.count()).select_from(sa.select(*some.c).distinct().subquery("different"))


def count_records(schema: Schema, element: str, most: int) -> sa.Select[Any]:
    """Make the statement that counts the records of an element, up to a number of them."""
    some = sa.select(sa.literal_column("1")).select_from(schema.elements[element]).limit(most).subquery("some_records")
    return sa.select(sa.func.count()).select_from(some)


def datasets_beyond(schema: Schema, facts: SearchFacts) -> sa.Select[Any]:
    """Make the statement that has a row if there are more datasets of ``:dataset_type`` than ``:number``."""
    table = schema.datasets(facts.dimensions, facts.group_id).membership
    of_type = table.c.dataset_type_id == sa.bindparam("dataset_type")
    return sa.select(sa.literal_column("1")).where(of_type).limit(1).offset(sa.bindparam("number", type_=sa.Integer()))


def share_found(schema: Schema, source: DatasetSource, most: int) -> sa.Select[Any]:
    """Make the statement that gives which share of the datasets of its type a search finds, among the first and among the last ones."""
    table, collections = _searched(schema, source)
    key = list(table.primary_key.columns)
    of_type = sa.select(table.c.collection_id).where(table.c.dataset_type_id == source.facts.type_id).limit(most)
    ends = [of_type.order_by(*key), of_type.order_by(*(column.desc() for column in key))]
    shares = []
    for number, end in enumerate(ends):
        some = end.subquery(f"some_{number}")
        found = sa.case((some.c.collection_id.in_(collections), 1.0), else_=0.0)
        shares.append(sa.select(sa.func.avg(found)).select_from(some).scalar_subquery())
    return sa.select(*shares)


def records_with_any(schema: Schema, element: DimensionElement, facts: SearchFacts) -> sa.Select[Any]:
    """Make the statement that gives the keys of the records for which there are datasets of ``:dataset_type`` in ``:collections``.

    For each record and collection the index that begins with the record's dimension is asked for the first entry from its place on: that is
    there, or there is no dataset. A server that is asked whether there is one may read the table from its beginning, to come across one.

    Returns
    -------
    sqlalchemy.Select
        Columns: the required dimensions of the element, its own the last one.
    """
    table, collection = schema.elements[element.name], schema.static.collection
    member = schema.datasets(facts.dimensions, facts.group_id).membership
    keys = key_columns(element, table)
    *others, own = element.required
    wanted = [keys[own], sa.bindparam("dataset_type", type_=Key64), collection.c.collection_id, *map(keys.get, others)]
    names = [dimension_column(own), "dataset_type_id", "collection_id", *map(dimension_column, others)]
    place = [member.c[name] for name in names]
    is_there = (
        sa.select(sa.and_(*(column == value for column, value in zip(place, wanted, strict=True))))
        .where(sa.tuple_(*place) >= sa.tuple_(*wanted))
        .order_by(*place)
        .limit(1)
        .correlate(table, collection)
        .scalar_subquery()
    )
    some = collection.c.collection_id.in_(sa.bindparam("collections", expanding=True))
    return sa.select(*keys.values()).where(sa.exists().where(some, is_there).correlate(table))


def _searched(schema: Schema, source: DatasetSource) -> tuple[sa.Table, list[int]]:
    tables = schema.datasets(source.facts.dimensions, source.facts.group_id)
    if source.with_validity:
        return tables.validity, list(source.facts.certified)
    return tables.membership, list(source.facts.members)


def is_distinct(plan: Plan) -> bool:
    """Whether no two joined rows can agree in all selected columns."""
    if plan.fields is not None or any(isinstance(source, _REPEATING) for source in plan.sources):
        return False
    datasets = [source.facts for source in plan.sources if isinstance(source, DatasetSource)]
    for facts in datasets:
        if facts.certified or (len(facts.members) > 1 and facts != plan.datasets):
            return False
    private = {name for existence in plan.existences for name in existence.private}
    joined_dimensions = set(plan.dimensions.required) - private
    return joined_dimensions <= set(plan.keys)
