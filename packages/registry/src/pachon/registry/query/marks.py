# SPDX-License-Identifier: BSD-3-Clause
"""Overlaps of regions inside OR and NOT: a plan that finds first where they hold."""

from __future__ import annotations

from collections.abc import Mapping

from pachon.registry.query.plan import ElementSource, Mark, Plan, Refinement, RegionPixelsSource, Source
from pachon.registry.query.scope import Scope
from pachon.registry.query.sources import overlap_sources, pixels_near
from pachon.registry.query.tree import All, Constant, Field, Overlap, key_equals

__all__ = ["make_mark"]


def make_mark(overlap: Overlap, scope: Scope, equal: Mapping[str, int | str]) -> Mark:
    """Plan how the keys are found for which an overlap holds.

    Parameters
    ----------
    overlap
        Of a region column with another one, or with a constant region.
    scope
        The names of the query.
    equal
        Values that dimensions have in all of its rows.
    """
    universe = scope.universe
    assert isinstance(overlap.left, Field)
    left = overlap.left.element
    sources: list[Source]
    if isinstance(overlap.right, Constant):
        assert isinstance(overlap.right.value, bytes)
        region = overlap.right.value
        elements: tuple[str, ...] = (left,)
        pixels = universe[left].is_skypix
        sources = [RegionPixelsSource(pixel=left, region=region)] if pixels else [pixels_near(universe, left, region)]
        refinement = Refinement(left=left, right=region)
    else:
        assert isinstance(overlap.right, Field)
        elements = (left, overlap.right.element)
        sources, refinement = overlap_sources(universe, (left, overlap.right.element), 0, equal)
    keys = tuple(dict.fromkeys(d for name in elements for d in universe[name].required))
    sources += [ElementSource(element=name) for name in elements if universe[name].has_table]
    fixed = [key_equals(universe, d, equal[d]) for d in keys if d in equal]
    group = universe.conform(keys)
    plan = Plan(
        result=group,
        dimensions=group,
        keys=keys,
        sources=tuple(sources),
        predicate=All(operands=tuple(fixed)),
        refinements=(refinement,),
    )
    return Mark(overlap=overlap, elements=elements, plan=plan)
