# SPDX-License-Identifier: BSD-3-Clause
"""The same graph for another output run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import new_id, new_ids
from pachon.quantum_butler.column_source import MemoryColumns
from pachon.quantum_butler.dataset_state import DatasetState
from pachon.quantum_butler.structure import DatasetEntry, GraphStructure, TaskEntry

__all__ = ["rewrite_run"]

_Tables = dict[str, dict[str, NDArray[Any]]]


def rewrite_run(structure: GraphStructure, columns: MemoryColumns, run: str) -> tuple[GraphStructure, MemoryColumns]:
    """Give all quanta, init quanta and outputs new ids, and put the outputs into another run.

    Datasets that existed when the graph was built keep run and id, also those in the old output run (of a graph that
    extends it): they are there, and nowhere else.
    """
    tables: _Tables = {table: dict(members) for table, members in columns.tables.items()}
    tasks = {label: _new_quanta(entry, tables) for label, entry in structure.tasks.items()}
    datasets = {name: _new_outputs(entry, tables, run) for name, entry in structure.datasets.items()}
    init = {label: replace(entry, id=new_id()) for label, entry in structure.init.items()}
    return replace(structure, tasks=tasks, datasets=datasets, init=init), MemoryColumns(tables)


def _new_quanta(entry: TaskEntry, tables: _Tables) -> TaskEntry:
    tables.pop(f"quanta_by_id/{entry.label}", None)
    ids = tables[entry.table]["id"] = new_ids(entry.rows)
    ends = (ids[0].tobytes(), ids[-1].tobytes()) if len(ids) else (b"", b"")
    return replace(entry, ascending_ids=True, id_range=ends)


def _new_outputs(entry: DatasetEntry, tables: _Tables, run: str) -> DatasetEntry:
    members: Mapping[str, NDArray[Any]] = tables[entry.table]
    made = members["state"] != DatasetState.EXISTING
    if not made.any():
        return entry
    runs = list(dict.fromkeys([*entry.runs, run]))
    codes = np.where(made, runs.index(run), members["run"])
    used = sorted(set(codes.tolist()))
    ids = members["id"].copy()
    ids[made] = new_ids(int(made.sum()))
    tables[entry.table] |= {
        "id": ids,
        "run": np.searchsorted(used, codes).astype(np.int32),
        "state": np.where(made, DatasetState.PREDICTED, members["state"]).astype(np.uint8),
    }
    return replace(entry, runs=tuple(runs[code] for code in used))
