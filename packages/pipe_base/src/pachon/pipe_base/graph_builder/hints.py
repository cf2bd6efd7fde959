# SPDX-License-Identifier: BSD-3-Clause
"""Sentences that say why something was not found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pachon.datasets import ValidityTable
from pachon.dimensions import DataIdTable, RecordTable, Timespan, match_rows
from pachon.pipe_base.graph_builder.bounds import time_bounds
from pachon.pipe_base.graph_builder.facts import LookupFacts, PairFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan
from pachon.pipe_base.graph_builder.prune import Pruned
from pachon.quantum_butler.drop_reason import DropReason

__all__ = ["dropped_sentences", "prerequisite_hint"]


def prerequisite_hint(
    plan: BuildPlan,
    quanta: Mapping[str, DataIdTable],
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
    wanted = quanta[task.label].take(np.array([row]))
    data_ids = fact.datasets.data_ids
    shared = [dimension for dimension in data_ids.group.required if dimension in wanted.group]
    same = np.flatnonzero(match_rows(data_ids, wanted, shared) == 0)
    if not len(same):
        some = ", ".join(str(data_ids[i]) for i in range(min(3, len(data_ids))))
        return f"{name!r} exists in {where} for other data IDs: {some}."
    begin, end = (int(bound[0]) for bound in time_bounds(wanted, records))
    distance = np.maximum(np.maximum(fact.begin_ns[same] - end, begin - fact.end_ns[same]), 0)
    nearest = same[np.argsort(distance, kind="stable")[:3]]
    ranges = ", ".join(str(fact.timespan(int(i))) for i in nearest)
    time = Timespan.from_ns(begin, end)
    return f"It is wanted for {time} (TAI); the nearest validity ranges in {where} are {ranges}."


def dropped_sentences(plan: BuildPlan, pruned: Pruned, nothing: Sequence[str]) -> tuple[str, ...]:
    """Say what became of the quanta that are not in the graph, chief culprit first."""
    sentences = list(nothing)
    for label, reasons in pruned.reasons.items():
        for reason in DropReason:
            count = int((reasons == reason).sum())
            if not count:
                continue
            text = f"Task {label!r}: {count} of {len(reasons)} quanta {reason.text}"
            if reason is DropReason.NO_INPUTS:
                text += f" ({_missing_inputs(plan, label)})"
            sentences.append(text + ".")
    return tuple(sentences)


def _missing_inputs(plan: BuildPlan, label: str) -> str:
    names = [c.dataset_type for c in plan.tasks[label].inputs if plan.datasets[c.dataset_type].producer is None]
    return f"{', '.join(names)} in {', '.join(plan.input_collections)}"
