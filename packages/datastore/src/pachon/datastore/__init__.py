# SPDX-License-Identifier: BSD-3-Clause
"""Where and how datasets are stored: datastores, formatters, file templates, records."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.datastore.aliases import formatter_name as formatter_name
    from pachon.datastore.aliases import lsst_formatter_name as lsst_formatter_name
    from pachon.datastore.composites import Composites as Composites
    from pachon.datastore.config import BUTLER_ROOT as BUTLER_ROOT
    from pachon.datastore.config import DatastoreConfig as DatastoreConfig
    from pachon.datastore.config import FileDatastoreConfig as FileDatastoreConfig
    from pachon.datastore.config import MemoryDatastoreConfig as MemoryDatastoreConfig
    from pachon.datastore.constraints import Constraints as Constraints
    from pachon.datastore.datastore import Datastore as Datastore
    from pachon.datastore.default_formatters import DEFAULT_FORMATTERS as DEFAULT_FORMATTERS
    from pachon.datastore.default_templates import DEFAULT_TEMPLATES as DEFAULT_TEMPLATES
    from pachon.datastore.deferred import DeferredDataset as DeferredDataset
    from pachon.datastore.errors import DataIdNotExpandedError as DataIdNotExpandedError
    from pachon.datastore.errors import DatasetFileNotFoundError as DatasetFileNotFoundError
    from pachon.datastore.errors import DatasetReadError as DatasetReadError
    from pachon.datastore.errors import DatasetTypeNotSupportedError as DatasetTypeNotSupportedError
    from pachon.datastore.errors import DatasetWriteError as DatasetWriteError
    from pachon.datastore.errors import DatastoreConfigError as DatastoreConfigError
    from pachon.datastore.errors import FileIntegrityError as FileIntegrityError
    from pachon.datastore.errors import NoFormatterError as NoFormatterError
    from pachon.datastore.errors import PathOutsideRootError as PathOutsideRootError
    from pachon.datastore.errors import SourceFileNotFoundError as SourceFileNotFoundError
    from pachon.datastore.errors import TemplateError as TemplateError
    from pachon.datastore.errors import UnknownParameterError as UnknownParameterError
    from pachon.datastore.file_datastore import FileDatastore as FileDatastore
    from pachon.datastore.file_store import checksum_of_bytes as checksum_of_bytes
    from pachon.datastore.file_store import checksum_of_file as checksum_of_file
    from pachon.datastore.file_templates import FileTemplates as FileTemplates
    from pachon.datastore.formatter import FileDescriptor as FileDescriptor
    from pachon.datastore.formatter import Formatter as Formatter
    from pachon.datastore.formatter_table import load_formatter as load_formatter
    from pachon.datastore.ingesting import IngestMode as IngestMode
    from pachon.datastore.lookup_key import LookupKey as LookupKey
    from pachon.datastore.lookup_key import candidate_keys as candidate_keys
    from pachon.datastore.memory_datastore import MemoryDatastore as MemoryDatastore
    from pachon.datastore.record_store import RecordStore as RecordStore
    from pachon.datastore.records import FILE_RECORD_COLUMNS as FILE_RECORD_COLUMNS
    from pachon.datastore.records import FileRecords as FileRecords
    from pachon.datastore.records import IdArray as IdArray
    from pachon.datastore.records import NewFileRecords as NewFileRecords
    from pachon.datastore.records import RecordColumn as RecordColumn
    from pachon.datastore.records import StoredFile as StoredFile
    from pachon.datastore.records import file_part as file_part
    from pachon.datastore.removal import Removal as Removal
    from pachon.datastore.removal import RemovalOutcome as RemovalOutcome
    from pachon.datastore.template import FileTemplate as FileTemplate
    from pachon.datastore.write_token import predicted_token as predicted_token

__all__ = [
    "BUTLER_ROOT",
    "DEFAULT_FORMATTERS",
    "DEFAULT_TEMPLATES",
    "FILE_RECORD_COLUMNS",
    "Composites",
    "Constraints",
    "DataIdNotExpandedError",
    "DatasetFileNotFoundError",
    "DatasetReadError",
    "DatasetTypeNotSupportedError",
    "DatasetWriteError",
    "Datastore",
    "DatastoreConfig",
    "DatastoreConfigError",
    "DeferredDataset",
    "FileDatastore",
    "FileDatastoreConfig",
    "FileDescriptor",
    "FileIntegrityError",
    "FileRecords",
    "FileTemplate",
    "FileTemplates",
    "Formatter",
    "IdArray",
    "IngestMode",
    "LookupKey",
    "MemoryDatastore",
    "MemoryDatastoreConfig",
    "NewFileRecords",
    "NoFormatterError",
    "PathOutsideRootError",
    "RecordColumn",
    "RecordStore",
    "Removal",
    "RemovalOutcome",
    "SourceFileNotFoundError",
    "StoredFile",
    "TemplateError",
    "UnknownParameterError",
    "candidate_keys",
    "checksum_of_bytes",
    "checksum_of_file",
    "file_part",
    "formatter_name",
    "load_formatter",
    "lsst_formatter_name",
    "predicted_token",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BUTLER_ROOT": "pachon.datastore.config",
        "DEFAULT_FORMATTERS": "pachon.datastore.default_formatters",
        "DEFAULT_TEMPLATES": "pachon.datastore.default_templates",
        "FILE_RECORD_COLUMNS": "pachon.datastore.records",
        "Composites": "pachon.datastore.composites",
        "Constraints": "pachon.datastore.constraints",
        "DataIdNotExpandedError": "pachon.datastore.errors",
        "DatasetFileNotFoundError": "pachon.datastore.errors",
        "DatasetReadError": "pachon.datastore.errors",
        "DatasetTypeNotSupportedError": "pachon.datastore.errors",
        "DatasetWriteError": "pachon.datastore.errors",
        "Datastore": "pachon.datastore.datastore",
        "DatastoreConfig": "pachon.datastore.config",
        "DatastoreConfigError": "pachon.datastore.errors",
        "DeferredDataset": "pachon.datastore.deferred",
        "FileDatastore": "pachon.datastore.file_datastore",
        "FileDatastoreConfig": "pachon.datastore.config",
        "FileDescriptor": "pachon.datastore.formatter",
        "FileIntegrityError": "pachon.datastore.errors",
        "FileRecords": "pachon.datastore.records",
        "FileTemplate": "pachon.datastore.template",
        "FileTemplates": "pachon.datastore.file_templates",
        "Formatter": "pachon.datastore.formatter",
        "IdArray": "pachon.datastore.records",
        "IngestMode": "pachon.datastore.ingesting",
        "LookupKey": "pachon.datastore.lookup_key",
        "MemoryDatastore": "pachon.datastore.memory_datastore",
        "MemoryDatastoreConfig": "pachon.datastore.config",
        "NewFileRecords": "pachon.datastore.records",
        "NoFormatterError": "pachon.datastore.errors",
        "PathOutsideRootError": "pachon.datastore.errors",
        "RecordColumn": "pachon.datastore.records",
        "RecordStore": "pachon.datastore.record_store",
        "Removal": "pachon.datastore.removal",
        "RemovalOutcome": "pachon.datastore.removal",
        "SourceFileNotFoundError": "pachon.datastore.errors",
        "StoredFile": "pachon.datastore.records",
        "TemplateError": "pachon.datastore.errors",
        "UnknownParameterError": "pachon.datastore.errors",
        "candidate_keys": "pachon.datastore.lookup_key",
        "checksum_of_bytes": "pachon.datastore.file_store",
        "checksum_of_file": "pachon.datastore.file_store",
        "file_part": "pachon.datastore.records",
        "formatter_name": "pachon.datastore.aliases",
        "load_formatter": "pachon.datastore.formatter_table",
        "lsst_formatter_name": "pachon.datastore.aliases",
        "predicted_token": "pachon.datastore.write_token",
    },
)
