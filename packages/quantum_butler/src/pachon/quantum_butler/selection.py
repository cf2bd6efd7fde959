# SPDX-License-Identifier: BSD-3-Clause
"""A small graph of some quanta, cut out of a large one with a few reads.

The result has the same plan of columns as any graph, with rows and codes numbered anew, all in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.quantum_butler.adjacency import Adjacency
from pachon.quantum_butler.column_source import ColumnSource, MemoryColumns, Rows, as_keys, expand_ranges
from pachon.quantum_butler.dimension_codes import pack_codes
from pachon.quantum_butler.graph_columns import FILE_COLUMNS
from pachon.quantum_butler.neighbours import follow_many
from pachon.quantum_butler.structure import DatasetEntry, EdgeEntry, GraphStructure, InitEntry, TaskEntry

__all__ = ["select_quanta"]

_Tables = dict[str, dict[str, NDArray[Any]]]


def select_quanta(
    structure: GraphStructure,
    columns: ColumnSource,
    universe: DimensionUniverse,
    quanta: Mapping[str, Rows],
    init_labels: Collection[str],
) -> tuple[GraphStructure, MemoryColumns]:
    """Cut out quanta with their datasets, records and file records.

    Parameters
    ----------
    structure, columns, universe
        The large graph.
    quanta
        By task label: row numbers, ascending, each once.
    init_labels
        Labels of which the init datasets are kept.
    """
    tasks = {label: structure.tasks[label] for label in structure.tasks if len(quanta.get(label, ()))}
    edges = [edge for edge in structure.edges if edge.label in tasks]
    own = {
        f"{task.table}/{name}": quanta[label]
        for label, task in tasks.items()
        for name in ("id", *(f"codes/{d}" for d in task.dimensions))
    }
    pairs = follow_many(columns, [(edge, quanta[edge.label]) for edge in edges], "forward", also=own)
    init = {label: entry for label, entry in structure.init.items() if label in init_labels}
    wanted = _dataset_rows(edges, pairs, init)
    datasets = {name: entry for name, entry in structure.datasets.items() if name in wanted}
    columns.prefetch(
        {
            f"{entry.table}/{member}": wanted[name]
            for name, entry in datasets.items()
            for member in ("id", "run", "state", *(f"codes/{d}" for d in entry.dimensions))
        }
        | {
            f"files/{name}/offsets": np.concatenate([wanted[name], wanted[name] + 1])
            for name, entry in datasets.items()
            if entry.files
        }
    )
    tables: _Tables = {}
    new_tasks = {label: _take_quanta(task, columns, quanta[label], tables) for label, task in tasks.items()}
    for name, entry in datasets.items():
        members = ("id", "run", "state", *(f"codes/{d}" for d in entry.dimensions))
        tables[entry.table] = {member: columns.take(f"{entry.table}/{member}", wanted[name]) for member in members}
    files = {name: _file_places(name, columns, wanted[name]) for name, entry in datasets.items() if entry.files}
    codes = _used_codes(tables)
    dimensions = {*(t.dimensions for t in tasks.values()), *(d.dimensions for d in datasets.values())}
    keys = _record_keys(structure, [universe.conform(names) for names in dimensions], tables)
    columns.prefetch(
        {f"dimension/{name}": used for name, used in codes.items()}
        | {f"files/{name}/{member}": places for name, (_, places) in files.items() for member in FILE_COLUMNS},
        {f"records/{name}/key": key for name, key in keys.items()},
    )
    for name, (offsets, places) in files.items():
        tables[f"files/{name}"] = {"offsets": offsets} | {
            member: columns.take(f"files/{name}/{member}", places) for member in FILE_COLUMNS
        }
    new_datasets = {
        name: replace(entry, rows=len(wanted[name]), files=len(files[name][1]) if name in files else 0)
        for name, entry in datasets.items()
    }
    _take_records(structure, columns, universe, keys, tables, codes=codes)
    _renumber_codes(columns, tables, codes)
    new_edges = tuple(
        _place_edge(
            replace(edge, number=number, identity=False, count=len(rows)),
            Adjacency.from_pairs(
                positions,
                np.searchsorted(wanted[edge.dataset_type], rows).astype(np.int32),
                new_tasks[edge.label].rows,
            ),
            new_datasets[edge.dataset_type],
            tables,
        )
        for number, (edge, (positions, rows)) in enumerate(zip(edges, pairs, strict=True))
    )
    new_init = {
        label: replace(
            entry,
            connections=tuple(
                replace(item, row=int(np.searchsorted(wanted[item.dataset_type], item.row)))
                for item in entry.connections
            ),
        )
        for label, entry in init.items()
    }
    chosen = GraphStructure(
        tasks=new_tasks,
        datasets=new_datasets,
        edges=new_edges,
        init=new_init,
        records={name: names for name, names in structure.records.items() if f"records/{name}" in tables},
        dropped={},
    )
    return chosen, MemoryColumns(tables)


def _dataset_rows(
    edges: list[EdgeEntry],
    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    init: Mapping[str, InitEntry],
) -> dict[str, NDArray[np.int64]]:
    """Collect the rows of each dataset type that any edge or init connection names."""
    named: dict[str, list[NDArray[np.int64]]] = {}
    for edge, (_, rows) in zip(edges, pairs, strict=True):
        named.setdefault(edge.dataset_type, []).append(rows)
    for entry in init.values():
        for item in entry.connections:
            named.setdefault(item.dataset_type, []).append(np.array([item.row], dtype=np.int64))
    return {name: _distinct(np.concatenate(parts)) for name, parts in named.items()}


def _distinct(numbers: NDArray[Any]) -> NDArray[Any]:
    """Give the distinct numbers, ascending (np.unique would import numpy.ma)."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _take_quanta(entry: TaskEntry, columns: ColumnSource, rows: Rows, tables: _Tables) -> TaskEntry:
    members = ("id", *(f"codes/{name}" for name in entry.dimensions))
    tables[entry.table] = {name: columns.take(f"{entry.table}/{name}", rows) for name in members}
    ids = tables[entry.table]["id"]
    order = np.arange(len(ids)) if entry.ascending_ids else np.argsort(as_keys(ids), kind="stable")
    if not entry.ascending_ids:
        tables[f"quanta_by_id/{entry.label}"] = {"id": ids[order], "row": order.astype(np.int32)}
    return replace(entry, rows=len(rows), id_range=(ids[order[0]].tobytes(), ids[order[-1]].tobytes()))


def _file_places(name: str, columns: ColumnSource, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the new offsets, and the rows of the old file records, of some datasets."""
    both = columns.take(f"files/{name}/offsets", np.concatenate([rows, rows + 1])).astype(np.int64)
    counts = both[len(rows) :] - both[: len(rows)]
    return np.concatenate([[0], np.cumsum(counts)]), expand_ranges(both[: len(rows)], counts)


def _used_codes(tables: _Tables) -> dict[str, NDArray[np.int32]]:
    """Give the codes that occur in any table, by dimension, ascending."""
    used: dict[str, list[NDArray[np.int32]]] = {}
    for members in tables.values():
        for name, column in members.items():
            if name.startswith("codes/"):
                used.setdefault(name.removeprefix("codes/"), []).append(column)
    return {name: _distinct(np.concatenate(parts)) for name, parts in used.items()}


def _renumber_codes(columns: ColumnSource, tables: _Tables, codes: Mapping[str, NDArray[np.int32]]) -> None:
    """Give all tables dictionaries of their own, in place."""
    for members in tables.values():
        for name, column in members.items():
            if name.startswith("codes/"):
                members[name] = np.searchsorted(codes[name.removeprefix("codes/")], column).astype(np.int32)
    tables["dimension"] = {name: columns.take(f"dimension/{name}", used) for name, used in codes.items()}


def _record_keys(
    structure: GraphStructure, groups: Sequence[DimensionGroup], tables: _Tables
) -> dict[str, NDArray[np.uint8]]:
    """Give the keys of the records that the data IDs of all tables need, by element, each once and sorted."""
    keys: dict[str, NDArray[np.uint8]] = {}
    for name in structure.records:
        group = next((group for group in groups if name in group.elements), None)
        if group is None:
            continue
        required = [f"codes/{dimension}" for dimension in group.universe[name].required]
        parts = [
            pack_codes([members[column] for column in required], len(members["id"]))
            for table, members in tables.items()
            if table.startswith(("quanta/", "datasets/")) and all(column in members for column in required)
        ]
        packed = np.concatenate(parts)
        ordered = packed[np.argsort(as_keys(packed), kind="stable")]
        first = np.ones(len(ordered), dtype=bool)
        first[1:] = as_keys(ordered)[1:] != as_keys(ordered)[:-1]
        keys[name] = ordered[first]
    return keys


def _take_records(
    structure: GraphStructure,
    columns: ColumnSource,
    universe: DimensionUniverse,
    keys: Mapping[str, NDArray[np.uint8]],
    tables: _Tables,
    *,
    codes: Mapping[str, NDArray[np.int32]],
) -> None:
    """Add the records with these keys, under keys of the new codes."""
    found = {name: columns.search(f"records/{name}/key", key) for name, key in keys.items()}
    columns.prefetch(
        {
            f"records/{name}/{column}": rows[rows >= 0]
            for name, rows in found.items()
            for column in structure.records[name]
        }
    )
    for name, rows in found.items():
        hits = rows >= 0
        old = keys[name][hits].view(">i4").astype(np.int32)
        new = [np.searchsorted(codes[d], old[:, number]) for number, d in enumerate(universe[name].required)]
        tables[f"records/{name}"] = {"key": pack_codes(new, int(hits.sum()))} | {
            column: columns.take(f"records/{name}/{column}", rows[hits]) for column in structure.records[name]
        }


def _place_edge(edge: EdgeEntry, forward: Adjacency, dataset: DatasetEntry, tables: _Tables) -> EdgeEntry:
    back = forward.reversed(dataset.rows)
    tables[edge.table] = {
        "forward_offsets": forward.offsets,
        "forward_targets": forward.targets,
        "back_offsets": back.offsets,
        "back_targets": back.targets,
    }
    return edge
