# SPDX-License-Identifier: BSD-3-Clause
"""Datasets that need only be there for what many records have in common: one test of that, instead of one of each record."""

from __future__ import annotations

from dataclasses import replace

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import DatasetSource, ElementSource, Existence, Plan, provided_dimensions
from pachon.registry.query.sources import with_implied_values
from pachon.registry.query.tree import DatasetField, Field, Key, Value, conjuncts, parts_of, values_of

__all__ = ["asks_only_for", "with_lifted_test"]


def with_lifted_test(plan: Plan) -> Plan:
    """Test the records that those of a plan imply, if the plan asks for nothing else: exposures share few filters.

    Of the filters of exposures that have raws, each is looked at once: its exposures are found by an index, and the first one that has a raw
    ends the test. One whose exposures have none takes as many looks as before.

    Parameters
    ----------
    plan
        Tests whether there are datasets for each record of an element. Each row of its answer is wanted once.
    """
    if len(plan.existences) != 1 or any(isinstance(source, DatasetSource) for source in plan.sources):
        return plan
    (there,) = plan.existences
    if there.element is None or there.valid or len(there.sources) != 1 or there.main.with_validity:
        return plan
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    for name in plan.result.universe[there.element].implied:
        if joined <= {there.element, name} and asks_only_for(plan, name):
            return _tested_once(plan, there, name)
    return plan


def asks_only_for(plan: Plan, element: str) -> bool:
    """Whether a plan shows, orders and tests nothing but what the records of an element have."""
    universe = plan.result.universe
    known = _known(universe, element)
    if plan.datasets is not None or plan.products or plan.marks or plan.refinements or not universe[element].has_table:
        return False
    if not all(isinstance(source, ElementSource | DatasetSource) for source in plan.sources):
        return False
    shown = [*(term.value for term in plan.order), *(output.value for output in plan.fields or ())]
    tested = [value for part in conjuncts(plan.predicate) for value in values_of(part)]
    return set(plan.keys) <= set(known) and all(
        _is_of(part, element, known) for value in (*shown, *tested) for part in parts_of(value)
    )


def _tested_once(plan: Plan, there: Existence, higher: str) -> Plan:
    universe = plan.result.universe
    assert there.element is not None
    sources = (ElementSource(element=there.element), *there.sources)
    inside = {name for source in sources for name in provided_dimensions(universe, source)}
    private = inside - set(_known(universe, higher))
    lifted = replace(
        there,
        element=higher,
        sources=sources,
        private=tuple(name for name in universe.dimensions if name in private),
        row_by_row=True,
    )
    return with_implied_values(replace(plan, sources=(ElementSource(element=higher),), existences=(lifted,)))


def _is_of(value: Value, element: str, known: tuple[str, ...]) -> bool:
    match value:
        case Key(dimension=name):
            return name in known
        case Field(element=name):
            return name == element
        case DatasetField():
            return False
        case _:
            return True


def _known(universe: DimensionUniverse, element: str) -> tuple[str, ...]:
    return (*universe[element].required, *universe[element].implied)
