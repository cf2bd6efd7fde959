# SPDX-License-Identifier: BSD-3-Clause
"""Which regions must overlap when the tasks of a part speak of three or more kinds of regions: patches, images, pixels of several systems.

A query joins two kinds by itself. Of more, each task says which of them it relates: the kinds of its own dimensions and those of what it
reads and writes. Pixels of one system are joined with pixels of another after the query, which knows stored regions only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pachon.dimensions import Categorical, DataIdTable, DimensionGroup, DimensionUniverse, touching_pixels
from pachon.pipe_base.graph_builder.plan import BuildPlan

__all__ = ["SkyJoins", "plan_sky_joins", "with_pixels"]

_TEXT: Final = re.compile(r"'[^'\n]*'")
_JOIN: Final = re.compile(r"\b\w+\.region[\s)]+OVERLAPS[\s(]+\w+\.region\b", re.IGNORECASE)
"""An overlap of two regions of the repository, not of one with a place that the user gives, nor of time spans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyJoins:
    """How the regions of a part are joined."""

    dimensions: DimensionGroup
    """What is asked of the repository."""
    conditions: tuple[str, ...] = ()
    """Expressions that are added to the user's."""
    pixels: tuple[tuple[str, str], ...] = ()
    """(dimension, source): pixels that are added afterwards, by those of another system."""

    def expression(self, where: str) -> str:
        """Give the user's expression with the conditions."""
        parts = [f"({where})"] if where.strip() and self.conditions else [where] if where.strip() else []
        return " AND ".join([*parts, *self.conditions])


def plan_sky_joins(plan: BuildPlan, labels: Sequence[str], dimensions: DimensionGroup) -> SkyJoins:
    """Decide how the regions of a part are joined; one or two kinds, or a user who says it, need no decision."""
    if len(dimensions.spatial) < 3 or _JOIN.search(_TEXT.sub("''", plan.where)):
        return SkyJoins(dimensions=dimensions)
    pairs = _related(plan, labels)
    stored = {name for pair in pairs for name in pair if not plan.universe[name].is_skypix}
    by_region = {name for pair in pairs for name in pair if stored.intersection(pair)}
    late: list[tuple[str, str]] = []
    waiting = [pair for pair in pairs if not stored.intersection(pair)]
    known = set(by_region)
    while ready := [pair for pair in waiting if known.intersection(pair)]:
        for left, right in ready:
            waiting.remove((left, right))
            source, pixel = (left, right) if left in known else (right, left)
            late.append((pixel, source))
            known.add(pixel)
    derived = {pixel for pixel, _ in late} - by_region
    asked = plan.universe.conform(name for name in dimensions.required if name not in derived)
    conditions = [
        f"{left}.region OVERLAPS {right}.region" for left, right in pairs if stored.intersection((left, right))
    ]
    few = len(asked.spatial) < 3
    return SkyJoins(dimensions=asked, conditions=() if few else tuple(conditions), pixels=tuple(late))


def _related(plan: BuildPlan, labels: Sequence[str]) -> list[tuple[str, str]]:
    """Give the pairs of elements whose regions some task relates, each pair once."""
    pairs: dict[tuple[str, str], None] = {}
    for label in labels:
        task = plan.tasks[label]
        groups = [plan.datasets[c.dataset_type].dataset_type.dimensions for c in (*task.inputs, *task.outputs)]
        for both in (task.dimensions | group for group in groups):
            if len(both.spatial) == 2:
                first, second = sorted(str(both.choose("spatial", family)) for family in both.spatial)
                pairs[first, second] = None
    return list(pairs)


def with_pixels(data_ids: DataIdTable, joins: SkyJoins, dimensions: DimensionGroup) -> DataIdTable:
    """Add the pixels of other systems that touch those of the data IDs, or keep the rows where both do.

    Parameters
    ----------
    data_ids
        What the query gave.
    joins
        How regions are joined.
    dimensions
        All dimensions of the part.
    """
    for pixel, source in joins.pixels:
        values, codes = np.unique(data_ids.column(source), return_inverse=True)
        codes = codes.reshape(-1)
        touched = [_touching(dimensions.universe, source, pixel, value) for value in values.tolist()]
        if pixel in data_ids.columns:
            wanted = [set(found.tolist()) for found in touched]
            both = zip(codes.tolist(), data_ids.column(pixel).tolist(), strict=True)
            data_ids = data_ids.take(np.array([value in wanted[code] for code, value in both], dtype=bool))
            continue
        counts = np.array([len(found) for found in touched], dtype=np.int64)
        rows = np.repeat(np.arange(len(data_ids)), counts[codes])
        found = [touched[code] for code in codes.tolist()]
        pixels = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        group = dimensions.universe.conform([*data_ids.group.names, pixel])
        columns = {**data_ids.take(rows).columns, pixel: Categorical.encode(pixels)}
        data_ids = DataIdTable(group, columns, len(rows))
    return data_ids


def _touching(universe: DimensionUniverse, source: str, pixel: str, value: int) -> np.ndarray:
    """Give the pixels of one system that touch a pixel of another."""
    return touching_pixels(universe.pixelization(pixel), universe.pixelization(source).pixel(value))
