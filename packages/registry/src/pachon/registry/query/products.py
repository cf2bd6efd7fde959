# SPDX-License-Identifier: BSD-3-Clause
"""Queries whose parts nothing relates: the rows of one are joined with all rows of the other."""

from __future__ import annotations

from collections.abc import Sequence

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import (
    DatasetSource,
    PixelRangeSource,
    PixelSource,
    Product,
    Refinement,
    Source,
    provided_dimensions,
)
from pachon.registry.query.tree import All, DatasetField, Field, Key, Predicate, Value, conjuncts, values_of

__all__ = ["MOST_PRODUCT_ROWS", "SMALL_PART_ROWS", "find_products", "why_refused"]

MOST_PRODUCT_ROWS = 100_000
"""Rows that a product of unrelated parts may have."""
SMALL_PART_ROWS = 100
"""A part of so few rows (the bands of a survey) is no danger."""


def find_products(
    universe: DimensionUniverse, sources: Sequence[Source], predicate: Predicate, refinements: Sequence[Refinement]
) -> tuple[Product, ...]:
    """Give the parts of a query that neither a common dimension, an overlap nor a condition relates; none if it is one."""
    names = [frozenset(_labels(universe, source)) for source in sources]
    if not names or frozenset.intersection(*names):
        # All have to do with one thing, mostly the instrument.
        return ()

    def meant(condition: Predicate) -> frozenset[str]:
        return frozenset(label for value in values_of(condition) for label in _meant(universe, value))

    parts = _merged([], names)
    if len(parts) < 2:
        # What conditions name is in the sources.
        return ()
    links = [meant(part) for part in conjuncts(predicate)]
    links += [
        frozenset({*universe[r.left].required, *universe[r.right].required})
        for r in refinements
        if isinstance(r.right, str)
    ]
    parts = _merged(parts, links)
    if len(parts) < 2:
        return ()
    return tuple(
        Product(
            dimensions=tuple(name for name in universe.dimensions if name in part),
            sources=tuple(s for s, labels in zip(sources, names, strict=True) if labels & part),
            predicate=All(operands=tuple(c for c in conjuncts(predicate) if meant(c) & part)),
        )
        for part in parts
    )


def _merged(parts: Sequence[frozenset[str]], more: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Put together what has a label in common."""
    merged = list(parts)
    for labels in more:
        if labels:
            touched = [part for part in merged if not part.isdisjoint(labels)]
            if touched:
                merged = [part for part in merged if part.isdisjoint(labels)]
            merged.append(labels.union(*touched))
    return merged


def why_refused(universe: DimensionUniverse, parts: Sequence[Product], rows: Sequence[int]) -> str:
    """Say why a product is refused, and what would relate its parts.

    Parameters
    ----------
    universe
        The universe.
    parts, rows
        The parts, and how many rows each has at least.
    """
    shown = " and ".join(
        f"{count:,} of {', '.join(_leaves(universe, part.dimensions))}" for part, count in zip(parts, rows, strict=True)
    )
    hints = [name for part in parts for name in _relating(universe, part, parts)]
    what = f" ({' or '.join(hints[:3])} would relate them)" if hints else ""
    return (
        f"Nothing relates the parts of this query, and it would join every row of one with every row of the other: {shown}. "
        f"Add a dimension or a dataset type that relates them{what}, an explicit OVERLAPS, or constrain each part."
    )


def _labels(universe: DimensionUniverse, source: Source) -> set[str]:
    """Give what a source has in common with others: dimensions, and for joins by pixels and fields of datasets their own marks."""
    names = set(provided_dimensions(universe, source))
    match source:
        case PixelSource(join=join, dimension=False):
            return {*names, f"pixels {join}"}
        case PixelRangeSource(element=element) if universe[element].is_skypix:
            return {element}
        case DatasetSource(facts=facts):
            return {*names, f"datasets {facts.dataset_type}"}
        case _:
            return names


def _meant(universe: DimensionUniverse, value: Value) -> tuple[str, ...]:
    match value:
        case Key(dimension=dimension):
            return (dimension,)
        case Field(element=element):
            return universe[element].required
        case DatasetField(dataset_type=dataset_type):
            return (f"datasets {dataset_type}",)
        case _:
            return ()


def _leaves(universe: DimensionUniverse, names: Sequence[str]) -> list[str]:
    """Leave out what others bring along."""
    brought = {d for name in names for d in (*universe[name].dependencies, *universe[name].implied)}
    return [name for name in names if name not in brought] or list(names)


def _relating(universe: DimensionUniverse, part: Product, parts: Sequence[Product]) -> list[str]:
    """Give dimensions with a region or a time that hang on a part which has none, and could meet another part's."""
    found = []
    for kind in ("spatial", "temporal"):
        families = {n for p in parts for d in p.dimensions if (n := getattr(universe[d], kind)) is not None}
        if any(getattr(universe[d], kind) for d in part.dimensions) or not families:
            continue
        found += [
            e.name
            for e in universe.dimensions.values()
            if getattr(e, kind) and not e.is_skypix and e.dependencies and set(e.dependencies) <= set(part.dimensions)
        ]
    return found
