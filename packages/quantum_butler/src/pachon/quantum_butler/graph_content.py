# SPDX-License-Identifier: BSD-3-Clause
"""What a quantum graph holds: quanta, datasets, records and how they hang together, as columns and as objects."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.base import NotFoundError, closest
from pachon.datasets import DatasetRef, DatasetTable, DatasetType, Quantum, ids_from_uuids, uuids_from_ids
from pachon.datastore import FileRecords
from pachon.dimensions import Categorical, DataIdTable, DimensionUniverse, RecordTable
from pachon.quantum_butler.adjacency import Adjacency
from pachon.quantum_butler.column_source import ColumnSource, Rows
from pachon.quantum_butler.dataset_index import DatasetIndex
from pachon.quantum_butler.documents import DocumentSource
from pachon.quantum_butler.graph_columns import FILE_COLUMNS
from pachon.quantum_butler.header import DatastoreSource, GraphHeader
from pachon.quantum_butler.neighbours import edge_pairs, quantum_pairs
from pachon.quantum_butler.quantum_finder import find_neighbours, find_quanta, locate_quanta
from pachon.quantum_butler.quantum_maker import QuantumMaker, batches
from pachon.quantum_butler.quantum_table import QuantumTable
from pachon.quantum_butler.structure import GraphStructure
from pachon.quantum_butler.summary import summary_document
from pachon.quantum_butler.tables import TaskQuanta

__all__ = ["GraphContent"]

_BATCH = 1000


class GraphContent:
    """The reading side of `QuantumGraph`: columns are read when they are asked for, and no more of them than needed."""

    def __init__(
        self,
        header: GraphHeader,
        structure: GraphStructure,
        columns: ColumnSource,
        documents: DocumentSource,
        *,
        is_partial: bool = False,
    ) -> None:
        self.header = header
        """Where the graph came from, and where its outputs go."""
        self.is_partial = is_partial
        """Whether this is a cut-out of a larger graph; such a one cannot be written."""
        self._structure = structure
        self._columns = columns
        self._documents = documents

    # Size and documents ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return sum(task.rows for task in self._structure.tasks.values())

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def task_labels(self) -> tuple[str, ...]:
        """Labels of the tasks, in topological order."""
        return tuple(self._structure.tasks)

    @property
    def structure(self) -> GraphStructure:
        """The plan of the columns, for tools."""
        return self._structure

    @property
    def columns(self) -> ColumnSource:
        """The columns themselves, for tools; names as in ``docs/formats/quantum-graph.md``."""
        return self._columns

    @property
    def documents(self) -> DocumentSource:
        """Universe, pipeline and datastore as documents, for tools."""
        return self._documents

    def task_counts(self) -> dict[str, int]:
        """Give the number of quanta of each task, in topological order."""
        return {task.label: task.rows for task in self._structure.tasks.values()}

    def dataset_counts(self) -> dict[str, int]:
        """Give the number of datasets of each type."""
        return {entry.name: entry.rows for entry in self._structure.datasets.values()}

    @cached_property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the graph."""
        return DimensionUniverse.from_document(self._documents.document("universe"))

    @cached_property
    def pipeline(self) -> Mapping[str, Any]:
        """The pipeline graph as a JSON document, as the builder gave it."""
        document: Mapping[str, Any] = self._documents.document("pipeline")
        return document

    @cached_property
    def datastore(self) -> DatastoreSource | None:
        """How to open the datastore, if the builder said it."""
        if "datastore" not in self._documents.document_names:
            return None
        return DatastoreSource.from_document(self._documents.document("datastore"))

    def summary(self) -> dict[str, Any]:
        """Give the JSON mapping ``qgraphSummary`` of ``pipetask --summary``."""
        return summary_document(self.header, self._structure)

    # Quanta ------------------------------------------------------------------------------------------------------

    def quanta(self, label: str | None = None) -> QuantumTable:
        """Give the quanta of a task, or of all, as columns: in topological order of tasks, then by data ID."""
        labels = self.task_labels if label is None else (self._known_label(label),)
        return QuantumTable(tuple(self._task_quanta(name) for name in labels))

    def quantum(self, quantum_id: uuid.UUID) -> Quantum:
        """Give one quantum, with expanded data IDs and with datasets in the storage classes that the task wants.

        Raises
        ------
        NotFoundError
            If the graph has no such quantum.
        """
        ((label, rows),) = self._locate([quantum_id]).items()
        return self._maker.quanta(label, rows)[0]

    def iter_quanta(self, label: str | None = None) -> Iterator[Quantum]:
        """Go through the quanta as `quantum` gives them, each after all that it depends on."""
        for name in self.task_labels if label is None else (self._known_label(label),):
            for rows in batches(self._structure.tasks[name].rows, _BATCH):
                yield from self._maker.quanta(name, rows)

    def __iter__(self) -> Iterator[uuid.UUID]:
        """Go through the ids of all quanta, each after all that it depends on."""
        for label in self.task_labels:
            yield from uuids_from_ids(self._columns.read(f"quanta/{label}/id"))

    def __contains__(self, quantum_id: object) -> bool:
        if not isinstance(quantum_id, uuid.UUID):
            return False
        return bool(find_quanta(self._structure, self._columns, ids_from_uuids([quantum_id])))

    def init_quantum(self, label: str) -> Quantum:
        """Give what constructing a task reads and writes; the label ``""`` stands for the graph as a whole.

        Raises
        ------
        NotFoundError
            If there is no such task.
        """
        entry = self._structure.init.get(label)
        if entry is None:
            raise NotFoundError(f"The graph has no task {label!r}.{closest(label, self._structure.init)}")
        return self._maker.init_quantum(entry)

    @property
    def init_labels(self) -> tuple[str, ...]:
        """Labels with an init quantum; ``""`` among them if the graph as a whole has init datasets."""
        return tuple(self._structure.init)

    def inputs_of(self, quantum_id: uuid.UUID) -> Mapping[str, tuple[DatasetRef, ...]]:
        """Give the inputs of a quantum by connection, prerequisites included."""
        return self.quantum(quantum_id).inputs

    def outputs_of(self, quantum_id: uuid.UUID) -> Mapping[str, tuple[DatasetRef, ...]]:
        """Give the outputs of a quantum by connection, log and metadata included."""
        return self.quantum(quantum_id).outputs

    # Neighbours --------------------------------------------------------------------------------------------------

    def upstream(self, quantum_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
        """Give the quanta that write what this one reads, in topological order."""
        ((label, rows),) = self._locate([quantum_id]).items()
        return find_neighbours(self._structure, self._columns, label, rows, upstream=True)

    def downstream(self, quantum_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
        """Give the quanta that read what this one writes, in topological order."""
        ((label, rows),) = self._locate([quantum_id]).items()
        return find_neighbours(self._structure, self._columns, label, rows, upstream=False)

    @cached_property
    def ids(self) -> NDArray[np.uint8]:
        """Ids of all quanta in topological order, shape (n, 16); the row of a quantum here is its number."""
        if not self._structure.tasks:
            return np.empty((0, 16), dtype=np.uint8)
        return np.concatenate([self._columns.read(f"quanta/{label}/id") for label in self.task_labels])

    @cached_property
    def quantum_edges(self) -> NDArray[np.int64]:
        """All dependencies between quanta: pairs of numbers (writer, reader), shape (n, 2), sorted, each once."""
        return quantum_pairs(self._structure, self._columns)

    @cached_property
    def downstream_rows(self) -> Adjacency:
        """For the number of each quantum (see `ids`) the numbers of those that read what it writes."""
        pairs = self.quantum_edges
        return Adjacency.from_pairs(pairs[:, 0], pairs[:, 1], len(self))

    @cached_property
    def upstream_rows(self) -> Adjacency:
        """For the number of each quantum (see `ids`) the numbers of those that write what it reads."""
        return self.downstream_rows.reversed(len(self))

    def connection_rows(self, label: str, connection: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the edges of a connection: row numbers in ``quanta(label)`` and in ``datasets(...)`` of its type.

        Raises
        ------
        NotFoundError
            If the task or the connection is not in the graph.
        """
        edges = {edge.connection: edge for edge in self._structure.edges_of(self._known_label(label))}
        if connection not in edges:
            raise NotFoundError(f"Task {label!r} has no connection {connection!r}.{closest(connection, edges)}")
        return edge_pairs(self._columns, edges[connection])

    # Datasets and records ----------------------------------------------------------------------------------------

    @property
    def dataset_types(self) -> dict[str, DatasetType]:
        """All dataset types of the graph by name."""
        return {name: self._maker.dataset_type(name) for name in self._structure.datasets}

    def datasets(self, dataset_type: str) -> DatasetTable:
        """Give the datasets of a type as columns."""
        entry = self._structure.datasets[self._known_dataset_type(dataset_type)]
        runs = np.empty(len(entry.runs), dtype=object)
        runs[:] = entry.runs
        return DatasetTable(
            self._maker.dataset_type(entry.name),
            self._data_id_table(entry.table, entry.dimensions, entry.rows),
            self._columns.read(f"{entry.table}/id"),
            Categorical(self._columns.read(f"{entry.table}/run"), runs),
        )

    def dataset_states(self, dataset_type: str) -> NDArray[np.uint8]:
        """Give a `DatasetState` for each row of `datasets`."""
        states: NDArray[np.uint8] = self._columns.read(f"datasets/{self._known_dataset_type(dataset_type)}/state")
        return states

    def refs(self, dataset_type: str, rows: Rows) -> list[DatasetRef]:
        """Make references, with expanded data IDs, of some rows of `datasets`."""
        return self._maker.refs(self._known_dataset_type(dataset_type), rows)

    def find_datasets(self, ids: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
        """Find datasets by their ids (shape (n, 16)): row numbers by dataset type, in the order asked.

        Raises
        ------
        NotFoundError
            If one is not in the graph.
        """
        types, rows = self.dataset_index.find(ids)
        missing = np.flatnonzero(types < 0)
        if len(missing):
            first = uuids_from_ids(ids[missing[:1]])[0]
            raise NotFoundError(f"{len(missing)} of {len(ids)} datasets are not in the graph, the first is {first}.")
        return {
            name: rows[types == number]
            for number, name in enumerate(self.dataset_index.names)
            if (types == number).any()
        }

    def dataset_tables(self, ids: NDArray[np.uint8]) -> tuple[DatasetTable, ...]:
        """Give the datasets with these ids as columns, a table a dataset type.

        Raises
        ------
        NotFoundError
            If one is not in the graph.
        """
        return tuple(self.datasets(name).take(rows) for name, rows in self.find_datasets(ids).items())

    @cached_property
    def dataset_index(self) -> DatasetIndex:
        """The ids of all datasets, sorted, for looking up many."""
        return DatasetIndex(self._structure, self._columns)

    def file_records(self, dataset_type: str | None = None) -> FileRecords:
        """Give where the overall inputs of a type, or of all types, are stored."""
        names = self._structure.datasets if dataset_type is None else (self._known_dataset_type(dataset_type),)
        return FileRecords.concat([self._file_records(name) for name in names])

    def some_file_records(self, count: int) -> FileRecords:
        """Give where some overall inputs are stored, up to a number of each type, without reading all."""
        found = []
        for name, entry in self._structure.datasets.items():
            rows = np.arange(min(count, entry.files))
            if not len(rows):
                continue
            offsets = self._columns.read(f"files/{name}/offsets")
            owners = np.searchsorted(offsets, rows, side="right") - 1
            ids = self._columns.take(f"datasets/{name}/id", owners)
            columns = {column: self._columns.take(f"files/{name}/{column}", rows) for column in FILE_COLUMNS}
            found.append(FileRecords.from_columns({"dataset_id": ids} | columns))
        return FileRecords.concat(found) if found else FileRecords.empty()

    def records(self, element: str) -> RecordTable:
        """Give the dimension records of an element.

        Raises
        ------
        NotFoundError
            If the graph has none of that element.
        """
        names = self._structure.records.get(element)
        if names is None:
            raise NotFoundError(f"The graph has no records of {element!r}.{closest(element, self._structure.records)}")
        columns = {name: self._columns.read(f"records/{element}/{name}") for name in names}
        return RecordTable(self.universe[element], columns)

    # Helpers -----------------------------------------------------------------------------------------------------

    @cached_property
    def _maker(self) -> QuantumMaker:
        return QuantumMaker(self._structure, self._columns, self.universe, keep=self.is_partial)

    def _known_label(self, label: str) -> str:
        if label not in self._structure.tasks:
            raise NotFoundError(f"The graph has no task {label!r}.{closest(label, self._structure.tasks)}")
        return label

    def _known_dataset_type(self, name: str) -> str:
        if name not in self._structure.datasets:
            raise NotFoundError(f"The graph has no dataset type {name!r}.{closest(name, self._structure.datasets)}")
        return name

    def _task_quanta(self, label: str) -> TaskQuanta:
        task = self._structure.tasks[label]
        return TaskQuanta(
            label=label,
            data_ids=self._data_id_table(task.table, task.dimensions, task.rows),
            ids=self._columns.read(f"{task.table}/id"),
        )

    def _data_id_table(self, table: str, dimensions: tuple[str, ...], rows: int) -> DataIdTable:
        columns = {
            name: Categorical(self._columns.read(f"{table}/codes/{name}"), self._columns.read(f"dimension/{name}"))
            for name in dimensions
        }
        return DataIdTable(self.universe.conform(dimensions), columns, rows)

    def _file_records(self, name: str) -> FileRecords:
        if not self._structure.datasets[name].files:
            return FileRecords.empty()
        counts = np.diff(self._columns.read(f"files/{name}/offsets"))
        ids = self._columns.read(f"datasets/{name}/id")[np.repeat(np.arange(len(counts)), counts)]
        columns = {column: self._columns.read(f"files/{name}/{column}") for column in FILE_COLUMNS}
        return FileRecords.from_columns({"dataset_id": ids} | columns)

    def _locate(self, quantum_ids: Iterable[uuid.UUID]) -> dict[str, NDArray[np.int64]]:
        return locate_quanta(self._structure, self._columns, ids_from_uuids(quantum_ids))
