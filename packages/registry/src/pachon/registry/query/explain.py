# SPDX-License-Identifier: BSD-3-Clause
"""Why a query has no rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pachon.base import closest
from pachon.registry.dimension_records.nearest import nearest_values
from pachon.registry.query.execute import run_plan
from pachon.registry.query.governors import equal_keys
from pachon.registry.query.planner import plan_condition, resolved_condition
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.query.tree import (
    All,
    Comparison,
    Constant,
    DatasetField,
    Key,
    Predicate,
    Truth,
    conjuncts,
    values_of,
)
from pachon.registry.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["explain_empty"]


def explain_empty(state: State, spec: QuerySpec) -> list[str]:
    """Say in sentences which condition, collection, type or record leaves a query without rows.

    Conditions are tried one by one, then added up, each time asking for a single row. Empty if there are rows.
    """
    bare = dataclasses.replace(spec, order_by=(), limit=1, find_first=False)
    with state.database.snapshot() as connection:
        facts = fetch_search_facts(state, connection, bare)
        whole = resolved_condition(bare, facts)
        plan = plan_condition(bare, facts, whole)
        if plan.doomed:
            return list(plan.doomed)
        trial = _Trial(state, connection, bare, facts)
        if trial.has_rows(whole, facts):
            return []
        return trial.why_empty(list(conjuncts(whole)))


class _Trial:
    """A query that is asked again with fewer conditions."""

    def __init__(self, state: State, connection: sa.Connection, spec: QuerySpec, facts: Sequence[SearchFacts]) -> None:
        self._state = state
        self._connection = connection
        self._spec = spec
        self._facts = facts

    def has_rows(self, condition: Predicate, facts: Sequence[SearchFacts]) -> bool:
        spec = dataclasses.replace(self._spec, result=self._spec.result if facts else None)
        return len(run_plan(self._state, self._connection, plan_condition(spec, facts, condition), spec.tables)) > 0

    def why_empty(self, conditions: list[Predicate]) -> list[str]:
        reasons = [reason for condition in conditions if (reason := self._missing_key(condition, conditions))]
        if reasons:
            return reasons
        always = Truth(value=True)
        if not self.has_rows(always, ()):
            return [self._missing_records()]
        alone = [c for c in conditions if not _needs_datasets(c, self._facts) and not self.has_rows(c, ())]
        if alone:
            return [f"Nothing satisfies {condition}." for condition in alone]
        if self._facts and not self.has_rows(always, self._facts):
            return [
                f"There are no datasets {f.dataset_type!r} in {', '.join(f.collections)} that belong to the query."
                for f in self._facts
            ]
        return [self._first_that_empties(conditions)]

    def _first_that_empties(self, conditions: list[Predicate]) -> str:
        kept: list[Predicate] = []
        for condition in conditions:
            if not self.has_rows(_all([*kept, condition]), self._facts):
                before = " AND ".join(map(str, kept)) or "the searches for datasets"
                return f"Nothing satisfies {condition} together with {before}."
            kept.append(condition)
        types = ", ".join(repr(f.dataset_type) for f in self._facts)
        return f"No data ID satisfies all conditions together{f' and has datasets {types}' if types else ''}."

    def _missing_key(self, condition: Predicate, conditions: list[Predicate]) -> str | None:
        """Name a value of a dimension that does not exist, and the nearest that do."""
        match condition:
            case Comparison(operator="=", left=Key(dimension=name), right=Constant(value=int() | str() as value)):
                pass
            case _:
                return None
        element = self._state.universe[name]
        if element.is_skypix:
            return None
        fixed = _equal_values(conditions)
        known = nearest_values(self._state, self._connection, element, value, fixed)
        return None if value in known else f"There is no {name} {value!r}.{_shown(value, known)}"

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
        return f"No records of {', '.join(self._spec.dimensions.names)} belong together (overlaps included)."


def _needs_datasets(condition: Predicate, facts: Sequence[SearchFacts]) -> bool:
    return bool(facts) and any(isinstance(value, DatasetField) for value in values_of(condition))


def _all(conditions: list[Predicate]) -> Predicate:
    return conditions[0] if len(conditions) == 1 else All(operands=tuple(conditions))


def _equal_values(conditions: list[Predicate]) -> dict[str, int | str]:
    return dict(equal_keys(All(operands=tuple(conditions))))


def _shown(value: int | str, known: list[int | str]) -> str:
    if not known:
        return " There are none at all."
    if isinstance(value, int):
        return f" {' and '.join(map(str, known))} exist{'s' if len(known) == 1 else ''}."
    return closest(value, map(str, known)) or f" There are {', '.join(sorted(map(str, known))[:5])}."
