# SPDX-License-Identifier: BSD-3-Clause
"""What jobs of a quantum graph do in fault tests."""

from __future__ import annotations

import importlib
import os
from contextlib import ExitStack

from faults.child import Spot, killing_at
from pachon.butler import Butler
from pachon.datastore import faults
from pachon.quantum_butler import QuantumBackedButler, QuantumGraph

LABEL = "isr"


def run_job(graph: str, text: str, spot: Spot | None = None) -> list[str]:
    """Write the outputs of all quanta of a task, with a receipt; give the fault points that were reached, or be killed."""
    reached: list[str] = []
    ids = [quantum.id for quantum in QuantumGraph.open(graph).iter_quanta(LABEL)]
    with ExitStack() as stack:
        job = stack.enter_context(QuantumBackedButler.open(graph, quanta=ids))
        stack.enter_context(faults.install(reached.append if spot is None else killing_at(spot)))
        for number in ids:
            outputs = job.graph.quantum(number).outputs
            job.put_many([({"of": str(ref.id), "text": text}, ref) for refs in outputs.values() for ref in refs])
        job.write_receipt()
    return reached


def transfer_bit_by_bit(root: str, graph: str, batch: int, spot: Spot | None = None) -> list[str]:
    """Register the outputs of a graph, so many at a time; give the fault points that were reached, or be killed."""
    reached: list[str] = []
    # In this forked process only.
    importlib.import_module("pachon.butler.transfer_from_graph").BATCH = batch
    with ExitStack() as stack:
        butler = stack.enter_context(Butler.open(root, writeable=True))
        stack.enter_context(faults.install(reached.append if spot is None else killing_at(spot)))
        butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    return reached


def run_at_the_same_time(graph: str, texts: list[str], times: int) -> list[int]:
    """Run the same job in several processes at once; give their exit codes."""
    children = []
    for text in texts:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for _ in range(times):
                    run_job(graph, text)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
