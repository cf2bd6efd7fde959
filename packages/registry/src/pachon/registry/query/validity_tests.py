# SPDX-License-Identifier: BSD-3-Clause
"""Calibrations that are valid at a time: a look into their index for each data ID, instead of a comparison of all ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    Existence,
    Plan,
    Source,
    UnionSource,
    UploadSource,
    ValidityTest,
    provided_dimensions,
)
from pachon.registry.query.tree import (
    All,
    Constant,
    DatasetField,
    Field,
    Overlap,
    Predicate,
    Truth,
    Value,
    conjuncts,
    parts_of,
    values_of,
)

__all__ = ["with_merged_ranges", "with_ranges_looked_up", "with_validity_tests"]

_WITHOUT_PIXELS = (ElementSource, UnionSource, DatasetSource, UploadSource)


def with_validity_tests(universe: DimensionUniverse, there: Existence) -> Existence | None:
    """Give the same test by looks into the index of validity ranges, if it can be made so.

    Data IDs of calibrations that nothing else in the test gives are those of the records of their dimensions, of which there are few.
    """
    parts = list(conjuncts(there.predicate))
    sources: list[Source] = []
    tests: list[ValidityTest] = []
    for source in there.sources:
        if not isinstance(source, DatasetSource) or not source.with_validity:
            sources.append(source)
            continue
        own = [part for part in parts if _is_about(part, source.facts.dataset_type)]
        time = _overlapping(own[0], source.facts.dataset_type) if len(own) == 1 else None
        if time is None:
            return None
        parts.remove(own[0])
        tests.append(ValidityTest(facts=source.facts, time=time))
    if not tests:
        return None
    records = _records(universe, there, sources, tests)
    if records is None:
        return None
    return replace(
        there,
        sources=(*sources, *records),
        predicate=_conjunction(parts),
        valid=(*there.valid, *tests),
    )


def with_merged_ranges(universe: DimensionUniverse, there: Existence) -> Existence | None:
    """Give a test by looks into the index as one by merged ranges: of all calibrations that may do for a row, when any of them is valid.

    That reads all ranges, but once: it takes the same time whether there are calibrations for all rows or for none. It is not possible
    if something else is said of the calibrations than when they are valid.
    """
    if len(there.valid) != 1 or there.valid[0].facts.members or there.predicate != Truth(value=True):
        return None
    (test,) = there.valid
    required = set(test.facts.dimensions.required)
    # Records of detectors, of which any will do, are there if calibrations of them are.
    if not all(
        isinstance(s, ElementSource)
        and s.element in universe.dimensions
        and set(universe[s.element].required) <= required
        for s in there.sources
    ):
        return None
    return replace(there, sources=(), valid=(replace(test, merged=True),))


def with_ranges_looked_up(plan: Plan, source: DatasetSource) -> Plan | None:
    """Give the plan that joins the ranges of calibrations data ID by data ID, those alone that are valid at a time.

    Parameters
    ----------
    plan
        How a query is answered.
    source
        One of its sources.

    Notes
    -----
    Ranges of one data ID and collection follow each other. So those that overlap a time span are the last one that begins at its begin
    or before, and those that begin within it.
    """
    if (
        not source.with_validity
        or source.at
        or plan.products
        or not all(isinstance(s, _WITHOUT_PIXELS) for s in plan.sources)
    ):
        return None
    universe = plan.result.universe
    times = [_overlapping(part, source.facts.dataset_type) for part in conjuncts(plan.predicate)]
    others = [s for s in plan.sources if s is not source]
    joined = {s.element for s in others if isinstance(s, ElementSource)}
    time = next((t for t in times if isinstance(t, Constant) or (_is_timespan(t) and t.element in joined)), None)
    if time is None:
        return None
    # What is looked up gives no dimension to what else is: each needs all of its own before.
    earlier = [s for s in others if isinstance(s, DatasetSource) and s.at is not None]
    joined_first = [s for s in others if not any(s is one for one in earlier)]
    needed = {name for s in (source, *earlier) for name in s.facts.dimensions.required}
    records = _few_records(universe, needed, joined_first)
    if records is None:
        return None
    return replace(plan, sources=(*joined_first, *records, *earlier, replace(source, at=time)))


def _is_timespan(time: Value | None) -> TypeGuard[Field]:
    return isinstance(time, Field) and time.type == "timespan"


def _is_about(part: Predicate, dataset_type: str) -> bool:
    return any(isinstance(v, DatasetField) and v.dataset_type == dataset_type for v in values_of(part))


def _overlapping(part: Predicate, dataset_type: str) -> Value | None:
    """Give the time with which the validity ranges of a dataset type must overlap."""
    if not isinstance(part, Overlap) or part.kind != "temporal":
        return None
    for own, other in ((part.left, part.right), (part.right, part.left)):
        if isinstance(own, DatasetField) and own.dataset_type == dataset_type:
            # The validity of another calibration is that of one row, which is not there where none is joined.
            return None if any(isinstance(v, DatasetField) for v in parts_of(other)) else other
    return None


def _records(
    universe: DimensionUniverse, there: Existence, sources: Sequence[Source], tests: Sequence[ValidityTest]
) -> list[ElementSource] | None:
    """Give the records that have the dimensions of calibrations which nothing else gives; `None` if they are not few."""
    needed = {name for test in tests for name in test.facts.dimensions.required} & set(there.private)
    return _few_records(universe, needed, sources)


def _few_records(
    universe: DimensionUniverse, needed: set[str], sources: Sequence[Source]
) -> list[ElementSource] | None:
    """Give the records that have dimensions which sources do not have; `None` if they are not few."""
    known = {name for source in sources for name in provided_dimensions(universe, source)}
    records: list[ElementSource] = []
    for name in reversed(universe.conform(needed).names):
        if name not in needed or name in known:
            continue
        if not (universe[name].has_table and universe[name].cached):
            return None
        records.append(ElementSource(element=name))
        known.update(provided_dimensions(universe, records[-1]))
    return records


def _conjunction(parts: Sequence[Predicate]) -> Predicate:
    if not parts:
        return Truth(value=True)
    return parts[0] if len(parts) == 1 else All(operands=tuple(parts))
