# SPDX-License-Identifier: BSD-3-Clause
"""What exists: collections, dataset types, dimension records, datasets, and the queries over them."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.registry.dimension_records.expansion import ExpandedDataIds as ExpandedDataIds
    from pachon.registry.dimension_records.insertion import SyncOutcome as SyncOutcome
    from pachon.registry.errors import CalibrationLookupError as CalibrationLookupError
    from pachon.registry.errors import CollectionCycleError as CollectionCycleError
    from pachon.registry.errors import CollectionExpressionError as CollectionExpressionError
    from pachon.registry.errors import CollectionTypeError as CollectionTypeError
    from pachon.registry.errors import ConflictingDefinitionError as ConflictingDefinitionError
    from pachon.registry.errors import DatabaseBusyError as DatabaseBusyError
    from pachon.registry.errors import DatabaseError as DatabaseError
    from pachon.registry.errors import DatabaseFullError as DatabaseFullError
    from pachon.registry.errors import DatasetTypeError as DatasetTypeError
    from pachon.registry.errors import InvalidQueryError as InvalidQueryError
    from pachon.registry.errors import MissingCollectionError as MissingCollectionError
    from pachon.registry.errors import MissingDatasetTypeError as MissingDatasetTypeError
    from pachon.registry.errors import NoDefaultCollectionError as NoDefaultCollectionError
    from pachon.registry.errors import OrphanedRecordError as OrphanedRecordError
    from pachon.registry.errors import SchemaVersionError as SchemaVersionError
    from pachon.registry.errors import SealedRunError as SealedRunError
    from pachon.registry.errors import TransactionConflictError as TransactionConflictError
    from pachon.registry.errors import UnimplementedQueryError as UnimplementedQueryError
    from pachon.registry.opaque import OpaqueColumn as OpaqueColumn
    from pachon.registry.opaque import OpaqueTable as OpaqueTable
    from pachon.registry.protocol import Registry as Registry
    from pachon.registry.query.spec import QuerySpec as QuerySpec
    from pachon.registry.sql_registry import SqlRegistry as SqlRegistry

__all__ = [
    "CalibrationLookupError",
    "CollectionCycleError",
    "CollectionExpressionError",
    "CollectionTypeError",
    "ConflictingDefinitionError",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseFullError",
    "DatasetTypeError",
    "ExpandedDataIds",
    "InvalidQueryError",
    "MissingCollectionError",
    "MissingDatasetTypeError",
    "NoDefaultCollectionError",
    "OpaqueColumn",
    "OpaqueTable",
    "OrphanedRecordError",
    "QuerySpec",
    "Registry",
    "SchemaVersionError",
    "SealedRunError",
    "SqlRegistry",
    "SyncOutcome",
    "TransactionConflictError",
    "UnimplementedQueryError",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CalibrationLookupError": "pachon.registry.errors",
        "CollectionCycleError": "pachon.registry.errors",
        "CollectionExpressionError": "pachon.registry.errors",
        "CollectionTypeError": "pachon.registry.errors",
        "ConflictingDefinitionError": "pachon.registry.errors",
        "DatabaseBusyError": "pachon.registry.errors",
        "DatabaseError": "pachon.registry.errors",
        "DatabaseFullError": "pachon.registry.errors",
        "DatasetTypeError": "pachon.registry.errors",
        "ExpandedDataIds": "pachon.registry.dimension_records.expansion",
        "InvalidQueryError": "pachon.registry.errors",
        "MissingCollectionError": "pachon.registry.errors",
        "MissingDatasetTypeError": "pachon.registry.errors",
        "NoDefaultCollectionError": "pachon.registry.errors",
        "OpaqueColumn": "pachon.registry.opaque",
        "OpaqueTable": "pachon.registry.opaque",
        "OrphanedRecordError": "pachon.registry.errors",
        "QuerySpec": "pachon.registry.query.spec",
        "Registry": "pachon.registry.protocol",
        "SchemaVersionError": "pachon.registry.errors",
        "SealedRunError": "pachon.registry.errors",
        "SqlRegistry": "pachon.registry.sql_registry",
        "SyncOutcome": "pachon.registry.dimension_records.insertion",
        "TransactionConflictError": "pachon.registry.errors",
        "UnimplementedQueryError": "pachon.registry.errors",
    },
)
