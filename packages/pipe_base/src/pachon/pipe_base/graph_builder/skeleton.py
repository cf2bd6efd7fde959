# SPDX-License-Identifier: BSD-3-Clause
"""Quanta, datasets and edges as data IDs alone: the shape of a graph before anything is known to exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pachon.dimensions import DataIdTable, DimensionGroup, match_rows
from pachon.pipe_base.graph_builder.facts import PartFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan

__all__ = ["Edges", "Skeleton", "make_skeleton", "part_dimensions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The edges of one connection: rows of a task's quanta against rows of a dataset type."""

    label: str
    connection: ConnectionPlan
    is_output: bool
    quantum: np.ndarray
    """Shape (n,), int64, ascending."""
    dataset: np.ndarray
    """Shape (n,), int64."""

    def take(self, rows: np.ndarray) -> Edges:
        """Keep some edges."""
        return Edges(
            label=self.label,
            connection=self.connection,
            is_output=self.is_output,
            quantum=self.quantum[rows],
            dataset=self.dataset[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """All possible quanta and datasets, with the edges between them; prerequisites are not here yet."""

    quanta: Mapping[str, DataIdTable]
    """By task label: distinct, full data IDs, sorted."""
    datasets: Mapping[str, DataIdTable]
    """By dataset type: distinct, full data IDs, sorted; those of overall inputs may be of several parts."""
    edges: tuple[Edges, ...]

    def edges_of(self, label: str, *, outputs: bool) -> list[Edges]:
        """Give the input or the output edges of a task."""
        return [e for e in self.edges if e.label == label and e.is_output == outputs]


def part_dimensions(plan: BuildPlan, labels: Sequence[str]) -> DimensionGroup:
    """Give all dimensions of the tasks of a part and of the dataset types that they read and write."""
    names: set[str] = set()
    for label in labels:
        task = plan.tasks[label]
        names.update(task.dimensions.names)
        for connection in (*task.inputs, *task.outputs):
            names.update(plan.datasets[connection.dataset_type].dataset_type.dimensions.names)
    return plan.universe.conform(names)


def make_skeleton(plan: BuildPlan, parts: Sequence[PartFacts]) -> Skeleton:
    """Project the data IDs of each part to its tasks, dataset types and edges."""
    quanta: dict[str, DataIdTable] = {}
    datasets = _project_datasets(plan, parts)
    edges: list[Edges] = []
    for part in parts:
        for label in part.labels:
            task = plan.tasks[label]
            quanta[label] = part.data_ids.project(task.dimensions)
            for is_output, connections in ((False, task.inputs), (True, task.outputs)):
                for connection in connections:
                    quantum, dataset = _pairs(part.data_ids, quanta[label], datasets[connection.dataset_type])
                    edges.append(
                        Edges(label=label, connection=connection, is_output=is_output, quantum=quantum, dataset=dataset)
                    )
    return Skeleton(quanta=quanta, datasets=datasets, edges=tuple(edges))


def _project_datasets(plan: BuildPlan, parts: Sequence[PartFacts]) -> dict[str, DataIdTable]:
    """Give the data IDs of each dataset type, of all parts that read or write it."""
    found: dict[str, list[DataIdTable]] = {}
    for part in parts:
        tasks = [plan.tasks[label] for label in part.labels]
        for name in dict.fromkeys(c.dataset_type for task in tasks for c in (*task.inputs, *task.outputs)):
            found.setdefault(name, []).append(part.data_ids.project(plan.datasets[name].dataset_type.dimensions))
    return {n: tables[0] if len(tables) == 1 else DataIdTable.concat(tables).distinct() for n, tables in found.items()}


def _pairs(everything: DataIdTable, quanta: DataIdTable, datasets: DataIdTable) -> tuple[np.ndarray, np.ndarray]:
    """Give the rows of quanta and datasets that occur together in some data ID."""
    if set(datasets.group.required) <= set(quanta.group.names):
        # Each quantum has exactly one: a projection, no join.
        rows = np.arange(len(quanta), dtype=np.int64)
        return rows, match_rows(quanta, datasets, datasets.group.required)
    both = everything.project(quanta.group | datasets.group)
    quantum = match_rows(both, quanta, quanta.group.required)
    dataset = match_rows(both, datasets, datasets.group.required)
    order = np.lexsort((dataset, quantum))
    quantum, dataset = quantum[order], dataset[order]
    # The union of both groups may hold more than both together say: a pair may come several times.
    fresh = np.ones(len(quantum), dtype=bool)
    fresh[1:] = (np.diff(quantum) != 0) | (np.diff(dataset) != 0)
    return quantum[fresh], dataset[fresh]
