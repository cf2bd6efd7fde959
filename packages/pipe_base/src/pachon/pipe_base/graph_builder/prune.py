# SPDX-License-Identifier: BSD-3-Clause
"""Dropping quanta that cannot run, task by task in topological order, with the reason of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pachon.dimensions import DataIdTable
from pachon.pipe_base.connections import MissingPrerequisiteError, ScalarError
from pachon.pipe_base.graph_builder.anchors import leads_to, reached_from
from pachon.pipe_base.graph_builder.errors import GraphBuildError
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan
from pachon.pipe_base.graph_builder.prerequisites import FoundPrerequisite
from pachon.pipe_base.graph_builder.resolve import KEPT, DatasetColumns, DatasetStatus, Resolution
from pachon.pipe_base.graph_builder.skeleton import Edges
from pachon.quantum_butler.drop_reason import DropReason

__all__ = ["Adjusted", "Pruned", "prune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """What a task's own hook left of its quanta."""

    no_work: np.ndarray
    """Rows of quanta to drop."""
    messages: np.ndarray
    """Shape of `no_work`, object: what the hook said."""
    lost_inputs: Mapping[str, np.ndarray]
    """Connection -> indices of edges to remove (regular and prerequisite inputs)."""
    lost_outputs: Mapping[str, np.ndarray]
    """Connection -> indices of output edges to remove."""


AdjustAll = Callable[
    [TaskPlan, np.ndarray, list[Edges], list[FoundPrerequisite], list[Edges], Mapping[str, np.ndarray]],
    tuple[np.ndarray, list[Edges], list[FoundPrerequisite], list[Edges]],
]
"""Calls a task's hook for all quanta together: (task, quantum rows, inputs, prerequisites, outputs, which datasets are there).

It gives the rows that are left, and their edges."""

Adjust = Callable[[TaskPlan, np.ndarray, list[Edges], list[FoundPrerequisite], list[Edges]], Adjusted]
"""Calls a task's hooks for the quanta that are left: (task, quantum rows, inputs, prerequisites, outputs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Quanta that stay, with their edges; and the reasons of the others."""

    quanta: Mapping[str, DataIdTable]
    reasons: Mapping[str, np.ndarray]
    details: Mapping[str, np.ndarray]
    """By label, object: what the reason is about."""
    datasets: Mapping[str, DatasetColumns]
    edges: tuple[Edges, ...]
    """Edges of quanta that stay, to datasets that exist or will be made."""
    prerequisites: tuple[FoundPrerequisite, ...]

    def kept(self, label: str) -> np.ndarray:
        """Give the rows of a task's quanta that stay, ascending."""
        return np.flatnonzero(self.reasons[label] == KEPT)

    @property
    def is_empty(self) -> bool:
        """Whether no quantum is left."""
        return not any((reasons == KEPT).any() for reasons in self.reasons.values())


def prune(
    plan: BuildPlan,
    resolution: Resolution,
    prerequisites: Sequence[FoundPrerequisite],
    adjust: Adjust,
    hint: Callable[[TaskPlan, ConnectionPlan, int], str],
    adjust_all: AdjustAll | None = None,
) -> Pruned:
    """Check each task's inputs against what exists and what upstream quanta will make.

    Parameters
    ----------
    plan, resolution, prerequisites
        What is left to check.
    adjust
        Called for tasks that override a hook.
    hint
        Gives a sentence about a prerequisite that a quantum (row) lacks.
    adjust_all
        Called for tasks that override the hook for all quanta.

    Raises
    ------
    MissingPrerequisiteError
        If a prerequisite is missing for a quantum that could run otherwise.
    ScalarError
        If a connection that takes one dataset has several.
    GraphBuildError
        If a hook takes all inputs of a quantum and leaves outputs.

    Notes
    -----
    One pass in topological order is enough: what a quantum lacks depends on tasks upstream only.
    """
    status = {name: columns.status.copy() for name, columns in resolution.datasets.items()}
    reasons = {label: values.copy() for label, values in resolution.reasons.items()}
    details = {label: values.copy() for label, values in resolution.details.items()}
    edges: list[Edges] = []
    kept_prerequisites: list[FoundPrerequisite] = []
    for label, task in plan.tasks.items():
        reason, detail = reasons[label], details[label]
        inputs = [_present(e, reason, status) for e in resolution.edges_of(label, outputs=False)]
        outputs = [e.take(reason[e.quantum] == KEPT) for e in resolution.edges_of(label, outputs=True)]
        found = [_of_kept(f, reason) for f in prerequisites if f.label == label]
        if task.hooks_of_all is not None and adjust_all is not None:
            before = reason == KEPT
            there = {name: values != DatasetStatus.ABSENT for name, values in status.items()}
            left, inputs, found, outputs = adjust_all(task, np.flatnonzero(before), inputs, found, outputs, there)
            before[left] = False
            reason[before] = DropReason.REMOVED_BY_HOOK
            dropped_all = [e.take(before[e.quantum]) for e in resolution.edges_of(label, outputs=True)]
            _forget_outputs(dropped_all, outputs, status)
        _drop_without_input(plan, label, reason, detail, inputs)
        found = [_of_kept(f, reason) for f in found]
        inputs = [e.take(reason[e.quantum] == KEPT) for e in inputs]
        if task.hooks is None:
            for prerequisite in found:
                _check_prerequisite(task, resolution, reason, prerequisite, hint)
            for edge in (*inputs, *outputs):
                _check_scalar(label, edge.connection, edge.quantum[reason[edge.quantum] == KEPT], resolution)
        else:
            kept = np.flatnonzero(reason == KEPT)
            live_outputs = [e.take(reason[e.quantum] == KEPT) for e in outputs]
            # A hook may drop a quantum that lacks a prerequisite: what it leaves is checked, by its base and below.
            try:
                adjusted = adjust(task, kept, inputs, found, live_outputs)
            except MissingPrerequisiteError as error:
                _explain(error, task, resolution, kept, hint)
                raise
            reason[adjusted.no_work] = DropReason.NO_WORK
            detail[adjusted.no_work] = adjusted.messages
            fruitless = _without_outputs(task, live_outputs, adjusted, reason)
            reason[fruitless] = DropReason.NO_WORK
            detail[fruitless] = "it left no output"
            had_inputs = _readers(reason, inputs, found)
            inputs = [_without(e, adjusted.lost_inputs.get(e.connection.name)) for e in inputs]
            inputs = [e.take(reason[e.quantum] == KEPT) for e in inputs]
            found = [_of_kept(_without_found(f, adjusted.lost_inputs.get(f.connection.name)), reason) for f in found]
            _check_inputs_left(task, resolution, had_inputs & (reason == KEPT) & ~_readers(reason, inputs, found))
            for prerequisite in found:
                _check_prerequisite(task, resolution, reason, prerequisite, hint)
            for edge in inputs:
                _check_scalar(label, edge.connection, edge.quantum, resolution)
            for edge in live_outputs:
                lost = adjusted.lost_outputs.get(edge.connection.name)
                if lost is not None:
                    status[edge.connection.dataset_type][edge.dataset[lost]] = DatasetStatus.ABSENT
                written = _without(edge, lost).quantum
                _check_scalar(label, edge.connection, written[reason[written] == KEPT], resolution)
        for edge in outputs:
            dropped = edge.dataset[reason[edge.quantum] != KEPT]
            status[edge.connection.dataset_type][dropped] = DatasetStatus.ABSENT
        edges.extend(e.take(reason[e.quantum] == KEPT) for e in inputs)
        for edge in outputs:
            made = status[edge.connection.dataset_type][edge.dataset] >= DatasetStatus.PREDICTED
            edges.append(edge.take(made & (reason[edge.quantum] == KEPT)))
        kept_prerequisites.extend(found)
    datasets = {
        name: DatasetColumns(
            dataset_type=c.dataset_type, data_ids=c.data_ids, ids=c.ids, runs=c.runs, status=status[name]
        )
        for name, c in resolution.datasets.items()
    }
    pruned = Pruned(
        quanta=resolution.quanta,
        reasons=reasons,
        details=details,
        datasets=datasets,
        edges=tuple(edges),
        prerequisites=tuple(kept_prerequisites),
    )
    return pruned if plan.unanchored is None else _anchored(plan, pruned, *plan.unanchored)


def _anchored(plan: BuildPlan, pruned: Pruned, source: str, anchor: str) -> Pruned:
    """Drop the quanta of one task that lead to none of another, with all that follows from them."""
    labels = list(plan.tasks)
    sizes = {name: len(columns.data_ids) for name, columns in pruned.datasets.items()}
    marked = {label: np.zeros(len(reason), dtype=bool) for label, reason in pruned.reasons.items()}
    marked[anchor] = pruned.reasons[anchor] == KEPT
    loose = ~leads_to(labels, pruned.edges, marked, sizes)[source] & (pruned.reasons[source] == KEPT)
    if not loose.any():
        return pruned
    marked[anchor] = np.zeros(len(marked[anchor]), dtype=bool)
    marked[source] = loose
    dropped = reached_from(labels, pruned.edges, marked, sizes)
    for label, gone in dropped.items():
        now = gone & (pruned.reasons[label] == KEPT)
        pruned.reasons[label][now] = DropReason.UNANCHORED
        pruned.details[label][now] = f"no {anchor} follows from its {source}"
    return replace(
        pruned,
        edges=tuple(e.take(pruned.reasons[e.label][e.quantum] == KEPT) for e in pruned.edges),
        prerequisites=tuple(_of_kept(f, pruned.reasons[f.label]) for f in pruned.prerequisites),
    )


def _forget_outputs(dropped: Sequence[Edges], left: Sequence[Edges], status: Mapping[str, np.ndarray]) -> None:
    """Mark what would have been written by quanta that are gone, unless another one writes it now."""
    before = {e.connection.dataset_type: status[e.connection.dataset_type].copy() for e in left}
    for edge in dropped:
        status[edge.connection.dataset_type][edge.dataset] = DatasetStatus.ABSENT
    for edge in left:
        name = edge.connection.dataset_type
        status[name][edge.dataset] = before[name][edge.dataset]


def _present(edges: Edges, reason: np.ndarray, status: Mapping[str, np.ndarray]) -> Edges:
    there = status[edges.connection.dataset_type][edges.dataset] != DatasetStatus.ABSENT
    return edges.take(there & (reason[edges.quantum] == KEPT))


def _of_kept(found: FoundPrerequisite, reason: np.ndarray) -> FoundPrerequisite:
    return _rows(found, reason[found.quantum] == KEPT)


def _rows(found: FoundPrerequisite, rows: np.ndarray) -> FoundPrerequisite:
    return FoundPrerequisite(
        label=found.label,
        connection=found.connection,
        datasets=found.datasets,
        quantum=found.quantum[rows],
        dataset=found.dataset[rows],
    )


def _without(edges: Edges, lost: np.ndarray | None) -> Edges:
    if lost is None:
        return edges
    keep = np.ones(len(edges.quantum), dtype=bool)
    keep[lost] = False
    return edges.take(keep)


def _without_found(found: FoundPrerequisite, lost: np.ndarray | None) -> FoundPrerequisite:
    if lost is None:
        return found
    keep = np.ones(len(found.quantum), dtype=bool)
    keep[lost] = False
    return _rows(found, keep)


def _without_outputs(task: TaskPlan, outputs: Sequence[Edges], adjusted: Adjusted, reason: np.ndarray) -> np.ndarray:
    """Give the rows of quanta of which a hook removed every output; log and metadata do not count."""
    assert task.hooks is not None
    before = np.zeros(len(reason), dtype=np.int64)
    after = np.zeros(len(reason), dtype=np.int64)
    for edge in outputs:
        if edge.connection.name in task.hooks.outputs:
            before += np.bincount(edge.quantum, minlength=len(reason))
            left = _without(edge, adjusted.lost_outputs.get(edge.connection.name))
            after += np.bincount(left.quantum, minlength=len(reason))
    return np.flatnonzero((before > 0) & (after == 0))


def _drop_without_input(
    plan: BuildPlan, label: str, reason: np.ndarray, detail: np.ndarray, inputs: Sequence[Edges]
) -> None:
    """Mark the quanta that have too few regular inputs; the culprit is the input or what is upstream of it."""
    for edges in inputs:
        minimum = edges.connection.minimum
        if minimum < 1:
            continue
        count = np.bincount(edges.quantum, minlength=len(reason))
        lacking = (count < minimum) & (reason == KEPT)
        name = edges.connection.dataset_type
        producer = plan.datasets[name].producer
        reason[lacking] = DropReason.NO_INPUTS if producer is None else DropReason.UPSTREAM_DROPPED
        where = f"in {', '.join(plan.input_collections)}" if producer is None else f"from {producer}"
        detail[lacking] = f"no {name} {where}"
        detail[lacking & (count > 0)] = f"fewer than {minimum} {name} {where}"


def _readers(reason: np.ndarray, inputs: Sequence[Edges], found: Sequence[FoundPrerequisite]) -> np.ndarray:
    """Tell which quanta have inputs of any kind."""
    reads = np.zeros(len(reason), dtype=bool)
    for quantum in (*(e.quantum for e in inputs), *(f.quantum for f in found)):
        reads[quantum] = True
    return reads


def _check_inputs_left(task: TaskPlan, resolution: Resolution, without: np.ndarray) -> None:
    """Refuse quanta of which a hook took all inputs and left outputs."""
    rows = np.flatnonzero(without)
    if len(rows):
        raise GraphBuildError(
            f"Task {task.label!r}, {resolution.quanta[task.label][int(rows[0])]}: adjust_quantum removed all inputs and "
            f"left outputs ({len(rows)} quanta); raise NoWorkFound for a quantum that is not to run."
        )


def _check_scalar(label: str, connection: ConnectionPlan, quantum: np.ndarray, resolution: Resolution) -> None:
    if connection.multiple or len(quantum) < 2:
        return
    twice = np.flatnonzero(quantum[1:] == quantum[:-1])
    if len(twice):
        row = int(quantum[twice[0]])
        raise ScalarError(
            label,
            connection.name,
            connection.dataset_type,
            str(resolution.quanta[label][row]),
            count=int((quantum == row).sum()),
        )


def _check_prerequisite(
    task: TaskPlan,
    resolution: Resolution,
    reason: np.ndarray,
    found: FoundPrerequisite,
    hint: Callable[[TaskPlan, ConnectionPlan, int], str],
) -> None:
    connection = found.connection
    _check_scalar(task.label, connection, found.quantum, resolution)
    count = np.bincount(found.quantum, minlength=len(reason))
    lacking = np.flatnonzero((count < connection.minimum) & (reason == KEPT))
    if not len(lacking):
        return
    row = int(lacking[0])
    error = MissingPrerequisiteError(
        task.label,
        connection.name,
        connection.dataset_type,
        str(resolution.quanta[task.label][row]),
        found=int(count[row]),
        minimum=connection.minimum,
    )
    if len(lacking) > 1:
        error.add_note(f"The same holds for {len(lacking) - 1} other quanta of {task.label!r}.")
    sentence = hint(task, connection, row)
    if sentence:
        error.add_note(sentence)
    raise error


def _explain(
    error: MissingPrerequisiteError,
    task: TaskPlan,
    resolution: Resolution,
    rows: np.ndarray,
    hint: Callable[[TaskPlan, ConnectionPlan, int], str],
) -> None:
    """Add to the error of a hook what else is known of the prerequisite that is missing."""
    for row in rows.tolist():
        if str(resolution.quanta[task.label][row]) != error.data_id:
            continue
        for connection in task.prerequisites:
            if connection.name == error.connection and (sentence := hint(task, connection, row)):
                error.add_note(sentence)
        return
