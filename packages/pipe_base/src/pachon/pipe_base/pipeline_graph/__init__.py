# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline graph: tasks and dataset types, resolved, ordered and drawn."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_base.pipeline_graph.errors import (
        ConnectionTypeConsistencyError,
        DuplicateOutputError,
        IncompatibleDatasetTypeError,
        PipelineDataCycleError,
        PipelineGraphError,
        StepError,
        SubsetExpressionError,
        UnresolvedDatasetTypeError,
    )
    from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge, GraphStep, GraphSubset, TaskNode
    from pachon.pipe_base.pipeline_graph.pipeline_graph import PictureFormat, PipelineGraph
    from pachon.pipe_base.pipeline_graph.resolution import PACKAGES
    from pachon.pipe_base.pipeline_graph.task_loading import (
        automatic_edges,
        load_task,
        make_task_node,
        missing_task_node,
    )

__all__ = [
    "PACKAGES",
    "ConnectionTypeConsistencyError",
    "DatasetTypeNode",
    "DuplicateOutputError",
    "GraphEdge",
    "GraphStep",
    "GraphSubset",
    "IncompatibleDatasetTypeError",
    "PictureFormat",
    "PipelineDataCycleError",
    "PipelineGraph",
    "PipelineGraphError",
    "StepError",
    "SubsetExpressionError",
    "TaskNode",
    "UnresolvedDatasetTypeError",
    "automatic_edges",
    "load_task",
    "make_task_node",
    "missing_task_node",
]

_HERE = "pachon.pipe_base.pipeline_graph"

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "PACKAGES": f"{_HERE}.resolution",
        "ConnectionTypeConsistencyError": f"{_HERE}.errors",
        "DatasetTypeNode": f"{_HERE}.nodes",
        "DuplicateOutputError": f"{_HERE}.errors",
        "GraphEdge": f"{_HERE}.nodes",
        "GraphStep": f"{_HERE}.nodes",
        "GraphSubset": f"{_HERE}.nodes",
        "IncompatibleDatasetTypeError": f"{_HERE}.errors",
        "PictureFormat": f"{_HERE}.pipeline_graph",
        "PipelineDataCycleError": f"{_HERE}.errors",
        "PipelineGraph": f"{_HERE}.pipeline_graph",
        "PipelineGraphError": f"{_HERE}.errors",
        "StepError": f"{_HERE}.errors",
        "SubsetExpressionError": f"{_HERE}.errors",
        "TaskNode": f"{_HERE}.nodes",
        "UnresolvedDatasetTypeError": f"{_HERE}.errors",
        "automatic_edges": f"{_HERE}.task_loading",
        "load_task": f"{_HERE}.task_loading",
        "make_task_node": f"{_HERE}.task_loading",
        "missing_task_node": f"{_HERE}.task_loading",
    },
)
