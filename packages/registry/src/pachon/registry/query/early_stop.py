# SPDX-License-Identifier: BSD-3-Clause
"""Queries with a limit, so planned that the database may stop as soon as it has found so many rows.

A database sorts and joins all rows before it gives the first ones, unless an index has them in the order that is wanted, or it is told to begin
with the few records that give the order. And of the datasets of several collections those of the first one are chosen after the
database, for which all of them are fetched, unless it tests each that it finds.
"""

from __future__ import annotations

from dataclasses import replace

from pachon.registry.query.plan import DatasetSource, EarlyStop, ElementSource, Plan
from pachon.registry.query.sql_values import column_of_element
from pachon.registry.query.tree import DatasetField, values_of

__all__ = ["stopping_early"]

_MOST_COLLECTIONS = 500
"""Collections of which each dataset is looked for in those before."""


def stopping_early(plan: Plan, dialect: str) -> Plan:
    """Change a plan with a limit so that the database need not look at all rows, where that can be; another one stays as it is.

    Parameters
    ----------
    plan
        How to answer.
    dialect
        ``sqlite`` or ``postgresql``.
    """
    if plan.limit is None or plan.doomed:
        return plan
    # SQLite does not see that what it selects from is sorted.
    element = _element_of_order(plan) if dialect == "postgresql" else None
    return replace(plan, early_stop=EarlyStop(sorted_element=element, drops_later=_can_drop_later(plan)))


def _element_of_order(plan: Plan) -> str | None:
    """Give the element whose column comes first in the order, if its records are joined with datasets."""
    if not plan.order or not any(isinstance(source, DatasetSource) for source in plan.sources):
        return None
    value = plan.order[0].value
    elements = [source.element for source in plan.sources if isinstance(source, ElementSource)]
    return next((element for element in elements if column_of_element(value, element) is not None), None)


def _can_drop_later(plan: Plan) -> bool:
    """Whether all datasets of a data ID satisfy the conditions of a query if one does, so that each can be tested by itself."""
    facts = plan.datasets
    if facts is None or not plan.find_first or plan.fields is not None or plan.refinements:
        return False
    if facts.certified or not 1 < len(facts.members) <= _MOST_COLLECTIONS:
        return False
    if sum(isinstance(source, DatasetSource) for source in plan.sources) > 1:
        return False
    return not any(isinstance(value, DatasetField) for value in values_of(plan.predicate))
