# SPDX-License-Identifier: BSD-3-Clause
"""Checks of production steps against the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pachon.base import closest
from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.pipe_base.pipeline_graph.errors import StepError
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphStep, GraphSubset, TaskNode

__all__ = ["check_steps"]


def check_steps(
    steps: Sequence[GraphStep],
    subsets: Mapping[str, GraphSubset],
    tasks: Mapping[str, TaskNode],
    dataset_types: Mapping[str, DatasetTypeNode],
    universe: DimensionUniverse,
    *,
    lenient: bool = False,
) -> None:
    """Check that every task is in one step, that no step feeds an earlier one, and the sharding dimensions.

    Parameters
    ----------
    steps, subsets, tasks, dataset_types, universe
        The graph.
    lenient
        Whether steps and outputs with unknown dimensions are passed over: without a repository its universe is not known.

    Raises
    ------
    StepError
    """
    if not steps:
        return
    index = _step_of_tasks(steps, subsets, tasks)
    for node in dataset_types.values():
        for consumer in node.consumers if node.producer is not None else ():
            if index[consumer] < index[str(node.producer)]:
                early, late = steps[index[consumer]].label, steps[index[str(node.producer)]].label
                raise StepError(
                    f"Step {early!r} reads {node.name!r} (task {consumer!r}), which the later step {late!r} writes "
                    f"(task {node.producer!r}).",
                    (consumer, str(node.producer)),
                    (early, late),
                )
    for step in steps:
        if lenient and not all(name in universe.dimensions for name in step.dimensions):
            continue
        _check_sharding(step, subsets[step.label], tasks, universe, lenient=lenient)


def _step_of_tasks(
    steps: Sequence[GraphStep], subsets: Mapping[str, GraphSubset], tasks: Mapping[str, TaskNode]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, step in enumerate(steps):
        for label in subsets[step.label].labels:
            if label in found:
                both = (steps[found[label]].label, step.label)
                raise StepError(f"Task {label!r} is in two steps, {both[0]!r} and {both[1]!r}.", (label,), both)
            found[label] = index
    without = sorted(tasks.keys() - found.keys())
    if without:
        more = f" (and {len(without) - 1} more)" if len(without) > 1 else ""
        raise StepError(f"Task {without[0]!r}{more} is in no step; with steps, every task is in one.", tuple(without))
    return found


def _check_sharding(
    step: GraphStep, subset: GraphSubset, tasks: Mapping[str, TaskNode], universe: DimensionUniverse, *, lenient: bool
) -> None:
    for name in step.dimensions:
        if name not in universe.dimensions:
            hint = closest(name, universe.dimensions)
            raise StepError(f"Step {step.label!r}: there is no dimension {name!r}.{hint}", (), (step.label,))
    for label in subset.labels:
        task = tasks[label]
        groups = [(f"task {label!r}", universe.conform(task.dimension_names))] if not task.problem else []
        groups += [
            (f"output {edge.full_name!r} of task {label!r}", universe.conform(edge.raw_dimensions))
            for edge in task.edges_of("output")
            if "skypix" not in edge.raw_dimensions
            and not (lenient and any(name not in universe.dimensions for name in edge.raw_dimensions))
        ]
        for what, group in groups:
            for name in step.dimensions:
                if name not in group and not _is_related(name, group, universe):
                    raise StepError(
                        f"Step {step.label!r} is split by {name!r}, which is no dimension of {what} "
                        f"({', '.join(group.required) or 'none'}).",
                        (label,),
                        (step.label,),
                    )


def _is_related(name: str, group: DimensionGroup, universe: DimensionUniverse) -> bool:
    """Whether a many-to-many relation ties a dimension to a group (e.g. visit to exposure)."""
    for element in universe.elements.values():
        if element.always_join and name in universe.group_of(element):
            others = set(element.required) - {name} - set(universe.conform([name]).required)
            if others and others <= set(group.names):
                return True
    return False
