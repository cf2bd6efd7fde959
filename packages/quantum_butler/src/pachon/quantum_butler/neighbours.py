# SPDX-License-Identifier: BSD-3-Clause
"""Who is next to whom: datasets of quanta, quanta of datasets, quanta of quanta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pachon.quantum_butler.adjacency import Adjacency
from pachon.quantum_butler.column_source import ColumnSource, Rows, expand_ranges
from pachon.quantum_butler.structure import EdgeEntry, GraphStructure

__all__ = ["Direction", "edge_pairs", "follow", "follow_many", "quantum_pairs", "task_offsets"]

Direction: TypeAlias = Literal["forward", "back"]
"""``forward``: from quanta to datasets; ``back``: from datasets to quanta."""


def follow(
    columns: ColumnSource, edge: EdgeEntry, direction: Direction, rows: Rows
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the other ends of the edges of some rows: positions in ``rows`` and, for each, one row of the other side."""
    return follow_many(columns, [(edge, rows)], direction)[0]


def follow_many(
    columns: ColumnSource,
    wanted: Sequence[tuple[EdgeEntry, Rows]],
    direction: Direction,
    *,
    also: Mapping[str, Rows] | None = None,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Do what `follow` does for several connections, with two reads in all; ``also`` is prefetched by the first."""
    offsets = {
        f"{edge.table}/{direction}_offsets": np.concatenate([rows, rows + 1])
        for edge, rows in wanted
        if not edge.identity
    }
    columns.prefetch({**offsets, **(also or {})})
    ranges: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    for number, (edge, rows) in enumerate(wanted):
        if not edge.identity:
            name = f"{edge.table}/{direction}_offsets"
            both = columns.take(name, offsets[name]).astype(np.int64)
            counts = both[len(rows) :] - both[: len(rows)]
            ranges[number] = (counts, expand_ranges(both[: len(rows)], counts))
    columns.prefetch(
        {f"{wanted[number][0].table}/{direction}_targets": places for number, (_, places) in ranges.items()}
    )
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for number, (edge, rows) in enumerate(wanted):
        if edge.identity:
            found.append((np.arange(len(rows)), np.asarray(rows, dtype=np.int64)))
        else:
            counts, places = ranges[number]
            targets = columns.take(f"{edge.table}/{direction}_targets", places)
            found.append((np.repeat(np.arange(len(rows)), counts), targets.astype(np.int64)))
    return found


def edge_pairs(columns: ColumnSource, edge: EdgeEntry) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give all edges of a connection: rows of quanta and rows of datasets."""
    if edge.identity:
        rows = np.arange(edge.count)
        return rows, rows
    forward = Adjacency(columns.read(f"{edge.table}/forward_offsets"), columns.read(f"{edge.table}/forward_targets"))
    return forward.sources(), forward.targets.astype(np.int64)


def task_offsets(structure: GraphStructure) -> dict[str, int]:
    """Give the number of the first quantum of each task, when all are counted in topological order."""
    offsets: dict[str, int] = {}
    total = 0
    for task in structure.tasks.values():
        offsets[task.label] = total
        total += task.rows
    return offsets


def quantum_pairs(structure: GraphStructure, columns: ColumnSource) -> NDArray[np.int64]:
    """Give all pairs of quanta of which the second reads what the first writes.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2), int64: quanta counted in topological order; sorted, each pair once.

    Notes
    -----
    Joins edges by dataset in arrays; the cost is that of sorting all edges.
    """
    offsets = task_offsets(structure)
    total = sum(task.rows for task in structure.tasks.values())
    found: list[NDArray[np.int64]] = []
    for name, dataset in structure.datasets.items():
        edges = structure.edges_with(name)
        if not any(edge.kind == "output" for edge in edges) or not any(edge.kind == "input" for edge in edges):
            continue
        producers = np.full(dataset.rows, -1, dtype=np.int64)
        for edge in edges:
            if edge.kind == "output":
                quanta, datasets = edge_pairs(columns, edge)
                producers[datasets] = quanta + offsets[edge.label]
        for edge in edges:
            if edge.kind == "input":
                quanta, datasets = edge_pairs(columns, edge)
                made = producers[datasets] >= 0
                found.append(producers[datasets[made]] * total + quanta[made] + offsets[edge.label])
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    keys = np.sort(np.concatenate(found))
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
    return np.stack([keys // total, keys % total], axis=1) if total else np.empty((0, 2), dtype=np.int64)
