# SPDX-License-Identifier: BSD-3-Clause
"""`QuantaAdjuster`: what a task's `adjust_all_quanta` may look at and change."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import NotFoundError
from pachon.datasets import DatasetRef, DatasetTable, FactSource
from pachon.dimensions import DataCoordinate, DataIdTable, RecordTable
from pachon.pipe_base.graph_builder.fetch import expand
from pachon.pipe_base.graph_builder.prerequisites import FoundPrerequisite
from pachon.pipe_base.graph_builder.resolve import DatasetColumns
from pachon.pipe_base.graph_builder.skeleton import Edges

if TYPE_CHECKING:
    from pachon.pipe_base.connections import PipelineTaskConnections

__all__ = ["QuantaAdjuster"]

_Pairs = dict[int, list[int]]
"""Rows of datasets by row of the quantum."""


class QuantaAdjuster:
    """The quanta of a task before they are checked one by one; given to `PipelineTaskConnections.adjust_all_quanta`.

    Data IDs are given as `DataCoordinate` or as mappings with the values of the required dimensions.
    """

    def __init__(
        self,
        label: str,
        connections: PipelineTaskConnections,
        source: FactSource,
        *,
        quanta: DataIdTable,
        rows: np.ndarray,
        inputs: Sequence[Edges],
        prerequisites: Sequence[FoundPrerequisite],
        outputs: Sequence[Edges],
        datasets: Mapping[str, DatasetColumns],
        present: Mapping[str, np.ndarray],
        records: Mapping[str, RecordTable],
    ) -> None:
        self._label = label
        self._connections = connections
        self._source = source
        self._quanta = quanta
        self._records = records
        self._rows = dict.fromkeys(rows.tolist())
        self._row_of = {quanta[row].required_values: row for row in self._rows}
        self._datasets = datasets
        self._present = present
        self._dataset_rows: dict[str, dict[tuple[Any, ...], int]] = {}
        self._inputs = {e.connection.name: e for e in inputs}
        self._outputs = {e.connection.name: e for e in outputs}
        self._prerequisites = {f.connection.name: f for f in prerequisites}
        self._pairs = {name: _grouped(e.quantum, e.dataset) for name, e in {**self._inputs, **self._outputs}.items()}
        self._pairs |= {name: _grouped(f.quantum, f.dataset) for name, f in self._prerequisites.items()}
        self._refs: dict[str, list[DatasetRef]] = {
            name: list(found.datasets) for name, found in self._prerequisites.items()
        }

    @property
    def task_label(self) -> str:
        """Label of the task."""
        return self._label

    @property
    def connections(self) -> PipelineTaskConnections:
        """The connections of the task, with its configuration."""
        return self._connections

    @property
    def query(self) -> FactSource:
        """Answers questions about the repository; it changes nothing."""
        return self._source

    # Looking ----------------------------------------------------------------------------------------------------

    def iter_data_ids(self) -> Iterator[DataCoordinate]:
        """Go through the data IDs of the quanta that are left, sorted."""
        for row in list(self._rows):
            if row in self._rows:
                yield self._quanta[row]

    def expand_quantum_data_id(self, data_id: DataCoordinate | Mapping[str, Any]) -> DataCoordinate:
        """Give the data ID of a quantum with its dimension records."""
        row = self._row(data_id)
        return next(iter(expand(self._quanta.take(np.array([row])), self._records)))

    def get_inputs(self, data_id: DataCoordinate | Mapping[str, Any]) -> dict[str, list[DataCoordinate]]:
        """Give the data IDs of a quantum's regular inputs by connection."""
        return self._data_ids(data_id, self._inputs)

    def get_outputs(self, data_id: DataCoordinate | Mapping[str, Any]) -> dict[str, list[DataCoordinate]]:
        """Give the data IDs of a quantum's outputs by connection, without log and metadata."""
        own = {name: edge for name, edge in self._outputs.items() if name in self._connections.outputs}
        return self._data_ids(data_id, own)

    def get_prerequisite_inputs(self, data_id: DataCoordinate | Mapping[str, Any]) -> dict[str, list[DatasetRef]]:
        """Give a quantum's prerequisite inputs by connection."""
        row = self._row(data_id)
        return {name: [self._refs[name][i] for i in self._pairs[name].get(row, ())] for name in self._prerequisites}

    # Changing ---------------------------------------------------------------------------------------------------

    def remove_quantum(self, data_id: DataCoordinate | Mapping[str, Any]) -> None:
        """Drop a quantum.

        Raises
        ------
        NotFoundError
            As everywhere here, if the task has no such quantum (any more).
        """
        del self._rows[self._row(data_id)]

    def add_input(
        self,
        quantum_data_id: DataCoordinate | Mapping[str, Any],
        connection_name: str,
        dataset_data_id: DataCoordinate | Mapping[str, Any],
    ) -> None:
        """Let a quantum read one more dataset that exists or will be made.

        Raises
        ------
        NotFoundError
            If there is no such quantum, connection or dataset in the graph.
        """
        row = self._row(quantum_data_id)
        edge = self._known(self._inputs, connection_name, "regular input")
        dataset = self._dataset(edge.connection.dataset_type, dataset_data_id)
        own = self._pairs[connection_name].setdefault(row, [])
        if dataset not in own:
            own.append(dataset)

    def add_prerequisite_input(
        self,
        quantum_data_id: DataCoordinate | Mapping[str, Any],
        connection_name: str,
        dataset: DatasetRef | uuid.UUID,
    ) -> None:
        """Let a quantum read one more existing dataset: one that another quantum has there, by its id, or any by its reference.

        Raises
        ------
        NotFoundError
            If there is no such quantum or connection, or the id is that of no dataset of the connection.
        """
        row = self._row(quantum_data_id)
        found = self._known(self._prerequisites, connection_name, "prerequisite input")
        refs = self._refs[connection_name]
        wanted = dataset.id if isinstance(dataset, DatasetRef) else dataset
        place = next((i for i, ref in enumerate(refs) if ref.id == wanted), None)
        if place is None:
            if not isinstance(dataset, DatasetRef):
                raise NotFoundError(
                    f"Task {self._label!r}: no quantum has the dataset {wanted} in {connection_name!r}; "
                    "give its reference."
                )
            place = len(refs)
            refs.append(dataset.with_dataset_type(found.datasets.dataset_type))
        own = self._pairs[connection_name].setdefault(row, [])
        if place not in own:
            own.append(place)

    def move_output(
        self,
        quantum_data_id: DataCoordinate | Mapping[str, Any],
        connection_name: str,
        dataset_data_id: DataCoordinate | Mapping[str, Any],
    ) -> None:
        """Let a quantum write a dataset that another quantum of the task would have written.

        Raises
        ------
        NotFoundError
            If there is no such quantum or connection, or no quantum of the task writes the dataset.
        """
        row = self._row(quantum_data_id)
        edge = self._known(self._outputs, connection_name, "output")
        dataset = self._dataset(edge.connection.dataset_type, dataset_data_id)
        pairs = self._pairs[connection_name]
        writer = next((quantum for quantum, written in pairs.items() if dataset in written), None)
        if writer is None:
            raise NotFoundError(f"No quantum of {self._label!r} writes {connection_name!r} for {dataset_data_id}.")
        pairs[writer].remove(dataset)
        pairs.setdefault(row, []).append(dataset)

    # What became of them ----------------------------------------------------------------------------------------

    def left(self) -> np.ndarray:
        """Give the rows of the quanta that are left, int64."""
        return np.array(sorted(self._rows), dtype=np.int64)

    def edges(self) -> tuple[list[Edges], list[FoundPrerequisite], list[Edges]]:
        """Give inputs, prerequisites and outputs of the quanta that are left."""
        prerequisites = []
        for name, found in self._prerequisites.items():
            quantum, dataset = self._arrays(name)
            known = len(found.datasets)
            extra = self._refs[name][known:]
            kind = found.datasets.dataset_type
            datasets = found.datasets
            if extra:
                datasets = DatasetTable.concat([datasets, DatasetTable.from_refs(kind, extra)])
            prerequisites.append(replace(found, datasets=datasets, quantum=quantum, dataset=dataset))
        return self._changed(self._inputs), prerequisites, self._changed(self._outputs)

    def _changed(self, edges: Mapping[str, Edges]) -> list[Edges]:
        found = []
        for name, edge in edges.items():
            quantum, dataset = self._arrays(name)
            found.append(replace(edge, quantum=quantum, dataset=dataset))
        return found

    def _arrays(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        pairs = [(row, dataset) for row in sorted(self._rows) for dataset in sorted(self._pairs[name].get(row, ()))]
        both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    # Helpers ----------------------------------------------------------------------------------------------------

    def _row(self, data_id: DataCoordinate | Mapping[str, Any]) -> int:
        row: int | None = self._row_of.get(_values(data_id, self._quanta.group.required))
        if row is None or row not in self._rows:
            raise NotFoundError(f"Task {self._label!r} has no quantum {data_id}.")
        return row

    def _dataset(self, name: str, data_id: DataCoordinate | Mapping[str, Any]) -> int:
        table = self._datasets[name].data_ids
        if name not in self._dataset_rows:
            self._dataset_rows[name] = {item.required_values: row for row, item in enumerate(table)}
        row = self._dataset_rows[name].get(_values(data_id, table.group.required))
        if row is None or not self._present[name][row]:
            raise NotFoundError(f"Task {self._label!r}: the graph has no dataset {name!r} for {data_id}.")
        return row

    def _known(self, connections: Mapping[str, Any], name: str, what: str) -> Any:
        if name not in connections:
            raise NotFoundError(f"Task {self._label!r} has no {what} {name!r}; it has {', '.join(connections)}.")
        return connections[name]

    def _data_ids(
        self, data_id: DataCoordinate | Mapping[str, Any], edges: Mapping[str, Edges]
    ) -> dict[str, list[DataCoordinate]]:
        row = self._row(data_id)
        return {
            name: [self._datasets[edge.connection.dataset_type].data_ids[i] for i in self._pairs[name].get(row, ())]
            for name, edge in edges.items()
        }


def _values(data_id: DataCoordinate | Mapping[str, Any], required: Sequence[str]) -> tuple[Any, ...]:
    try:
        return tuple(data_id[name] for name in required)
    except LookupError:
        raise NotFoundError(f"The data ID {data_id} lacks some of {', '.join(required)}.") from None


def _grouped(quantum: np.ndarray, dataset: np.ndarray) -> _Pairs:
    pairs: _Pairs = {}
    for row, item in zip(quantum.tolist(), dataset.tolist(), strict=True):
        pairs.setdefault(row, []).append(item)
    return pairs
