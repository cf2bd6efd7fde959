# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a query: which tables are joined on what, and what is done after the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.tree import Overlap, Predicate, Truth, Value

__all__ = [
    "DatasetSource",
    "ElementSource",
    "EnvelopeSource",
    "Mark",
    "OrderTerm",
    "PixelRangeSource",
    "PixelSource",
    "Plan",
    "Refinement",
    "Source",
    "UnionSource",
    "UploadSource",
    "provided_dimensions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementSource:
    """The records of an element."""

    element: str

    def __str__(self) -> str:
        return f"records of {self.element}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionSource:
    """The values of a dimension that the records of another one name."""

    dimension: str
    target: str

    def __str__(self) -> str:
        return f"values of {self.dimension} in {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSource:
    """The common pixels that each record of an element may touch.

    Sources of the same ``join`` are joined on equal pixels; with ``dimension`` the pixel is a dimension of the query.
    """

    element: str
    join: int
    dimension: bool = False

    def __str__(self) -> str:
        return f"pixels of {self.element} (join {self.join}{', as a dimension' if self.dimension else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeSource:
    """The records of an element with the pixels of another pixelization that each may touch.

    These are not stored: they are computed first, for the records that have the ``fixed`` values.
    """

    element: str
    pixel: str
    fixed: tuple[tuple[str, int | str], ...]

    def __str__(self) -> str:
        return f"computed {self.pixel} pixels of {self.element}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelRangeSource:
    """The records of an element that may touch a region: those with a pixel in its envelope."""

    element: str
    ranges: np.ndarray
    """Half-open ranges of common pixels, shape (n, 2), int64."""

    def __str__(self) -> str:
        return f"{self.element} with a pixel in {len(self.ranges)} ranges"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """The datasets of a search."""

    facts: SearchFacts
    with_validity: bool
    """Whether a CALIBRATION collection is among those searched."""

    def __str__(self) -> str:
        count = len(self.facts.members) + len(self.facts.certified)
        return f"datasets {self.facts.dataset_type} in {count} collections"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSource:
    """A table of data IDs that the caller gave."""

    index: int
    dimensions: tuple[str, ...]
    rows: int

    def __str__(self) -> str:
        return f"{self.rows} given rows of {', '.join(self.dimensions)}"


Source: TypeAlias = (
    ElementSource | UnionSource | PixelSource | EnvelopeSource | PixelRangeSource | DatasetSource | UploadSource
)


def provided_dimensions(universe: DimensionUniverse, source: Source) -> tuple[str, ...]:
    """Give the dimensions whose values the rows of a source hold."""
    match source:
        case ElementSource(element=name):
            return (*universe[name].required, *universe[name].implied)
        case UnionSource(dimension=dimension):
            return (dimension,)
        case PixelSource(element=name, dimension=as_dimension):
            return (*universe[name].required, *((universe.common_skypix,) if as_dimension else ()))
        case EnvelopeSource(element=name, pixel=pixel):
            return (*universe[name].required, pixel)
        case PixelRangeSource(element=name):
            return () if universe[name].is_skypix else universe[name].required
        case DatasetSource(facts=facts):
            return facts.dimensions.required
        case UploadSource(dimensions=dimensions):
            return dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """An exact test of regions after the database: of two elements, or of an element and a constant."""

    left: str
    right: str | bytes

    def __str__(self) -> str:
        return f"exact overlap of {self.left} with {self.right if isinstance(self.right, str) else 'a region'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An overlap with a constant region inside OR or NOT: its records are found first, then looked up."""

    overlap: Overlap
    element: str
    region: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerm:
    """One column of the order."""

    value: Value
    descending: bool

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """All that is needed to answer a query; `print` shows it."""

    result: DimensionGroup
    dimensions: DimensionGroup
    """All dimensions of the query."""
    keys: tuple[str, ...]
    """Dimensions that are selected: those of the result, and those of regions to be tested."""
    sources: tuple[Source, ...]
    predicate: Predicate = field(default_factory=lambda: Truth(value=True))
    """What the database tests: keys, fields and times."""
    late: tuple[str, ...] = ()
    """Elements that give values of implied dimensions after all else: they do not restrict the rows."""
    refinements: tuple[Refinement, ...] = ()
    marks: tuple[Mark, ...] = ()
    order: tuple[OrderTerm, ...] = ()
    datasets: SearchFacts | None = None
    """The search of the result, if datasets are wanted."""
    find_first: bool = True
    element: str | None = None
    limit: int | None = None
    doomed: tuple[str, ...] = ()
    """Why there can be no rows, if that is known already."""

    def __str__(self) -> str:
        wanted = f"datasets {self.datasets.dataset_type}" if self.datasets is not None else f"{self.result!r}"
        lines = [f"select {wanted} over {self.dimensions!r}"]
        lines += [f"  from {source}" for source in self.sources]
        lines += [f"  where {self.predicate}"] if self.predicate != Truth(value=True) else []
        lines += [f"  then {refinement}" for refinement in self.refinements]
        lines += [f"  then fill in what {name} implies" for name in self.late]
        lines += [f"  order by {', '.join(map(str, self.order))}"] if self.order else []
        lines += [f"  limit {self.limit}"] if self.limit is not None else []
        lines += [f"  doomed: {reason}" for reason in self.doomed]
        return "\n".join(lines)
