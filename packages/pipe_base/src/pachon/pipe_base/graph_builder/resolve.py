# SPDX-License-Identifier: BSD-3-Clause
"""Giving datasets their ids: those that exist keep theirs, predicted ones get new ones; done quanta are skipped."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pachon.datasets import DatasetTable, DatasetType, new_ids
from pachon.dimensions import Categorical, DataIdTable, match_rows
from pachon.pipe_base.graph_builder.errors import OutputExistsError
from pachon.pipe_base.graph_builder.facts import DatasetFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan
from pachon.pipe_base.graph_builder.skeleton import Edges, Skeleton
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
    datasets: Mapping[str, DatasetColumns]
    edges: tuple[Edges, ...]

    def edges_of(self, label: str, *, outputs: bool) -> list[Edges]:
        """Give the input or the output edges of a task."""
        return [e for e in self.edges if e.label == label and e.is_output == outputs]


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
    conflicts: list[str] = []
    for label in plan.tasks:
        done = _has_metadata(plan, skeleton, label, facts.for_skip)
        finished_here = _has_metadata(plan, skeleton, label, facts.in_the_way)
        reasons[label] = np.where(done, DropReason.ALREADY_DONE, KEPT).astype(np.int16)
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
            _predict(columns, wanted, plan.output_run)
            if name in facts.in_the_way:
                blocked = _reuse(columns, facts.in_the_way[name], wanted, ~kept | plan.clobber)
                conflicts.extend(f"{name}@{columns.data_ids[int(row)]}" for row in blocked)
    if conflicts:
        raise OutputExistsError(plan.output_run, conflicts)
    return Resolution(quanta=skeleton.quanta, reasons=reasons, datasets=datasets, edges=skeleton.edges)


def _has_metadata(plan: BuildPlan, skeleton: Skeleton, label: str, found: Mapping[str, DatasetTable]) -> np.ndarray:
    """Say which quanta of a task succeeded before: those whose metadata exists."""
    quanta = skeleton.quanta[label]
    table = found.get(plan.tasks[label].metadata_type)
    if table is None:
        return np.zeros(len(quanta), dtype=bool)
    return match_rows(quanta, table.data_ids, quanta.group.required) >= 0


def _attach(columns: DatasetColumns, table: DatasetTable, where: np.ndarray) -> None:
    rows = match_rows(columns.data_ids, table.data_ids, columns.data_ids.group.required)
    here = np.flatnonzero((rows >= 0) & where)
    columns.ids[here] = table.ids[rows[here]]
    columns.runs[here] = table.runs.decode()[rows[here]]
    columns.status[here] = DatasetStatus.EXISTING


def _predict(columns: DatasetColumns, where: np.ndarray, run: str) -> None:
    here = np.flatnonzero(where)
    columns.ids[here] = new_ids(len(here))
    columns.runs[here] = run
    columns.status[here] = DatasetStatus.PREDICTED


def _reuse(columns: DatasetColumns, table: DatasetTable, wanted: np.ndarray, may_replace: np.ndarray) -> np.ndarray:
    """Take over the ids of outputs in the way; give the rows that must not be replaced."""
    rows = match_rows(columns.data_ids, table.data_ids, columns.data_ids.group.required)
    in_the_way = (rows >= 0) & wanted
    here = np.flatnonzero(in_the_way & may_replace)
    columns.ids[here] = table.ids[rows[here]]
    columns.status[here] = DatasetStatus.REPLACED
    return np.flatnonzero(in_the_way & ~may_replace)
