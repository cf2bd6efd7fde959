# SPDX-License-Identifier: BSD-3-Clause
"""From what is left after pruning to the tables of a quantum graph."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pachon.datasets import DatasetTable, deterministic_id, id_keys, ids_from_uuids
from pachon.datastore import FileRecords
from pachon.dimensions import Categorical, DataCoordinate, RecordTable
from pachon.pipe_base.graph_builder.init_datasets import InitDataset
from pachon.pipe_base.graph_builder.plan import BuildPlan
from pachon.pipe_base.graph_builder.prune import Pruned
from pachon.pipe_base.graph_builder.resolve import KEPT, DatasetStatus
from pachon.quantum_butler import (
    ConnectionEdges,
    DatasetNodes,
    DatasetState,
    DatastoreSource,
    DroppedQuanta,
    GraphHeader,
    GraphTables,
    InitConnection,
    TaskQuanta,
)

__all__ = ["existing_ids", "freeze"]

_STATES = {
    DatasetStatus.EXISTING: DatasetState.EXISTING,
    DatasetStatus.PREDICTED: DatasetState.PREDICTED,
    DatasetStatus.REPLACED: DatasetState.REPLACED,
}

Nodes = dict[str, tuple[DatasetTable, np.ndarray]]
"""By dataset type: the datasets that stay, and the state of each."""


def freeze(
    plan: BuildPlan,
    pruned: Pruned,
    init: Sequence[InitDataset],
    records: Mapping[str, RecordTable],
    *,
    header: GraphHeader,
    pipeline: Mapping[str, Any],
    reads: Mapping[tuple[str, str], tuple[str | None, str | None]],
    file_records: FileRecords | None,
    datastore: DatastoreSource | None,
) -> GraphTables:
    """Number the quanta and datasets that stay, and put everything into tables.

    Parameters
    ----------
    plan, pruned, init, records
        What the stages before gave.
    header, pipeline
        What the graph says of itself.
    reads
        (label, connection) -> component and storage class in which the task has its datasets.
    file_records
        Where the existing datasets are stored.
    datastore
        How jobs open the datastore.
    """
    nodes: Nodes = {}
    edges: list[ConnectionEdges] = []
    quantum_row = {label: _new_rows(pruned.reasons[label] == KEPT) for label in plan.tasks}
    _add_regular(pruned, quantum_row, reads, nodes, edges)
    _add_prerequisites(pruned, quantum_row, reads, nodes, edges)
    connections = _add_init(init, reads, nodes)
    quanta = []
    dropped = []
    for label in plan.tasks:
        kept = pruned.kept(label)
        if len(kept):
            own = pruned.quanta[label].take(kept)
            quanta.append(TaskQuanta(label=label, data_ids=own, ids=plan.make_ids(f"quantum:{label}", own)))
        lost = np.flatnonzero(pruned.reasons[label] != KEPT)
        # A task without any quantum has an empty table: the graph knows its label and can be asked about it.
        if len(lost) or not len(kept):
            dropped.append(
                DroppedQuanta(
                    label=label,
                    data_ids=pruned.quanta[label].take(lost),
                    reasons=pruned.reasons[label][lost].astype(np.uint8),
                    details=Categorical.encode(pruned.details[label][lost]),
                )
            )
    return GraphTables(
        header=header,
        universe=plan.universe,
        pipeline=pipeline,
        quanta=tuple(quanta),
        datasets=tuple(DatasetNodes(datasets=table, states=states) for table, states in nodes.values()),
        edges=tuple(edges),
        init=tuple(connections),
        init_ids=_init_ids(plan, connections, quanta),
        records=tuple(table for table in records.values() if len(table)),
        file_records=file_records,
        dropped=tuple(dropped),
        datastore=datastore,
    )


def _init_ids(plan: BuildPlan, init: Sequence[InitConnection], quanta: Sequence[TaskQuanta]) -> dict[str, uuid.UUID]:
    """Give reproducible ids of init quanta if these are wanted."""
    if not plan.reproducible_ids:
        return {}
    labels = dict.fromkeys([*(item.label for item in quanta), *(item.label for item in init)])
    nothing = DataCoordinate.empty(plan.universe)
    return {label: deterministic_id(f"init:{label}", nothing, plan.output_run) for label in labels}


def existing_ids(pruned: Pruned, init: Sequence[InitDataset]) -> np.ndarray:
    """Give the ids, shape (n, 16), of the datasets that the graph reads and does not write."""
    found = [ids_from_uuids(item.ref.id for item in init if item.status == DatasetStatus.EXISTING)]
    for name, columns in pruned.datasets.items():
        used = np.zeros(len(columns.data_ids), dtype=bool)
        for edge in pruned.edges:
            if edge.connection.dataset_type == name:
                used[edge.dataset] = True
        found.append(columns.ids[used & (columns.status == DatasetStatus.EXISTING)])
    found.extend(r.datasets.ids[_occurring(r.dataset, len(r.datasets))] for r in pruned.prerequisites)
    ids = np.concatenate(found)
    _, first = np.unique(id_keys(ids), return_index=True)
    distinct: np.ndarray = ids[np.sort(first)]
    return distinct


def _occurring(numbers: np.ndarray, stop: int) -> np.ndarray:
    """Give the numbers below ``stop`` that occur, ascending (np.unique would import numpy.ma)."""
    there = np.zeros(stop, dtype=bool)
    there[numbers] = True
    return np.flatnonzero(there)


def _new_rows(kept: np.ndarray) -> np.ndarray:
    """Give the new number of each old row; of those that go, any."""
    return np.cumsum(kept) - 1


def _add_regular(
    pruned: Pruned,
    quantum_row: Mapping[str, np.ndarray],
    reads: Mapping[tuple[str, str], tuple[str | None, str | None]],
    nodes: Nodes,
    edges: list[ConnectionEdges],
) -> None:
    used: dict[str, np.ndarray] = {}
    for edge in pruned.edges:
        name = edge.connection.dataset_type
        mask = used.setdefault(name, np.zeros(len(pruned.datasets[name].data_ids), dtype=bool))
        mask[edge.dataset] = True
    dataset_row = {name: _new_rows(mask) for name, mask in used.items()}
    for name, mask in used.items():
        columns = pruned.datasets[name]
        rows = np.flatnonzero(mask)
        lookup = np.zeros(len(DatasetStatus), dtype=np.uint8)
        for status, state in _STATES.items():
            lookup[status] = state
        if len(rows):
            nodes[name] = (columns.table(rows), lookup[columns.status[rows]])
    for edge in pruned.edges:
        name = edge.connection.dataset_type
        if name not in nodes or not len(quantum_row[edge.label]):
            continue
        component, storage_class = reads.get((edge.label, edge.connection.name), (None, None))
        if not len(edge.quantum):
            continue
        edges.append(
            ConnectionEdges(
                label=edge.label,
                connection=edge.connection.name,
                kind="output" if edge.is_output else "input",
                dataset_type=name,
                component=component,
                storage_class=storage_class,
                quantum_rows=quantum_row[edge.label][edge.quantum],
                dataset_rows=dataset_row[name][edge.dataset],
            )
        )


def _add_prerequisites(
    pruned: Pruned,
    quantum_row: Mapping[str, np.ndarray],
    reads: Mapping[tuple[str, str], tuple[str | None, str | None]],
    nodes: Nodes,
    edges: list[ConnectionEdges],
) -> None:
    by_type: dict[str, list[DatasetTable]] = {}
    for found in pruned.prerequisites:
        if len(found.dataset):
            used = found.datasets.take(_occurring(found.dataset, len(found.datasets)))
            by_type.setdefault(found.connection.dataset_type, []).append(used)
    for name, tables in by_type.items():
        everything = DatasetTable.concat(tables)
        _, first = np.unique(id_keys(everything.ids), return_index=True)
        distinct = everything.take(np.sort(first))
        nodes[name] = (distinct, np.full(len(distinct), DatasetState.EXISTING, dtype=np.uint8))
    for found in pruned.prerequisites:
        if not len(found.dataset):
            continue
        name = found.connection.dataset_type
        keys = id_keys(nodes[name][0].ids)
        order = np.argsort(keys, kind="stable")
        rows = order[np.searchsorted(keys, id_keys(found.datasets.ids[found.dataset]), sorter=order)]
        component, storage_class = reads.get((found.label, found.connection.name), (None, None))
        edges.append(
            ConnectionEdges(
                label=found.label,
                connection=found.connection.name,
                kind="prerequisite",
                dataset_type=name,
                component=component,
                storage_class=storage_class,
                quantum_rows=quantum_row[found.label][found.quantum],
                dataset_rows=rows,
            )
        )


def _add_init(
    init: Sequence[InitDataset],
    reads: Mapping[tuple[str, str], tuple[str | None, str | None]],
    nodes: Nodes,
) -> list[InitConnection]:
    connections: list[InitConnection] = []
    for item in init:
        dataset_type = item.ref.dataset_type
        name = dataset_type.name
        if name not in nodes:
            state = np.array([_STATES[item.status]], dtype=np.uint8)
            nodes[name] = (DatasetTable.from_refs(dataset_type, [item.ref]), state)
        component, storage_class = reads.get((item.label, item.connection), (None, None))
        connections.append(
            InitConnection(
                label=item.label,
                connection=item.connection,
                kind="init_output" if item.is_output else "init_input",
                dataset_type=name,
                row=0,
                component=component,
                storage_class=storage_class,
            )
        )
    return connections
