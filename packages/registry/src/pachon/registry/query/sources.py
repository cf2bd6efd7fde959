# SPDX-License-Identifier: BSD-3-Clause
"""Which tables a query joins: those of what it names, of what relates that, and of pixels for overlaps on the sky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pachon.dimensions import DimensionElement, DimensionGroup, DimensionUniverse
from pachon.registry.errors import UnimplementedQueryError
from pachon.registry.query.overlap_joins import SpatialJoins
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    EnvelopeSource,
    PixelRangeSource,
    PixelSource,
    Plan,
    Refinement,
    Source,
    UnionSource,
    UploadSource,
    provided_dimensions,
    vouched_dimensions,
)
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.query.tree import All, Field, Key, Value, key_equals

__all__ = ["few_ranges", "overlap_sources", "pixels_near", "postponed", "query_sources", "with_implied_values"]


def query_sources(
    spec: QuerySpec,
    group: DimensionGroup,
    facts: Sequence[SearchFacts],
    used: Sequence[Value],
    *,
    spatial: SpatialJoins,
    equal: Mapping[str, int | str],
) -> tuple[list[Source], list[Refinement]]:
    """Give all tables that are joined, and what is tested exactly afterwards.

    Raises
    ------
    UnimplementedQueryError
        If pixels would have to be listed that nothing gives.
    """
    universe = group.universe
    sources: list[Source] = [
        UploadSource(index=i, dimensions=tuple(t.columns), rows=len(t)) for i, t in enumerate(spec.tables)
    ]
    sources += [DatasetSource(facts=f, with_validity=bool(f.certified)) for f in facts]
    related = [{*f.dimensions.required} for f in facts] + [set(t.columns) for t in spec.tables]
    spatial_sources, refinements = _spatial_sources(universe, group, spatial, equal)
    sources += spatial_sources
    wanted = _wanted_elements(spec, group, used, related)
    sources += [ElementSource(element=name) for name in wanted]
    for pair in spatial.pairs:
        if all(universe[name].is_skypix for name in pair):
            joined, refinement = _pixel_pairs(universe, pair, sources, equal)
            sources.append(joined)
            refinements.append(refinement)
    known = {name for source in sources for name in vouched_dimensions(universe, source)}
    for name in reversed(group.names):
        if name in known:
            continue
        extra = _provider(universe[name])
        sources.append(extra)
        known.update(provided_dimensions(universe, extra))
    return sources, refinements


def _pixel_pairs(
    universe: DimensionUniverse, pair: tuple[str, str], sources: Sequence[Source], equal: Mapping[str, int | str]
) -> tuple[EnvelopeSource, Refinement]:
    """Join two pixelizations, of which one is known by a condition or by what is joined already."""
    given = {name for source in sources for name in provided_dimensions(universe, source)}
    first, second = sorted(pair, key=lambda name: (name not in equal, name not in given))
    refinement = Refinement(left=first, right=second)
    if first in equal:
        return EnvelopeSource(element=first, pixel=second, fixed=((first, equal[first]),)), refinement
    if first not in given:
        raise UnimplementedQueryError(
            f"The pixels of {pair[0]} and of {pair[1]} cannot be listed: say which pixel ({pair[0]} = ...), or join one "
            "of them with regions that are stored, with datasets or with a table of data IDs."
        )
    near = _joined_with(universe, first, [s for s in sources if second not in provided_dimensions(universe, s)])
    names = {name for source in near for name in provided_dimensions(universe, source)}
    keys = [name for name in equal if name in names]
    among = Plan(
        result=universe.conform([first]),
        dimensions=universe.conform(names),
        keys=(first,),
        sources=tuple(near),
        predicate=All(operands=tuple(key_equals(universe, name, equal[name]) for name in keys)),
    )
    return EnvelopeSource(element=first, pixel=second, fixed=(), among=among), refinement


def _joined_with(universe: DimensionUniverse, dimension: str, sources: Sequence[Source]) -> list[Source]:
    """Give the sources that have to do with a dimension, be it by way of others."""
    labels = {dimension}
    found: list[Source] = []
    rest = list(sources)
    while touching := [s for s in rest if labels & _labels(universe, s)]:
        found += touching
        rest = [s for s in rest if s not in touching]
        labels |= {label for s in touching for label in _labels(universe, s)}
    return found


def _labels(universe: DimensionUniverse, source: Source) -> set[str]:
    join = {f"pixels {source.join}"} if isinstance(source, PixelSource) and not source.dimension else set()
    own = {source.element} if isinstance(source, PixelRangeSource) else set()
    return {*provided_dimensions(universe, source), *join, *own}


def _wanted_elements(
    spec: QuerySpec, group: DimensionGroup, used: Sequence[Value], related: Sequence[set[str]]
) -> list[str]:
    """Give the elements whose records must be joined."""
    universe = group.universe
    named = {value.element for value in used if isinstance(value, Field)}
    if spec.element is not None:
        named.add(spec.element)
    wanted = []
    for name in group.elements:
        element = universe[name]
        if not element.has_table:
            continue
        relates = element.always_join and not any(set(element.required) <= names for names in related)
        if name in named or element.implied or relates:
            wanted.append(name)
    return wanted


def _provider(element: DimensionElement) -> Source:
    if element.is_skypix:
        raise UnimplementedQueryError(
            f"The pixels of {element.name!r} cannot be listed: join them with regions that are stored, "
            "with datasets or with a table of data IDs."
        )
    if element.implied_union_target is not None:
        return UnionSource(dimension=element.name, target=element.implied_union_target)
    return ElementSource(element=element.name)


def postponed(
    spec: QuerySpec,
    group: DimensionGroup,
    sources: list[Source],
    used: Sequence[Value],
    refinements: Sequence[Refinement],
) -> tuple[list[Source], tuple[str, ...]]:
    """Take out elements that only add values of implied dimensions which nothing else depends on.

    Give the sources that are left, and those elements in the order in which they can be looked up.
    """
    universe = group.universe
    named = {value.element for value in used if isinstance(value, Field)}
    result = spec.dimensions
    needed = {*named, *result.required}
    needed.update(value.dimension for value in used if isinstance(value, Key))
    for refinement in refinements:
        for side in (refinement.left, refinement.right):
            needed.update(universe[side].required if isinstance(side, str) else ())
    late: list[str] = []
    records = {s.element: s for s in sources if isinstance(s, ElementSource)}
    # What an element implies comes after it in this order, so that the ends of chains are taken out first.
    for name in reversed(group.lookup_order):
        own = records.get(name)
        if own is None or name in named or name == spec.element:
            continue
        element = universe[name]
        if element.always_join or not element.implied or not needed.isdisjoint(element.implied):
            continue
        wanted = any(implied in result for implied in element.implied)
        if wanted and not all(required in result for required in element.required):
            continue
        others = [s for s in sources if s is not own]
        elsewhere = {n for s in others for n in provided_dimensions(universe, s)}
        if not elsewhere.isdisjoint(element.implied):
            continue
        vouched = {n for s in others for n in vouched_dimensions(universe, s)}
        if not vouched.issuperset(element.required):
            continue
        sources = others
        if wanted:
            late.append(name)
    return sources, tuple(reversed(late))


def with_implied_values(plan: Plan) -> Plan:
    """Take implied values from the records that are joined now, rather than look them up afterwards."""
    universe = plan.result.universe
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    implied = {name for element in plan.late if element in joined for name in universe[element].implied}
    names = (*plan.result.ordered, *plan.keys)
    return replace(
        plan,
        keys=tuple(dict.fromkeys(n for n in names if n in plan.keys or (n in implied and n in plan.result))),
        late=tuple(name for name in plan.late if name not in joined),
    )


def _spatial_sources(
    universe: DimensionUniverse, group: DimensionGroup, spatial: SpatialJoins, equal: Mapping[str, int | str]
) -> tuple[list[Source], list[Refinement]]:
    sources: list[Source] = []
    refinements: list[Refinement] = []
    for number, pair in enumerate(spatial.pairs):
        if all(universe[name].is_skypix for name in pair):
            continue  # joined last, when it is known what gives the pixels of one of them
        joined, refinement = overlap_sources(universe, pair, number, equal)
        sources += joined
        refinements.append(refinement)
    for name, region in spatial.regions:
        if universe[name].is_skypix and name not in group:
            raise UnimplementedQueryError(f"The pixels of {name!r} cannot be listed.")
        sources.append(pixels_near(universe, name, region))
        refinements.append(Refinement(left=name, right=region))
    return sources, refinements


def overlap_sources(
    universe: DimensionUniverse, pair: tuple[str, str], number: int, equal: Mapping[str, int | str]
) -> tuple[list[Source], Refinement]:
    """Give the tables by which two elements are joined whose regions may overlap, and the exact test.

    Raises
    ------
    UnimplementedQueryError
        If both are pixels.
    """
    stored = [name for name in pair if not universe[name].is_skypix]
    pixels = [name for name in pair if universe[name].is_skypix]
    if not stored:
        raise UnimplementedQueryError(
            f"The pixels of {pair[0]} and of {pair[1]} cannot be joined inside OR or NOT; join them at the top of the expression."
        )
    refinement = Refinement(left=stored[0], right=(pixels or stored[1:])[0])
    if pixels and pixels[0] != universe.common_skypix:
        fixed = tuple((d, equal[d]) for d in universe[stored[0]].required if d in equal)
        return [EnvelopeSource(element=stored[0], pixel=pixels[0], fixed=fixed)], refinement
    return [PixelSource(element=name, join=number, dimension=bool(pixels)) for name in stored], refinement


def pixels_near(universe: DimensionUniverse, element: str, region: bytes) -> PixelRangeSource:
    """Give the pixels by which the records of an element are found that may touch a region."""
    # lsst-sphgeom takes a while to import, and most queries have no region.
    from pachon.dimensions import envelope_ranges, region_from_bytes

    grid = universe.pixelization(element if universe[element].is_skypix else universe.common_skypix)
    return PixelRangeSource(element=element, ranges=few_ranges(envelope_ranges(grid, region_from_bytes(region))))


def few_ranges(ranges: np.ndarray, most: int = 200) -> np.ndarray:
    """Merge the ranges with the smallest gaps between them: a longer condition takes longer than a coarser one."""
    if len(ranges) <= most:
        return ranges
    gaps = ranges[1:, 0] - ranges[:-1, 1]
    cuts = np.sort(np.argsort(gaps)[len(gaps) - most + 1 :])
    begins = np.concatenate([ranges[:1, 0], ranges[cuts + 1, 0]])
    ends = np.concatenate([ranges[cuts, 1], ranges[-1:, 1]])
    return np.stack([begins, ends], axis=1)
