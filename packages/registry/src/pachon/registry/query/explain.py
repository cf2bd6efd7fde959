# SPDX-License-Identifier: BSD-3-Clause
"""Why a query has no rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from pachon.datasets import DatasetSearch
from pachon.registry.query.execute import run_plan
from pachon.registry.query.known_values import describe_known
from pachon.registry.query.plan import PixelSource
from pachon.registry.query.planner import joined_by_fields, plan_condition, resolved_condition
from pachon.registry.query.search_facts import fetch_search_facts, other_holders
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.query.tree import (
    All,
    Comparison,
    DatasetField,
    IsOneOf,
    Key,
    Predicate,
    Truth,
    Type,
    conjuncts,
    values_of,
)
from pachon.registry.query.two_sides import without_overlaps
from pachon.registry.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["explain_empty"]

_ALWAYS = Truth(value=True)
_MOST_OTHERS = 5
"""Other collections that are tried."""


def explain_empty(state: State, spec: QuerySpec) -> list[str]:
    """Say in sentences which condition, collection, type or record leaves a query without rows.

    Conditions are tried one by one, then added up, each time asking for a single row. Empty if there are rows,
    and a limit lets one through.
    """
    with state.database.snapshot() as connection:
        facts = fetch_search_facts(state, connection, dataclasses.replace(spec, find_first=False))
        # A name that is clear may not be so beside what the fields join.
        whole = resolved_condition(spec, facts)
        joined = (*spec.joined, *joined_by_fields(spec, facts))
        bare = dataclasses.replace(spec, order_by=(), limit=1, find_first=False, fields=None, joined=joined)
        plan = plan_condition(bare, facts, whole)
        trial = _Trial(state, connection, bare, facts)
        if plan.doomed:
            # What does not exist at all says more than where it is not.
            missing = trial.missing_values(list(conjuncts(whole)))
            return missing or [*plan.doomed, *trial.elsewhere(list(conjuncts(whole)))]
        if trial.has_rows(whole, facts):
            return ["The limit is 0."] if spec.limit == 0 else []
        return trial.why_empty(list(conjuncts(whole)))


class _Trial:
    """A query that is asked again with fewer conditions."""

    def __init__(self, state: State, connection: sa.Connection, spec: QuerySpec, facts: Sequence[SearchFacts]) -> None:
        self._state = state
        self._connection = connection
        self._spec = spec
        self._facts = facts
        self._known_answers: dict[Hashable, bool] = {}

    def has_rows(
        self,
        condition: Predicate,
        facts: Sequence[SearchFacts],
        *,
        tables: bool = True,
        validity: bool = True,
        overlaps: bool = True,
        spec: QuerySpec | None = None,
    ) -> bool:
        """Ask whether some conditions, searches and given tables leave a row; nothing is asked twice."""
        types = tuple(f.dataset_type for f in facts)
        # Validity matters only to calibrations, and tables only where there are some.
        tables = tables and bool(self._spec.tables)
        validity = validity and any(f.certified for f in facts)
        key = (conjuncts(condition), types, tables, validity, overlaps, spec and (spec.dimensions, spec.all_searches))
        if key not in self._known_answers:
            self._known_answers[key] = self._ask(
                condition, facts, tables=tables, validity=validity, overlaps=overlaps, spec=spec
            )
        return self._known_answers[key]

    def _ask(
        self,
        condition: Predicate,
        facts: Sequence[SearchFacts],
        *,
        tables: bool,
        validity: bool,
        overlaps: bool,
        spec: QuerySpec | None,
    ) -> bool:
        asked = spec or self._spec
        asked = dataclasses.replace(
            asked, result=asked.result if facts else None, tables=asked.tables if tables else ()
        )
        plan = plan_condition(asked, facts, condition, validity=validity)
        # Without the conditions that relate its parts a query may be a product, of which one row is wanted.
        plan = dataclasses.replace(plan, products=())
        if not overlaps:
            plan = without_overlaps(plan, self._state.universe)
        return len(run_plan(self._state, self._connection, plan, asked.tables)) > 0

    def why_empty(self, conditions: list[Predicate]) -> list[str]:
        of_records = [c for c in conditions if not _needs_datasets(c)]
        if reasons := self.missing_values(conditions):
            return reasons
        about = self._data_id_conditions(of_records)
        if about and self.has_rows(_all(of_records), ()):
            return self._why_no_datasets(conditions)
        if about and (reason := self._why_not_this(about, [c for c in of_records if c not in about])):
            return [reason]
        if not self.has_rows(_ALWAYS, (), tables=False):
            return [self._missing_records()]
        alone = [c for c in of_records if not self.has_rows(c, (), tables=False)]
        if alone:
            return [self._why_alone(c, of_records) for c in alone]
        if not self.has_rows(_all(of_records), (), tables=False):
            return [self._first_that_empties(of_records)]
        if self._spec.tables and not self.has_rows(_all(of_records), ()):
            return [self._given_rows(of_records)]
        return self._why_no_datasets(conditions)

    def missing_values(self, conditions: list[Predicate]) -> list[str]:
        """Name the values that no record has."""
        of_records = [c for c in conditions if not _needs_datasets(c)]
        return [reason for c in of_records if (reason := self._missing_value(c, of_records))]

    def elsewhere(self, conditions: list[Predicate]) -> list[str]:
        """Name other collections that have such datasets."""
        found = []
        for facts in self._facts:
            others = []
            for name in other_holders(self._state, self._connection, facts)[:_MOST_OTHERS]:
                search = dataclasses.replace(_search_of(self._spec, facts), collections=(name,))
                asked = _with_search(self._spec, search)
                there = fetch_search_facts(self._state, self._connection, asked)
                if self.has_rows(_all(conditions), there, spec=asked):
                    others.append(repr(name))
            if others:
                found.append(f"Datasets {facts.dataset_type!r} that satisfy the query are in {', '.join(others)}.")
        return found

    def _missing_value(self, condition: Predicate, conditions: list[Predicate]) -> str | None:
        return describe_known(self._state, self._connection, condition, conditions, missing=True)

    def _known(self, condition: Predicate, conditions: list[Predicate]) -> str:
        known = describe_known(self._state, self._connection, condition, conditions, missing=False)
        return f"; {known}" if known else ""

    def _data_id_conditions(self, conditions: list[Predicate]) -> list[Predicate]:
        """Give what a data ID says, with the instrument and the like of the expression; nothing if it says no more than these."""
        universe = self._state.universe
        equal = [c for c in conditions if isinstance(c, Comparison) and c.operator == "="]
        keys = {c: c.left.dimension for c in equal if isinstance(c.left, Key)}
        said = [name for name in keys.values() if name in self._spec.data_id and name not in universe.governors]
        return [c for c, name in keys.items() if name in universe.governors or name in said] if said else []

    def _why_not_this(self, about: list[Predicate], others: list[Predicate]) -> str | None:
        """Say what excludes one data ID: only questions about it are asked, which are answered at once however much there is."""
        shown = " AND ".join(map(str, about))
        if not self.has_rows(_all(about), (), tables=False):
            return self._no_overlap(_all(about))
        kept = list(about)
        for condition in others:
            kept.append(condition)
            if not self.has_rows(_all(kept), (), tables=False):
                return self._no_overlap(_all(kept)) or f"Nothing with {shown} satisfies {condition}."
        return None

    def _why_alone(self, condition: Predicate, conditions: list[Predicate]) -> str:
        """Say why a condition leaves nothing of all dimensions together."""
        if apart := self._no_overlap(condition):
            return apart
        known = self._known(condition, conditions)
        if not known and isinstance(condition, Comparison) and isinstance(condition.left, Key):
            # There is such a value; what is wanted with it is missing.
            universe, dimensions = self._state.universe, self._spec.dimensions
            # An exposure may be of no visit: what relates the two is looked at too.
            relations = [name for name in dimensions.elements if universe[name].always_join]
            for name in (*dimensions.required, *relations):
                own = dataclasses.replace(
                    self._spec,
                    dimensions=universe.conform(universe[name].required),
                    result=None,
                    searches=(),
                    tables=(),
                )
                related = condition.left.dimension in own.dimensions
                if related and universe[name].has_table and not self.has_rows(condition, (), tables=False, spec=own):
                    return f"There are no records of {name} with {condition}."
        return f"Nothing satisfies {condition}{known}."

    def _first_that_empties(self, conditions: list[Predicate]) -> str:
        kept: list[Predicate] = []
        for condition in conditions:
            if not self.has_rows(_all([*kept, condition]), (), tables=False):
                if apart := self._no_overlap(_all([*kept, condition])):
                    return apart
                known = self._known(condition, kept)
                return f"Nothing satisfies {condition} together with {' AND '.join(map(str, kept))}{known}."
            kept.append(condition)
        return "No data ID satisfies all conditions together."

    def _no_overlap(self, condition: Predicate) -> str | None:
        """Say that regions do not overlap, if that is what leaves nothing."""
        plan = plan_condition(dataclasses.replace(self._spec, result=None, tables=()), (), condition)
        if any(self._state.universe[name].is_skypix for name in plan.dimensions.names):
            return None  # pixels are those of regions, and are not found without
        pairs = [f"{r.left} overlaps one of {r.right}" for r in plan.refinements if isinstance(r.right, str)]
        if not pairs or not self.has_rows(condition, (), tables=False, overlaps=False):
            return None
        return f"No region of {' or '.join(pairs)}" + ("." if condition == _ALWAYS else f" with {condition}.")

    def _given_rows(self, conditions: list[Predicate]) -> str:
        if not self.has_rows(_ALWAYS, ()):
            return self._unknown_rows() or "No row of the given data IDs exists, or belongs together with another one."
        shown = " AND ".join(map(str, conditions))
        return f"No row of the given data IDs satisfies {shown}."

    def _unknown_rows(self) -> str | None:
        """Name the values of the given data IDs, if of one of their dimensions none exists."""
        for table in self._spec.tables:
            for name in table.group.required:
                values = table.columns[name].compacted().values.tolist()
                kind: Type = "int" if self._state.universe.dimensions[name].primary_key.type == "int" else "string"
                condition = IsOneOf(operand=Key(dimension=name, type=kind), values=tuple(values[:_MOST_OTHERS]))
                if len(values) <= _MOST_OTHERS and (said := self._missing_value(condition, [])):
                    return f"No row of the given data IDs exists. {said}"
        return None

    def _why_no_datasets(self, conditions: list[Predicate]) -> list[str]:
        """The records are there: say which search finds nothing for them, and why."""
        for facts in self._facts:
            where = f"{facts.dataset_type!r} in {', '.join(facts.collections)}"
            own = [facts]
            mine = [c for c in conditions if _types_of(c) <= {facts.dataset_type}]
            if self.has_rows(_all(mine), own):
                continue
            more = self.elsewhere(conditions) if len(self._facts) == 1 else []
            if not self.has_rows(_ALWAYS, own, tables=False, validity=False):
                return [f"There are no datasets {where} that belong to the query.", *more]
            if facts.certified and self.has_rows(_all(mine), own, validity=False):
                return [f"No {where} is valid at the time that the query is about.", *more]
            kept: list[Predicate] = []
            for condition in mine:
                if not self.has_rows(_all([*kept, condition]), own, tables=False, validity=False):
                    before = f" together with {' AND '.join(map(str, kept))}" if kept else ""
                    known = self._known_of_datasets(condition, kept, facts)
                    return [f"No dataset {where} satisfies {condition}{before}{known}.", *more]
                kept.append(condition)
            return [f"No dataset {where} belongs to the given data IDs.", *more]
        types = ", ".join(repr(f.dataset_type) for f in self._facts)
        if len(self._facts) > 1:
            return [f"No data ID that satisfies the conditions has datasets of all of {types}."]
        return [self._first_that_empties(conditions)]

    def _known_of_datasets(self, condition: Predicate, kept: list[Predicate], facts: SearchFacts) -> str:
        known = describe_known(self._state, self._connection, condition, kept, missing=False, facts=facts)
        return f"; {known}" if known else ""

    def _missing_records(self) -> str:
        """Name an element without records, or say that the existing ones do not belong together."""
        # What is asked for comes before what follows from it: a repository without visits has no days of visits either.
        dimensions = self._spec.dimensions
        names = [*dimensions.required, *(n for n in dimensions.elements if n not in dimensions.required)]
        names = [n for n in names if self._state.universe[n].has_table]
        for name in names:
            element = self._state.universe[name]
            if element.is_dimension or element.always_join:
                table = self._state.schema.elements[name]
                if self._connection.execute(table.select().limit(1)).first() is None:
                    return f"There are no records of {name}."
        plan = plan_condition(dataclasses.replace(self._spec, result=None), (), _ALWAYS)
        for source in plan.sources:
            if isinstance(source, PixelSource):
                pixels = self._state.schema.overlaps[source.element]
                if self._connection.execute(pixels.select().limit(1)).first() is None:
                    return f"There are no records of {source.element} with a region."
        if apart := self._no_overlap(_ALWAYS):
            return apart
        return f"No records of {', '.join(self._spec.dimensions.names)} belong together (overlaps included)."


def _types_of(condition: Predicate) -> set[str]:
    return {value.dataset_type for value in values_of(condition) if isinstance(value, DatasetField)}


def _needs_datasets(condition: Predicate) -> bool:
    return bool(_types_of(condition))


def _all(conditions: Sequence[Predicate]) -> Predicate:
    if not conditions:
        return _ALWAYS
    return conditions[0] if len(conditions) == 1 else All(operands=tuple(conditions))


def _search_of(spec: QuerySpec, facts: SearchFacts) -> DatasetSearch:
    return next(search for search in spec.all_searches if search.dataset_type == facts.dataset_type)


def _with_search(spec: QuerySpec, search: DatasetSearch) -> QuerySpec:
    if spec.result is not None and spec.result.dataset_type == search.dataset_type:
        return dataclasses.replace(spec, result=search)
    others = tuple(search if s.dataset_type == search.dataset_type else s for s in spec.searches)
    return dataclasses.replace(spec, searches=others)
