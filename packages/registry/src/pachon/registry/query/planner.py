# SPDX-License-Identifier: BSD-3-Clause
"""From what is asked, and facts about datasets, to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pachon.dimensions import DimensionElement, DimensionGroup, DimensionUniverse, envelope_ranges, region_from_bytes
from pachon.registry.errors import InvalidQueryError, QueryTypeError, UnimplementedQueryError
from pachon.registry.query.governors import contradictions, equal_keys, governor_defaults
from pachon.registry.query.overlap_joins import SpatialJoins, spatial_joins, temporal_joins
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    EnvelopeSource,
    Mark,
    OrderTerm,
    PixelRangeSource,
    PixelSource,
    Plan,
    Refinement,
    Source,
    UnionSource,
    UploadSource,
    provided_dimensions,
)
from pachon.registry.query.resolve import resolve, resolve_name
from pachon.registry.query.scope import Scope
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.query.tree import (
    All,
    Comparison,
    Constant,
    DatasetField,
    Field,
    Key,
    Overlap,
    Predicate,
    Truth,
    Value,
    conjuncts,
    values_of,
)

__all__ = ["few_ranges", "make_plan", "plan_condition", "resolved_condition"]

_ORDERED = ("int", "float", "string", "datetime", "ingest_date")


def make_plan(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Plan:
    """Decide how a query is answered.

    Parameters
    ----------
    spec
        What is asked.
    facts
        Of each search of `QuerySpec.all_searches`, in that order.

    Raises
    ------
    InvalidQueryError
        If the expression is wrong, or the joins are not clear.
    UnimplementedQueryError
        If there is no way yet to answer it.
    """
    return plan_condition(spec, facts, resolved_condition(spec, facts))


def resolved_condition(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Predicate:
    """Give all that rows must satisfy: the expression, the data ID, and the defaults of governors."""
    scope = scope_of(spec, facts)
    predicate = resolve(spec.where, scope, spec.bind)
    defaults = governor_defaults(predicate, spec.data_id, spec.dimensions, spec.defaults, scope)
    fixed = {**defaults, **spec.data_id}
    return _conjunction([predicate, *(_equal(scope, name, value) for name, value in fixed.items())])


def plan_condition(spec: QuerySpec, facts: Sequence[SearchFacts], predicate: Predicate) -> Plan:
    """Decide how a query with a resolved condition is answered."""
    scope = scope_of(spec, facts)
    order = tuple(_order_term(name, spec, facts) for name in spec.order_by)
    used = [*values_of(predicate), *(term.value for term in order)]
    group = _all_dimensions(scope.dimensions, used)
    connected = [frozenset(f.dimensions.names) for f in facts]
    connected += [frozenset(table.columns) for table in spec.tables]
    spatial = spatial_joins(group, predicate, connected, spec.where)
    predicate = _conjunction([predicate, *temporal_joins(group, predicate, connected, facts, spec.where)])
    marks = tuple(_mark(overlap, scope.universe) for overlap in spatial.nested)
    tested = _without_top_overlaps(predicate)
    used = [*values_of(tested), *(term.value for term in order)]
    equal = dict(equal_keys(predicate))
    sources, refinements = _sources(spec, group, facts, used, spatial=spatial, equal=equal)
    sources, late = _postponed(spec, group, sources, used, refinements)
    implied = {name for element in late for name in scope.universe[element].implied}
    keys = tuple(n for n in _with_keys_of(scope.universe, spec.dimensions, refinements) if n not in implied)
    doomed = contradictions(equal_keys(predicate))
    doomed += [reason for f in facts for reason in _why_doomed(f, equal)]
    return Plan(
        result=spec.dimensions,
        dimensions=group,
        keys=keys,
        sources=tuple(sources),
        predicate=tested,
        late=late,
        refinements=tuple(refinements),
        marks=marks,
        order=order,
        datasets=facts[0] if spec.result is not None else None,
        find_first=spec.find_first,
        element=spec.element,
        limit=spec.limit,
        doomed=tuple(doomed),
    )


def scope_of(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Scope:
    """Give what names mean in the expression of a query."""
    names = {*spec.dimensions.names, *(name for f in facts for name in f.dimensions.names)}
    names.update(name for table in spec.tables for name in table.group.names)
    if spec.element is not None:
        names.update(spec.dimensions.universe[spec.element].required)
    group = spec.dimensions.universe.conform(names)
    types = tuple(f.dataset_type for f in facts)
    return Scope(dimensions=group, dataset_types=types, result=spec.dimensions, text=spec.where)


def _conjunction(parts: Iterable[Predicate]) -> Predicate:
    operands = tuple(part for whole in parts for part in conjuncts(whole))
    if not operands:
        return Truth(value=True)
    return operands[0] if len(operands) == 1 else All(operands=operands)


def _equal(scope: Scope, dimension: str, value: int | str) -> Predicate:
    key = scope.key(dimension)
    kind = "int" if isinstance(value, int) else "string"
    if kind != key.type:
        raise QueryTypeError(f"{dimension} is of type {key.type}, and {value!r} of type {kind}")
    return Comparison(operator="=", left=key, right=Constant(value=value, type="int" if kind == "int" else "string"))


def _order_term(name: str, spec: QuerySpec, facts: Sequence[SearchFacts]) -> OrderTerm:
    result_types = tuple(f.dataset_type for f in facts[:1]) if spec.result is not None else ()
    scope = Scope(dimensions=spec.dimensions, dataset_types=result_types, text=name)
    value = resolve_name(name.removeprefix("-"), scope)
    if value.type not in _ORDERED:
        raise InvalidQueryError(f"Results cannot be ordered by {value}, which is of type {value.type}")
    if not isinstance(value, DatasetField) and not _dimensions_of(spec.dimensions.universe, value) <= set(
        spec.dimensions
    ):
        raise InvalidQueryError(f"Results cannot be ordered by {value}: it does not belong to {spec.dimensions!r}")
    return OrderTerm(value=value, descending=name.startswith("-"))


def _dimensions_of(universe: DimensionUniverse, value: Value) -> set[str]:
    match value:
        case Key(dimension=dimension):
            return {dimension}
        case Field(element=element):
            return set(universe[element].required)
        case _ if hasattr(value, "timespan"):
            return _dimensions_of(universe, value.timespan)
        case _:
            return set()


def _all_dimensions(group: DimensionGroup, used: Sequence[Value]) -> DimensionGroup:
    universe = group.universe
    names = {name for value in used for name in _dimensions_of(universe, value)}
    return universe.conform({*group.names, *names})


def _mark(overlap: Overlap, universe: DimensionUniverse) -> Mark:
    assert isinstance(overlap.left, Field)
    assert isinstance(overlap.right, Constant)
    assert isinstance(overlap.right.value, bytes)
    if universe[overlap.left.element].is_skypix:
        raise UnimplementedQueryError(f"The region of {overlap.left.element} inside OR or NOT cannot be evaluated yet.")
    return Mark(overlap=overlap, element=overlap.left.element, region=overlap.right.value)


def _without_top_overlaps(predicate: Predicate) -> Predicate:
    """Drop the spatial conditions which the sources and the exact tests stand for."""
    return _conjunction(p for p in conjuncts(predicate) if not (isinstance(p, Overlap) and p.kind == "spatial"))


def _with_keys_of(
    universe: DimensionUniverse, result: DimensionGroup, refinements: Sequence[Refinement]
) -> tuple[str, ...]:
    elements = [side for r in refinements for side in (r.left, r.right) if isinstance(side, str)]
    extra = [name for element in elements for name in universe[element].required]
    return tuple(dict.fromkeys((*result.ordered, *extra)))


def _why_doomed(facts: SearchFacts, equal: Mapping[str, int | str]) -> list[str]:
    """Say why a search can find nothing, from the summaries of its collections."""
    if not facts.collections:
        return [f"No collections were given for {facts.dataset_type!r}."]
    reasons = [f"Collection {name!r} never held a {facts.dataset_type!r}." for name in facts.without_type]
    alive = False
    for number in (*facts.members, *facts.certified):
        absent = _absent_governor(facts, number, equal)
        alive = alive or absent is None
        if absent is not None:
            reasons.append(f"Collection {facts.names[number]!r} never held {absent}.")
    if alive:
        return []
    given = ", ".join(facts.collections)
    return [*reasons, f"No {facts.dataset_type!r} can be found in the collections {given}."]


def _absent_governor(facts: SearchFacts, number: int, equal: Mapping[str, int | str]) -> str | None:
    for governor in facts.dimensions.governors:
        if governor in facts.dimensions.required and governor in equal:
            held = facts.governors.get(number, {}).get(governor, frozenset())
            if equal[governor] not in held:
                return f"{governor} = {equal[governor]!r}"
    return None


# Sources.


def _sources(
    spec: QuerySpec,
    group: DimensionGroup,
    facts: Sequence[SearchFacts],
    used: Sequence[Value],
    *,
    spatial: SpatialJoins,
    equal: Mapping[str, int | str],
) -> tuple[list[Source], list[Refinement]]:
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
    provided = {name for source in sources for name in _vouched(universe, source)}
    for name in reversed(group.names):
        if name in provided:
            continue
        extra = _provider(universe[name])
        sources.append(extra)
        provided.update(provided_dimensions(universe, extra))
    return sources, refinements


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


def _postponed(
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
    needed = {value.dimension for value in used if isinstance(value, Key)}
    needed |= {value.element for value in used if isinstance(value, Field)}
    needed |= {
        name
        for r in refinements
        for side in (r.left, r.right)
        if isinstance(side, str)
        for name in universe[side].required
    }
    result = spec.dimensions
    late: list[str] = []
    # What an element implies comes after it in this order, so that the ends of chains are taken out first.
    for name in reversed(group.lookup_order):
        own = next((s for s in sources if isinstance(s, ElementSource) and s.element == name), None)
        element = universe[name]
        if own is None or name in (*needed, spec.element) or element.always_join or not element.implied:
            continue
        others = [s for s in sources if s is not own]
        elsewhere = {n for s in others for n in provided_dimensions(universe, s)}
        wanted = set(element.implied) & set(result.names)
        vouched = {n for s in others for n in _vouched(universe, s)}
        if not set(element.required) <= vouched or set(element.implied) & (elsewhere | needed | set(result.required)):
            continue
        if wanted and not set(element.required) <= set(result.names):
            continue
        sources = others
        if wanted:
            late.append(name)
    return sources, tuple(reversed(late))


def _vouched(universe: DimensionUniverse, source: Source) -> tuple[str, ...]:
    """Give the dimensions of which a source has existing values only; those of a caller's table may not exist."""
    if isinstance(source, UploadSource):
        return tuple(name for name in source.dimensions if universe[name].is_skypix)
    return provided_dimensions(universe, source)


def _spatial_sources(
    universe: DimensionUniverse, group: DimensionGroup, spatial: SpatialJoins, equal: Mapping[str, int | str]
) -> tuple[list[Source], list[Refinement]]:
    sources: list[Source] = []
    refinements: list[Refinement] = []
    for number, (left, right) in enumerate(spatial.pairs):
        stored = [name for name in (left, right) if not universe[name].is_skypix]
        pixels = [name for name in (left, right) if universe[name].is_skypix]
        if not stored:
            raise UnimplementedQueryError(
                f"The pixels of {left} and {right} cannot be joined: join each with a region that is stored."
            )
        if pixels and pixels[0] != universe.common_skypix:
            fixed = tuple((d, equal[d]) for d in universe[stored[0]].required if d in equal)
            sources.append(EnvelopeSource(element=stored[0], pixel=pixels[0], fixed=fixed))
        else:
            sources += [PixelSource(element=name, join=number, dimension=bool(pixels)) for name in stored]
        refinements.append(Refinement(left=stored[0], right=(pixels or stored[1:])[0]))
    grid = universe.pixelization(universe.common_skypix)
    for name, region in spatial.regions:
        element = universe[name]
        if element.is_skypix:
            if name not in group:
                raise UnimplementedQueryError(f"The pixels of {name!r} cannot be listed.")
            ranges = envelope_ranges(universe.pixelization(name), region_from_bytes(region))
        else:
            ranges = envelope_ranges(grid, region_from_bytes(region))
        sources.append(PixelRangeSource(element=name, ranges=few_ranges(ranges)))
        refinements.append(Refinement(left=name, right=region))
    return sources, refinements


def few_ranges(ranges: np.ndarray, most: int = 200) -> np.ndarray:
    """Merge the ranges with the smallest gaps between them: a longer condition takes longer than a coarser one."""
    if len(ranges) <= most:
        return ranges
    gaps = ranges[1:, 0] - ranges[:-1, 1]
    cuts = np.sort(np.argsort(gaps)[len(gaps) - most + 1 :])
    begins = np.concatenate([ranges[:1, 0], ranges[cuts + 1, 0]])
    ends = np.concatenate([ranges[cuts, 1], ranges[-1:, 1]])
    return np.stack([begins, ends], axis=1)
