# SPDX-License-Identifier: BSD-3-Clause
"""The same graph where its run got some of its init-outputs from another graph since it was built."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import numpy as np

from pachon.datasets import ids_from_uuids
from pachon.quantum_butler.column_source import MemoryColumns
from pachon.quantum_butler.dataset_state import DatasetState
from pachon.quantum_butler.graph import QuantumGraph
from pachon.quantum_butler.graph_file import load_columns

__all__ = ["with_known_outputs"]


def with_known_outputs(graph: QuantumGraph, ids: Mapping[str, uuid.UUID]) -> QuantumGraph:
    """Give the graph that it would be had it been built now: with the init-outputs that the run holds, not ones of its own.

    Parameters
    ----------
    graph
        The whole graph, or a part.
    ids
        By dataset type without dimensions: the id of the dataset that the run holds.
    """
    columns = load_columns(graph.columns)
    tables = {table: dict(members) for table, members in columns.tables.items()}
    for name, dataset_id in ids.items():
        entry = graph.structure.datasets[name]
        members = tables[entry.table]
        made = members["state"] != DatasetState.EXISTING
        members["id"] = np.where(made[:, None], ids_from_uuids([dataset_id]), members["id"])
        members["state"] = np.where(made, np.uint8(DatasetState.REPLACED), members["state"])
    return graph.with_columns(MemoryColumns(tables))
