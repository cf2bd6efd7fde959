# SPDX-License-Identifier: BSD-3-Clause
"""Running quanta of a graph file, one after the other, without any database.

A worker lives for many quanta: classes stay imported, the graph stays open, and what the next quanta of the task need is cut
out of it together. What one quantum could leave behind for the next is put back (`surroundings`).
"""

from __future__ import annotations

import logging
import os
import uuid
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pachon.ctrl_mpexec.surroundings import restored_surroundings
from pachon.datasets import Quantum, ids_from_uuids, uuids_from_ids
from pachon.datastore import FileRecords
from pachon.pipe_base.execution.forked_child import leave_if_forked
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus, is_hopeless
from pachon.pipe_base.execution.quantum_run import (
    LOG_CONNECTION,
    METADATA_CONNECTION,
    ExecutionOptions,
    record_lost_attempt,
    run_quantum,
)
from pachon.pipe_base.timing import forget_peak_memory
from pachon.quantum_butler import QuantumBackedButler, QuantumGraph, QuantumProvenance
from pachon.quantum_butler.quantum_finder import locate_quanta

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
    """Outputs that an earlier attempt wrote and this one did not; they have to go."""


_NOTED_QUANTA: Final = 100
"""So many quanta that ran before in the process are noted in a log; all of them would make logs grow without end."""
_LARGEST_WINDOW: Final = 256


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
        self._window = _Window(self._graph, root)

    def run(self, quantum_id: uuid.UUID, *, max_mem: int | None = None, again: bool = False) -> QuantumResult:
        """Run one quantum; exceptions of its task are a part of the result.

        Parameters
        ----------
        quantum_id
            Which.
        max_mem
            Bytes that the task may use, if not what the options say.
        again
            Whether there was an attempt before, so that outputs may exist whatever the options say.
        """
        process = os.getpid()
        options = self._options
        if again:
            options = replace(options, assume_no_existing_outputs=False)
        if max_mem is not None:
            options = replace(options, resources=replace(options.resources, max_mem=max_mem))
        if self._before:
            # What an earlier quantum took is not this one's doing.
            forget_peak_memory()
        with restored_surroundings():
            butler = self._window.butler_for(quantum_id)
            quantum = self._window.quantum(quantum_id)
            try:
                outcome = run_quantum(quantum, butler, self._tasks, options, previous_quanta=list(self._before))
            except Exception as error:
                leave_if_forked(process)
                if options.debug:
                    raise
                outcome = _unfinished(quantum, error)
                _take_back(quantum, butler)
            leave_if_forked(process)
            self._before.append(str(quantum_id))
            files = butler.take_written()
            leftovers = () if options.assume_no_existing_outputs else _leftovers(quantum, outcome, files, butler)
            provenance = butler.provenance(quantum)
            butler.take_written(forget=True)
            return QuantumResult(outcome=outcome, files=files, provenance=provenance, leftovers=leftovers)

    def record_loss(self, outcome: QuantumOutcome) -> FileRecords:
        """Write the log of a quantum whose process ended before it could; give its file."""
        butler = self._window.butler_for(outcome.quantum_id)
        record_lost_attempt(butler.graph.quantum(outcome.quantum_id), butler, outcome)
        return butler.take_written(forget=True)

    def close(self) -> None:
        """Let go of the datastore."""
        self._window.close()


class _Window:
    """A butler for some quanta that follow each other in the graph, cut out of it together.

    A first quantum is cut out alone: a job may have no more. The window grows as long as a good part of it is used.
    """

    def __init__(self, graph: QuantumGraph, root: str | None) -> None:
        self._graph = graph
        self._root = root
        self._butler: QuantumBackedButler | None = None
        self._ids: frozenset[uuid.UUID] = frozenset()
        self._used = 0
        self._size = 1
        self._dense = False
        """Whether a good part of the window before was used, so that its quanta are best made together."""
        self._quanta: dict[uuid.UUID, Quantum] = {}

    def butler_for(self, quantum_id: uuid.UUID) -> QuantumBackedButler:
        if self._butler is None or quantum_id not in self._ids:
            if self._ids:
                self._dense = self._used * 5 >= len(self._ids) * 2
                grow = self._used * 8 >= len(self._ids)
                self._size = min(self._size * 4, _LARGEST_WINDOW) if grow else max(self._size // 4, 1)
            self._ids = frozenset(self._following(quantum_id))
            if self._butler is None:
                self._butler = QuantumBackedButler.from_graph(self._graph, quanta=self._ids, root=self._root)
            else:
                self._butler = self._butler.moved_to(self._graph, self._ids)
            self._used, self._quanta = 0, {}
        self._used += 1
        return self._butler

    def quantum(self, quantum_id: uuid.UUID) -> Quantum:
        """Give a quantum that the butler is for; those of a window are made together."""
        assert self._butler is not None
        if self._dense and not self._quanta:
            self._quanta = {quantum.id: quantum for quantum in self._butler.graph.iter_quanta()}
        found = self._quanta.pop(quantum_id, None)
        return found if found is not None else self._butler.graph.quantum(quantum_id)

    def close(self) -> None:
        if self._butler is not None:
            self._butler.close()
            self._butler = None

    def _following(self, quantum_id: uuid.UUID) -> list[uuid.UUID]:
        if self._size == 1:
            return [quantum_id]
        structure, columns = self._graph.structure, self._graph.columns
        ((label, rows),) = locate_quanta(structure, columns, ids_from_uuids([quantum_id])).items()
        first = int(rows[0])
        wanted = np.arange(first, min(first + self._size, structure.tasks[label].rows))
        return uuids_from_ids(columns.take(f"quanta/{label}/id", wanted))


def _unfinished(quantum: Quantum, error: Exception) -> QuantumOutcome:
    """Give the outcome of a quantum that failed for no fault of its task: its log could not be written, say."""
    _log.error("Quantum %s could not be brought to its end: %s", quantum, error, exc_info=error)
    return QuantumOutcome(
        quantum_id=quantum.id,
        task_label=quantum.task_label,
        data_id=quantum.data_id.required,
        status=QuantumStatus.FAILURE,
        exception=ExceptionInfo.of(error),
        exit_code=1,
        fatal=is_hopeless(error),
    )


def _take_back(quantum: Quantum, butler: QuantumBackedButler) -> None:
    """Remove the metadata of a quantum whose log could not be written: they would say that it is done, with its log for ever missing."""
    try:
        butler.remove(quantum.outputs.get(METADATA_CONNECTION, ()))
    except Exception as error:  # noqa: BLE001  # a read-only disk, say, where they were not written
        _log.warning("The metadata of quantum %s could not be removed: %s", quantum, error)


def _leftovers(
    quantum: Quantum, outcome: QuantumOutcome, files: FileRecords, butler: QuantumBackedButler
) -> tuple[uuid.UUID, ...]:
    if outcome.status not in (QuantumStatus.SUCCESS, QuantumStatus.FAILURE):
        return ()
    # Of an attempt that broke off the outcome does not say what it wrote.
    written = {*outcome.outputs, *uuids_from_ids(files.dataset_id)}
    # What failed before its log could be written keeps that of the attempt before it.
    logs = () if outcome.status is QuantumStatus.SUCCESS else quantum.outputs.get(LOG_CONNECTION, ())
    written.update(ref.id for ref in logs)
    others = [ref for refs in quantum.outputs.values() for ref in refs if ref.id not in written]
    if not others:
        return ()
    return tuple(ref.id for ref, there in zip(others, butler.exists_many(others), strict=True) if there)
