# SPDX-License-Identifier: BSD-3-Clause
"""What ``--show`` prints: views of the pipeline, and of the quantum graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pachon.base import InvalidInputError, closest
from pachon.pipe_base.pipeline import Pipeline
from pachon.pipe_base.pipeline.showing import SHOW_ITEMS, parse_show_item, show_contents
from pachon.pipe_base.pipeline.showing import show_graph as show_pipeline_graph
from pachon.pipe_base.pipeline_graph import PipelineGraph
from pachon.quantum_butler import QuantumGraph

__all__ = ["GRAPH_ITEMS", "check_items", "show_graph", "show_pipeline"]

GRAPH_ITEMS: Final = ("graph", "workflow")
"""Items that need quanta; the others are those of pipelines."""


def check_items(items: Sequence[str]) -> None:
    """Refuse unknown items before anything is done."""
    for item in items:
        name = item.partition("=")[0]
        known = (*SHOW_ITEMS, *GRAPH_ITEMS)
        if name not in known:
            raise InvalidInputError(
                f"There is nothing {name!r} to show; there are {', '.join(known)}.{closest(name, known)}"
            )
        if name not in GRAPH_ITEMS:
            parse_show_item(item)


def show_pipeline(items: Sequence[str], pipeline: Pipeline, graph: PipelineGraph | None) -> Iterator[str]:
    """Give the texts of the items that need no quanta; without a graph, of those that need none."""
    for text in items:
        if text in GRAPH_ITEMS:
            continue
        item = parse_show_item(text)
        if not item.needs_graph:
            yield show_contents(item, pipeline.contents)
        elif graph is not None:
            yield show_pipeline_graph(item, graph)


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
