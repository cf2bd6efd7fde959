# SPDX-License-Identifier: BSD-3-Clause
"""Find quanta by id, and those next to one, with few reads."""

from __future__ import annotations

import uuid

import numpy as np
from numpy.typing import NDArray

from pachon.base import NotFoundError
from pachon.datasets import uuids_from_ids
from pachon.quantum_butler.column_source import ColumnSource, Rows
from pachon.quantum_butler.neighbours import follow, task_offsets
from pachon.quantum_butler.structure import GraphStructure

__all__ = ["find_neighbours", "find_quanta", "locate_quanta"]


def find_quanta(
    structure: GraphStructure, columns: ColumnSource, ids: NDArray[np.uint8]
) -> dict[str, NDArray[np.int64]]:
    """Find quanta by id: row numbers by label; ids that are not there are left out."""
    found: dict[str, NDArray[np.int64]] = {}
    raw = [row.tobytes() for row in ids]
    for task in structure.tasks.values():
        low, high = task.id_range
        possible = np.array([low <= key <= high for key in raw], dtype=bool)
        if not task.rows or not possible.any():
            continue
        table = task.table if task.ascending_ids else f"quanta_by_id/{task.label}"
        rows = columns.search(f"{table}/id", ids[possible])
        rows = rows[rows >= 0]
        if not task.ascending_ids:
            rows = columns.take(f"{table}/row", rows).astype(np.int64)
        if len(rows):
            found[task.label] = rows
    return found


def locate_quanta(
    structure: GraphStructure, columns: ColumnSource, ids: NDArray[np.uint8]
) -> dict[str, NDArray[np.int64]]:
    """Do what `find_quanta` does, but refuse ids that are not there.

    Raises
    ------
    NotFoundError
        Names the first, and how many there are.
    """
    found = find_quanta(structure, columns, ids)
    missing = len(ids) - sum(len(rows) for rows in found.values())
    if missing:
        first = next(uuids_from_ids(one)[0] for one in ids[:, None] if not find_quanta(structure, columns, one))
        more = f" (and {missing - 1} more)" if missing > 1 else ""
        total = sum(task.rows for task in structure.tasks.values())
        raise NotFoundError(f"The graph has no quantum {first}{more}; it has {total} quanta.")
    return found


def find_neighbours(
    structure: GraphStructure, columns: ColumnSource, label: str, rows: Rows, *, upstream: bool
) -> tuple[uuid.UUID, ...]:
    """Give the quanta that write what some quanta of a task read, or read what these write; in topological order."""
    here, there = ("input", "output") if upstream else ("output", "input")
    offsets = task_offsets(structure)
    found: set[int] = set()
    for edge in structure.edges_of(label):
        if edge.kind != here:
            continue
        _, datasets = follow(columns, edge, "forward", rows)
        for other in structure.edges_with(edge.dataset_type):
            if other.kind == there:
                _, quanta = follow(columns, other, "back", datasets)
                found.update((quanta + offsets[other.label]).tolist())
    ids: list[uuid.UUID] = []
    for name, start in offsets.items():
        task = structure.tasks[name]
        mine = np.array(sorted(n - start for n in found if start <= n < start + task.rows), dtype=np.int64)
        ids.extend(uuids_from_ids(columns.take(f"{task.table}/id", mine)))
    return tuple(ids)
