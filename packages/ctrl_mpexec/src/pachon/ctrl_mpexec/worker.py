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
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from pachon.datasets import Quantum
from pachon.datastore import FileRecords
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions, run_quantum
from pachon.quantum_butler import QuantumBackedButler, QuantumGraph, QuantumProvenance

__all__ = ["QuantumResult", "QuantumWorker"]

_log = logging.getLogger("pachon.ctrl_mpexec")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantumResult:
    """What running one quantum gave."""

    outcome: QuantumOutcome
    files: FileRecords
    """The files that it wrote; their rows are the parent's business."""
    provenance: QuantumProvenance | None = None
    """Which datasets it looked for, read and wrote; `None` if the worker died."""
    leftovers: tuple[uuid.UUID, ...] = ()
    """Outputs that an earlier attempt wrote and this one, which succeeded, did not; they have to go."""


_NOTED_QUANTA: Final = 100
"""So many quanta that ran before in the process are noted in a log; all of them would make logs grow without end."""


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
        self._before: deque[str] = deque(maxlen=_NOTED_QUANTA)

    def run(self, quantum_id: uuid.UUID) -> QuantumResult:
        """Run one quantum; exceptions of its task are a part of the result."""
        with (
            _restored_surroundings(),
            QuantumBackedButler.from_graph(self._graph, quanta=[quantum_id], root=self._root) as butler,
        ):
            quantum = butler.graph.quantum(quantum_id)
            try:
                outcome = run_quantum(quantum, butler, self._tasks, self._options, previous_quanta=list(self._before))
            except Exception as error:
                if self._options.debug:
                    raise
                # Not the task's doing: a log that could not be written, say. What was written is reported all the same.
                _log.error("Quantum %s could not be brought to its end: %s", quantum, error, exc_info=error)
                outcome = QuantumOutcome(
                    quantum_id=quantum_id,
                    task_label=quantum.task_label,
                    data_id=quantum.data_id.required,
                    status=QuantumStatus.FAILURE,
                    exception=ExceptionInfo.of(error),
                    exit_code=1,
                )
            self._before.append(str(quantum_id))
            return QuantumResult(
                outcome=outcome,
                files=butler.take_written(),
                provenance=butler.provenance(),
                leftovers=_leftovers(quantum, outcome, butler) if not self._options.assume_no_existing_outputs else (),
            )


def _leftovers(quantum: Quantum, outcome: QuantumOutcome, butler: QuantumBackedButler) -> tuple[uuid.UUID, ...]:
    if outcome.status is not QuantumStatus.SUCCESS:
        return ()
    written = set(outcome.outputs)
    others = [ref for refs in quantum.outputs.values() for ref in refs if ref.id not in written]
    return tuple(ref.id for ref, there in zip(others, butler.exists_many(others), strict=True) if there)


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
