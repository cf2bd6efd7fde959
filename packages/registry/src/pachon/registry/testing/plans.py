# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a query before it is looked how much there is."""

from __future__ import annotations

from pachon.registry.query.plan import Plan
from pachon.registry.query.planner import make_plan
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.spec import QuerySpec
from pachon.registry.sql_registry import SqlRegistry

__all__ = ["first_plan"]


def first_plan(registry: SqlRegistry, spec: QuerySpec) -> Plan:
    """Give the plan that follows from a query alone, be there few datasets or many."""
    state = registry._state
    with state.database.snapshot() as connection:
        return make_plan(spec, fetch_search_facts(state, connection, spec))
