# SPDX-License-Identifier: BSD-3-Clause
"""Sentences that say why something was not found, and what became of the quanta."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from pachon.dimensions import RecordTable, Timespan, match_rows
from pachon.pipe_base.graph_builder.facts import LookupFacts, PairFacts, PartFacts, PrerequisiteFact, TimedFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan
from pachon.pipe_base.graph_builder.prerequisites import task_times
from pachon.pipe_base.graph_builder.prune import Pruned
from pachon.pipe_base.graph_builder.resolve import KEPT, Resolution
from pachon.pipe_base.pipeline_graph.pipeline_graph import PipelineGraph
from pachon.pipe_base.pipeline_graph.unknown_inputs import describe_unknown_input, is_optional, unknown_inputs
from pachon.quantum_butler.drop_reason import DropReason

__all__ = ["log_counts", "log_empty_parts", "log_unknown_inputs", "log_unused_rows", "prerequisite_hint"]

_log = logging.getLogger(__name__)


def prerequisite_hint(
    plan: BuildPlan,
    resolution: Resolution,
    facts: Mapping[tuple[str, str], PrerequisiteFact],
    records: Mapping[str, RecordTable],
    task: TaskPlan,
    connection: ConnectionPlan,
    row: int,
) -> str:
    """Say what exists of a prerequisite that a quantum lacks: other data IDs, or other validity ranges."""
    fact = facts[task.label, connection.name]
    where = ", ".join(plan.input_collections)
    name = connection.dataset_type
    if isinstance(fact, LookupFacts):
        return f"The lookup_function of {connection.name!r} found none in {where}."
    if not len(fact.datasets):
        if not plan.datasets[name].is_registered:
            return f"The repository knows no dataset type {name!r}."
        return f"There is no {name!r} at all in {where}."
    if isinstance(fact, TimedFacts):
        fact = fact.validity
    if isinstance(fact, PairFacts):
        return f"{len(fact.datasets)} datasets {name!r} exist in {where}, none for this data ID."
    quanta = resolution.quanta[task.label]
    wanted = quanta.take(np.array([row]))
    data_ids = fact.datasets.data_ids
    shared = [dimension for dimension in data_ids.group.required if dimension in wanted.group]
    same = np.flatnonzero(match_rows(data_ids, wanted, shared) == 0)
    if not len(same):
        some = ", ".join(str(data_ids[i]) for i in range(min(3, len(data_ids))))
        return f"{name!r} exists in {where} for other data IDs: {some}."
    times = task_times(resolution, task, quanta, records, resolution.edges_there(plan))
    if pixels := [pixel for pixel in data_ids.group.skypix if pixel not in task.dimensions]:
        how_many = "none has" if connection.minimum == 1 else "too few have"
        return (
            f"{len(same)} datasets {name!r} exist in {where}; {how_many} a pixel ({pixels[0]}) that touches the region of "
            f"{wanted[0]}."
        )
    begin, end = (int(bound[row]) for bound in times)
    if begin >= end:
        ranges = ", ".join(str(fact.timespan(int(i))) for i in same[:3])
        return f"The time of {wanted[0]} is not known; in {where} it is valid for {ranges}."
    distance = np.maximum(np.maximum(fact.begin_ns[same] - end, begin - fact.end_ns[same]), 0)
    nearest = same[np.argsort(distance, kind="stable")[:3]]
    ranges = ", ".join(str(fact.timespan(int(i))) for i in nearest)
    time = Timespan.from_ns(begin, end)
    return f"It is wanted for {time} (TAI); the nearest validity ranges in {where} are {ranges}."


def log_unknown_inputs(graph: PipelineGraph) -> None:
    """Warn of inputs that tasks need, and that nobody writes and the repository does not know."""
    for node in unknown_inputs(graph):
        if not is_optional(graph, node):
            _log.warning("%s", describe_unknown_input(graph, node))


def log_empty_parts(reasons: Mapping[tuple[str, ...], Sequence[str]]) -> None:
    """Warn of tasks for which nothing matched, while others have quanta; ``reasons`` has the sentences by their labels."""
    for labels, sentences in reasons.items():
        tasks = f"{'Task' if len(labels) == 1 else 'Tasks'} {', '.join(labels)}"
        _log.warning("%s: no quanta. %s", tasks, " ".join(sentences) or "No data ID satisfies all conditions.")


def log_counts(plan: BuildPlan, pruned: Pruned) -> None:
    """Log what became of each task's quanta, and warn where a query constraint would have saved most of the work."""
    for label, reasons in pruned.reasons.items():
        if not len(reasons):
            continue
        counts = {reason: int((reasons == reason).sum()) for reason in DropReason}
        dropped = [f"{count} {reason.text}" for reason, count in counts.items() if count]
        kept = int((reasons == KEPT).sum())
        _log.info("Task %s: %d quanta%s.", label, kept, f"; {', '.join(dropped)}" if dropped else "")
        idle = counts[DropReason.NO_INPUTS] + counts[DropReason.NO_WORK]
        inputs = [c.dataset_type for c in plan.tasks[label].inputs if plan.datasets[c.dataset_type].producer is None]
        free = [name for name in inputs if not plan.datasets[name].constrains]
        if 2 * idle > len(reasons) and free:
            _log.warning(
                "Task %s: %d of %d quanta had nothing to do; let the existence of %s limit the query (dataset_query_constraint).",
                label,
                idle,
                len(reasons),
                " or ".join(free),
            )


def log_unused_rows(plan: BuildPlan, parts: Sequence[PartFacts]) -> None:
    """Warn of rows of the caller's tables of data IDs that came to nothing."""
    for table in plan.data_id_tables:
        used = np.zeros(len(table), dtype=bool)
        for part in parts:
            shared = [name for name in table.group.required if name in part.data_ids.group]
            if shared and len(part.data_ids):
                used |= match_rows(table, part.data_ids, shared) >= 0
        idle = np.flatnonzero(~used)
        if len(idle) and used.any():
            _log.warning(
                "%d of %d rows of the table of data IDs gave no quantum, %s for one.",
                len(idle),
                len(table),
                table[int(idle[0])],
            )
