# SPDX-License-Identifier: BSD-3-Clause
"""The tasks of a stored graph: classes are imported and configured once a process."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pachon.base import NotFoundError
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base.connections import PipelineTaskConnections
from pachon.pipe_base.pipeline_graph import PipelineGraph, TaskNode, load_task
from pachon.pipe_base.pipeline_task import PipelineTask

__all__ = ["GraphTasks"]


class GraphTasks:
    """Makes the tasks of a pipeline that a quantum graph holds.

    Parameters
    ----------
    pipeline
        The document of the pipeline graph (`QuantumGraph.pipeline`), or the pipeline graph itself.
    universe
        The dimensions of the graph.
    """

    def __init__(self, pipeline: Mapping[str, Any] | PipelineGraph, universe: DimensionUniverse) -> None:
        graph = pipeline if isinstance(pipeline, PipelineGraph) else PipelineGraph.from_document(pipeline, universe)
        self._nodes: dict[str, TaskNode] = dict(graph.tasks)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of all tasks of the pipeline, with quanta or without."""
        return tuple(self._nodes)

    def node(self, label: str) -> TaskNode:
        """Give a task with its class, configuration and connections.

        Raises
        ------
        NotFoundError
            If there is no such label.
        PipelineGraphError
            If the class cannot be imported, or differs from what the graph was built with.
        """
        if label not in self._nodes:
            raise NotFoundError(f"The graph's pipeline has no task {label!r}.")
        node = load_task(self._nodes[label])
        self._nodes[label] = node
        return node

    def connections(self, label: str) -> PipelineTaskConnections:
        """Give a task's connections."""
        connections: PipelineTaskConnections = self.node(label).connections
        return connections

    def config_document(self, label: str) -> Mapping[str, Any]:
        """Give a task's configuration as data."""
        document = self.node(label).config_document
        assert document is not None
        return document

    def make_task(self, label: str, init_inputs: Mapping[str, Any]) -> PipelineTask:
        """Construct a task; each call gives a new one."""
        node = self.node(label)
        arguments: dict[str, Any] = {"config": node.config, "name": label}
        if init_inputs:
            arguments["init_inputs"] = init_inputs
        task: PipelineTask = node.task_class(**arguments)
        return task

    def check_subprocesses(self) -> list[str]:
        """Give the labels of tasks that must not run in a subprocess."""
        return [label for label, node in self._nodes.items() if not node.can_multiprocess]

    def forget(self) -> None:
        """Drop what was imported, so that only data is left (for sending to another process)."""
        self._nodes = {
            label: dataclasses.replace(node, task_class=None, config=None, connections=None)
            for label, node in self._nodes.items()
        }
