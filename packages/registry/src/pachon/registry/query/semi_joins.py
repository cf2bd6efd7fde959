# SPDX-License-Identifier: BSD-3-Clause
"""Datasets that need only be there: a test of each record, instead of a join that repeats it for each of its datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    Existence,
    PixelRangeSource,
    Plan,
    Source,
    UnionSource,
    UploadSource,
    provided_dimensions,
    vouched_dimensions,
)
from pachon.registry.query.sources import with_implied_values
from pachon.registry.query.tree import (
    All,
    Bound,
    DatasetField,
    Field,
    Key,
    Overlap,
    Predicate,
    Truth,
    Value,
    conjuncts,
    parts_of,
    values_of,
    walk,
)
from pachon.registry.query.validity_tests import with_validity_tests
from pachon.registry.schema.dataset_tables import searched_first

__all__ = ["with_semi_join"]

_SIMPLE = (ElementSource, UnionSource, DatasetSource, PixelRangeSource, UploadSource)


def with_semi_join(plan: Plan, main: DatasetSource, *, by_last_range: bool = False) -> Plan | None:
    """Give the plan that tests whether there are datasets of a search instead of joining them, if there is such a plan.

    What hangs on dimensions that only these datasets bring along is tested together with them: conditions on these dimensions,
    and other datasets that must agree in them.

    Parameters
    ----------
    plan
        Each row of its answer is wanted once.
    main
        One of its sources.
    by_last_range
        Look for the last validity range before a time (`ValidityTest`) rather than compare all ranges with it. Then the plan may have
        all pairs of two records, of which each is tested.

    Notes
    -----
    Of a join of two parts of which the second is not shown, those rows of the first are left for which the second has any.
    The datasets are tested for the records of an element with whose dimensions their index begins, so that a test is one
    look into the index.
    """
    if plan.datasets is not None or plan.products or not all(isinstance(s, _SIMPLE) for s in plan.sources):
        return None
    if _is_shown(main, _shown_values(plan)) or any(isinstance(s, DatasetSource) and s.at for s in plan.sources):
        return None
    if by_last_range and not any(isinstance(s, DatasetSource) and s.with_validity for s in plan.sources):
        return None
    universe = plan.result.universe
    order = searched_first(main.facts.dimensions)
    joined = [set(universe[s.element].required) for s in plan.sources if isinstance(s, ElementSource)]
    # The more records are gone through, the more tests are made; but records that are joined anyway are gone through, not tested.
    fewest = max((n for n in range(1, len(order) + 1) if set(order[:n]) in joined), default=0)
    for count in range(fewest, len(order) + 1):
        element = universe[order[count - 1]] if count else None
        if element is not None and (not element.has_table or set(element.required) != set(order[:count])):
            continue
        tested = _divided(
            plan, main, frozenset(order[:count]), None if element is None else element.name, by_last_range=by_last_range
        )
        if tested is not None:
            return tested
    return None


def _divided(
    plan: Plan, main: DatasetSource, keys: frozenset[str], element: str | None, *, by_last_range: bool
) -> Plan | None:
    """Test the datasets for records of an element, if they have no more to do with the rest of the query than its ``keys``."""
    universe = plan.result.universe
    inner, outer, known = _two_parts(plan, main, keys)
    if not _multiplies(main, _provided(universe, inner) - known):
        return None
    if element is not None and not keys <= {name for s in outer for name in vouched_dimensions(universe, s)}:
        outer = [ElementSource(element=element), *outer]
        known |= _provided(universe, outer)
        if known - _determined(universe, outer, keys) and not by_last_range:
            # The datasets relate the records to something else: without them there would be all pairs of the two.
            return None
    if set(main.facts.dimensions.required) & known != keys:
        return None
    if _provided(universe, inner) & known - _determined(universe, outer, keys):
        return None
    if any(_is_searched_twice(source) for source in inner) and not by_last_range:
        return None
    private = _provided(universe, inner) - known
    own, others = _divided_condition(plan.predicate, inner, private)
    if any(_is_about_more_than_time(part) for part in own):
        return None
    there = Existence(
        element=element,
        sources=tuple(_in_order_of_looking(universe, main, inner)),
        predicate=_conjunction(own),
        private=tuple(name for name in universe.dimensions if name in private),
    )
    if by_last_range:
        looked_up = with_validity_tests(universe, there)
        if looked_up is None:
            return None
        there = looked_up
    return with_implied_values(
        replace(
            plan,
            sources=tuple(outer),
            predicate=_conjunction(others),
            existences=(*plan.existences, there),
        )
    )


def _two_parts(plan: Plan, main: DatasetSource, keys: frozenset[str]) -> tuple[list[Source], list[Source], set[str]]:
    """Give the sources that hang on datasets, all others, and the dimensions that the others know."""
    universe = plan.result.universe
    shown = _shown_values(plan)
    known = {*plan.keys, *keys, *(name for mark in plan.marks for name in mark.plan.keys)}
    known.update(name for there in plan.existences for name in _tested_dimensions(universe, there) - set(there.private))
    known.update(name for value in shown for name in _dimensions_of(universe, value))
    while True:
        inner = _hanging_on(universe, main, plan.sources, known, shown)
        outer = [s for s in plan.sources if not _is_among(s, inner)]
        more = known | _provided(universe, outer)
        if more == known:
            return inner, outer, known
        known = more


def _shown_values(plan: Plan) -> list[Value]:
    """Give what is part of the answer, orders it, or is compared with by other tests."""
    wanted = [*(term.value for term in plan.order), *(output.value for output in plan.fields or ())]
    compared = [value for there in plan.existences for value in values_of(there.predicate)]
    times = [part for there in plan.existences for test in there.valid for part in parts_of(test.time)]
    return [*(part for value in wanted for part in parts_of(value)), *compared, *times]


def _tested_dimensions(universe: DimensionUniverse, there: Existence) -> set[str]:
    return _provided(universe, there.sources).union(*(test.facts.dimensions.required for test in there.valid))


def _hanging_on(
    universe: DimensionUniverse, main: DatasetSource, sources: Sequence[Source], known: set[str], shown: Sequence[Value]
) -> list[Source]:
    """Give the sources that share a dimension with datasets, or with what hangs on these, which nothing else knows."""
    inner: list[Source] = [main]
    datasets = set(main.facts.dimensions.required)
    fresh = True
    while fresh:
        private = _provided(universe, inner) - known
        fresh = False
        for source in sources:
            if _is_among(source, inner) or _is_shown(source, shown) or not _provided(universe, [source]) & private:
                continue
            if isinstance(source, DatasetSource):
                datasets.update(source.facts.dimensions.required)
            elif not isinstance(source, ElementSource):
                continue
            elif not set(universe[source.element].required) <= datasets:
                # It is not found by its key.
                continue
            elif set(universe[source.element].required) <= known:
                continue
            inner.append(source)
            fresh = True
    return inner


def _multiplies(main: DatasetSource, private: set[str]) -> bool:
    """Whether there can be several datasets for values of the dimensions that are known."""
    return bool(private) or main.with_validity or len(main.facts.ranks) > 1


def _determined(universe: DimensionUniverse, sources: Iterable[Source], keys: Iterable[str]) -> set[str]:
    """Give the dimensions of which there is one value for each value of some keys."""
    known = set(keys)
    elements = [universe[s.element] for s in sources if isinstance(s, ElementSource)]
    while more := [e for e in elements if set(e.required) <= known and not set(e.implied) <= known]:
        known.update(name for e in more for name in e.implied)
    return known


def _is_searched_twice(source: Source) -> bool:
    """Whether datasets are looked for in collections of both kinds: these two tables are read before any row is tested."""
    return isinstance(source, DatasetSource) and bool(source.facts.members) and bool(source.facts.certified)


def _divided_condition(
    condition: Predicate, inner: Sequence[Source], private: set[str]
) -> tuple[list[Predicate], list[Predicate]]:
    """Give the parts of a condition that have to do with what hangs on datasets, and all others."""
    elements = {s.element for s in inner if isinstance(s, ElementSource)}
    types = {s.facts.dataset_type for s in inner if isinstance(s, DatasetSource)}

    def hangs(value: Value) -> bool:
        match value:
            case Key(dimension=name):
                return name in private
            case Field(element=name):
                return name in elements
            case DatasetField(dataset_type=name):
                return name in types
            case _:
                return False

    own: list[Predicate] = []
    others: list[Predicate] = []
    for part in conjuncts(condition):
        (own if any(hangs(value) for value in values_of(part)) else others).append(part)
    return own, others


def _is_about_more_than_time(part: Predicate) -> bool:
    """Whether a condition is about a field by which datasets may be found, or about overlaps that were found before."""
    if any(isinstance(p, Overlap) and p.kind == "spatial" for p in walk(part)):
        return True
    return any(isinstance(value, DatasetField) and value.name != "timespan" for value in values_of(part))


def _in_order_of_looking(universe: DimensionUniverse, main: DatasetSource, inner: Sequence[Source]) -> Iterator[Source]:
    """Give first what is found by the keys of the record, then what is found by the keys of what came before."""
    yield main
    known = set(main.facts.dimensions.required)
    elements = [s for s in inner if isinstance(s, ElementSource)]
    first = [s for s in elements if set(universe[s.element].required) <= known]
    yield from first
    yield from (s for s in inner if isinstance(s, DatasetSource) and s is not main)
    yield from (s for s in elements if not _is_among(s, first))


def _provided(universe: DimensionUniverse, sources: Iterable[Source]) -> set[str]:
    return {name for source in sources for name in provided_dimensions(universe, source)}


def _dimensions_of(universe: DimensionUniverse, value: Value) -> tuple[str, ...]:
    match value:
        case Key(dimension=dimension):
            return (dimension,)
        case Field(element=element):
            return universe[element].required
        case Bound(timespan=timespan):
            return _dimensions_of(universe, timespan)
        case _:
            return ()


def _is_shown(source: Source, shown: Sequence[Value]) -> bool:
    """Whether a column of a source is part of the answer, or orders it."""
    match source:
        case DatasetSource(facts=facts):
            return any(isinstance(v, DatasetField) and v.dataset_type == facts.dataset_type for v in shown)
        case ElementSource(element=element):
            return any(isinstance(v, Field) and v.element == element for v in shown)
        case _:
            return False


def _is_among(source: Source, sources: Iterable[Source]) -> bool:
    return any(source is other for other in sources)


def _conjunction(parts: Sequence[Predicate]) -> Predicate:
    if not parts:
        return Truth(value=True)
    return parts[0] if len(parts) == 1 else All(operands=tuple(parts))
