# SPDX-License-Identifier: BSD-3-Clause
"""Overall inputs that no repository can give: nobody writes them, and the repository does not know their dataset type."""

from __future__ import annotations

from collections.abc import Iterator

from pachon.base import closest
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge
from pachon.pipe_base.pipeline_graph.pipeline_graph import PipelineGraph

__all__ = ["describe_unknown_input", "is_optional", "unknown_inputs"]


def unknown_inputs(graph: PipelineGraph) -> Iterator[DatasetTypeNode]:
    """Give the overall inputs of a resolved graph that are not registered, by name."""
    return (node for node in graph.overall_inputs().values() if not node.is_registered)


def is_optional(graph: PipelineGraph, node: DatasetTypeNode) -> bool:
    """Whether every reader of a dataset type can do without it."""
    return all(edge.minimum == 0 for label in node.consumers for edge in _readers(graph, label, node))


def describe_unknown_input(graph: PipelineGraph, node: DatasetTypeNode) -> str:
    """Say who reads an unknown input, and what it may be called."""
    readers = " and ".join(str(edge) for label in node.consumers for edge in _readers(graph, label, node))
    known = [name for name, other in graph.dataset_types.items() if other.producer is not None or other.is_registered]
    what = f"Dataset type {node.name!r}, which {readers} {'reads' if len(node.consumers) == 1 else 'read'},"
    return f"{what} is neither written by the pipeline nor known to the repository.{closest(node.name, known)}"


def _readers(graph: PipelineGraph, label: str, node: DatasetTypeNode) -> list[GraphEdge]:
    return [edge for edge in graph.task(label).edges if edge.is_input and edge.dataset_type_name == node.name]
