# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs: columns, file, picture, and a butler that needs no database."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.quantum_butler.adjacency import Adjacency
    from pachon.quantum_butler.column_file.layout import GraphFileError
    from pachon.quantum_butler.dataset_state import DatasetState
    from pachon.quantum_butler.drop_reason import DropReason
    from pachon.quantum_butler.explanation import Explanation, TaskExplanation
    from pachon.quantum_butler.graph import QuantumGraph
    from pachon.quantum_butler.header import DatastoreSource, GraphHeader
    from pachon.quantum_butler.quantum_table import QuantumTable
    from pachon.quantum_butler.tables import (
        ConnectionEdges,
        DatasetNodes,
        DroppedQuanta,
        GraphTables,
        InitConnection,
        TaskQuanta,
    )

__all__ = [
    "Adjacency",
    "ConnectionEdges",
    "DatasetNodes",
    "DatasetState",
    "DatastoreSource",
    "DropReason",
    "DroppedQuanta",
    "Explanation",
    "GraphFileError",
    "GraphHeader",
    "GraphTables",
    "InitConnection",
    "QuantumGraph",
    "QuantumTable",
    "TaskExplanation",
    "TaskQuanta",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Adjacency": "pachon.quantum_butler.adjacency",
        "ConnectionEdges": "pachon.quantum_butler.tables",
        "DatasetNodes": "pachon.quantum_butler.tables",
        "DatasetState": "pachon.quantum_butler.dataset_state",
        "DatastoreSource": "pachon.quantum_butler.header",
        "DropReason": "pachon.quantum_butler.drop_reason",
        "DroppedQuanta": "pachon.quantum_butler.tables",
        "Explanation": "pachon.quantum_butler.explanation",
        "GraphFileError": "pachon.quantum_butler.column_file.layout",
        "GraphHeader": "pachon.quantum_butler.header",
        "GraphTables": "pachon.quantum_butler.tables",
        "InitConnection": "pachon.quantum_butler.tables",
        "QuantumGraph": "pachon.quantum_butler.graph",
        "QuantumTable": "pachon.quantum_butler.quantum_table",
        "TaskExplanation": "pachon.quantum_butler.explanation",
        "TaskQuanta": "pachon.quantum_butler.tables",
    },
)
