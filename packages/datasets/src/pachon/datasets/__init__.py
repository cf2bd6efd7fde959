# SPDX-License-Identifier: BSD-3-Clause
"""Dataset types, references, storage classes, collections, quanta, and the protocols between layers."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.datasets.collection import CollectionInfo as CollectionInfo
    from pachon.datasets.collection import CollectionType as CollectionType
    from pachon.datasets.column_table import ColumnTable as ColumnTable
    from pachon.datasets.dataset_id import DatasetId as DatasetId
    from pachon.datasets.dataset_id import IdMode as IdMode
    from pachon.datasets.dataset_id import deterministic_id as deterministic_id
    from pachon.datasets.dataset_id import deterministic_ids as deterministic_ids
    from pachon.datasets.dataset_id import id_keys as id_keys
    from pachon.datasets.dataset_id import ids_from_uuids as ids_from_uuids
    from pachon.datasets.dataset_id import new_id as new_id
    from pachon.datasets.dataset_id import new_ids as new_ids
    from pachon.datasets.dataset_id import uuids_from_ids as uuids_from_ids
    from pachon.datasets.dataset_ref import DatasetRef as DatasetRef
    from pachon.datasets.dataset_search import DatasetSearch as DatasetSearch
    from pachon.datasets.dataset_table import DatasetTable as DatasetTable
    from pachon.datasets.dataset_table import ValidityTable as ValidityTable
    from pachon.datasets.dataset_type import DatasetType as DatasetType
    from pachon.datasets.delegate import StorageClassDelegate as StorageClassDelegate
    from pachon.datasets.existence import DatasetExistence as DatasetExistence
    from pachon.datasets.file_dataset import FileDataset as FileDataset
    from pachon.datasets.file_table import FileTable as FileTable
    from pachon.datasets.protocols import DatasetReader as DatasetReader
    from pachon.datasets.protocols import DatasetWriter as DatasetWriter
    from pachon.datasets.protocols import DeferredHandle as DeferredHandle
    from pachon.datasets.protocols import FactSource as FactSource
    from pachon.datasets.provenance import DatasetProvenance as DatasetProvenance
    from pachon.datasets.quantum import Quantum as Quantum
    from pachon.datasets.storage_class import StorageClass as StorageClass
    from pachon.datasets.storage_class import StorageClasses as StorageClasses
    from pachon.datasets.storage_class import UnknownComponentError as UnknownComponentError
    from pachon.datasets.storage_class import UnknownStorageClassError as UnknownStorageClassError

__all__ = [
    "CollectionInfo",
    "CollectionType",
    "ColumnTable",
    "DatasetExistence",
    "DatasetId",
    "DatasetProvenance",
    "DatasetReader",
    "DatasetRef",
    "DatasetSearch",
    "DatasetTable",
    "DatasetType",
    "DatasetWriter",
    "DeferredHandle",
    "FactSource",
    "FileDataset",
    "FileTable",
    "IdMode",
    "Quantum",
    "StorageClass",
    "StorageClassDelegate",
    "StorageClasses",
    "UnknownComponentError",
    "UnknownStorageClassError",
    "ValidityTable",
    "deterministic_id",
    "deterministic_ids",
    "id_keys",
    "ids_from_uuids",
    "new_id",
    "new_ids",
    "uuids_from_ids",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CollectionInfo": "pachon.datasets.collection",
        "CollectionType": "pachon.datasets.collection",
        "ColumnTable": "pachon.datasets.column_table",
        "DatasetExistence": "pachon.datasets.existence",
        "DatasetId": "pachon.datasets.dataset_id",
        "DatasetProvenance": "pachon.datasets.provenance",
        "DatasetReader": "pachon.datasets.protocols",
        "DatasetRef": "pachon.datasets.dataset_ref",
        "DatasetSearch": "pachon.datasets.dataset_search",
        "DatasetTable": "pachon.datasets.dataset_table",
        "DatasetType": "pachon.datasets.dataset_type",
        "DatasetWriter": "pachon.datasets.protocols",
        "DeferredHandle": "pachon.datasets.protocols",
        "FactSource": "pachon.datasets.protocols",
        "FileDataset": "pachon.datasets.file_dataset",
        "FileTable": "pachon.datasets.file_table",
        "IdMode": "pachon.datasets.dataset_id",
        "Quantum": "pachon.datasets.quantum",
        "StorageClass": "pachon.datasets.storage_class",
        "StorageClassDelegate": "pachon.datasets.delegate",
        "StorageClasses": "pachon.datasets.storage_class",
        "UnknownComponentError": "pachon.datasets.storage_class",
        "UnknownStorageClassError": "pachon.datasets.storage_class",
        "ValidityTable": "pachon.datasets.dataset_table",
        "deterministic_id": "pachon.datasets.dataset_id",
        "deterministic_ids": "pachon.datasets.dataset_id",
        "id_keys": "pachon.datasets.dataset_id",
        "ids_from_uuids": "pachon.datasets.dataset_id",
        "new_id": "pachon.datasets.dataset_id",
        "new_ids": "pachon.datasets.dataset_id",
        "uuids_from_ids": "pachon.datasets.dataset_id",
    },
)
