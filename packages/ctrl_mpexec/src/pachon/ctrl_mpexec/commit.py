# SPDX-License-Identifier: BSD-3-Clause
"""Committing the outputs of quanta together: up to a thousand, or those of 0.2 s, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

from pachon.ctrl_mpexec.worker import QuantumResult
from pachon.datasets import DatasetRef, DatasetTable, id_keys
from pachon.datastore import FileRecords
from pachon.quantum_butler import QuantumBackedButler, QuantumGraph

__all__ = ["OutputCommitter", "OutputRegistry", "ResultSink", "remove_leftovers"]

_MAX_OUTPUTS: Final = 1000
_MAX_SECONDS: Final = 0.2
_PATIENCE: Final = 20
"""Outputs wait so many times as long as a commit takes: committing must not take more than a twentieth of the time."""
_LONGEST_WAIT: Final = 2.0


class OutputRegistry(Protocol):
    """What takes the rows of outputs whose files are safe: a butler."""

    def register_graph_outputs(self, datasets: Sequence[DatasetTable], files: FileRecords) -> int:
        """Write the rows; repeating it changes nothing."""
        ...

    def prune(self, refs: Iterable[DatasetRef], *, purge: bool = False) -> None:
        """Remove the files of datasets, with ``purge`` also their rows."""
        ...

    def transfer_from_graph(self, graph: QuantumGraph) -> int:
        """Write the rows of all outputs of a graph that are there and have none."""
        ...

    def fetch_collections(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Give those of some collections that there are."""
        ...

    def fetch_dataset_types(self, names: Iterable[str]) -> Mapping[str, Any]:
        """Give those of some dataset types that there are."""
        ...

    def find_dataset(self, dataset_type: str, /, *, collections: Sequence[str]) -> DatasetRef | None:
        """Give the dataset without dimensions of a type, if there is one."""
        ...


class ResultSink(Protocol):
    """Takes the results of quanta as they end."""

    @property
    def waiting(self) -> int:
        """How many files were taken that are not safe yet."""
        ...

    def take(self, result: QuantumResult) -> None:
        """Take what one quantum gave."""
        ...

    def commit_if_due(self) -> None:
        """Make safe what has waited long enough."""
        ...

    def commit(self) -> None:
        """Make safe all that waits."""
        ...


def remove_leftovers(graph: QuantumGraph, result: QuantumResult, *, root: str | None = None) -> None:
    """Remove the files that an earlier attempt of a quantum left, whether or not they have rows."""
    quantum_id = result.outcome.quantum_id
    left = set(result.leftovers)
    with QuantumBackedButler.from_graph(graph, quanta=[quantum_id], root=root) as butler:
        outputs = butler.graph.quantum(quantum_id).outputs.values()
        butler.remove(ref for refs in outputs for ref in refs if ref.id in left)


class OutputCommitter:
    """Collects the files that quanta wrote and registers them in batches.

    Parameters
    ----------
    graph
        Knows what the ids of the outputs mean.
    registry
        Takes the rows.
    """

    def __init__(self, graph: QuantumGraph, registry: OutputRegistry) -> None:
        self._graph = graph
        self._registry = registry
        self._tables = {name: graph.datasets(name) for name in graph.dataset_types}
        self._keys: dict[str, tuple[Any, np.ndarray]] = {}
        self._waiting: list[FileRecords] = []
        self._count = 0
        self._since = 0.0
        self._wait = _MAX_SECONDS

    @property
    def waiting(self) -> int:
        """How many files have no rows yet."""
        return self._count

    def take(self, result: QuantumResult) -> None:
        """Take what one quantum gave; what an earlier attempt left is removed before anybody downstream can read it."""
        self.add(result.files)
        if result.leftovers:
            self.commit()
            quantum = self._graph.quantum(result.outcome.quantum_id)
            left = set(result.leftovers)
            self._registry.prune(
                [ref for refs in quantum.outputs.values() for ref in refs if ref.id in left], purge=True
            )
            remove_leftovers(self._graph, result)

    def add(self, files: FileRecords) -> None:
        """Take files; they are committed when there are enough, or when they waited enough."""
        if not len(files):
            return
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(files)
        self._count += len(files)
        self.commit_if_due()

    def commit_if_due(self) -> None:
        """Commit if the batch is large or old enough."""
        if self._waiting and (self._count >= _MAX_OUTPUTS or time.monotonic() - self._since >= self._wait):
            self.commit()

    def commit(self) -> None:
        """Write the rows of all that waits, in one transaction."""
        if not self._waiting:
            return
        begin = time.monotonic()
        files = _latest(self._waiting)
        self._registry.register_graph_outputs(self._tables_of(files), files)
        self._wait = min(max(_MAX_SECONDS, _PATIENCE * (time.monotonic() - begin)), _LONGEST_WAIT)
        self._waiting, self._count = [], 0

    def _tables_of(self, files: FileRecords) -> list[DatasetTable]:
        wanted = np.unique(id_keys(files.dataset_id))
        found: list[DatasetTable] = []
        for name, table in self._tables.items():
            if name not in self._keys:
                keys = id_keys(table.ids)
                order = np.argsort(keys, kind="stable")
                self._keys[name] = (order, keys[order])
            order, ordered = self._keys[name]
            if not len(ordered):
                continue
            place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
            rows = order[place[ordered[place] == wanted]]
            if len(rows):
                found.append(table.take(np.sort(rows)))
        return found


def _latest(batches: Sequence[FileRecords]) -> FileRecords:
    """Join records; of a dataset that several attempts wrote those of the last one count."""
    files = FileRecords.concat(batches)
    batch = np.repeat(np.arange(len(batches)), [len(one) for one in batches])
    order, keys = np.unique(id_keys(files.dataset_id), return_inverse=True)
    last = np.zeros(len(order), dtype=batch.dtype)
    np.maximum.at(last, keys, batch)
    kept = batch == last[keys]
    return files if kept.all() else files.take(np.flatnonzero(kept))
