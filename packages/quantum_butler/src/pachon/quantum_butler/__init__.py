# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs: columns, file, picture, and a butler that needs no database."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.quantum_butler.adjacency import Adjacency
    from pachon.quantum_butler.column_file.layout import GraphFileError
    from pachon.quantum_butler.data_id_query import DataIdQuery
    from pachon.quantum_butler.dataset_state import DatasetState
    from pachon.quantum_butler.drop_reason import DropReason
    from pachon.quantum_butler.errors import DatasetNotInGraphError, NoDatastoreError, NotPredictedError, ReceiptError
    from pachon.quantum_butler.explanation import Explanation, TaskExplanation
    from pachon.quantum_butler.graph import QuantumGraph
    from pachon.quantum_butler.header import DatastoreSource, GraphHeader
    from pachon.quantum_butler.quantum_backed_butler import QuantumBackedButler
    from pachon.quantum_butler.quantum_table import QuantumTable
    from pachon.quantum_butler.receipt import (
        QuantumProvenance,
        Receipt,
        find_receipts,
        find_receipts_of_run,
        latest_records,
        read_receipt,
        receipt_folder,
        write_receipt,
    )
    from pachon.quantum_butler.record_store import GraphRecordStore
    from pachon.quantum_butler.run_places import RECEIPT_FOLDER, graphs_folder, notes_folder, run_folder
    from pachon.quantum_butler.tables import (
        ConnectionEdges,
        DatasetNodes,
        DroppedQuanta,
        GraphTables,
        InitConnection,
        TaskQuanta,
    )

__all__ = [
    "RECEIPT_FOLDER",
    "Adjacency",
    "ConnectionEdges",
    "DataIdQuery",
    "DatasetNodes",
    "DatasetNotInGraphError",
    "DatasetState",
    "DatastoreSource",
    "DropReason",
    "DroppedQuanta",
    "Explanation",
    "GraphFileError",
    "GraphHeader",
    "GraphRecordStore",
    "GraphTables",
    "InitConnection",
    "NoDatastoreError",
    "NotPredictedError",
    "QuantumBackedButler",
    "QuantumGraph",
    "QuantumProvenance",
    "QuantumTable",
    "Receipt",
    "ReceiptError",
    "TaskExplanation",
    "TaskQuanta",
    "find_receipts",
    "find_receipts_of_run",
    "graphs_folder",
    "latest_records",
    "notes_folder",
    "read_receipt",
    "receipt_folder",
    "run_folder",
    "write_receipt",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Adjacency": "pachon.quantum_butler.adjacency",
        "ConnectionEdges": "pachon.quantum_butler.tables",
        "DataIdQuery": "pachon.quantum_butler.data_id_query",
        "DatasetNodes": "pachon.quantum_butler.tables",
        "DatasetNotInGraphError": "pachon.quantum_butler.errors",
        "DatasetState": "pachon.quantum_butler.dataset_state",
        "DatastoreSource": "pachon.quantum_butler.header",
        "DropReason": "pachon.quantum_butler.drop_reason",
        "DroppedQuanta": "pachon.quantum_butler.tables",
        "Explanation": "pachon.quantum_butler.explanation",
        "GraphFileError": "pachon.quantum_butler.column_file.layout",
        "GraphHeader": "pachon.quantum_butler.header",
        "GraphRecordStore": "pachon.quantum_butler.record_store",
        "GraphTables": "pachon.quantum_butler.tables",
        "InitConnection": "pachon.quantum_butler.tables",
        "NoDatastoreError": "pachon.quantum_butler.errors",
        "NotPredictedError": "pachon.quantum_butler.errors",
        "QuantumBackedButler": "pachon.quantum_butler.quantum_backed_butler",
        "QuantumGraph": "pachon.quantum_butler.graph",
        "QuantumProvenance": "pachon.quantum_butler.receipt",
        "QuantumTable": "pachon.quantum_butler.quantum_table",
        "RECEIPT_FOLDER": "pachon.quantum_butler.run_places",
        "Receipt": "pachon.quantum_butler.receipt",
        "ReceiptError": "pachon.quantum_butler.errors",
        "TaskExplanation": "pachon.quantum_butler.explanation",
        "TaskQuanta": "pachon.quantum_butler.tables",
        "find_receipts": "pachon.quantum_butler.receipt",
        "find_receipts_of_run": "pachon.quantum_butler.receipt",
        "graphs_folder": "pachon.quantum_butler.run_places",
        "latest_records": "pachon.quantum_butler.receipt",
        "notes_folder": "pachon.quantum_butler.run_places",
        "read_receipt": "pachon.quantum_butler.receipt",
        "receipt_folder": "pachon.quantum_butler.receipt",
        "run_folder": "pachon.quantum_butler.run_places",
        "write_receipt": "pachon.quantum_butler.receipt",
    },
)
