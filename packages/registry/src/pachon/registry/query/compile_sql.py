# SPDX-License-Identifier: BSD-3-Clause
"""A plan to one SQL statement; the only part of a query that knows SQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from pachon.dimensions import DimensionElement
from pachon.dimensions.timespan import MAX_NS
from pachon.registry.database.column_types import Key64
from pachon.registry.query import tree as t
from pachon.registry.query.join_order import leading_elements
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    EnvelopeSource,
    OrderTerm,
    PixelRangeSource,
    PixelSource,
    Plan,
    RegionPixelsSource,
    Source,
    UnionSource,
    UploadSource,
)
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.sql_values import Column, arithmetic, glob, in_list, in_ranges, joined, literal, on_step
from pachon.registry.schema.dimension_tables import dimension_column, key_type
from pachon.registry.schema.schema import Schema

__all__ = [
    "Uploaded",
    "compile_count",
    "compile_plan",
    "count_records",
    "datasets_beyond",
    "is_distinct",
    "stand_ins",
]

_LONGEST_NAME = 40
_PLACE_COLUMNS = ("dataset_id", "run_id", "collection_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Tables that were made for a plan; their columns are named as dimensions are."""

    tables: Sequence[sa.FromClause] = ()
    """The given tables, in the order of the plan."""
    marks: Sequence[sa.FromClause] = ()
    """Where each mark of the plan holds."""
    pixels: Mapping[EnvelopeSource | RegionPixelsSource, sa.FromClause] = field(default_factory=dict)
    """Computed pixels."""


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
        of `Plan.chosen`, then those of the order. A plan that wants none of these selects a number.
    """
    compiler = _Compiler(plan, schema, dialect, uploaded or Uploaded())
    for source in plan.sources:
        compiler.add(source)
    compiler.join_keys()
    condition = compiler.condition(plan.predicate)
    order = [compiler.order(term) for term in plan.order]
    if grouped:
        order += [compiler.key(name) for name in plan.result.required if name not in plan.constants]
    columns: list[Column] = [compiler.key(name).label(dimension_column(name)) for name in plan.selected]
    if plan.datasets is not None:
        table = compiler.dataset(plan.datasets.dataset_type)
        columns += [table.c[name] for name in plan.dataset_columns]
    for number, output in enumerate(plan.fields or ()):
        parts = compiler.output(output.value)
        columns += [part.label(f"field_{number}_{i}") for i, part in enumerate(parts)]
    columns += [
        compiler.dataset(f.dataset_type).c.collection_id.label(f"chosen_{i}") for i, f in enumerate(plan.chosen)
    ]
    # Without anything to select the query asks whether there is any row.
    columns = columns or [sa.literal_column("1")]
    if not is_distinct(plan):
        columns += [compiler.order_value(term).label(f"order_{i}") for i, term in enumerate(plan.order)]
    select = sa.select(*columns).select_from(*compiler.ordered_tables())
    select = select.where(*compiler.conditions, condition).order_by(*order)
    if not is_distinct(plan) and not repeated:
        select = select.distinct()
    return select if limit is None else select.limit(limit)


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


def count_records(schema: Schema, element: str, most: int) -> sa.Select[Any]:
    """Make the statement that counts the records of an element, up to a number of them."""
    some = sa.select(sa.literal_column("1")).select_from(schema.elements[element]).limit(most).subquery("some_records")
    return sa.select(sa.func.count()).select_from(some)


def datasets_beyond(schema: Schema, facts: SearchFacts, number: int) -> sa.Select[Any]:
    """Make the statement that has a row if there are more datasets of a type than a number."""
    table = schema.datasets(facts.dimensions, facts.group_id).membership
    return sa.select(sa.literal_column("1")).where(table.c.dataset_type_id == facts.type_id).limit(1).offset(number)


def is_distinct(plan: Plan) -> bool:
    """Whether no two joined rows can agree in all selected columns."""
    joined = PixelSource | EnvelopeSource | RegionPixelsSource | UploadSource
    if plan.fields is not None or any(isinstance(source, joined) for source in plan.sources):
        return False
    datasets = [source.facts for source in plan.sources if isinstance(source, DatasetSource)]
    several = [f for f in datasets if f is not plan.datasets and len(f.members) + len(f.certified) > 1]
    return not several and not any(f.certified for f in datasets) and set(plan.dimensions.required) <= set(plan.keys)


@lru_cache(maxsize=1024)
def alias_of(table: sa.Table, name: str) -> sa.FromClause:
    """Give a table under another name; making its columns anew for each query takes longer than all else of a small one."""
    alias = table.alias(name)
    len(alias.c)
    return alias


class _CrossJoin(sa.sql.selectable.Join):
    """Two tables that SQLite goes through in this order."""

    inherit_cache = True


@compiles(_CrossJoin)
def _write_cross_join(join: _CrossJoin, compiler: Any, **options: Any) -> str:
    options["asfrom"] = True
    return f"{compiler.process(join.left, **options)} CROSS JOIN {compiler.process(join.right, **options)}"


class _Compiler:
    """The tables and conditions of one statement, as they accumulate."""

    def __init__(
        self,
        plan: Plan,
        schema: Schema,
        dialect: str,
        uploaded: Uploaded,
    ) -> None:
        self._plan = plan
        self._schema = schema
        self._universe = schema.universe
        self._dialect = dialect
        self._uploaded = uploaded
        self.tables: list[sa.FromClause] = []
        self.conditions: list[Column] = []
        self._keys: dict[str, list[Column]] = {}
        self._elements: dict[str, sa.FromClause] = {}
        self._datasets: dict[str, sa.FromClause] = {}
        self._facts: dict[str, SearchFacts] = {}
        self._details: dict[tuple[str, str], sa.FromClause] = {}
        self._pixels: dict[int, Column] = {}

    # Sources.

    def add(self, source: Source) -> None:
        match source:
            case ElementSource(element=name):
                element = self._universe[name]
                table = alias_of(self._schema.elements[name], name)
                self._elements[name] = table
                self._join(table, {d: table.c[element.key_name(d)] for d in (*element.required, *element.implied)})
            case UnionSource(dimension=name, target=target):
                column = self._schema.elements[target].c[name]
                union = sa.select(column.label(name)).distinct().subquery(f"all_{name}")
                self._join(union, {name: union.c[name]})
            case PixelSource():
                self._add_pixels(source)
            case EnvelopeSource(element=name, pixel=pixel):
                computed = self._uploaded.pixels[source]
                self._join(computed, {d: computed.c[d] for d in (*self._universe[name].required, pixel)})
            case RegionPixelsSource(pixel=pixel):
                computed = self._uploaded.pixels[source]
                self._join(computed, {pixel: computed.c[pixel]})
            case PixelRangeSource(element=name, ranges=ranges):
                self._add_ranges(self._universe[name], ranges)
            case DatasetSource():
                self._add_datasets(source)
            case UploadSource(index=index, dimensions=dimensions):
                given = self._uploaded.tables[index]
                self._join(given, {name: given.c[name] for name in dimensions})

    def _join(self, table: sa.FromClause, keys: Mapping[str, Column]) -> None:
        self.tables.append(table)
        for dimension, column in keys.items():
            self._keys.setdefault(dimension, []).append(column)

    def ordered_tables(self) -> list[sa.FromClause]:
        """Give what is selected from.

        SQLite knows nothing of how many rows a condition leaves, so it is told to look for datasets by the records that satisfy
        conditions, where an index of the datasets begins with the keys of these.
        """
        datasets = [s for s in self._plan.sources if isinstance(s, DatasetSource) and not s.with_validity]
        if self._dialect != "sqlite" or not datasets:
            return self.tables
        table = self._datasets[datasets[0].facts.dataset_type]
        first = [t for name in leading_elements(self._plan, datasets[0]) if (t := self._elements.get(name)) is not None]
        if not first:
            return self.tables
        chain = first[0]
        for other in (*first[1:], table):
            chain = _CrossJoin(chain, other, sa.true())
        return [chain, *(t for t in self.tables if t is not table and t not in first)]

    def join_keys(self) -> None:
        """Require that all tables agree in the values of dimensions."""
        for first, *others in self._keys.values():
            self.conditions += [column == first for column in others]

    def _add_pixels(self, source: PixelSource) -> None:
        element = self._universe[source.element]
        table = alias_of(self._schema.overlaps[source.element], f"pixels_{source.join}_{source.element}")
        self._join(table, {d: table.c[dimension_column(d)] for d in element.required})
        pixel = table.c[dimension_column(self._universe.common_skypix)]
        if source.dimension:
            self._keys.setdefault(self._universe.common_skypix, []).append(pixel)
        elif source.join in self._pixels:
            self.conditions.append(pixel == self._pixels[source.join])
        else:
            self._pixels[source.join] = pixel

    def _add_ranges(self, element: DimensionElement, ranges: np.ndarray) -> None:
        if element.is_skypix:
            self.conditions.append(in_ranges(self.key(element.name), ranges))
            return
        table = self._schema.overlaps[element.name]
        pixel = table.c[dimension_column(self._universe.common_skypix)]
        keys = [table.c[dimension_column(d)].label(d) for d in element.required]
        name = f"touching_{len(self.tables)}_{element.name}"
        touching = sa.select(*keys).where(in_ranges(pixel, ranges)).distinct().subquery(name)
        self._join(touching, {d: touching.c[d] for d in element.required})

    def _add_datasets(self, source: DatasetSource) -> None:
        facts = source.facts
        tables = self._schema.datasets(facts.dimensions, facts.group_id)
        name = f"datasets_{_short_name(facts)}"
        self._facts[facts.dataset_type] = facts
        if not source.with_validity:
            member = alias_of(tables.membership, name)
            self.conditions += [
                member.c.dataset_type_id == facts.type_id,
                member.c.collection_id.in_(list(facts.members)),
            ]
            self._datasets[facts.dataset_type] = member
        else:
            sides = ((tables.membership, facts.members), (tables.validity, facts.certified))
            parts = [_places(t, facts.type_id, list(ids), facts.dimensions.required) for t, ids in sides if ids]
            both = parts[0] if len(parts) == 1 else sa.union_all(*parts)
            self._datasets[facts.dataset_type] = both.subquery(name)
        table = self._datasets[facts.dataset_type]
        self._join(table, {d: table.c[dimension_column(d)] for d in facts.dimensions.required})

    # Columns.

    def key(self, dimension: str) -> Column:
        return self._keys[dimension][0]

    def dataset(self, dataset_type: str) -> sa.FromClause:
        return self._datasets[dataset_type]

    def _detail(self, dataset_type: str, kind: str) -> sa.FromClause:
        """Join the table that has further facts of datasets."""
        if (dataset_type, kind) not in self._details:
            datasets, static = self._datasets[dataset_type], self._schema.static
            name = f"{kind}_of_{_short_name(self._facts[dataset_type])}"
            if kind == "dataset":
                table: sa.FromClause = static.dataset.alias(name)
                self.conditions.append(table.c.dataset_id == datasets.c.dataset_id)
            else:
                table = static.collection.alias(name)
                self.conditions.append(table.c.collection_id == datasets.c[f"{kind}_id"])
            self.tables.append(table)
            self._details[dataset_type, kind] = table
        return self._details[dataset_type, kind]

    def _dataset_field(self, value: t.DatasetField) -> Column:
        table = self._datasets[value.dataset_type]
        match value.name:
            case "dataset_id":
                return table.c.dataset_id
            case "ingest_date":
                return self._detail(value.dataset_type, "dataset").c.ingest_ns
            case "run":
                return self._detail(value.dataset_type, "run").c.name
            case _:
                return self._detail(value.dataset_type, "collection").c.name

    def _bounds(self, value: t.Value) -> tuple[Column, Column]:
        """Give begin and end of a time span; of a time, the nanosecond that it begins."""
        match value:
            case t.Constant(value=(begin, end)):
                return sa.literal(begin, Key64), sa.literal(end, Key64)
            case t.Field(element=name, type="timespan"):
                table = self._elements[name]
                return table.c.timespan_begin, table.c.timespan_end
            case t.DatasetField(dataset_type=name, type="timespan"):
                table = self._datasets[name]
                if "begin_ns" in table.c:
                    return table.c.begin_ns, table.c.end_ns
                return sa.literal(0, Key64), sa.literal(MAX_NS, Key64)
            case _:
                time = self.value(value)
                return time, time + 1

    def value(self, value: t.Value) -> Column:
        match value:
            case t.Key(dimension=dimension):
                return self.key(dimension)
            case t.Field(element=element, name=name):
                return self._elements[element].c["timespan_begin" if value.type == "timespan" else name]
            case t.DatasetField(type="timespan"):
                return self._bounds(value)[0]
            case t.DatasetField():
                return self._dataset_field(value)
            case t.Bound():
                # An unknown time span begins and ends at the first of all times, as for LSST's packages.
                return sa.func.coalesce(self._bound(value), sa.literal_column("0"))
            case t.Constant():
                return literal(value)
            case t.Negative(operand=operand):
                return -self.value(operand)
            case t.Arithmetic(operator=operator, left=left, right=right):
                return arithmetic(operator, self.value(left), self.value(right))

    def _bound(self, value: t.Bound) -> Column:
        return self._bounds(value.timespan)[0 if value.which == "begin" else 1]

    def output(self, value: t.Value) -> list[Column]:
        """Give the columns of a value that is shown: two for a time span."""
        if value.type == "timespan":
            return list(self._bounds(value))
        return [self._bound(value) if isinstance(value, t.Bound) else self.value(value)]

    def order_value(self, term: OrderTerm) -> Column:
        return self._bound(term.value) if isinstance(term.value, t.Bound) else self.value(term.value)

    def order(self, term: OrderTerm) -> Column:
        column = self.order_value(term)
        return column.desc().nulls_first() if term.descending else column.asc().nulls_last()

    # Conditions.

    def condition(self, predicate: t.Predicate) -> Column:
        match predicate:
            case t.Truth(value=value):
                return sa.true() if value else sa.false()
            case t.IsTrue(operand=operand):
                return self.value(operand) == sa.true()
            case t.Comparison(operator=operator, left=left, right=right):
                return self._comparison(operator, left, right)
            case t.IsNull(operand=operand):
                return self.value(operand).is_(None)
            case t.IsOneOf():
                return self._is_one_of(predicate)
            case t.Glob(operand=operand, pattern=pattern):
                return glob(self.value(operand), pattern, self._dialect)
            case t.Overlap(kind="temporal", left=left, right=right):
                first, second = self._bounds(left), self._bounds(right)
                return sa.and_(first[0] < second[1], second[0] < first[1])
            case t.Overlap():
                return self._marked(predicate)
            case t.Not(operand=operand):
                return sa.not_(self.condition(operand))
            case t.All(operands=operands):
                return joined(sa.and_, sa.true(), [self.condition(o) for o in operands])
            case t.Any_(operands=operands):
                return joined(sa.or_, sa.false(), [self.condition(o) for o in operands])

    def _comparison(self, operator: str, left: t.Value, right: t.Value) -> Column:
        if left.type == "timespan":
            first, second = self._bounds(left), self._bounds(right)
            equal = sa.and_(first[0] == second[0], first[1] == second[1])
            return equal if operator == "=" else sa.not_(equal)
        a, b = self.value(left), self.value(right)
        if left.type == "bool":
            return a == b if operator == "=" else a != b
        match operator:
            case "=":
                return a == b
            case "!=":
                return a != b
            case "<":
                return a < b
            case "<=":
                return a <= b
            case ">":
                return a > b
            case _:
                return a >= b

    def _is_one_of(self, test: t.IsOneOf) -> Column:
        column = self.value(test.operand)
        options: list[Column] = []
        if test.values:
            options.append(in_list(column, test.operand.type, test.values, self._dialect))
        options += [column == self.value(other) for other in test.columns]
        for start, stop, stride in test.ranges:
            within = column.between(start, stop)
            options.append(within if stride == 1 else sa.and_(within, on_step(column, start, stride)))
        if test.with_null:
            options.append(column.is_(None))
        return sa.or_(sa.false(), *options)

    def _marked(self, overlap: t.Overlap) -> Column:
        index = next(i for i, mark in enumerate(self._plan.marks) if mark.overlap is overlap)
        mark, table = self._plan.marks[index], self._uploaded.marks[index]
        found = sa.exists().where(*(table.c[d] == self.key(d) for d in mark.plan.keys))
        regions = [self._elements[name].c.region for name in mark.elements if name in self._elements]
        unknown = sa.or_(sa.false(), *(region.is_(None) for region in regions))
        return sa.case((unknown, sa.null()), else_=found)


def _short_name(facts: SearchFacts) -> str:
    """Give the name of a dataset type, or what stands for a long one: PostgreSQL cuts names off, without a word, at 63 bytes."""
    name = facts.dataset_type
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 10]}_{facts.type_id}"


def _places(table: sa.Table, type_id: int, collections: list[int], dimensions: tuple[str, ...]) -> sa.Select[Any]:
    bounds = (
        [table.c.begin_ns, table.c.end_ns]
        if "begin_ns" in table.c
        else [sa.literal(0, Key64).label("begin_ns"), sa.literal(MAX_NS, Key64).label("end_ns")]
    )
    keys = [table.c[dimension_column(d)] for d in dimensions]
    return sa.select(*keys, *(table.c[name] for name in _PLACE_COLUMNS), *bounds).where(
        table.c.dataset_type_id == type_id, table.c.collection_id.in_(collections)
    )
