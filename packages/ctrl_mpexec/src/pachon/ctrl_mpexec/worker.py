# SPDX-License-Identifier: BSD-3-Clause
"""Running quanta of a graph file, one after the other, without any database.

A worker lives for many quanta: classes stay imported and the graph stays open. What one quantum could
leave behind for the next (working directory, environment, random state, logging) is put back.
"""

from __future__ import annotations

import logging
import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from pachon.datastore import FileRecords
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import QuantumOutcome
from pachon.pipe_base.execution.quantum_run import ExecutionOptions, run_quantum
from pachon.quantum_butler import QuantumBackedButler, QuantumGraph, QuantumProvenance

__all__ = ["QuantumResult", "QuantumWorker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantumResult:
    """What running one quantum gave."""

    outcome: QuantumOutcome
    files: FileRecords
    """The files that it wrote; their rows are the parent's business."""
    provenance: QuantumProvenance | None = None
    """Which datasets it looked for, read and wrote; `None` if the worker died."""


class QuantumWorker:
    """Runs quanta of one graph in this process.

    Parameters
    ----------
    graph_uri
        The graph file.
    options
        How quanta are run.
    root
        Another place for the datastore's files, if not that of the graph.
    """

    def __init__(self, graph_uri: str, options: ExecutionOptions, *, root: str | None = None) -> None:
        self._options = options
        self._root = root
        self._graph = QuantumGraph.open(graph_uri)
        self._tasks = GraphTasks(self._graph.pipeline, self._graph.universe)
        self._before: list[str] = []

    def run(self, quantum_id: uuid.UUID) -> QuantumResult:
        """Run one quantum; exceptions of its task are a part of the result."""
        with (
            _restored_surroundings(),
            QuantumBackedButler.from_graph(self._graph, quanta=[quantum_id], root=self._root) as butler,
        ):
            quantum = butler.graph.quantum(quantum_id)
            outcome = run_quantum(quantum, butler, self._tasks, self._options, previous_quanta=self._before)
            self._before.append(str(quantum_id))
            return QuantumResult(outcome=outcome, files=butler.take_written(), provenance=butler.provenance())


@contextmanager
def _restored_surroundings() -> Iterator[None]:
    folder, environment = os.getcwd(), dict(os.environ)
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002  # tasks may use the global one
    root = logging.getLogger()
    level, handlers, disabled = root.level, list(root.handlers), logging.root.manager.disable
    try:
        yield
    finally:
        os.chdir(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.disable(disabled)
