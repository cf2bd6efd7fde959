# SPDX-License-Identifier: BSD-3-Clause
"""Datasets without dimensions that tasks read and write when they are made, and those of the run as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from pachon.datasets import DatasetRef, DatasetTable
from pachon.dimensions import DataCoordinate, DataIdTable
from pachon.pipe_base.graph_builder.errors import InitInputMissingError, InitOutputMissingError
from pachon.pipe_base.graph_builder.facts import DatasetFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan
from pachon.pipe_base.graph_builder.resolve import DatasetStatus

__all__ = ["InitDataset", "resolve_init"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InitDataset:
    """One dataset without dimensions that belongs to the construction of a task, or to the run."""

    label: str
    """Empty for the run as a whole."""
    connection: str
    is_output: bool
    ref: DatasetRef
    status: DatasetStatus


def resolve_init(
    plan: BuildPlan,
    facts: DatasetFacts,
    needed: Collection[str],
    run_outputs: Collection[str],
    done: Collection[str] = (),
) -> list[InitDataset]:
    """Find or predict the init datasets of the tasks that have quanta.

    Parameters
    ----------
    plan, facts
        What is wanted and what exists.
    needed
        Labels of the tasks with quanta.
    run_outputs
        Dataset types that are written once a run, such as ``packages``.
    done
        Labels of the tasks of which quanta were skipped and none is left.

    Raises
    ------
    InitInputMissingError
        If an init-input neither exists nor is made by a task that runs.
    InitOutputMissingError
        If all quanta of a task are done, but what was made with them is not there.
    """
    for label in done:
        for connection in plan.tasks[label].init_outputs:
            if connection.dataset_type not in facts.for_skip:
                raise InitOutputMissingError(label, connection.dataset_type, plan.skip_existing_in)
    made: dict[str, tuple[DatasetRef, DatasetStatus]] = {}
    found: list[InitDataset] = []
    for label, task in plan.tasks.items():
        if label in needed:
            for connection in task.init_outputs:
                made[connection.dataset_type] = _output(plan, facts, connection.dataset_type)
    for label, task in plan.tasks.items():
        if label not in needed:
            continue
        for connection in task.init_inputs:
            ref, status = made.get(connection.dataset_type) or _input(plan, facts, label, connection)
            found.append(InitDataset(label=label, connection=connection.name, is_output=False, ref=ref, status=status))
        for connection in task.init_outputs:
            ref, status = made[connection.dataset_type]
            found.append(InitDataset(label=label, connection=connection.name, is_output=True, ref=ref, status=status))
    for name in run_outputs if needed else ():
        ref, status = _output(plan, facts, name)
        found.append(InitDataset(label="", connection=name, is_output=True, ref=ref, status=status))
    return found


def _input(
    plan: BuildPlan, facts: DatasetFacts, label: str, connection: ConnectionPlan
) -> tuple[DatasetRef, DatasetStatus]:
    name = connection.dataset_type
    for place in (facts.inputs, facts.for_skip):
        table = place.get(name)
        if table is not None:
            return _only(table), DatasetStatus.EXISTING
    raise InitInputMissingError(label, connection.name, name, plan.input_collections)


def _output(plan: BuildPlan, facts: DatasetFacts, name: str) -> tuple[DatasetRef, DatasetStatus]:
    table = facts.in_the_way.get(name)
    if table is not None:
        return _only(table), DatasetStatus.REPLACED
    dataset_type = plan.datasets[name].dataset_type
    nothing = DataCoordinate.empty(plan.universe)
    (key,) = plan.make_ids(name, DataIdTable.from_rows(nothing.group, [nothing]))
    return (
        DatasetRef(dataset_type, nothing, plan.output_run, id=uuid.UUID(bytes=key.tobytes())),
        DatasetStatus.PREDICTED,
    )


def _only(table: DatasetTable) -> DatasetRef:
    ref = table[0]
    assert isinstance(ref, DatasetRef)
    return ref
