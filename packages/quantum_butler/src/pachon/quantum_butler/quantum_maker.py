# SPDX-License-Identifier: BSD-3-Clause
"""Quanta and dataset references as objects, made of a graph's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import DatasetRef, DatasetType, Quantum, uuids_from_ids
from pachon.dimensions import DataCoordinate, DimensionUniverse
from pachon.quantum_butler.column_source import ColumnSource, Rows
from pachon.quantum_butler.expansion import DataIdExpander, LazyRecords
from pachon.quantum_butler.neighbours import follow_many
from pachon.quantum_butler.structure import DatasetEntry, EdgeEntry, GraphStructure, InitEntry
from pachon.quantum_butler.tables import InitConnection

__all__ = ["QuantumMaker", "batches"]

_KEPT_ROWS: Final = 5000


class QuantumMaker:
    """Makes quanta and references with expanded data IDs, many at a time.

    Parameters
    ----------
    structure, columns, universe
        The graph.
    keep
        Whether references to datasets are made together and kept: for a graph that was cut out of a larger one, since all
        that it has is wanted, most of it more than once. Types with very many datasets are left out.
    """

    def __init__(
        self, structure: GraphStructure, columns: ColumnSource, universe: DimensionUniverse, *, keep: bool = False
    ) -> None:
        self._structure = structure
        self._keep = keep
        self._kept: dict[str, list[DatasetRef]] = {}
        self._columns = columns
        self._universe = universe
        self._expander = DataIdExpander(universe, columns, structure.records)
        self._variant = lru_cache(maxsize=None)(self._make_variant)

    def dataset_type(self, name: str) -> DatasetType:
        """Give a dataset type of the graph."""
        return self._variant(name, None, None)

    def refs(self, name: str, rows: Rows) -> list[DatasetRef]:
        """Make references to datasets of a type."""
        entry = self._structure.datasets[name]
        if not self._keep or entry.rows > _KEPT_ROWS:
            return self._new_refs(entry, rows)
        if name not in self._kept:
            self._kept[name] = self._new_refs(entry, np.arange(entry.rows))
        kept = self._kept[name]
        return [kept[row] for row in rows.tolist()]

    def _new_refs(self, entry: DatasetEntry, rows: Rows) -> list[DatasetRef]:
        members = ("id", "run", *(f"codes/{dimension}" for dimension in entry.dimensions))
        self._columns.prefetch({f"{entry.table}/{member}": rows for member in members})
        ids = uuids_from_ids(self._columns.take(f"{entry.table}/id", rows))
        runs = self._columns.take(f"{entry.table}/run", rows).tolist()
        data_ids = self._data_ids(entry.table, entry.dimensions, rows)
        dataset_type = self.dataset_type(entry.name)
        return [
            DatasetRef(dataset_type, data_id, entry.runs[run], id=id_)
            for data_id, run, id_ in zip(data_ids, runs, ids, strict=True)
        ]

    def quanta(self, label: str, rows: Rows) -> list[Quantum]:
        """Make quanta of a task."""
        task = self._structure.tasks[label]
        columns = self._columns
        own = {f"{task.table}/{m}": rows for m in ("id", *(f"codes/{d}" for d in task.dimensions))}
        edges = self._structure.edges_of(label)
        pairs = follow_many(columns, [(edge, rows) for edge in edges], "forward", also=own)
        refs = self._refs_by_row(edges, pairs)
        inputs: list[dict[str, tuple[DatasetRef, ...]]] = [{} for _ in rows]
        outputs: list[dict[str, tuple[DatasetRef, ...]]] = [{} for _ in rows]
        for edge, (positions, targets) in zip(edges, pairs, strict=True):
            variant = self._variant(edge.dataset_type, edge.component, edge.storage_class)
            plain = variant == self.dataset_type(edge.dataset_type)
            known = refs[edge.dataset_type]
            bounds = np.searchsorted(positions, np.arange(len(rows) + 1)).tolist()
            numbers = targets.tolist()
            for number, side in enumerate(outputs if edge.kind == "output" else inputs):
                members = (known[row] for row in numbers[bounds[number] : bounds[number + 1]])
                side[edge.connection] = tuple(members if plain else (ref.with_dataset_type(variant) for ref in members))
        init = self.init(self._structure.init[label]) if label in self._structure.init else ({}, {})
        data_ids = self._data_ids(task.table, task.dimensions, rows)
        ids = uuids_from_ids(columns.take(f"{task.table}/id", rows))
        return [
            Quantum(
                id=id_,
                task_label=label,
                data_id=data_id,
                inputs=own_inputs,
                outputs=own_outputs,
                init_inputs=init[0],
                init_outputs=init[1],
            )
            for id_, data_id, own_inputs, own_outputs in zip(ids, data_ids, inputs, outputs, strict=True)
        ]

    def init(self, entry: InitEntry) -> tuple[dict[str, DatasetRef], dict[str, DatasetRef]]:
        """Make the references that the construction of a task reads and writes, by connection."""
        found: dict[str, dict[str, DatasetRef]] = {"init_input": {}, "init_output": {}}
        for item in entry.connections:
            found[item.kind][item.connection] = self._init_ref(item)
        return found["init_input"], found["init_output"]

    def init_quantum(self, entry: InitEntry) -> Quantum:
        """Make the quantum that stands for the construction of a task."""
        init_inputs, init_outputs = self.init(entry)
        empty = self._universe.empty
        return Quantum(
            id=entry.id,
            task_label=entry.label,
            data_id=DataCoordinate(empty, (), LazyRecords(self._expander, empty, ())),
            inputs={},
            outputs={},
            init_inputs=init_inputs,
            init_outputs=init_outputs,
        )

    def _init_ref(self, item: InitConnection) -> DatasetRef:
        (ref,) = self.refs(item.dataset_type, np.array([item.row]))
        return ref.with_dataset_type(self._variant(item.dataset_type, item.component, item.storage_class))

    def _refs_by_row(
        self, edges: tuple[EdgeEntry, ...], pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    ) -> dict[str, Mapping[int, DatasetRef]]:
        """Make each dataset's reference once, whatever the number of its connections."""
        rows: dict[str, set[int]] = {}
        for edge, (_, targets) in zip(edges, pairs, strict=True):
            rows.setdefault(edge.dataset_type, set()).update(targets.tolist())
        ordered = {name: np.array(sorted(members), dtype=np.int64) for name, members in rows.items()}
        self._columns.prefetch(
            {
                f"datasets/{name}/{member}": wanted
                for name, wanted in ordered.items()
                for member in ("id", "run", *(f"codes/{d}" for d in self._structure.datasets[name].dimensions))
            }
        )
        return {
            name: dict(zip(wanted.tolist(), self.refs(name, wanted), strict=True)) for name, wanted in ordered.items()
        }

    def _data_ids(self, table: str, dimensions: tuple[str, ...], rows: Rows) -> list[DataCoordinate]:
        codes = {name: self._columns.take(f"{table}/codes/{name}", rows) for name in dimensions}
        return self._expander.data_ids(self._universe.conform(dimensions), codes, len(rows))

    def _make_variant(self, name: str, component: str | None, storage_class: str | None) -> DatasetType:
        dataset_type = self._structure.datasets[name].dataset_type(self._universe)
        if component is not None:
            return DatasetType(
                f"{name}.{component}",
                dataset_type.dimensions,
                storage_class or "",
                is_calibration=dataset_type.is_calibration,
                parent_storage_class=dataset_type.storage_class,
            )
        return dataset_type if storage_class is None else dataset_type.with_storage_class(storage_class)


def batches(count: int, size: int) -> Iterator[NDArray[np.int64]]:
    """Give the row numbers of a table in pieces."""
    for start in range(0, count, size):
        yield np.arange(start, min(start + size, count))
