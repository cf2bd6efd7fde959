# SPDX-License-Identifier: BSD-3-Clause
"""The parts of a pipeline graph as JSON-able data, read without importing any task class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pachon.base import FormatError
from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge, GraphStep, GraphSubset, TaskNode

__all__ = [
    "GRAPH_DOCUMENT_VERSION",
    "check_graph_document",
    "dataset_type_document",
    "read_dataset_type",
    "read_step",
    "read_subset",
    "read_task",
    "step_document",
    "subset_document",
    "task_document",
]

GRAPH_DOCUMENT_VERSION = 1

_EDGE_DEFAULTS = {
    field.name: field.default for field in dataclasses.fields(GraphEdge) if field.default is not dataclasses.MISSING
}


def check_graph_document(document: Mapping[str, Any]) -> None:
    """Raise `FormatError` unless a mapping is a pipeline graph that can be read here."""
    if not {"version", "tasks", "dataset_types"} <= set(document):
        raise FormatError("This is no pipeline graph: it has no 'tasks' and 'dataset_types'.")
    if document["version"] > GRAPH_DOCUMENT_VERSION:
        raise FormatError(
            f"The pipeline graph has version {document['version']}; this version of pachon reads up to "
            f"{GRAPH_DOCUMENT_VERSION}."
        )


def task_document(task: TaskNode) -> dict[str, Any]:
    """Give a task as data."""
    return {
        "class": task.class_name,
        "default_name": task.default_name,
        "dimensions": list(task.dimension_names),
        "can_multiprocess": task.can_multiprocess,
        "adjusts_quanta": task.adjusts_quanta,
        "adjusts_all_quanta": task.adjusts_all_quanta,
        "problem": task.problem,
        "config": task.config_document,
        "connections": {edge.connection: _edge_document(edge) for edge in task.edges},
    }


def _edge_document(edge: GraphEdge) -> dict[str, Any]:
    """Give an edge as data; what has its default is left out."""
    document: dict[str, Any] = {
        "kind": edge.kind, "dataset_type": edge.dataset_type_name, "storage_class": edge.storage_class
    }  # fmt: skip
    for name, default in _EDGE_DEFAULTS.items():
        if (value := getattr(edge, name)) != default:
            document[name] = list(value) if isinstance(value, tuple) else value
    return document


def read_task(label: str, document: Mapping[str, Any]) -> TaskNode:
    """Read what `task_document` gave.

    Raises
    ------
    FormatError
        It is not of that form.
    """
    try:
        edges = tuple(_read_edge(label, name, edge) for name, edge in document["connections"].items())
        return TaskNode(
            label=label,
            class_name=document["class"],
            dimension_names=tuple(document["dimensions"]),
            edges=edges,
            config_document=document["config"],
            default_name=document["default_name"],
            can_multiprocess=document["can_multiprocess"],
            adjusts_quanta=document["adjusts_quanta"],
            adjusts_all_quanta=document["adjusts_all_quanta"],
            problem=document["problem"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"Task {label!r} of the pipeline graph is damaged ({type(error).__name__}: {error})."
        ) from error


def _read_edge(label: str, name: str, document: Mapping[str, Any]) -> GraphEdge:
    options = dict(document)
    options["dataset_type_name"] = options.pop("dataset_type")
    options["raw_dimensions"] = tuple(options.get("raw_dimensions", ()))
    return GraphEdge(task_label=label, connection=name, **options)


def dataset_type_document(node: DatasetTypeNode) -> dict[str, Any]:
    """Give a dataset type as data."""
    document = {
        field.name: getattr(node, field.name)
        for field in dataclasses.fields(node)
        if field.name not in ("name", "dataset_type")
    }
    document["dimension_names"] = list(node.dimension_names)
    document["consumers"] = list(node.consumers)
    document["definition"] = None if node.dataset_type is None else node.dataset_type.to_document()
    return document


def read_dataset_type(name: str, document: Mapping[str, Any], universe: DimensionUniverse) -> DatasetTypeNode:
    """Read what `dataset_type_document` gave.

    Raises
    ------
    FormatError
        It is not of that form.
    """
    options = dict(document)
    try:
        definition = options.pop("definition")
        options["dimension_names"] = tuple(options["dimension_names"])
        options["consumers"] = tuple(options["consumers"])
        dataset_type = None if definition is None else DatasetType.from_document(definition, universe)
        return DatasetTypeNode(name=name, dataset_type=dataset_type, **options)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"Dataset type {name!r} of the pipeline graph is damaged ({type(error).__name__}: {error})."
        ) from error


def subset_document(subset: GraphSubset) -> dict[str, Any]:
    """Give a subset as data."""
    return {"labels": list(subset.labels), "description": subset.description}


def read_subset(name: str, document: Mapping[str, Any]) -> GraphSubset:
    """Read what `subset_document` gave."""
    return GraphSubset(name=name, labels=tuple(document["labels"]), description=document["description"])


def step_document(step: GraphStep) -> dict[str, Any]:
    """Give a step as data."""
    return {"label": step.label, "dimensions": list(step.dimensions)}


def read_step(document: Mapping[str, Any]) -> GraphStep:
    """Read what `step_document` gave."""
    return GraphStep(label=document["label"], dimensions=tuple(document["dimensions"]))
