# SPDX-License-Identifier: BSD-3-Clause
"""The plans of a query between which it is chosen by how much there is."""

from __future__ import annotations

from dataclasses import replace

from pachon.registry.query.lifted_tests import with_lifted_test
from pachon.registry.query.plan import DatasetSource, Plan
from pachon.registry.query.planner import make_plan
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.semi_joins import with_semi_join
from pachon.registry.query.spec import QuerySpec
from pachon.registry.query.validity_tests import with_merged_ranges, with_ranges_looked_up
from pachon.registry.sql_registry import SqlRegistry

__all__ = ["first_plan", "looked_up_plan", "semi_join_plans"]


def first_plan(registry: SqlRegistry, spec: QuerySpec) -> Plan:
    """Give the plan that follows from a query alone, be there few datasets or many."""
    state = registry._state
    with state.database.snapshot() as connection:
        return make_plan(spec, fetch_search_facts(state, connection, spec))


def looked_up_plan(plan: Plan, dialect: str) -> Plan | None:
    """Give the plan that looks up validity ranges rather than compare all with a time, if there is one."""
    looked_up = None
    for source in plan.sources:
        if isinstance(source, DatasetSource) and not (source.facts.members and dialect == "sqlite"):
            looked_up = with_ranges_looked_up(looked_up or plan, source) or looked_up
    return looked_up


def semi_join_plans(plan: Plan, dialect: str) -> list[Plan]:
    """Give the plans that test for datasets rather than join them; in a small database they are not chosen."""
    plans = [variant for by_last_range in (False, True) for variant in _tested(plan, by_last_range=by_last_range)]
    plans += [merged for p in plans[-1:] if dialect == "postgresql" and (merged := _merged(p)) is not None]
    return [*plans, *(lifted for p in plans if (lifted := with_lifted_test(p)) is not p)]


def _merged(plan: Plan) -> Plan | None:
    universe = plan.result.universe
    existences = tuple(with_merged_ranges(universe, there) or there for there in plan.existences)
    return None if existences == plan.existences else replace(plan, existences=existences)


def _tested(plan: Plan, *, by_last_range: bool) -> list[Plan]:
    whole = plan
    for source in plan.sources:
        if isinstance(source, DatasetSource) and any(s is source for s in whole.sources):
            looked_up = with_semi_join(whole, source, by_last_range=True) if by_last_range else None
            whole = looked_up or with_semi_join(whole, source) or whole
    if not whole.existences or (by_last_range and not any(there.valid for there in whole.existences)):
        return []
    one_by_one = tuple(replace(there, row_by_row=True) for there in whole.existences)
    return [whole, replace(whole, existences=one_by_one)]
