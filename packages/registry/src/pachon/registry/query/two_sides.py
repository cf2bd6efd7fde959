# SPDX-License-Identifier: BSD-3-Clause
"""A join on the sky without the database: each side is a query of its own, and the two meet in arrays.

A database that joins two tables by the pixels of their regions makes a row for each pixel that two regions share, and has to sort
them all to drop the repetitions. Here both sides are fetched without it, and pairs of records, not rows, are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    PixelSource,
    Plan,
    Refinement,
    Source,
    UploadSource,
    provided_dimensions,
)
from pachon.registry.query.region_tests import RegionTable
from pachon.registry.query.tree import (
    All,
    Bound,
    Comparison,
    Constant,
    DatasetField,
    Field,
    Key,
    Predicate,
    Truth,
    Value,
    conjuncts,
    values_of,
)

__all__ = [
    "Side",
    "Sides",
    "joined_rows",
    "overlapping_records",
    "pixel_ranges",
    "split_at_overlap",
    "without_overlaps",
]

_PAIRS = 64_000
"""Pairs that are compared at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a join: its query, and the element whose regions must overlap."""

    element: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A plan in two parts that have nothing in common but an overlap on the sky."""

    first: Side
    """The one that is probably smaller: its pixels limit the other."""
    second: Side
    others: tuple[Refinement, ...]
    """Exact tests that are left."""


def split_at_overlap(plan: Plan, universe: DimensionUniverse) -> Sides | None:
    """Split a plan whose two sides are related by one overlap of stored regions; `None` if it is not like that."""
    pixels = [s for s in plan.sources if isinstance(s, PixelSource)]
    overlaps = [r for r in plan.refinements if isinstance(r.right, str) and not universe[r.right].is_skypix]
    if len(pixels) != 2 or len(overlaps) != 1 or any(s.dimension for s in pixels) or pixels[0].join != pixels[1].join:
        return None
    if plan.datasets is not None or plan.fields is not None or plan.order or plan.marks:
        return None
    (overlap,) = overlaps
    elements = (overlap.left, str(overlap.right))
    sources = [s for s in plan.sources if not isinstance(s, PixelSource)]
    known = {s.element for s in sources if isinstance(s, ElementSource)}
    sources += [ElementSource(element=name) for name in elements if name not in known]
    parts = _connected(sources, universe)
    if len(parts) != 2:
        return None
    sides = [_side(plan, name, parts, universe) for name in elements]
    if sides[0] is None or sides[1] is None or sides[0].plan.sources == sides[1].plan.sources:
        return None
    if set(sides[0].plan.keys) | set(sides[1].plan.keys) != set(plan.keys):
        return None
    conditions = [_dimensions_of(part, universe) for part in conjuncts(plan.predicate)]
    dimensions = [_all_provided(side.plan.sources, universe) for side in sides if side is not None]
    if not all(any(names and names <= own for own in dimensions) for names in conditions):
        return None
    first, second = sorted((s for s in sides if s is not None), key=lambda side: -_selectivity(side.plan, universe))
    return Sides(first=first, second=second, others=tuple(r for r in plan.refinements if r is not overlap))


def without_overlaps(plan: Plan, universe: DimensionUniverse) -> Plan:
    """Give a plan that joins no regions: what it would find if everything overlapped."""
    sources = [s for s in plan.sources if not isinstance(s, PixelSource)]
    provided = _all_provided(sources, universe)
    sources += [
        ElementSource(element=source.element)
        for source in plan.sources
        if isinstance(source, PixelSource) and not set(universe[source.element].required) <= provided
    ]
    return replace(
        plan, sources=tuple(sources), refinements=tuple(r for r in plan.refinements if not isinstance(r.right, str))
    )


def overlapping_records(
    left: RegionTable, right: RegionTable, pixels: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Give all pairs of records whose regions have a point in common.

    Parameters
    ----------
    left, right
        The regions of both sides, a record each.
    pixels
        For each side: record number and pixel, two int64 arrays, in any order; records that overlap share a pixel.

    Returns
    -------
    first, second : numpy.ndarray
        Numbers of records, int64; sorted, each pair once.
    """
    (row_a, pixel_a), (row_b, pixel_b) = pixels
    order = np.argsort(pixel_b, kind="stable")
    row_b, pixel_b = row_b[order], pixel_b[order]
    start = np.searchsorted(pixel_b, pixel_a, side="left")
    count = np.searchsorted(pixel_b, pixel_a, side="right") - start
    total = np.cumsum(count)
    found: list[np.ndarray] = []
    begin = 0
    while begin < len(row_a):
        # As many pixels as give about so many pairs, and at least one.
        before = int(total[begin - 1]) if begin else 0
        stop = max(int(np.searchsorted(total, before + _PAIRS, side="right")), begin + 1)
        part = slice(begin, stop)
        a = np.repeat(row_a[part], count[part])
        b = row_b[_counted_up(start[part], count[part])]
        near = left.near(right, a, b)
        found.append(_distinct(a[near] * len(right) + b[near]))
        begin = stop
    codes = _distinct(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
    first, second = codes // max(len(right), 1), codes % max(len(right), 1)
    there = left.overlaps(right, first, second)
    return first[there], second[there]


def joined_rows(records: Sequence[np.ndarray], pairs: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Give the rows of both sides that belong together.

    Parameters
    ----------
    records
        For each side the number of the record of each row.
    pairs
        Pairs of records that belong together.
    """
    rows: list[np.ndarray] = []
    starts: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for numbers, wanted in zip(records, pairs, strict=True):
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        start = np.searchsorted(ordered, wanted, side="left")
        rows.append(order)
        starts.append(start)
        counts.append(np.searchsorted(ordered, wanted, side="right") - start)
    both = counts[0] * counts[1]
    pair = np.repeat(np.arange(len(both)), both)
    within = _counted_up(np.zeros(len(both), dtype=np.int64), both)
    return (
        rows[0][starts[0][pair] + within // counts[1][pair]],
        rows[1][starts[1][pair] + within % counts[1][pair]],
    )


def pixel_ranges(pixels: np.ndarray) -> np.ndarray:
    """Give the half-open ranges, shape (n, 2), int64, that hold some pixels and no others."""
    ids = _distinct(pixels.copy())
    gaps = np.flatnonzero(np.diff(ids) > 1)
    begins = np.concatenate([ids[:1], ids[gaps + 1]])
    ends = np.concatenate([ids[gaps], ids[-1:]]) + 1
    return np.stack([begins, ends], axis=1)


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Sort numbers where they lie, and give each once; for millions this is many times faster than `numpy.unique`."""
    numbers.sort()
    fresh = np.ones(len(numbers), dtype=bool)
    fresh[1:] = numbers[1:] != numbers[:-1]
    distinct: np.ndarray = numbers[fresh]
    return distinct


def _counted_up(start: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Give ``start, start + 1, ...`` (``count`` of them) one behind the other."""
    before = np.cumsum(count) - count
    numbers: np.ndarray = np.arange(int(count.sum()), dtype=np.int64) + np.repeat(start - before, count)
    return numbers


def _connected(sources: Iterable[Source], universe: DimensionUniverse) -> list[tuple[set[str], list[Source]]]:
    """Put together the sources that share a dimension."""
    parts: list[tuple[set[str], list[Source]]] = []
    for source in sources:
        names = set(provided_dimensions(universe, source))
        touching = [part for part in parts if part[0] & names]
        parts = [part for part in parts if not part[0] & names]
        members = [member for _, group in touching for member in group]
        parts.append((names.union(*(part[0] for part in touching)), [*members, source]))
    return parts


def _side(
    plan: Plan, element: str, parts: Sequence[tuple[set[str], list[Source]]], universe: DimensionUniverse
) -> Side | None:
    for names, sources in parts:
        if not set(universe[element].required) <= names:
            continue
        conditions = [
            part for part in conjuncts(plan.predicate) if (used := _dimensions_of(part, universe)) and used <= names
        ]
        predicate: Predicate = Truth(value=True)
        if conditions:
            predicate = conditions[0] if len(conditions) == 1 else All(operands=tuple(conditions))
        keys = tuple(name for name in plan.keys if name in names)
        return Side(
            element=element,
            plan=replace(
                plan,
                dimensions=universe.conform(names),
                keys=keys,
                sources=tuple(s for s in plan.sources if s in sources)
                + tuple(s for s in sources if s not in plan.sources),
                predicate=predicate,
                late=(),
                refinements=(),
            ),
        )
    return None


def _all_provided(sources: Iterable[Source], universe: DimensionUniverse) -> set[str]:
    return {name for source in sources for name in provided_dimensions(universe, source)}


def _dimensions_of(condition: Predicate, universe: DimensionUniverse) -> set[str]:
    """Give the dimensions that a condition is about; a dataset's field belongs to no side that could be named here."""
    return {name for value in values_of(condition) for name in _names_of(value, universe)}


def _names_of(value: Value, universe: DimensionUniverse) -> set[str]:
    match value:
        case Key(dimension=dimension):
            return {dimension}
        case Field(element=element):
            return set(universe[element].required)
        case Bound(timespan=timespan):
            return _names_of(timespan, universe)
        case DatasetField():
            return {"a dataset"}
        case _:
            return set()


def _selectivity(plan: Plan, universe: DimensionUniverse) -> int:
    """Guess how much a side is limited: by conditions, given rows, datasets."""
    points = 0
    for part in conjuncts(plan.predicate):
        match part:
            case Comparison(operator="=", left=Key(dimension=name), right=Constant()) if name in universe.governors:
                pass
            case _:
                points += 2
    points += 4 * sum(isinstance(source, UploadSource) for source in plan.sources)
    return points + sum(isinstance(source, DatasetSource) for source in plan.sources)
