# SPDX-License-Identifier: BSD-3-Clause
"""From the data of a task in a stored graph back to its class, configuration and connections."""

from __future__ import annotations

import dataclasses

from pachon.base import InvalidInputError
from pachon.pipe_base.config import ConfigError
from pachon.pipe_base.connections import PipelineTaskConnections
from pachon.pipe_base.import_path import ImportPathError, import_object, import_path_of
from pachon.pipe_base.pipeline_graph.errors import PipelineGraphError
from pachon.pipe_base.pipeline_graph.nodes import GraphEdge, TaskNode
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig

__all__ = ["automatic_edges", "load_task", "make_task_node", "missing_task_node"]


def make_task_node(label: str, task_class: type[PipelineTask], config: PipelineTaskConfig) -> TaskNode:
    """Make the node of a task from its class and its frozen configuration.

    Raises
    ------
    ConnectionDefinitionError
        The connections are not valid with this configuration.
    """
    connections: PipelineTaskConnections = config.connections_class(config=config)
    edges = [GraphEdge.from_connection(label, connection) for connection in connections.all_connections.values()]
    cls = type(connections)
    return TaskNode(
        label=label,
        class_name=import_path_of(task_class),
        dimension_names=connections.dimensions,
        edges=(*edges, *automatic_edges(label, connections.dimensions, keep_log=config.saveLogOutput)),
        config_document=config.to_document(),
        default_name=task_class.default_name,
        can_multiprocess=task_class.can_multiprocess,
        adjusts_quanta=cls.adjust_quantum is not PipelineTaskConnections.adjust_quantum,
        adjusts_all_quanta=cls.adjust_all_quanta is not PipelineTaskConnections.adjust_all_quanta,
        task_class=task_class,
        config=config,
        connections=connections,
    )


def automatic_edges(label: str, dimensions: tuple[str, ...], *, keep_log: bool) -> list[GraphEdge]:
    """Give the outputs that the framework adds to a task: configuration, metadata, and log if it is kept."""
    found = [
        GraphEdge(
            task_label=label,
            connection="_config",
            kind="init_output",
            dataset_type_name=f"{label}_config",
            storage_class="Config",
        )
    ]
    for name, storage_class in (("log", "ButlerLogRecords"), ("metadata", "TaskMetadata")):
        if name == "metadata" or keep_log:
            found.append(
                GraphEdge(
                    task_label=label,
                    connection=f"_{name}",
                    kind="output",
                    dataset_type_name=f"{label}_{name}",
                    storage_class=storage_class,
                    raw_dimensions=dimensions,
                )
            )
    return found


def missing_task_node(label: str, class_name: str, problem: str) -> TaskNode:
    """Make the node of a task whose class or configuration cannot be had; it has no connections."""
    return TaskNode(label=label, class_name=class_name, problem=problem)


def load_task(node: TaskNode, *, override: bool = False) -> TaskNode:
    """Import the class of a task of a stored graph and make its configuration and connections.

    Parameters
    ----------
    node
        A task, perhaps read from a file. One that has its class already is given back.
    override
        Whether connections that differ from the stored ones are accepted.

    Raises
    ------
    PipelineGraphError
        The class cannot be imported, its configuration has changed, or its connections differ from the stored ones.
    """
    if node.is_imported:
        return node
    if node.problem or node.config_document is None:
        raise PipelineGraphError(f"Task {node.label!r} was stored without its class: {node.problem}")
    try:
        task_class = import_object(node.class_name)
        config = task_class.config_class.from_document(node.config_document)
        config.freeze()
    except ImportPathError as error:
        raise PipelineGraphError(f"The class of task {node.label!r} is not usable: {error}") from error
    except (ConfigError, AttributeError, InvalidInputError) as error:
        raise PipelineGraphError(
            f"The stored configuration of task {node.label!r} does not fit {node.class_name} any more: {error}"
        ) from error
    loaded = make_task_node(node.label, task_class, config)
    is_changed = loaded.edges != node.edges or loaded.dimension_names != node.dimension_names
    if is_changed and not override:
        raise PipelineGraphError(_difference(node, loaded))
    return dataclasses.replace(loaded, edges=loaded.edges if override else node.edges)


def _difference(stored: TaskNode, loaded: TaskNode) -> str:
    old, new = ({edge.connection: edge for edge in node.edges} for node in (stored, loaded))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    what = f"connections {', '.join(changed)}" if changed else "dimensions"
    return (
        f"The code of task {stored.label!r} ({stored.class_name}) differs from what the graph was built with: {what}; "
        "build the graph again."
    )
