# SPDX-License-Identifier: BSD-3-Clause
"""What a builder hands over: a quantum graph as plain tables of arrays.

`QuantumGraph.from_tables` turns these values into a graph. Nothing here is checked on construction beyond shapes;
`graph_columns` checks the whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import DatasetTable
from pachon.datastore import FileRecords
from pachon.dimensions import Categorical, DataIdTable, DimensionUniverse, RecordTable
from pachon.quantum_butler.column_source import Rows
from pachon.quantum_butler.header import DatastoreSource, GraphHeader

__all__ = [
    "ConnectionEdges",
    "ConnectionKind",
    "DatasetNodes",
    "DroppedQuanta",
    "GraphTables",
    "InitConnection",
    "InitKind",
    "TaskQuanta",
]

ConnectionKind: TypeAlias = Literal["input", "prerequisite", "output"]
"""The role of datasets in quanta; logs and metadata are outputs."""

InitKind: TypeAlias = Literal["init_input", "init_output"]
"""The role of datasets in the construction of a task."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskQuanta:
    """The quanta of one task."""

    label: str
    data_ids: DataIdTable
    """Full values; best sorted, with each data ID once."""
    ids: NDArray[np.uint8]
    """Shape (n, 16): ids of the quanta; best ascending, as `pachon.datasets.new_ids` makes them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetNodes:
    """The datasets of one type (of the whole, never of a component)."""

    datasets: DatasetTable
    """Full values of the data IDs."""
    states: NDArray[np.uint8] | int
    """A `DatasetState` for each, or one for all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConnectionEdges:
    """The datasets that the quanta of a task have in one connection."""

    label: str
    connection: str
    """Name of the connection; that of logs is ``_log``, that of metadata ``_metadata``."""
    kind: ConnectionKind
    dataset_type: str
    """Name of the dataset type, without a component."""
    component: str | None = None
    """Component that the task reads, if not the whole."""
    storage_class: str | None = None
    """Storage class in which the task has the dataset (or the component), if not that of the dataset type."""
    quantum_rows: Rows | None = None
    dataset_rows: Rows | None = None
    """The pairs, as row numbers in `TaskQuanta` and `DatasetNodes`. Both left out: row i with row i."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitConnection:
    """A dataset that constructing a task reads or writes."""

    label: str
    """Label of the task; empty for a dataset of the graph as a whole, such as ``packages``."""
    connection: str
    kind: InitKind
    dataset_type: str
    row: int
    """Row number in `DatasetNodes`."""
    component: str | None = None
    storage_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DroppedQuanta:
    """Quanta of one task that are not in the graph, and why."""

    label: str
    data_ids: DataIdTable
    reasons: NDArray[np.uint8]
    """A `DropReason` for each."""
    details: Categorical | None = None
    """What it was: a connection, dataset type, collection or expression; empty text where there is no more to say."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphTables:
    """A whole graph."""

    header: GraphHeader
    universe: DimensionUniverse
    pipeline: Mapping[str, Any]
    """The pipeline graph as a JSON document; kept as it is."""
    quanta: tuple[TaskQuanta, ...]
    """In topological order; tasks without quanta may be left out."""
    datasets: tuple[DatasetNodes, ...]
    edges: tuple[ConnectionEdges, ...]
    init: tuple[InitConnection, ...] = ()
    init_ids: Mapping[str, uuid.UUID] = field(default_factory=dict)
    """Ids of init quanta by label; new ones are made for the others in `init`."""
    records: tuple[RecordTable, ...] = ()
    """Dimension records of the data IDs; more than needed does no harm."""
    file_records: FileRecords | None = None
    """Where the overall inputs are stored; rows of other datasets are left out."""
    dropped: tuple[DroppedQuanta, ...] = ()
    datastore: DatastoreSource | None = None
    """How jobs open the datastore; without it there is no quantum-backed butler."""
