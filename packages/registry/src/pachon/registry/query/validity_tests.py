# SPDX-License-Identifier: BSD-3-Clause
"""Calibrations that need only be valid at a time: a look into their index for each record, instead of a comparison of all ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.plan import (
    DatasetSource,
    ElementSource,
    Existence,
    Source,
    ValidityTest,
    provided_dimensions,
)
from pachon.registry.query.tree import (
    All,
    DatasetField,
    Overlap,
    Predicate,
    Truth,
    Value,
    conjuncts,
    parts_of,
    values_of,
)

__all__ = ["with_validity_tests"]


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
    known = {name for source in sources for name in provided_dimensions(universe, source)}
    needed = {name for test in tests for name in test.facts.dimensions.required} & set(there.private)
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
