# SPDX-License-Identifier: BSD-3-Clause
"""Giving datasets their ids: those that exist keep theirs, predicted ones get new ones; done quanta are skipped."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pachon.datasets import DatasetTable, DatasetType
from pachon.dimensions import Categorical, DataIdTable, match_rows
from pachon.pipe_base.graph_builder.errors import OutputExistsError
from pachon.pipe_base.graph_builder.facts import DatasetFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan
from pachon.pipe_base.graph_builder.skeleton import Edges, Skeleton
from pachon.pipe_base.graph_builder.skip import has_metadata, quanta_to_skip
from pachon.quantum_butler.drop_reason import DropReason

__all__ = ["KEPT", "DatasetColumns", "DatasetStatus", "Resolution", "resolve"]

KEPT: Final = 0
"""In a column of `DropReason` values: the quantum stays."""


class DatasetStatus(enum.IntEnum):
    """What is known of a dataset of the graph."""

    ABSENT = 0
    """It neither exists nor will be made."""
    EXISTING = 1
    """It exists; the graph only reads it."""
    PREDICTED = 2
    """A quantum will write it."""
    REPLACED = 3
    """A quantum will write it under the id of what lies in the output run already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetColumns:
    """The datasets of one type."""

    dataset_type: DatasetType
    data_ids: DataIdTable
    ids: np.ndarray
    """Shape (n, 16), uint8; zero where absent."""
    runs: np.ndarray
    """Shape (n,), object: the run of each, or None."""
    status: np.ndarray
    """Shape (n,), int8: values of `DatasetStatus`."""

    @classmethod
    def absent(cls, dataset_type: DatasetType, data_ids: DataIdTable) -> DatasetColumns:
        """Make rows for datasets of which nothing is known."""
        return cls(
            dataset_type=dataset_type,
            data_ids=data_ids,
            ids=np.zeros((len(data_ids), 16), dtype=np.uint8),
            runs=np.full(len(data_ids), None, dtype=object),
            status=np.zeros(len(data_ids), dtype=np.int8),
        )

    def table(self, rows: np.ndarray) -> DatasetTable:
        """Give some rows, all of which have an id, as a table of references."""
        return DatasetTable(
            self.dataset_type, self.data_ids.take(rows), self.ids[rows], Categorical.encode(self.runs[rows])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The skeleton with ids, and with a reason for each quantum that is not needed."""

    quanta: Mapping[str, DataIdTable]
    reasons: Mapping[str, np.ndarray]
    """By label, int16: values of `DropReason`, or `KEPT`."""
    details: Mapping[str, np.ndarray]
    """By label, object: what the reason is about; empty text for quanta that stay."""
    datasets: Mapping[str, DatasetColumns]
    edges: tuple[Edges, ...]

    def edges_of(self, label: str, *, outputs: bool) -> list[Edges]:
        """Give the input or the output edges of a task."""
        return [e for e in self.edges if e.label == label and e.is_output == outputs]

    def edges_there(self, plan: BuildPlan) -> list[Edges]:
        """Give the edges, to datasets that exist or will be made, that say where and when a task's quanta are."""
        return [
            edge.take(self.datasets[edge.connection.dataset_type].status[edge.dataset] != DatasetStatus.ABSENT)
            for edge in self.edges
            if edge.connection.name in plan.tasks[edge.label].bounds_connections
        ]


def resolve(plan: BuildPlan, skeleton: Skeleton, facts: DatasetFacts) -> Resolution:
    """Attach ids to datasets and mark the quanta that are done.

    Raises
    ------
    OutputExistsError
        If outputs of finished quanta lie in the output run and may be neither skipped nor replaced; all are named.
    """
    datasets = {
        name: DatasetColumns.absent(plan.datasets[name].dataset_type, data_ids)
        for name, data_ids in skeleton.datasets.items()
    }
    for name, table in facts.inputs.items():
        if name in datasets:
            _attach(datasets[name], table, np.ones(len(datasets[name].data_ids), dtype=bool))
    reasons: dict[str, np.ndarray] = {}
    details: dict[str, np.ndarray] = {}
    conflicts: list[str] = []
    skipped = quanta_to_skip(plan, skeleton, facts.for_skip)
    for label, done in skipped.items():
        finished_here, _ = has_metadata(plan, skeleton, label, facts.in_the_way)
        reasons[label] = np.where(done, DropReason.ALREADY_DONE, KEPT).astype(np.int16)
        details[label] = _done_where(plan, skeleton, label, facts, done)
        for edges in skeleton.edges_of(label, outputs=True):
            columns = datasets[edges.connection.dataset_type]
            name = edges.connection.dataset_type
            of_done = np.zeros(len(columns.data_ids), dtype=bool)
            of_done[edges.dataset[done[edges.quantum]]] = True
            if name in facts.for_skip:
                _attach(columns, facts.for_skip[name], of_done)
            wanted = np.zeros(len(columns.data_ids), dtype=bool)
            wanted[edges.dataset[~done[edges.quantum]]] = True
            kept = np.zeros(len(columns.data_ids), dtype=bool)
            kept[edges.dataset[finished_here[edges.quantum]]] = True
            _predict(columns, wanted, plan)
            if name in facts.in_the_way:
                blocked = _reuse(columns, facts.in_the_way[name], wanted, ~kept | plan.clobber)
                conflicts.extend(
                    f"{name}@{columns.data_ids[int(row)]} (task {label!r}, output {edges.connection.name!r})"
                    for row in blocked
                )
    if conflicts:
        raise OutputExistsError(plan.output_run, conflicts)
    return Resolution(quanta=skeleton.quanta, reasons=reasons, details=details, datasets=datasets, edges=skeleton.edges)


def _done_where(plan: BuildPlan, skeleton: Skeleton, label: str, facts: DatasetFacts, done: np.ndarray) -> np.ndarray:
    """Say for each quantum that is done where its metadata is; empty text for the others."""
    texts = np.full(len(done), "", dtype=object)
    if done.any():
        _, runs = has_metadata(plan, skeleton, label, facts.for_skip)
        for run in set(runs[done].tolist()):
            texts[done & (runs == run)] = f"metadata in {run}"
    return texts


def _attach(columns: DatasetColumns, table: DatasetTable, where: np.ndarray) -> None:
    rows = match_rows(columns.data_ids, table.data_ids, columns.data_ids.group.required)
    here = np.flatnonzero((rows >= 0) & where)
    columns.ids[here] = table.ids[rows[here]]
    columns.runs[here] = table.runs.decode()[rows[here]]
    columns.status[here] = DatasetStatus.EXISTING


def _predict(columns: DatasetColumns, where: np.ndarray, plan: BuildPlan) -> None:
    here = np.flatnonzero(where)
    data_ids = columns.data_ids.take(here)
    columns.ids[here] = plan.make_ids(columns.dataset_type.name, data_ids)
    columns.runs[here] = plan.output_run
    columns.status[here] = DatasetStatus.PREDICTED


def _reuse(columns: DatasetColumns, table: DatasetTable, wanted: np.ndarray, may_replace: np.ndarray) -> np.ndarray:
    """Take over the ids of outputs in the way; give the rows that must not be replaced."""
    rows = match_rows(columns.data_ids, table.data_ids, columns.data_ids.group.required)
    in_the_way = (rows >= 0) & wanted
    here = np.flatnonzero(in_the_way & may_replace)
    columns.ids[here] = table.ids[rows[here]]
    columns.status[here] = DatasetStatus.REPLACED
    return np.flatnonzero(in_the_way & ~may_replace)
