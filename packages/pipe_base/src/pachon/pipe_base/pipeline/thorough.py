# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with a pipeline for sure, whatever a repository holds: for authors, before anything is run.

A graph that is made without a repository leaves open what only a repository knows. Some of it cannot be right in any
repository: dimensions that the universe does not have, a reader that declares other dimensions than the writer, a method
``run`` that does not take the inputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType

from pachon.base import PachonError, closest
from pachon.dimensions import DimensionGroup, DimensionUniverse, UnknownDimensionError
from pachon.pipe_base.pipeline.contents import PipelineContents
from pachon.pipe_base.pipeline.errors import PipelineError
from pachon.pipe_base.pipeline_graph import GraphEdge, TaskNode
from pachon.pipe_base.pipeline_task import PipelineTask

__all__ = ["dimension_errors", "run_error"]

_PLACEHOLDER = "skypix"


def dimension_errors(
    contents: PipelineContents, nodes: Mapping[str, TaskNode], universe: DimensionUniverse, advice: str = ""
) -> Iterator[PachonError]:
    """Give an error for every unknown dimension of tasks, connections and steps, and for readers that contradict writers.

    Parameters
    ----------
    contents
        The pipeline: it knows where tasks and steps stand.
    nodes
        The tasks by label; those with a problem are passed over.
    universe
        The dimensions.
    advice
        What follows an unknown dimension, in parentheses.
    """
    groups: dict[tuple[str, str], DimensionGroup] = {}
    good = {label: node for label, node in nodes.items() if not node.problem}
    for label, node in good.items():
        place = contents.tasks[label].place
        owners = [(f"task {label!r}", "", node.dimension_names)]
        owners += [(str(edge), edge.connection, edge.raw_dimensions) for edge in node.edges if not edge.is_automatic]
        told: set[str] = set()
        for owner, connection, names in owners:
            try:
                groups[label, connection] = universe.conform(name for name in names if name != _PLACEHOLDER)
            except UnknownDimensionError as error:
                if (said := str(error)) not in told:
                    told.add(said)
                    yield PipelineError(f"{place}: {owner}: {said}{advice}")
    for step in contents.steps:
        for name in step.dimensions:
            if name not in universe.dimensions:
                hint = closest(name, universe.dimensions)
                yield PipelineError(f"{step.place}: step {step.label!r}: there is no dimension {name!r}.{hint}{advice}")
    yield from _contradictions(contents, good.values(), groups)


def _contradictions(
    contents: PipelineContents, nodes: Iterable[TaskNode], groups: Mapping[tuple[str, str], DimensionGroup]
) -> Iterator[PachonError]:
    by_type: dict[str, list[GraphEdge]] = {}
    for node in nodes:
        for edge in node.edges:
            if (node.label, edge.connection) in groups and _PLACEHOLDER not in edge.raw_dimensions:
                by_type.setdefault(edge.dataset_type_name, []).append(edge)
    for name, edges in sorted(by_type.items()):
        first = next((edge for edge in edges if not edge.is_input), edges[0])
        expected = groups[first.task_label, first.connection]
        for edge in edges:
            found = groups[edge.task_label, edge.connection]
            if found != expected:
                verb = "reads" if first.is_input else "writes"
                yield PipelineError(
                    f"{contents.tasks[edge.task_label].place}: {edge} declares {name!r} with dimensions {_shown(found)}, "
                    f"but {first} {verb} it with {_shown(expected)} ({contents.tasks[first.task_label].place})."
                )


def _shown(group: DimensionGroup) -> str:
    return f"{{{', '.join(group.required)}}}"


def run_error(task_class: type[PipelineTask], node: TaskNode) -> str:
    """Say why ``run`` of a task cannot be called with its inputs; empty if it can, or if the task calls it itself."""
    if task_class.run_quantum is not PipelineTask.run_quantum:
        return ""
    if not isinstance(inspect.getattr_static(task_class, "run"), FunctionType) or task_class.run is PipelineTask.run:
        return ""
    _, *parameters = inspect.signature(task_class.run).parameters.values()  # without self
    inputs = {edge.connection: edge for edge in node.edges if edge.kind in ("input", "prerequisite_input")}
    named = {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    for one in parameters:
        needed = one.default is one.empty and one.name in named and one.name != "data_id"
        if needed and one.name not in inputs:
            return f"'run' needs {one.name!r}, which is no input.{closest(one.name, inputs)}"
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters)
    for name, edge in inputs.items():
        if not takes_all and name not in named and edge.minimum > 0:
            return f"'run' does not take the input {name!r}.{closest(name, named)}"
    return ""
