# SPDX-License-Identifier: BSD-3-Clause
"""Where a search for datasets begins."""

from __future__ import annotations

from pachon.registry.query.plan import DatasetSource, ElementSource, Plan
from pachon.registry.query.tree import Field, Key, conjuncts, values_of
from pachon.registry.schema.dataset_tables import searched_first

__all__ = ["leading_elements"]


def leading_elements(plan: Plan, source: DatasetSource) -> list[str]:
    """Give the elements by whose records the datasets of a search are best found, in order; none if none is better.

    They are those of the dimensions with which the index of the datasets begins. Records help if conditions on their fields
    leave few of them; a condition on the key itself is as good without them.
    """
    universe = plan.result.universe
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    constrained: set[str] = set()
    for part in conjuncts(plan.predicate):
        named = {v.element for v in values_of(part) if isinstance(v, Field)}
        keys = {v.dimension for v in values_of(part) if isinstance(v, Key)}
        if len(named) < 2:
            constrained |= named
            # A condition on what a record names is one on the record.
            constrained.update(n for n in joined for key in keys | named if key in universe[n].implied)
    for dimension in searched_first(source.facts.dimensions):
        element = universe[dimension]
        if element.governor:
            continue
        return [dimension] if dimension in joined and dimension in constrained else []
    return []
