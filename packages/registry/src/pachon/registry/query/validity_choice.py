# SPDX-License-Identifier: BSD-3-Clause
"""Whether the ranges of calibrations are looked up or all compared with a time, which depends on how many there are."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from pachon.registry.query.plan import DatasetSource, Plan
from pachon.registry.query.sizes import (
    estimated_cost,
    has_datasets_beyond,
    is_asked_quickly,
    records_up_to,
)
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.tree import key_equals
from pachon.registry.query.validity_tests import with_ranges_looked_up
from pachon.registry.state import State

__all__ = ["CHEAP_WITH_RANGES", "has_many_ranges", "with_quicker_ranges"]

CHEAP_WITH_RANGES = 4000.0
"""A join of validity ranges that PostgreSQL estimates to cost less takes no longer than to think of another way."""

_MANY_RANGES = {"sqlite": 10, "postgresql": 50}
"""Validity ranges of each data ID from which on a look into the index is quicker than to compare all with a time."""
_MOST_DATA_IDS = 50_000
_SHARE_OF_RANGES = 2.0
"""How many times as much as a comparison of all ranges look-ups of those of each data ID may cost, as PostgreSQL estimates them."""


def with_quicker_ranges(state: State, connection: sa.Connection, plan: Plan) -> Plan:
    """Look up the ranges of calibrations that are joined, data ID by data ID, where that is quicker than to compare all with a time."""
    for source in [s for s in plan.sources if isinstance(s, DatasetSource) and s.with_validity]:
        looked_up = with_ranges_looked_up(plan, source)
        if looked_up is None:
            continue
        if state.dialect == "sqlite":
            # It has no join of what was read for one row; a join finds its first rows at once.
            if source.facts.members or (plan.limit is not None and not plan.order):
                continue
            if has_many_ranges(state, connection, plan, source.facts, searches=len(source.facts.certified)):
                plan = looked_up
            continue
        if not is_asked_quickly(plan):
            if has_many_ranges(state, connection, plan, source.facts, searches=len(source.facts.certified)):
                plan = looked_up
            continue
        cost = estimated_cost(state, connection, plan)
        if cost < CHEAP_WITH_RANGES:
            break
        if estimated_cost(state, connection, replace(looked_up, limit=None)) < _SHARE_OF_RANGES * cost:
            plan = looked_up
    return plan


def has_many_ranges(
    state: State, connection: sa.Connection, plan: Plan, facts: SearchFacts, *, searches: int = 1
) -> bool:
    """Tell whether each data ID of a search has many validity ranges, be it for each of some looks into the index."""
    data_ids = 1
    for name in facts.dimensions.required:
        element = state.universe[name]
        if element.governor or name in plan.constants:
            continue
        records = records_up_to(state, connection, name, _MOST_DATA_IDS) if element.has_table else None
        if records is None:
            return False
        data_ids *= records
    fixed = {name: value for name, value in plan.constants.items() if name in facts.dimensions.required}
    conditions = [key_equals(state.universe, name, value) for name, value in fixed.items()]
    ranges = DatasetSource(facts=facts, with_validity=True)
    number = data_ids * searches * _MANY_RANGES[state.dialect]
    return has_datasets_beyond(state, connection, ranges, number, conditions)
