# SPDX-License-Identifier: BSD-3-Clause
"""The summary of a graph that ``pipetask --summary`` writes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pachon.quantum_butler.header import GraphHeader
from pachon.quantum_butler.structure import GraphStructure

__all__ = ["summary_document"]


def summary_document(header: GraphHeader, structure: GraphStructure) -> dict[str, Any]:
    """Give the JSON mapping ``qgraphSummary``; inputs and outputs are counted by quantum and dataset type."""
    tasks: dict[str, Any] = {}
    for task in structure.tasks.values():
        inputs: Counter[str] = Counter()
        outputs: Counter[str] = Counter()
        for edge in structure.edges_of(task.label):
            (outputs if edge.kind == "output" else inputs)[edge.dataset_type] += edge.count
        tasks[task.label] = {
            "taskLabel": task.label,
            "numQuanta": task.rows,
            "numInputs": dict(inputs),
            "numOutputs": dict(outputs),
        }
    return {
        "graphID": str(header.graph_id),
        "cmdLine": header.command,
        "creationUTC": header.created,
        "inputCollection": list(header.input_collections),
        "outputCollection": header.output,
        "outputRun": header.output_run,
        "qgraphTaskSummaries": tasks,
    }
