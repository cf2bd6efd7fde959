# SPDX-License-Identifier: BSD-3-Clause
"""Where a search for datasets begins, where the database would not find it out by itself."""

from __future__ import annotations

from dataclasses import replace

from pachon.registry.query.plan import DatasetSource, ElementSource, Plan, UnionSource, provided_dimensions
from pachon.registry.query.sources import with_implied_values
from pachon.registry.query.tree import DatasetField, Field, Key, conjuncts, values_of
from pachon.registry.schema.dataset_tables import searched_first

__all__ = [
    "beside_records",
    "elements_before_ranges",
    "leading_elements",
    "named_records",
    "names_next_dimension",
    "skipped_dimension",
    "through_records",
]


def leading_elements(plan: Plan, source: DatasetSource) -> list[str]:
    """Give the elements by whose records the datasets of a search are best found, in order; none if none is better.

    They are those of the dimensions with which the index of the datasets begins. Records help if conditions on their fields
    leave few of them; a condition on the key itself is as good without them.
    """
    if plan.leading:
        return list(plan.leading)
    universe = plan.result.universe
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    constrained = _constrained(plan)
    for dimension in searched_first(source.facts.dimensions):
        element = universe[dimension]
        if element.governor:
            continue
        return [dimension] if dimension in joined and dimension in constrained else []
    return []


def elements_before_ranges(plan: Plan, source: DatasetSource) -> list[str]:
    """Give the elements that only their time relates to the validity ranges of datasets, and of which conditions leave some records.

    Ranges have no index by time, so each is compared with each record: best with those that are left, found once.
    """
    universe = plan.result.universe
    constrained = _constrained(plan, alone=True)
    known = set(source.facts.dimensions.names)
    return [
        s.element
        for s in plan.sources
        if isinstance(s, ElementSource)
        and s.element in constrained
        and universe[s.element].temporal is not None
        and all(universe[d].governor for d in known & set(universe[s.element].required))
    ]


def skipped_dimension(plan: Plan) -> str | None:
    """Give the dimension of which a query of datasets says nothing though their index begins with it.

    Without it the index must be read as a whole. If there are few records of the dimension and many datasets, it is quicker to look
    for the datasets of each record (`through_records`).
    """
    datasets = [s for s in plan.sources if isinstance(s, DatasetSource)]
    if len(datasets) != 1 or datasets[0].with_validity:
        return None
    others = [s for s in plan.sources if not isinstance(s, DatasetSource)]
    if not all(isinstance(s, ElementSource | UnionSource) for s in others):
        return None
    universe = plan.result.universe
    keys = {v.dimension for part in conjuncts(plan.predicate) for v in values_of(part) if isinstance(v, Key)}
    known = keys | _constrained(plan)
    dimensions = [d for d in searched_first(datasets[0].facts.dimensions) if not universe[d].governor]
    if len(dimensions) < 2 or dimensions[0] in known or not known & set(dimensions[1:]):
        return None
    first = dimensions[0]
    if any(first in provided_dimensions(universe, s) for s in others if s != ElementSource(element=first)):
        return None
    return first if universe[first].has_table else None


def names_next_dimension(plan: Plan) -> bool:
    """Whether the dimension that follows the skipped one in the index has one value: then each record has few datasets."""
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    universe = plan.result.universe
    dimensions = [d for d in searched_first(source.facts.dimensions) if not universe[d].governor]
    return dimensions[1] in plan.constants


def through_records(plan: Plan, dimension: str) -> Plan:
    """Give the plan that looks for datasets record by record of a dimension."""
    joined = [s.element for s in plan.sources if isinstance(s, ElementSource)]
    constrained = _constrained(plan)
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    before = [d for d in source.facts.dimensions.required if d in joined and d in constrained and d != dimension]
    led = _led_by(plan, (*before, dimension))
    # Of records that have one dataset each the values that they imply come along; of others they would be sent once for each dataset.
    return with_implied_values(led) if names_next_dimension(plan) else led


def beside_records(plan: Plan, dimension: str) -> Plan:
    """Join the records of a dimension of which each has one dataset: what they imply comes along, and is not looked up afterwards."""
    records = ElementSource(element=dimension)
    sources = plan.sources if records in plan.sources else (*plan.sources, records)
    return with_implied_values(replace(plan, sources=sources))


def named_records(plan: Plan) -> dict[str, dict[str, int | str]]:
    """Give the keys of records, by element, that all datasets of a search must have because conditions name them."""
    universe = plan.result.universe
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    elements = [universe[d] for d in source.facts.dimensions.required if d in plan.constants]
    return {
        e.name: {d: plan.constants[d] for d in e.required}
        for e in elements
        if e.has_table and not e.governor and all(d in plan.constants for d in e.required)
    }


def _led_by(plan: Plan, leading: tuple[str, ...]) -> Plan:
    first = [ElementSource(element=name) for name in leading]
    sources = (*first, *(s for s in plan.sources if s not in first))
    return replace(plan, sources=sources, leading=leading)


def _constrained(plan: Plan, *, alone: bool = False) -> set[str]:
    """Give the elements of which conditions leave some records only, other than by their key; `alone`: without comparing them with datasets."""
    universe = plan.result.universe
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    constrained: set[str] = set()
    for part in conjuncts(plan.predicate):
        named = {v.element for v in values_of(part) if isinstance(v, Field)}
        keys = {v.dimension for v in values_of(part) if isinstance(v, Key)}
        if len(named) < 2 and not (alone and any(isinstance(v, DatasetField) for v in values_of(part))):
            constrained |= named
            # A condition on what a record names is one on the record.
            constrained.update(n for n in joined for key in keys | named if key in universe[n].implied)
    return constrained
