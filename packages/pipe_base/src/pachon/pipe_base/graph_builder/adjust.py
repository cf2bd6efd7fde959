# SPDX-License-Identifier: BSD-3-Clause
"""Calling the hooks that a task overrides, once a quantum, and taking down what they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pachon.base import PachonError
from pachon.datasets import DatasetRef, DatasetTable, DatasetType, FactSource
from pachon.dimensions import DataCoordinate, RecordTable
from pachon.pipe_base.connections import Connection
from pachon.pipe_base.graph_builder.errors import GraphBuildError
from pachon.pipe_base.graph_builder.fetch import expand
from pachon.pipe_base.graph_builder.plan import TaskPlan
from pachon.pipe_base.graph_builder.prerequisites import FoundPrerequisite
from pachon.pipe_base.graph_builder.prune import Adjusted
from pachon.pipe_base.graph_builder.quanta_adjuster import QuantaAdjuster
from pachon.pipe_base.graph_builder.resolve import Resolution
from pachon.pipe_base.graph_builder.skeleton import Edges
from pachon.pipe_base.outcomes import NoWorkFound

__all__ = ["call_hook_of_all", "call_hooks"]


class _RefsByQuantum:
    """The refs of one connection, quantum by quantum, with the number of each edge."""

    def __init__(self, quantum: np.ndarray, refs: Sequence[DatasetRef]) -> None:
        self.start = np.searchsorted(quantum, np.arange(quantum[-1] + 2 if len(quantum) else 1))
        self.refs = refs

    def of(self, row: int) -> tuple[int, Sequence[DatasetRef]]:
        if row + 1 >= len(self.start):
            return 0, ()
        first, last = int(self.start[row]), int(self.start[row + 1])
        return first, self.refs[first:last]


def call_hooks(
    resolution: Resolution,
    records: Mapping[str, RecordTable],
    task: TaskPlan,
    rows: np.ndarray,
    inputs: list[Edges],
    prerequisites: list[FoundPrerequisite],
    outputs: list[Edges],
) -> Adjusted:
    """Call ``adjust_quantum`` of a task for each of its quanta.

    Raises
    ------
    GraphBuildError
        If the hook adds datasets.
    """
    assert task.hooks is not None
    hooks = task.hooks
    known_inputs: dict[str, _RefsByQuantum] = {}
    known_outputs: dict[str, _RefsByQuantum] = {}
    for edge in inputs:
        refs = _edge_refs(resolution, records, edge, hooks.inputs[edge.connection.name])
        known_inputs[edge.connection.name] = _RefsByQuantum(edge.quantum, refs)
    for found in prerequisites:
        declared = hooks.prerequisite_inputs[found.connection.name]
        refs = _expanded_refs(found.datasets, found.dataset, records, declared)
        known_inputs[found.connection.name] = _RefsByQuantum(found.quantum, refs)
    for edge in outputs:
        if edge.connection.name in hooks.outputs:
            refs = _edge_refs(resolution, records, edge, hooks.outputs[edge.connection.name])
            known_outputs[edge.connection.name] = _RefsByQuantum(edge.quantum, refs)
    no_work: list[int] = []
    messages: list[str] = []
    lost_inputs: dict[str, list[int]] = {}
    lost_outputs: dict[str, list[int]] = {}
    data_ids = expand(resolution.quanta[task.label].take(rows), records)
    for row, data_id in zip(rows.tolist(), data_ids, strict=True):
        try:
            changed_inputs, changed_outputs = hooks.adjust_quantum(
                {n: (_connection(hooks, n), known.of(row)[1]) for n, known in known_inputs.items()},
                {n: (hooks.outputs[n], known.of(row)[1]) for n, known in known_outputs.items()},
                task.label,
                data_id,
            )
        except NoWorkFound as reason:
            no_work.append(row)
            # Equal reasons are counted together, whatever quantum they are of.
            messages.append(str(reason).replace(f" for {data_id}", ""))
            continue
        except Exception as error:
            # Errors of ours name the task themselves.
            if not isinstance(error, PachonError):
                error.add_note(f"This was in adjust_quantum of task {task.label!r}, {data_id}.")
            raise
        _note_lost(task.label, data_id, row, changed_inputs, known_inputs, lost_inputs)
        _note_lost(task.label, data_id, row, changed_outputs, known_outputs, lost_outputs)
    return Adjusted(
        no_work=np.array(no_work, dtype=np.int64),
        messages=np.array([*messages, None], dtype=object)[:-1],
        lost_inputs={name: np.array(lost, dtype=np.int64) for name, lost in lost_inputs.items()},
        lost_outputs={name: np.array(lost, dtype=np.int64) for name, lost in lost_outputs.items()},
    )


def call_hook_of_all(
    resolution: Resolution,
    records: Mapping[str, RecordTable],
    source: FactSource,
    task: TaskPlan,
    rows: np.ndarray,
    inputs: list[Edges],
    prerequisites: list[FoundPrerequisite],
    outputs: list[Edges],
    present: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, list[Edges], list[FoundPrerequisite], list[Edges]]:
    """Call ``adjust_all_quanta`` of a task; give the rows that are left, and their edges."""
    assert task.hooks_of_all is not None
    adjuster = QuantaAdjuster(
        task.label,
        task.hooks_of_all,
        source,
        quanta=resolution.quanta[task.label],
        rows=rows,
        inputs=inputs,
        prerequisites=prerequisites,
        outputs=outputs,
        datasets=resolution.datasets,
        present=present,
        records=records,
    )
    task.hooks_of_all.adjust_all_quanta(adjuster)
    return adjuster.left(), *adjuster.edges()


def _connection(hooks: Any, name: str) -> Any:
    return hooks.inputs[name] if name in hooks.inputs else hooks.prerequisite_inputs[name]


def _edge_refs(
    resolution: Resolution, records: Mapping[str, RecordTable], edge: Edges, declared: Connection
) -> list[DatasetRef]:
    columns = resolution.datasets[edge.connection.dataset_type]
    used, place = np.unique(edge.dataset, return_inverse=True)
    return _expanded_refs(columns.table(used), place.reshape(-1), records, declared)


def _expanded_refs(
    datasets: DatasetTable, rows: np.ndarray, records: Mapping[str, RecordTable], declared: Connection
) -> list[DatasetRef]:
    """Give the ref of each row as the task has it, component or whole; their data IDs carry records, by which hooks choose."""
    # An exposure is the input of many quanta: each dataset is made once.
    used, place = np.unique(rows, return_inverse=True)
    table = datasets.take(used)
    dataset_type = _as_declared(table.dataset_type, declared)
    expanded = expand(table.data_ids, records)
    refs = [DatasetRef(dataset_type, data_id, ref.run, id=ref.id) for ref, data_id in zip(table, expanded, strict=True)]
    return [refs[i] for i in place.reshape(-1).tolist()]


def _as_declared(whole: DatasetType, declared: Connection) -> DatasetType:
    """Give a dataset type in the storage class, or as the component, that a connection declares, as when the quantum runs."""
    if declared.component is None:
        return whole.with_storage_class(declared.storage_class)
    return DatasetType(
        f"{whole.name}.{declared.component}",
        whole.dimensions,
        declared.storage_class,
        is_calibration=whole.is_calibration,
        parent_storage_class=whole.storage_class,
    )


def _note_lost(
    label: str,
    data_id: DataCoordinate,
    row: int,
    changed: Mapping[str, tuple[Any, Collection[DatasetRef]]],
    known: Mapping[str, _RefsByQuantum],
    lost: dict[str, list[int]],
) -> None:
    for name, (_, refs) in changed.items():
        if name not in known:
            raise GraphBuildError(f"Task {label!r}: adjust_quantum names {name!r}, which is no connection with data.")
        first, before = known[name].of(row)
        kept = _ids(refs)
        added = kept - _ids(before)
        if added:
            raise GraphBuildError(f"Task {label!r}, {data_id}: adjust_quantum added datasets to {name!r}.")
        lost.setdefault(name, []).extend(first + i for i, ref in enumerate(before) if ref.id not in kept)


def _ids(refs: Iterable[DatasetRef]) -> set[Any]:
    return {ref.id for ref in refs}
