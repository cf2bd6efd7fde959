# SPDX-License-Identifier: BSD-3-Clause
"""What ``--show`` prints: views of the pipeline, and of the quantum graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pachon.base import InvalidInputError, closest
from pachon.butler import Butler
from pachon.pipe_base.config import compare_configs
from pachon.pipe_base.pipeline import Pipeline
from pachon.pipe_base.pipeline.showing import SHOW_ITEMS, parse_show_item, show_contents
from pachon.pipe_base.pipeline.showing import show_graph as show_pipeline_graph
from pachon.pipe_base.pipeline_graph import PipelineGraph
from pachon.quantum_butler import QuantumGraph

__all__ = ["GRAPH_ITEMS", "check_items", "show_changes", "show_graph", "show_pipeline"]

CHANGES: Final = "changes"
"""Item that compares with a run; its argument is the collection."""
GRAPH_ITEMS: Final = ("graph", "workflow", "uri")
"""Items that need quanta; the others are those of pipelines."""


def check_items(items: Sequence[str]) -> None:
    """Refuse unknown items before anything is done."""
    for item in items:
        name, _, argument = item.partition("=")
        known = (*SHOW_ITEMS, CHANGES, *GRAPH_ITEMS)
        if name not in known:
            raise InvalidInputError(
                f"There is nothing {name!r} to show; there are {', '.join(known)}.{closest(name, known)}"
            )
        if name == CHANGES:
            if not argument:
                raise InvalidInputError(f"{CHANGES!r} needs the collection of an earlier run, e.g. {CHANGES}=u/me/run.")
        elif name not in GRAPH_ITEMS:
            parse_show_item(item)


def show_pipeline(
    items: Sequence[str], pipeline: Pipeline, graph: PipelineGraph | None, butler: Butler | None = None
) -> Iterator[str]:
    """Give the texts of the items that need no quanta; without a graph, of those that need none.

    Raises
    ------
    InvalidInputError
        If a repository is needed and there is none.
    """
    for text in items:
        if text in GRAPH_ITEMS:
            continue
        if text.startswith(f"{CHANGES}="):
            if butler is None:
                raise InvalidInputError(f"{text!r} needs the repository of the run; give it with -b.")
            if graph is not None:
                yield show_changes(text.partition("=")[2], graph, butler)
            continue
        item = parse_show_item(text)
        if not item.needs_graph:
            yield show_contents(item, pipeline.contents)
        elif graph is not None:
            yield show_pipeline_graph(item, graph)


def show_changes(collection: str, graph: PipelineGraph, butler: Butler) -> str:
    """Give every difference between the configurations of the tasks and those that an earlier run kept."""
    blocks = []
    for label, task in graph.tasks.items():
        if task.config_document is None:
            continue
        name = task.config_output.dataset_type_name
        known = butler.fetch_dataset_types([name])
        if not known or butler.find_dataset(name, collections=collection) is None:
            blocks.append(f"### Task '{label}' was not run in {collection}\n")
            continue
        differences = compare_configs(butler.get(name, collections=collection), task.config_document)
        what = f"Changes of task '{label}' since" if differences else f"Task '{label}' is configured as in"
        blocks.append(f"### {what} {collection}\n" + "".join(difference.to_text() for difference in differences))
    return "\n".join(blocks)


def show_graph(items: Sequence[str], graph: QuantumGraph) -> Iterator[str]:
    """Give the texts of the items that need quanta."""
    for item in items:
        if item == "graph":
            yield from _show_quanta(graph)
        elif item == "workflow":
            ids = list(graph)
            yield from (f"Quantum {quantum_id}" for quantum_id in ids)
            for parent, child in graph.quantum_edges.tolist():
                yield f"Parent Quantum {ids[parent]} - Child Quantum {ids[child]}"
        elif item == "uri":
            yield from _show_uris(graph)


def _show_quanta(graph: QuantumGraph) -> Iterator[str]:
    files = {row.dataset_id: row.path for row in graph.file_records().rows()}
    for quantum in graph.iter_quanta():
        yield f"{quantum.task_label} {quantum.data_id} {quantum.id}"
        for side, refs in (("input", quantum.inputs), ("output", quantum.outputs)):
            for connection, found in refs.items():
                for ref in found:
                    place = f" [{files[ref.id]}]" if ref.id in files else ""
                    yield f"  {side} {connection}: {ref}{place}"


def _show_uris(graph: QuantumGraph) -> Iterator[str]:
    from pachon.datastore import DatasetFileNotFoundError
    from pachon.quantum_butler import QuantumBackedButler

    if graph.datastore is None:
        raise InvalidInputError("The graph was built without datastore records, so it knows no places.")
    with QuantumBackedButler.from_graph(graph) as jobs:
        for quantum in graph.iter_quanta():
            yield f"{quantum.task_label} {quantum.data_id} {quantum.id}"
            for side, refs in (("input", quantum.inputs), ("output", quantum.outputs)):
                for ref in (ref for found in refs.values() for ref in found):
                    try:
                        place = str(jobs.get_uri(ref))
                    except DatasetFileNotFoundError:
                        place = "(not stored)"
                    yield f"  {side} {ref.dataset_type.name}: {place}"
