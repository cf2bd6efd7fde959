# SPDX-License-Identifier: BSD-3-Clause
"""Data IDs that the caller gives, so that none are asked for: prompt processing knows what it has just received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from pachon.datasets import FactSource
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, DimensionGroup, DimensionUniverse, match_rows
from pachon.pipe_base.graph_builder.errors import GraphBuildError

__all__ = ["GivenDataIds", "complete_data_ids", "table_of_data_ids"]

GivenDataIds = DataIdTable | Iterable[DataCoordinate | Mapping[str, Any]]
"""What `build_quantum_graph` takes as ``data_ids``."""


def table_of_data_ids(universe: DimensionUniverse, given: GivenDataIds, fixed: Mapping[str, Any]) -> DataIdTable:
    """Make one table of the caller's data IDs; values that the pipeline or ``data_id`` fixes need not be named.

    Raises
    ------
    GraphBuildError
        If there are none, they name different dimensions, or one contradicts a fixed value.
    """
    if isinstance(given, DataIdTable):
        table = given
    else:
        rows = [dict(row.required) if isinstance(row, DataCoordinate) else dict(row) for row in given]
        if not rows:
            raise GraphBuildError("data_ids is empty; without data IDs there are no quanta.")
        names = set(rows[0])
        other = next((row for row in islice(rows, 1, None) if set(row) != names), None)
        if other is not None:
            raise GraphBuildError(f"All data_ids must name the same dimensions; there are {rows[0]} and {other}.")
        table = DataIdTable.from_rows(universe.conform({*names, *fixed}), [{**fixed, **row} for row in rows])
    for name, value in fixed.items():
        if name in table.columns:
            strange = [known for known in table.columns[name].compacted().values.tolist() if known != value]
            if strange:
                raise GraphBuildError(f"data_ids has {name}={strange[0]!r}, and the pipeline or data_id {value!r}.")
    return table


def complete_data_ids(
    table: DataIdTable, dimensions: DimensionGroup, labels: Sequence[str], source: FactSource
) -> DataIdTable:
    """Give the distinct data IDs of a part of the pipeline with the implied values that records tell.

    Raises
    ------
    GraphBuildError
        If a dimension is not given, or what a data ID names has no record.
    """
    missing = [name for name in dimensions.required if name not in table.columns]
    if missing:
        raise GraphBuildError(
            f"data_ids lacks {', '.join(missing)}, which tasks {', '.join(labels)} need: give all dimensions of the tasks and of "
            "what they read and write."
        )
    universe = dimensions.universe
    part = table.project(dimensions)
    columns = dict(part.columns)
    # Records may be found by what other records imply: a band by the filter of an exposure.
    while lost := [name for name in dimensions.names if name not in columns]:
        element = next(
            universe[name]
            for name in dimensions.elements
            if set(universe[name].implied).intersection(lost) and set(universe[name].required) <= columns.keys()
        )
        keys = DataIdTable(universe.conform(element.required), {n: columns[n] for n in element.required}, len(part))
        records = source.fetch_records(element.name, keys.distinct())
        there = records.data_ids(universe, element.required)
        rows = match_rows(keys, there, keys.group.required)
        if (rows < 0).any():
            absent = keys[int(np.flatnonzero(rows < 0)[0])]
            raise GraphBuildError(f"There is no {element.name} {absent} in the repository, which data_ids names.")
        for implied in set(element.implied).intersection(lost):
            columns[implied] = Categorical.encode(records.columns[element.key_name(implied)][rows])
    return DataIdTable(dimensions, columns, len(part))
