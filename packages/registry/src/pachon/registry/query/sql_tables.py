# SPDX-License-Identifier: BSD-3-Clause
"""The sources of a plan to the tables that a statement selects from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import DimensionElement
from pachon.registry.database.column_types import Key64
from pachon.registry.query.join_order import elements_before_ranges, leading_elements
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    EnvelopeSource,
    PixelRangeSource,
    PixelSource,
    Plan,
    RegionPixelsSource,
    Source,
    UnionSource,
    UploadSource,
)
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.sql_conditions import Column, all_of, compared
from pachon.registry.query.sql_kept import (
    PLACE_COLUMNS,
    alias_of,
    all_places,
    by_ingest,
    keys_of,
    of_search,
    one_after_the_other,
    places_in,
    rank_of,
    sorted_by,
    values_in,
)
from pachon.registry.query.sql_values import column_of_element, has_value, in_collections, in_ranges
from pachon.registry.query.tree import Constant, Field, Value, values_of
from pachon.registry.schema.dataset_tables import DatasetTables
from pachon.registry.schema.dimension_tables import dimension_column, key_type
from pachon.registry.schema.schema import Schema

__all__ = ["JoinedTables", "Uploaded"]

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Tables that were made for a plan; their columns are named as dimensions are."""

    tables: Sequence[sa.FromClause] = ()
    """The given tables, in the order of the plan."""
    marks: Sequence[sa.FromClause] = ()
    """Where each mark of the plan holds."""
    pixels: Mapping[EnvelopeSource | RegionPixelsSource, sa.FromClause] = field(default_factory=dict)
    """Computed pixels."""


class JoinedTables:
    """The tables of one statement, and the conditions that join them.

    Parameters
    ----------
    plan
        Whose sources are joined.
    schema
        The tables of the registry.
    dialect
        ``sqlite`` or ``postgresql``.
    uploaded
        Tables made for the plan.
    around
        The tables of the statement inside of which this one is; rows must agree in the dimensions that both have.
    """

    def __init__(
        self, plan: Plan, schema: Schema, dialect: str, uploaded: Uploaded, around: JoinedTables | None = None
    ) -> None:
        self._plan = plan
        self._stop = plan.early_stop
        self._around = around
        self._schema = schema
        self._universe = schema.universe
        self._dialect = dialect
        self._uploaded = uploaded
        self._tables: list[sa.FromClause] = []
        self.conditions: list[Column] = []
        self._keys: dict[str, list[Column]] = {}
        self._elements: dict[str, sa.FromClause] = {}
        self._datasets: dict[str, sa.FromClause] = {}
        self._facts: dict[str, SearchFacts] = {}
        self._details: dict[tuple[str, str], sa.FromClause] = {}
        self._pixels: dict[int, Column] = {}
        for source in plan.sources:
            self._add(source)
        for first, *others in self._keys.values():
            self.conditions += [compared("=", column, first) for column in others]
        if around is not None:
            self.conditions += [
                compared("=", columns[0], around.key(name))
                for name, columns in self._keys.items()
                if name in around._keys
            ]

    # What was joined.

    @property
    def tables(self) -> Sequence[sa.FromClause]:
        """What is joined."""
        return self._tables

    def key(self, dimension: str) -> Column:
        """Give the column of a dimension."""
        if self._around is not None and dimension not in self._keys:
            return self._around.key(dimension)
        return self._keys[dimension][0]

    def element(self, name: str) -> sa.FromClause:
        """Give the records of an element."""
        if self._around is not None and name not in self._elements:
            return self._around.element(name)
        return self._elements[name]

    def has_element(self, name: str) -> bool:
        """Whether the records of an element are joined."""
        return name in self._elements

    def dataset(self, dataset_type: str) -> sa.FromClause:
        """Give the datasets of a type."""
        if self._around is not None and dataset_type not in self._datasets:
            return self._around.dataset(dataset_type)
        return self._datasets[dataset_type]

    def detail(self, dataset_type: str, kind: str) -> sa.FromClause:
        """Join the table that has further facts of datasets, if that is not done: ``dataset``, ``run`` or ``collection``."""
        if (dataset_type, kind) not in self._details:
            datasets, static = self._datasets[dataset_type], self._schema.static
            name = f"{kind}_of_{_short_name(self._facts[dataset_type])}"
            if kind == "dataset":
                table = self._all_datasets(dataset_type, name)
                self.conditions.append(compared("=", table.c.dataset_id, datasets.c.dataset_id))
            else:
                table = alias_of(static.collection, name)
                self.conditions.append(compared("=", table.c.collection_id, datasets.c[f"{kind}_id"]))
            self._tables.append(table)
            self._details[dataset_type, kind] = table
        return self._details[dataset_type, kind]

    def _all_datasets(self, dataset_type: str, name: str) -> sa.FromClause:
        """Give the table of all datasets; only those of a type, in the order of their ingest, if they are to be read so."""
        facts, table = self._facts[dataset_type], self._schema.static.dataset
        of_run = alias_of(table, name)
        if self._stop is None or not self._stop.by_ingest or facts != self._plan.datasets:
            return of_run
        runs = tuple(facts.members)
        if len(runs) > 1:
            return by_ingest(table, facts.type_id, runs, name, descending=self._plan.order[0].descending)
        self.conditions += [has_value(of_run.c.run_id, runs[0]), has_value(of_run.c.dataset_type_id, facts.type_id)]
        return of_run

    def selected_from(self) -> list[sa.FromClause]:
        """Give what is selected from.

        SQLite knows nothing of how many rows a condition leaves, so it is told to look for datasets by the records that satisfy
        conditions, where an index of the datasets begins with the keys of these, and where validity ranges are compared with them.
        """
        if self._around is not None or self._looks_up_ranges():
            return [one_after_the_other(tuple(self._tables))] if self._dialect == "sqlite" else self._tables
        if self._dialect == "sqlite" and self._stop is not None and self._stop.by_ingest:
            details = [t for (_, kind), t in self._details.items() if kind == "dataset"]
            # Records that others imply come after these, so that each is looked up by its whole key.
            records = list(reversed(self._elements.values()))
            rest = [t for t in self._tables if t not in details and t not in records]
            return [one_after_the_other((*details, *rest, *records))]
        datasets = [s for s in self._plan.sources if isinstance(s, DatasetSource)]
        if self._dialect != "sqlite" or not datasets:
            return self._tables
        source = next((s for s in datasets if not s.with_validity), datasets[0])
        table = self._datasets[source.facts.dataset_type]
        leading = (elements_before_ranges if source.with_validity else leading_elements)(self._plan, source)
        first = [t for name in leading if (t := self._elements.get(name)) is not None]
        if not first:
            return self._tables
        rest = [t for t in self._tables if t is not table and t not in first]
        return [one_after_the_other((*first, table)), *rest]

    def _looks_up_ranges(self) -> bool:
        return any(isinstance(s, DatasetSource) and s.at is not None for s in self._plan.sources)

    # Sources.

    def _add(self, source: Source) -> None:
        match source:
            case ElementSource(element=name):
                element = self._universe[name]
                table = alias_of(self._schema.elements[name], name)
                if self._stop is not None and name == self._stop.sorted_element and self._dialect == "postgresql":
                    table = self._sorted(table, name)
                self._elements[name] = table
                self._join(table, keys_of(element, table))
            case UnionSource(dimension=name, target=target):
                column = self._schema.elements[target].c[name]
                union = values_in(column, name)
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
        self._tables.append(table)
        for dimension, column in keys.items():
            self._keys.setdefault(dimension, []).append(column)

    def _sorted(self, table: sa.FromClause, element: str) -> sa.FromClause:
        """Give the records of an element in the order of its columns with which the order of the query begins."""
        order: list[tuple[str, bool]] = []
        for term in self._plan.order:
            name = column_of_element(term.value, element)
            if name is None:
                break
            order.append((name, term.descending))
        # Regions are large, and nearly always looked up by themselves.
        with_region = bool(self._plan.fields) or _tests_region(self._plan, element)
        return sorted_by(table, tuple(order), element, with_region=with_region)

    def _add_pixels(self, source: PixelSource) -> None:
        element = self._universe[source.element]
        table = alias_of(self._schema.overlaps[source.element], f"pixels_{source.join}_{source.element}")
        self._join(table, {d: table.c[dimension_column(d)] for d in element.required})
        pixel = table.c[dimension_column(self._universe.common_skypix)]
        if source.dimension:
            self._keys.setdefault(self._universe.common_skypix, []).append(pixel)
        elif source.join in self._pixels:
            self.conditions.append(compared("=", pixel, self._pixels[source.join]))
        else:
            self._pixels[source.join] = pixel

    def _add_ranges(self, element: DimensionElement, ranges: np.ndarray) -> None:
        if element.is_skypix:
            self.conditions.append(in_ranges(self.key(element.name), ranges))
            return
        table = self._schema.overlaps[element.name]
        pixel = table.c[dimension_column(self._universe.common_skypix)]
        keys = [table.c[dimension_column(d)].label(d) for d in element.required]
        name = f"touching_{len(self._tables)}_{element.name}"
        touching = sa.select(*keys).where(in_ranges(pixel, ranges)).distinct().subquery(name)
        self._join(touching, {d: touching.c[d] for d in element.required})

    def _add_datasets(self, source: DatasetSource) -> None:
        facts = source.facts
        tables = self._schema.datasets(facts.dimensions, facts.group_id)
        name = f"datasets_{_short_name(facts)}"
        self._facts[facts.dataset_type] = facts
        if source.at is not None:
            found = self._ranges_at(source.at, facts, tables, name)
            self._datasets[facts.dataset_type] = found
        elif not source.with_validity:
            if self._plan.leading and self._dialect == "postgresql":
                self._datasets[facts.dataset_type] = self._record_by_record(tables.membership, facts, name)
            else:
                member = alias_of(tables.membership, name)
                self.conditions += of_search(member, facts)
                if self._stop is not None:
                    # The index is in the order of the dimensions after these.
                    self.conditions += [
                        has_value(member.c[dimension_column(g)], value)
                        for g, value in facts.only_governors.items()
                        if g in facts.dimensions.required
                    ]
                self._datasets[facts.dataset_type] = member
        else:
            found = all_places(tables, facts.type_id, tuple(facts.members), tuple(facts.certified), name)
            self._datasets[facts.dataset_type] = found
        if self._stop is not None and self._stop.drops_later:
            self.conditions.append(self._none_earlier(facts, tables.membership))
        table = self._datasets[facts.dataset_type]
        self._join(table, {d: table.c[dimension_column(d)] for d in facts.dimensions.required})

    def _none_earlier(self, facts: SearchFacts, membership: sa.Table) -> Column:
        """Require that no earlier collection has a dataset of the same data ID."""
        found = self._datasets[facts.dataset_type]
        earlier = alias_of(membership, f"earlier_{_short_name(facts)}")
        ranks = tuple(facts.members.items())
        places = [rank_of(table.c.collection_id, ranks) for table in (earlier, found)]
        same = [
            compared("=", earlier.c[dimension_column(d)], found.c[dimension_column(d)])
            for d in facts.dimensions.required
        ]
        of_data_id: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(earlier)
        of_data_id = of_data_id.where(all_of([*of_search(earlier, facts), *same, compared("<", *places)]))
        return ~of_data_id.correlate_except(earlier).exists()

    def _ranges_at(self, time: Value, facts: SearchFacts, tables: DatasetTables, name: str) -> sa.FromClause:
        """Give the datasets that are valid at a time, of data IDs that are joined already."""
        ranges = alias_of(tables.validity, name)
        before = alias_of(tables.validity, f"before_{_short_name(facts)}")
        begin, end = self._time(time)
        only = next(iter(facts.certified)) if len(facts.certified) == 1 else None
        searched = alias_of(self._schema.static.collection, f"searched_{_short_name(facts)}")
        number = searched.c.collection_id if only is None else sa.literal(only, Key64)
        keys = {dimension_column(d): self.key(d) for d in facts.dimensions.required}

        def of_data_id(table: sa.FromClause) -> list[Column]:
            of_type = has_value(table.c.dataset_type_id, facts.type_id)
            return [of_type, *(compared("=", table.c[n], key) for n, key in keys.items())]

        in_collection = compared("=", before.c.collection_id, number)
        last = (
            sa.select(before.c.begin_ns)
            .where(all_of([*of_data_id(before), in_collection, compared("<=", before.c.begin_ns, begin)]))
            .order_by(before.c.begin_ns.desc())
            .limit(1)
            .correlate_except(before)
            .scalar_subquery()
        )
        conditions = [
            *of_data_id(ranges),
            compared("=", ranges.c.collection_id, number),
            compared(">=", ranges.c.begin_ns, sa.func.coalesce(last, 0)),
            compared("<", ranges.c.begin_ns, end),
            compared(">", ranges.c.end_ns, begin),
            *([in_collections(searched.c.collection_id, facts.certified)] if only is None else []),
        ]
        if self._dialect == "sqlite":
            self._tables += [searched] if only is None else []
            self.conditions += conditions
            return ranges
        # An OFFSET keeps PostgreSQL from reading all ranges first.
        columns = [*keys, *PLACE_COLUMNS, "begin_ns", "end_ns"]
        inside = [ranges, *([searched] if only is None else [])]
        found: Any = sa.select(*(ranges.c[n] for n in columns)).select_from(*inside).where(all_of(conditions))
        found = found.correlate_except(*inside)
        if facts.members:
            always = places_in(tables.membership, facts.type_id, tuple(facts.members), facts.dimensions.required)
            always = always.where(all_of([compared("=", tables.membership.c[n], key) for n, key in keys.items()]))
            found = sa.union_all(found, always.correlate_except(tables.membership))
        lateral: sa.FromClause = found.offset(sa.literal_column("0")).lateral(name)
        return lateral

    def _time(self, time: Value) -> tuple[Column, Column]:
        """Give begin and end of a time span of a record, or of a constant; of a time, the nanosecond that it begins."""
        match time:
            case Constant(value=(int(begin), int(end))):
                return sa.literal(begin, Key64), sa.literal(end, Key64)
            case Constant(value=int(begin)):
                return sa.literal(begin, Key64), sa.literal(begin + 1, Key64)
            case Field(element=element):
                table = self.element(element)
                return table.c.timespan_begin, table.c.timespan_end
            case _:
                raise AssertionError(time)

    def _record_by_record(self, membership: sa.Table, facts: SearchFacts, alias: str) -> sa.FromClause:
        """Give the datasets of each record of the leading elements; an OFFSET keeps PostgreSQL from another way."""
        known: dict[str, Column] = {}
        for name in self._plan.leading:
            element = self._universe[name]
            known |= {d: self._elements[name].c[element.key_name(d)] for d in element.required}
        known |= {
            d: sa.literal(value, key_type(self._universe, d))
            for d, value in self._plan.constants.items()
            if d not in known
        }
        required = facts.dimensions.required
        columns = [membership.c[n] for n in (*map(dimension_column, required), *PLACE_COLUMNS)]
        same = [compared("=", membership.c[dimension_column(d)], known[d]) for d in required if d in known]
        of_record = sa.select(*columns).where(all_of([*of_search(membership, facts), *same]))
        return of_record.offset(sa.literal_column("0")).lateral(alias)


def _tests_region(plan: Plan, element: str) -> bool:
    """Whether the database is asked about the region of an element: whether there is one, or it overlaps another one inside OR or NOT."""
    predicates = [plan.predicate, *(there.predicate for there in plan.existences)]
    asked = (value for predicate in predicates for value in values_of(predicate))
    return any(element in mark.elements for mark in plan.marks) or any(
        isinstance(value, Field) and value.element == element and value.name == "region" for value in asked
    )


def _short_name(facts: SearchFacts) -> str:
    """Give the name of a dataset type, or what stands for it.

    PostgreSQL cuts off long names, without a word, at 63 bytes. SQLite tells no ``Raw`` from ``raw``; no name of a type has a ``$``.
    """
    name = facts.dataset_type
    if len(name) <= _LONGEST_NAME and name.islower():
        return name
    return f"{name[: _LONGEST_NAME - 10]}${facts.type_id}"
