# SPDX-License-Identifier: BSD-3-Clause
"""Sentences that say why something was not found, and what became of the quanta."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from pachon.datasets import ValidityTable
from pachon.dimensions import RecordTable, Timespan, match_rows
from pachon.pipe_base.graph_builder.facts import LookupFacts, PairFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan
from pachon.pipe_base.graph_builder.prerequisites import task_times
from pachon.pipe_base.graph_builder.prune import Pruned
from pachon.pipe_base.graph_builder.resolve import KEPT, Resolution
from pachon.quantum_butler.drop_reason import DropReason

__all__ = ["log_counts", "prerequisite_hint"]

_log = logging.getLogger(__name__)


def prerequisite_hint(
    plan: BuildPlan,
    resolution: Resolution,
    facts: Mapping[tuple[str, str], ValidityTable | PairFacts | LookupFacts],
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
        return f"There is no {name!r} at all in {where}."
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
