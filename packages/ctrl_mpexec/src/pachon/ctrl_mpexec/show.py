# SPDX-License-Identifier: BSD-3-Clause
"""What ``--show`` prints."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Final

from pachon.base import InvalidInputError, closest
from pachon.pipe_base.config import config_text, dump_text, history_text
from pachon.pipe_base.pipeline import Pipeline
from pachon.pipe_base.pipeline_graph import PipelineGraph
from pachon.quantum_butler import QuantumGraph

__all__ = ["GRAPH_ITEMS", "PIPELINE_ITEMS", "check_items", "show_graph", "show_pipeline"]

PIPELINE_ITEMS: Final = (
    "pipeline", "config", "dump-config", "history", "tasks", "subsets", "inputs", "pipeline-graph", "task-graph",
)  # fmt: skip
GRAPH_ITEMS: Final = ("graph", "workflow")


def check_items(items: Sequence[str]) -> None:
    """Refuse unknown items before anything is done."""
    known = (*PIPELINE_ITEMS, *GRAPH_ITEMS)
    for item in items:
        name = item.partition("=")[0]
        if name not in known:
            raise InvalidInputError(
                f"There is nothing {name!r} to show; there are {', '.join(known)}.{closest(name, known)}"
            )


def show_pipeline(items: Sequence[str], pipeline: Pipeline, graph: PipelineGraph) -> Iterator[str]:
    """Give the texts of the items that need no quanta."""
    for item in items:
        name, _, pattern = item.partition("=")
        match name:
            case "pipeline":
                yield pipeline.to_yaml()
            case "config" | "dump-config" | "history":
                yield from _configs(graph, name, pattern)
            case "tasks":
                yield from (f"{label}: {node.class_name}" for label, node in graph.tasks.items())
            case "subsets":
                for subset in pipeline.subsets.values():
                    yield f"{subset.name}: [{', '.join(subset.labels)}]"
            case "inputs":
                for node in graph.overall_inputs().values():
                    yield f"{node.name} {{{', '.join(node.dimension_names)}}} {node.storage_class}"
            case "pipeline-graph":
                yield graph.draw("text")
            case "task-graph":
                yield graph.draw("text", dataset_types=False)


def _configs(graph: PipelineGraph, kind: str, pattern: str) -> Iterator[str]:
    label, separator, fields = pattern.partition("::")
    if not separator:
        label, fields = ("*", pattern) if kind != "dump-config" else (pattern or "*", "")
    found = False
    for name, node in graph.tasks.items():
        if not fnmatch.fnmatchcase(name, label or "*") or node.config is None:
            continue
        found = True
        if kind == "dump-config":
            yield dump_text(node.config)
        elif kind == "history":
            yield history_text(node.config, fields or "*")
        else:
            yield f"### Configuration for task {name!r}"
            yield config_text(node.config, fields or "*")
    if not found:
        raise InvalidInputError(f"No task matches {label!r}.{closest(label, graph.tasks)}")


def show_graph(items: Sequence[str], graph: QuantumGraph) -> Iterator[str]:
    """Give the texts of the items that need quanta."""
    for item in items:
        if item == "graph":
            for quantum in graph.iter_quanta():
                yield f"{quantum.task_label} {quantum.data_id} {quantum.id}"
                for side, refs in (("input", quantum.inputs), ("output", quantum.outputs)):
                    for connection, found in refs.items():
                        yield from (f"  {side} {connection}: {ref}" for ref in found)
        elif item == "workflow":
            ids = list(graph)
            yield from (f"Quantum {quantum_id}" for quantum_id in ids)
            for parent, child in graph.quantum_edges.tolist():
                yield f"Parent Quantum {ids[parent]} - Child Quantum {ids[child]}"
