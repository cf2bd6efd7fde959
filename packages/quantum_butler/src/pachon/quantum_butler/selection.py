# SPDX-License-Identifier: BSD-3-Clause
"""A small graph of some quanta, cut out of a large one with a few reads.

The result has the same plan of columns as any graph, with rows and codes numbered anew, all in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    columns.prefetch(
        {
            f"{task.table}/{name}": quanta[label]
            for label, task in tasks.items()
            for name in ("id", *(f"codes/{d}" for d in task.dimensions))
        }
    )
    pairs = follow_many(columns, [(edge, quanta[edge.label]) for edge in edges], "forward")
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
    new_datasets = {name: _take_datasets(entry, columns, wanted[name], tables) for name, entry in datasets.items()}
    renumbered = _renumber_codes(tables, columns)
    dimensions = [*(t.dimensions for t in new_tasks.values()), *(d.dimensions for d in new_datasets.values())]
    _take_records(structure, columns, {names: universe.conform(names) for names in dimensions}, tables, renumbered)
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


def _take_datasets(entry: DatasetEntry, columns: ColumnSource, rows: Rows, tables: _Tables) -> DatasetEntry:
    members = ("id", "run", "state", *(f"codes/{name}" for name in entry.dimensions))
    tables[entry.table] = {name: columns.take(f"{entry.table}/{name}", rows) for name in members}
    files = 0
    if entry.files:
        both = columns.take(f"files/{entry.name}/offsets", np.concatenate([rows, rows + 1])).astype(np.int64)
        counts = both[len(rows) :] - both[: len(rows)]
        places = expand_ranges(both[: len(rows)], counts)
        files = len(places)
        if files:
            columns.prefetch({f"files/{entry.name}/{name}": places for name in FILE_COLUMNS})
            offsets = np.concatenate([[0], np.cumsum(counts)])
            tables[f"files/{entry.name}"] = {"offsets": offsets} | {
                name: columns.take(f"files/{entry.name}/{name}", places) for name in FILE_COLUMNS
            }
    return replace(entry, rows=len(rows), files=files)


def _renumber_codes(tables: _Tables, columns: ColumnSource) -> dict[str, NDArray[np.int32]]:
    """Give all tables dictionaries of their own, in place; return the old code of each new one, by dimension."""
    used: dict[str, list[NDArray[np.int32]]] = {}
    for members in tables.values():
        for name, column in members.items():
            if name.startswith("codes/"):
                used.setdefault(name.removeprefix("codes/"), []).append(column)
    old = {name: _distinct(np.concatenate(parts)) for name, parts in used.items()}
    columns.prefetch({f"dimension/{name}": codes for name, codes in old.items()})
    tables["dimension"] = {name: columns.take(f"dimension/{name}", codes) for name, codes in old.items()}
    for members in tables.values():
        for name, column in members.items():
            if name.startswith("codes/"):
                members[name] = np.searchsorted(old[name.removeprefix("codes/")], column).astype(np.int32)
    return old


def _take_records(
    structure: GraphStructure,
    columns: ColumnSource,
    groups: Mapping[tuple[str, ...], DimensionGroup],
    tables: _Tables,
    old: Mapping[str, NDArray[np.int32]],
) -> None:
    """Add the records that the data IDs of all tables need."""
    if not groups:
        return
    universe = next(iter(groups.values())).universe
    elements = [name for name in structure.records if any(name in group.elements for group in groups.values())]
    keys: dict[str, NDArray[np.uint8]] = {}
    for name in elements:
        required = universe[name].required
        parts = [
            pack_codes([old[d][members[f"codes/{d}"]] for d in required], len(members["id"]))
            for table, members in tables.items()
            if table.startswith(("quanta/", "datasets/")) and all(f"codes/{d}" in members for d in required)
        ]
        packed = np.concatenate(parts)
        order = np.argsort(as_keys(packed), kind="stable")
        ordered = packed[order]
        first = np.ones(len(ordered), dtype=bool)
        first[1:] = as_keys(ordered)[1:] != as_keys(ordered)[:-1]
        keys[name] = ordered[first]
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
        codes = keys[name][hits].view(">i4").astype(np.int32)
        renumbered = [np.searchsorted(old[d], codes[:, n]) for n, d in enumerate(universe[name].required)]
        tables[f"records/{name}"] = {"key": pack_codes(renumbered, int(hits.sum()))} | {
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
