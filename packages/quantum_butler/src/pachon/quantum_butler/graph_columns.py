# SPDX-License-Identifier: BSD-3-Clause
"""A builder's tables to the columns of a graph: shared dictionaries, sorted quanta, edges in both directions.

All functions are pure. What comes out is described in ``docs/formats/quantum-graph.md``; a file holds the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.base import InvalidInputError, closest
from pachon.datasets import new_id
from pachon.datastore import FILE_RECORD_COLUMNS, FileRecords
from pachon.dimensions import DataIdTable, RecordTable
from pachon.quantum_butler.adjacency import Adjacency
from pachon.quantum_butler.column_source import MemoryColumns, Rows, as_keys
from pachon.quantum_butler.dimension_codes import DimensionCodes, pack_codes
from pachon.quantum_butler.structure import (
    DatasetEntry,
    DroppedEntry,
    EdgeEntry,
    GraphStructure,
    InitEntry,
    TaskEntry,
)
from pachon.quantum_butler.tables import ConnectionEdges, DatasetNodes, DroppedQuanta, GraphTables, TaskQuanta

__all__ = ["FILE_COLUMNS", "columns_from_tables"]

FILE_COLUMNS = tuple(column.name for column in FILE_RECORD_COLUMNS if column.name != "dataset_id")
"""Columns of the file records of a dataset type; the id is that of the dataset."""

_Tables = dict[str, dict[str, NDArray[Any]]]


def columns_from_tables(tables: GraphTables) -> tuple[GraphStructure, MemoryColumns]:
    """Make the columns of a graph, and the plan of them.

    Raises
    ------
    InvalidInputError
        If the tables contradict each other: a label or dataset type that is not there, a row number out of range, a
        data ID that is not full, a dataset with two producers, an id given twice.
    """
    _check_names(tables)
    codes = DimensionCodes.collect(
        [q.data_ids for q in tables.quanta]
        + [d.datasets.data_ids for d in tables.datasets]
        + [d.data_ids for d in tables.dropped]
    )
    columns: _Tables = {"dimension": dict(codes.values)}
    tasks: dict[str, TaskEntry] = {}
    moved: dict[str, NDArray[np.int64] | None] = {}
    for quanta in tables.quanta:
        tasks[quanta.label], order = _add_quanta(quanta, codes, columns)
        moved[quanta.label] = order
    files = _split_files(tables)
    datasets = {
        nodes.datasets.dataset_type.name: _add_datasets(nodes, files, codes, columns) for nodes in tables.datasets
    }
    edges = tuple(
        _add_edges(
            edge,
            columns,
            number=number,
            task=tasks[edge.label],
            dataset=datasets[edge.dataset_type],
            moved=moved[edge.label],
        )
        for number, edge in enumerate(tables.edges)
    )
    _check_producers(edges, datasets, columns)
    for table in tables.records:
        columns[f"records/{table.element.name}"] = _record_columns(table, codes)
    dropped = {quanta.label: _add_dropped(quanta, codes, columns) for quanta in tables.dropped}
    structure = GraphStructure(
        tasks=tasks,
        datasets=datasets,
        edges=edges,
        init=_init_entries(tables),
        records={table.element.name: tuple(table.columns) for table in tables.records},
        dropped=dropped,
    )
    _check_unique_ids(structure, columns)
    return structure, MemoryColumns(columns)


def _check_names(tables: GraphTables) -> None:
    labels = [quanta.label for quanta in tables.quanta]
    types = [nodes.datasets.dataset_type.name for nodes in tables.datasets]
    elements = [table.element.name for table in tables.records]
    for what, names in (("task", labels), ("dataset type", types), ("record table", elements)):
        for name, count in Counter(names).items():
            if count > 1:
                raise InvalidInputError(f"The tables of a quantum graph have {what} {name!r} {count} times.")
    for edge in tables.edges:
        _known("task label", edge.label, labels)
        _known("dataset type", edge.dataset_type, types)
    sizes = {nodes.datasets.dataset_type.name: len(nodes.datasets) for nodes in tables.datasets}
    for item in tables.init:
        _known("dataset type", item.dataset_type, types)
        if not 0 <= item.row < sizes[item.dataset_type]:
            raise InvalidInputError(
                f"The {item.kind} {item.connection!r} of {item.label!r} names row {item.row} of {item.dataset_type!r}, "
                f"which has {sizes[item.dataset_type]}."
            )


def _known(what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise InvalidInputError(f"The tables of a quantum graph name an unknown {what} {name!r}.{closest(name, names)}")


# Quanta and datasets ---------------------------------------------------------------------------------------------


def _add_quanta(
    quanta: TaskQuanta, codes: DimensionCodes, columns: _Tables
) -> tuple[TaskEntry, NDArray[np.int64] | None]:
    """Add the quanta of a task, sorted by data ID; give the new row of each old one, or `None` if none moved."""
    _check_full(quanta.data_ids, f"quanta of {quanta.label!r}")
    ids = _checked_ids(quanta.ids, len(quanta.data_ids), f"quanta of {quanta.label!r}")
    coded = codes.encode(quanta.data_ids)
    group = quanta.data_ids.group
    order = _order_of([coded[name] for name in group.required], len(ids))
    moved = None
    if order is not None:
        ids = ids[order]
        coded = {name: column[order] for name, column in coded.items()}
        moved = np.empty(len(order), dtype=np.int64)
        moved[order] = np.arange(len(order))
    if len(ids) > 1 and np.logical_and.reduce([np.diff(coded[n]) == 0 for n in group.required] or [[True]]).any():
        raise InvalidInputError(f"The quanta of {quanta.label!r} have a data ID twice.")
    ascending = _ascending(ids)
    by_id = np.arange(len(ids)) if ascending else np.argsort(as_keys(ids), kind="stable")
    entry = TaskEntry(
        label=quanta.label,
        dimensions=group.ordered,
        rows=len(ids),
        ascending_ids=ascending,
        id_range=(ids[by_id[0]].tobytes(), ids[by_id[-1]].tobytes()) if len(ids) else (b"", b""),
    )
    columns[entry.table] = {"id": ids} | {f"codes/{name}": column for name, column in coded.items()}
    if not entry.ascending_ids:
        columns[f"quanta_by_id/{quanta.label}"] = {"id": ids[by_id], "row": by_id.astype(np.int32)}
    return entry, moved


def _add_datasets(
    nodes: DatasetNodes, files: Mapping[str, tuple[Rows, FileRecords]], codes: DimensionCodes, columns: _Tables
) -> DatasetEntry:
    table = nodes.datasets
    dataset_type = table.dataset_type
    _check_full(table.data_ids, f"datasets {dataset_type.name!r}")
    states = np.asarray(nodes.states, dtype=np.uint8)
    if states.ndim == 0:
        states = np.full(len(table), states, dtype=np.uint8)
    if len(states) != len(table):
        raise InvalidInputError(f"There are {len(table)} datasets {dataset_type.name!r} and {len(states)} states.")
    runs = table.runs.compacted()
    rows, records = files.get(dataset_type.name, (np.empty(0, dtype=np.int64), FileRecords.empty()))
    entry = DatasetEntry(
        name=dataset_type.name,
        dimensions=table.data_ids.group.ordered,
        storage_class=dataset_type.storage_class,
        is_calibration=dataset_type.is_calibration,
        rows=len(table),
        runs=tuple(str(run) for run in runs.values.tolist()),
        files=len(records),
    )
    members: dict[str, NDArray[Any]] = {"id": _checked_ids(table.ids, len(table), f"datasets {dataset_type.name!r}")}
    members |= {f"codes/{name}": column for name, column in codes.encode(table.data_ids).items()}
    columns[entry.table] = members | {"run": runs.codes.astype(np.int32), "state": states}
    if len(records):
        by_row = Adjacency.from_pairs(rows, np.arange(len(rows)), len(table))
        ordered = records.take(by_row.targets)
        columns[f"files/{entry.name}"] = {"offsets": by_row.offsets} | {
            name: getattr(ordered, name) for name in FILE_COLUMNS
        }
    return entry


def _split_files(tables: GraphTables) -> dict[str, tuple[Rows, FileRecords]]:
    """Find for each file record the dataset type and row that it belongs to."""
    records = tables.file_records
    if records is None or len(records) == 0:
        return {}
    keys = as_keys(np.ascontiguousarray(records.dataset_id))
    found: dict[str, tuple[Rows, FileRecords]] = {}
    for nodes in tables.datasets:
        ids = as_keys(nodes.datasets.ids)
        if len(ids) == 0:
            continue
        order = np.argsort(ids, kind="stable")
        place = np.minimum(np.searchsorted(ids, keys, sorter=order), len(ids) - 1)
        rows = order[place]
        hits = ids[rows] == keys
        if hits.any():
            found[nodes.datasets.dataset_type.name] = (rows[hits], records.take(hits))
    return found


def _add_dropped(quanta: DroppedQuanta, codes: DimensionCodes, columns: _Tables) -> DroppedEntry:
    reasons = np.asarray(quanta.reasons, dtype=np.uint8)
    if len(reasons) != len(quanta.data_ids):
        raise InvalidInputError(
            f"There are {len(quanta.data_ids)} dropped quanta of {quanta.label!r} and {len(reasons)} reasons."
        )
    counts = np.bincount(reasons, minlength=256)
    entry = DroppedEntry(
        label=quanta.label,
        dimensions=tuple(quanta.data_ids.columns),
        rows=len(reasons),
        reasons={int(reason): int(counts[reason]) for reason in np.flatnonzero(counts)},
    )
    members: dict[str, NDArray[Any]] = {
        f"codes/{name}": column for name, column in codes.encode(quanta.data_ids).items()
    }
    details = np.full(len(reasons), "", dtype=object) if quanta.details is None else quanta.details.decode()
    columns[entry.table] = members | {"reason": reasons, "detail": details}
    return entry


def _check_full(data_ids: DataIdTable, what: str) -> None:
    if not data_ids.is_full:
        raise InvalidInputError(
            f"The data IDs of {what} lack values of {', '.join(data_ids.group.implied)}; a graph needs full ones."
        )


def _checked_ids(ids: NDArray[np.uint8], rows: int, what: str) -> NDArray[np.uint8]:
    array = np.ascontiguousarray(ids, dtype=np.uint8)
    if array.shape != (rows, 16):
        raise InvalidInputError(f"The ids of {rows} {what} have shape {array.shape}; ({rows}, 16) is needed.")
    return array


def _ascending(ids: NDArray[np.uint8]) -> bool:
    keys = as_keys(ids)
    return bool((keys[1:] > keys[:-1]).all())


def _order_of(columns: Sequence[NDArray[np.int32]], rows: int) -> NDArray[np.intp] | None:
    """Give the order that sorts rows by their codes, or `None` if they are sorted."""
    tied = np.ones(max(rows - 1, 0), dtype=bool)
    for column in columns:
        steps = np.diff(column)
        if (steps[tied] < 0).any():
            return np.lexsort(tuple(reversed(columns)))
        tied &= steps == 0
    return None


# Edges -----------------------------------------------------------------------------------------------------------


def _add_edges(
    edge: ConnectionEdges,
    columns: _Tables,
    *,
    number: int,
    task: TaskEntry,
    dataset: DatasetEntry,
    moved: NDArray[np.int64] | None,
) -> EdgeEntry:
    where = f"connection {edge.connection!r} of {edge.label!r}"
    entry = EdgeEntry(
        number=number,
        label=edge.label,
        connection=edge.connection,
        kind=edge.kind,
        dataset_type=edge.dataset_type,
        component=edge.component,
        storage_class=edge.storage_class,
        count=task.rows,
        identity=False,
    )
    if (edge.quantum_rows is None) != (edge.dataset_rows is None):
        raise InvalidInputError(f"The edges of {where} have rows of one side only.")
    if edge.quantum_rows is None or edge.dataset_rows is None:
        if task.rows != dataset.rows:
            raise InvalidInputError(
                f"The edges of {where} pair equal rows, but there are {task.rows} quanta and {dataset.rows} datasets."
            )
        if moved is None:
            return replace(entry, identity=True)
        quantum_rows: Rows = moved
        dataset_rows: Rows = np.arange(dataset.rows)
    else:
        quantum_rows = _checked_rows(edge.quantum_rows, task.rows, where)
        dataset_rows = _checked_rows(edge.dataset_rows, dataset.rows, where)
        if len(quantum_rows) != len(dataset_rows):
            raise InvalidInputError(f"The edges of {where} have columns of different lengths.")
        if moved is not None:
            quantum_rows = moved[quantum_rows]
        elif len(quantum_rows) == task.rows == dataset.rows and _counts_up(quantum_rows) and _counts_up(dataset_rows):
            return replace(entry, identity=True)
    forward = Adjacency.from_pairs(quantum_rows, dataset_rows.astype(np.int32), task.rows)
    back = forward.reversed(dataset.rows)
    columns[entry.table] = {
        "forward_offsets": forward.offsets,
        "forward_targets": forward.targets,
        "back_offsets": back.offsets,
        "back_targets": back.targets,
    }
    return replace(entry, count=len(forward.targets))


def _checked_rows(rows: Rows, limit: int, where: str) -> Rows:
    array = np.asarray(rows)
    if array.dtype.kind not in "iu":
        raise InvalidInputError(f"The edges of {where} have row numbers of type {array.dtype}.")
    if len(array) and (array.min() < 0 or array.max() >= limit):
        raise InvalidInputError(
            f"The edges of {where} name row {int(array.min())} or {int(array.max())} of a table of {limit}."
        )
    return array


def _counts_up(rows: Rows) -> bool:
    return bool((rows == np.arange(len(rows))).all())


def _check_producers(edges: Iterable[EdgeEntry], datasets: Mapping[str, DatasetEntry], columns: _Tables) -> None:
    """Refuse a dataset that two quanta would write."""
    written: dict[str, NDArray[np.int64]] = {}
    for edge in edges:
        if edge.kind != "output":
            continue
        count = np.ones(datasets[edge.dataset_type].rows, dtype=np.int64)
        if not edge.identity:
            count = np.diff(columns[edge.table]["back_offsets"]).astype(np.int64)
        total = written[edge.dataset_type] = written.get(edge.dataset_type, np.zeros_like(count)) + count
        if (total > 1).any():
            raise InvalidInputError(
                f"{int((total > 1).sum())} datasets {edge.dataset_type!r} are outputs of more than one quantum; "
                f"one of these is of task {edge.label!r}."
            )


def _check_unique_ids(structure: GraphStructure, columns: _Tables) -> None:
    ranges = sorted((task.id_range, task.label) for task in structure.tasks.values() if task.rows)
    apart = all(one[0][1] < other[0][0] for one, other in pairwise(ranges))
    if apart and all(task.ascending_ids for task in structure.tasks.values()):
        return
    ids = np.concatenate([columns[task.table]["id"] for task in structure.tasks.values()])
    keys = np.sort(as_keys(ids))
    same = np.flatnonzero(keys[1:] == keys[:-1])
    if len(same):
        raise InvalidInputError(f"{len(same)} quanta have the same id as another one.")


# Records and init datasets ---------------------------------------------------------------------------------------


def _record_columns(table: RecordTable, codes: DimensionCodes) -> dict[str, NDArray[Any]]:
    """Give the columns of those records that belong to values of the graph, sorted by key, each once."""
    element = table.element
    coded = [codes.find(name, table.columns[element.key_name(name)]) for name in element.required]
    known = np.logical_and.reduce([column >= 0 for column in coded]) if coded else np.ones(len(table), dtype=bool)
    rows = np.flatnonzero(known)
    coded = [column[rows] for column in coded]
    order = _order_of(coded, len(rows))
    if order is not None:
        rows, coded = rows[order], [column[order] for column in coded]
    keys = pack_codes(coded, len(rows))
    if len(keys) > 1:
        first = np.ones(len(keys), dtype=bool)
        first[1:] = as_keys(keys)[1:] != as_keys(keys)[:-1]
        keys, rows = keys[first], rows[first]
    return {"key": keys} | {name: column[rows] for name, column in table.columns.items()}


def _init_entries(tables: GraphTables) -> dict[str, InitEntry]:
    labels = dict.fromkeys([*(quanta.label for quanta in tables.quanta), *(item.label for item in tables.init)])
    return {
        label: InitEntry(
            label=label,
            id=tables.init_ids.get(label) or new_id(),
            connections=tuple(item for item in tables.init if item.label == label),
        )
        for label in labels
    }
