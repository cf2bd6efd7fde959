# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a query: which tables are joined on what, and what is done after the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.tree import Overlap, Predicate, Truth, Value

__all__ = [
    "LASTING_SOURCES",
    "DatasetSource",
    "EarlyStop",
    "ElementSource",
    "EnvelopeSource",
    "Existence",
    "Mark",
    "OrderTerm",
    "OutputField",
    "PixelRangeSource",
    "PixelSource",
    "Plan",
    "Product",
    "Refinement",
    "RegionPixelsSource",
    "Source",
    "UnionSource",
    "UploadSource",
    "ValidityTest",
    "provided_dimensions",
    "vouched_dimensions",
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
    """The records of an element, or the pixels of one pixelization, with the pixels of another one that each may touch.

    These are not stored: they are computed first, for the records or pixels that have the ``fixed`` values.
    """

    element: str
    pixel: str
    fixed: tuple[tuple[str, int | str], ...]
    among: Plan | None = None
    """Gives the pixels of the first pixelization that occur in the query, if no value is fixed."""

    def __str__(self) -> str:
        return f"computed {self.pixel} pixels of {self.element}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelRangeSource:
    """The records of an element that may touch a region: those with a pixel in its envelope."""

    element: str
    ranges: np.ndarray
    """Half-open ranges of common pixels, shape (n, 2), int64."""

    def __str__(self) -> str:
        count = len(self.ranges)
        return f"{self.element} with a pixel in {count} range{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """The datasets of a search."""

    facts: SearchFacts
    with_validity: bool
    """Whether a CALIBRATION collection is among those searched."""
    at: Value | None = None
    """A time at which they must be valid, if ranges are looked up data ID by data ID; what has their dimensions comes before."""

    def __str__(self) -> str:
        count = len(self.facts.members) + len(self.facts.certified)
        looked_up = "" if self.at is None else f", looked up at {self.at}"
        return f"datasets {self.facts.dataset_type} in {count} collection{'' if count == 1 else 's'}{looked_up}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSource:
    """A table of data IDs that the caller gave."""

    index: int
    dimensions: tuple[str, ...]
    rows: int

    def __str__(self) -> str:
        return f"{self.rows} given rows of {', '.join(self.dimensions)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionPixelsSource:
    """The pixels that may touch a region; they are computed first."""

    pixel: str
    region: bytes

    def __str__(self) -> str:
        return f"computed {self.pixel} pixels of a region"


Source: TypeAlias = (
    ElementSource
    | UnionSource
    | PixelSource
    | EnvelopeSource
    | PixelRangeSource
    | RegionPixelsSource
    | DatasetSource
    | UploadSource
)


LASTING_SOURCES = (ElementSource, UnionSource, PixelSource, DatasetSource)
"""Sources whose tables exist, and which are equal if they are the same."""


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
        case RegionPixelsSource(pixel=pixel):
            return (pixel,)
        case DatasetSource(facts=facts):
            return facts.dimensions.required
        case UploadSource(dimensions=dimensions):
            return dimensions


def vouched_dimensions(universe: DimensionUniverse, source: Source) -> tuple[str, ...]:
    """Give the dimensions of which a source has existing values only; those of a caller's table may not exist."""
    if isinstance(source, UploadSource):
        return tuple(name for name in source.dimensions if universe[name].is_skypix)
    return provided_dimensions(universe, source)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidityTest:
    """Calibrations of which one must be valid at a time.

    Ranges of one dataset type, data ID and collection do not overlap. So the last one that begins before the end of a time span also ends
    last, and says whether there is any that overlaps the time span: one look into the index.
    """

    facts: SearchFacts
    time: Value
    """A time span, or a time, of the query."""
    merged: bool = False
    """Whether the ranges are merged first, and each time compared with the result; on PostgreSQL only."""

    def __str__(self) -> str:
        return f"{self.facts.dataset_type} valid at {self.time}{', by merged ranges' if self.merged else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Existence:
    """Datasets of which nothing is shown, and what hangs on them: a row stays if there are any for it."""

    element: str | None
    """The element for whose records they are looked for; `None` if they are the same for all rows."""
    sources: tuple[Source, ...]
    """The datasets that are looked for, and what is joined with them, in the order in which they are looked for.

    None if calibrations alone are tested, of a data ID that the query knows.
    """
    predicate: Predicate
    private: tuple[str, ...]
    """Dimensions that nothing else in the query has."""
    row_by_row: bool = False
    """Whether PostgreSQL is kept from another way than a test of each row."""
    valid: tuple[ValidityTest, ...] = ()
    """Calibrations that are not joined, but tested for each row of what is."""

    @property
    def main(self) -> DatasetSource:
        """The datasets that are looked for first."""
        return next(source for source in self.sources if isinstance(source, DatasetSource))

    def __str__(self) -> str:
        condition = f" where {self.predicate}" if self.predicate != Truth(value=True) else ""
        return f"{' with '.join(map(str, (*self.sources, *self.valid)))}{condition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputField:
    """One column of a general result."""

    name: str
    value: Value

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """An exact test of regions after the database: of two elements, or of an element and a constant."""

    left: str
    right: str | bytes

    def __str__(self) -> str:
        return f"exact overlap of {self.left} with {self.right if isinstance(self.right, str) else 'a region'}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """An overlap of regions inside OR or NOT: where it holds is found first by a plan of its own, then looked up."""

    overlap: Overlap
    elements: tuple[str, ...]
    """One or two, of which at least one has stored regions, or a pixel alone."""
    plan: Plan
    """Gives the keys for which the overlap holds."""

    def __str__(self) -> str:
        return f"{self.overlap}, found before"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerm:
    """One column of the order."""

    value: Value
    descending: bool

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """A part of a query that nothing relates to its other parts."""

    dimensions: tuple[str, ...]
    sources: tuple[Source, ...]
    predicate: Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """What lets the database stop after a few rows; it is also told the values of governors of which it knows no others."""

    sorted_element: str | None = None
    """The element with whose columns the order begins, if its records are read in that order."""
    drops_later: bool = False
    """Whether the database itself drops datasets of which an earlier collection has one of the same data ID."""
    by_ingest: bool = False
    """Whether the datasets of the result are read in the order of their ingest date, which is first in the order, run by run."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """All that is needed to answer a query; `print` shows it."""

    result: DimensionGroup
    dimensions: DimensionGroup
    """All dimensions of the query."""
    keys: tuple[str, ...]
    """Dimensions whose values are wanted: those of the result, and those of regions to be tested."""
    sources: tuple[Source, ...]
    predicate: Predicate = field(default_factory=lambda: Truth(value=True))
    """What the database tests: keys, fields and times."""
    constants: Mapping[str, int | str] = field(default_factory=dict)
    """Values of keys that are the same in all rows, and so are not selected."""
    late: tuple[str, ...] = ()
    """Elements that give values of implied dimensions after all else: they do not restrict the rows."""
    refinements: tuple[Refinement, ...] = ()
    marks: tuple[Mark, ...] = ()
    existences: tuple[Existence, ...] = ()
    order: tuple[OrderTerm, ...] = ()
    datasets: SearchFacts | None = None
    """The search of the result, if datasets are wanted."""
    find_first: bool = True
    element: str | None = None
    fields: tuple[OutputField, ...] | None = None
    """Columns of a general result after the keys, if such a one is wanted."""
    chosen: tuple[SearchFacts, ...] = ()
    """Searches of a general result of which the first collection that has a dataset wins."""
    leading: tuple[str, ...] = ()
    """Elements by whose records datasets are looked for, in order, where the database would not see that."""
    early_stop: EarlyStop | None = None
    """How the database may stop after a few rows, if no more are wanted."""
    products: tuple[Product, ...] = ()
    """Parts of the query that nothing relates, if there are several."""
    limit: int | None = None
    assured: tuple[str, ...] = ()
    """What was seen to hold for all rows, so that it is not tested."""
    doomed: tuple[str, ...] = ()
    """Why there can be no rows, if that is known already."""

    @property
    def looked_up(self) -> tuple[SearchFacts, ...]:
        """Those searches among `chosen` that may find several calibrations where one is wanted: of all dimensions of a row."""
        names = set(self.result.names)
        return tuple(f for f in self.chosen if f.certified and names.issuperset(f.dimensions.required))

    @property
    def selected(self) -> tuple[str, ...]:
        """The dimensions whose values the database gives."""
        return tuple(name for name in self.keys if name not in self.constants)

    @property
    def only_collection(self) -> int | None:
        """The number of the one collection in which the datasets of the result can be, if there is only one."""
        facts = self.datasets
        return next(iter(facts.ranks)) if facts is not None and len(facts.ranks) == 1 else None

    @property
    def dataset_columns(self) -> tuple[str, ...]:
        """What is selected of the datasets of the result."""
        if self.datasets is None:
            return ()
        if self.only_collection is None:
            return ("dataset_id", "run_id", "collection_id")
        return ("dataset_id",) if self.only_collection in self.datasets.runs else ("dataset_id", "run_id")

    def __str__(self) -> str:
        wanted = f"datasets {self.datasets.dataset_type}" if self.datasets is not None else f"{self.result!r}"
        wanted += f" with {', '.join(map(str, self.fields))}" if self.fields else ""
        lines = [f"select {wanted} over {self.dimensions!r}"]
        lines += [f"  from {source}" for source in self.sources]
        lines += [f"  where {self.predicate}"] if self.predicate != Truth(value=True) else []
        lines += [f"  where there are {existence}" for existence in self.existences]
        lines += [f"  {fact}" for fact in self.assured]
        lines += [f"  with {mark}" for mark in self.marks]
        lines += [f"  then {refinement}" for refinement in self.refinements]
        lines += [f"  then fill in what {name} implies" for name in self.late]
        stop = self.early_stop or EarlyStop()
        lines += ["  where no earlier collection has one"] if stop.drops_later else []
        lines += [f"  order by {', '.join(map(str, self.order))}"] if self.order else []
        lines += [f"  reading {stop.sorted_element} in order"] if stop.sorted_element else []
        lines += ["  reading datasets in the order of their ingest"] if stop.by_ingest else []
        lines += [f"  limit {abs(self.limit)}"] if self.limit is not None else []  # below zero: one that also warns
        lines += [f"  doomed: {reason}" for reason in self.doomed]
        return "\n".join(lines)
