# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong in a datastore, by what a caller would do about it.

::

    InvalidInputError
    ├── DatastoreConfigError              mend the configuration
    ├── TemplateError                     mend the file template
    ├── DataIdNotExpandedError            expand the data ID before writing
    ├── PathOutsideRootError              a stored path, or a template's result, would leave the root
    ├── DatasetTypeNotSupportedError      the constraints reject it: use another datastore
    ├── NoFormatterError                  name a formatter for the type in the configuration
    ├── UnknownParameterError (KeyError)  the storage class has no such parameter
    └── DatasetWriteError                 the object cannot be written in the format of its storage class
    NotFoundError
    ├── DatasetFileNotFoundError (FileNotFoundError)  recorded, but the file is gone
    └── SourceFileNotFoundError (FileNotFoundError)   a file that is to be ingested is not there
    StorageError
    └── FileIntegrityError                the file is not the one that was written
    FormatError
    └── DatasetReadError                  the file cannot be read as what its record says
"""

from collections.abc import Iterable
from uuid import UUID

from pachon.base import FormatError, InvalidInputError, NotFoundError, StorageError

__all__ = [
    "DataIdNotExpandedError",
    "DatasetFileNotFoundError",
    "DatasetReadError",
    "DatasetTypeNotSupportedError",
    "DatasetWriteError",
    "DatastoreConfigError",
    "FileIntegrityError",
    "NoFormatterError",
    "PathOutsideRootError",
    "SourceFileNotFoundError",
    "TemplateError",
    "UnknownParameterError",
]


class DatastoreConfigError(InvalidInputError):
    """The configuration of a datastore is wrong."""

    kind = "datastore_config"


class TemplateError(InvalidInputError):
    """A file template is wrong, or does not suit the dataset type."""

    kind = "template"


class DataIdNotExpandedError(InvalidInputError, RuntimeError):
    """A file template needs values that only an expanded data ID has."""

    kind = "data_id_not_expanded"


class PathOutsideRootError(InvalidInputError):
    """A path is not inside the root of the datastore."""

    kind = "path_outside_root"


class DatasetTypeNotSupportedError(InvalidInputError):
    """The constraints of the datastore reject a dataset."""

    kind = "dataset_type_not_supported"

    def __init__(self, dataset_type: str, datastore: str) -> None:
        super().__init__(dataset_type, datastore)
        self.dataset_type, self.datastore = dataset_type, datastore

    def __str__(self) -> str:
        return f"Datastore {self.datastore!r} does not accept datasets of type {self.dataset_type!r} (its constraints reject it)."


class NoFormatterError(InvalidInputError):
    """No formatter is configured for a dataset type."""

    kind = "no_formatter"

    def __init__(self, dataset_type: str, keys: tuple[str, ...]) -> None:
        super().__init__(dataset_type, keys)
        self.dataset_type, self.keys = dataset_type, keys

    def __str__(self) -> str:
        return (
            f"No formatter is configured for dataset type {self.dataset_type!r}; "
            f"name one under 'formatters' for any of {', '.join(map(repr, self.keys))}."
        )


class UnknownParameterError(InvalidInputError, KeyError):
    """A read was given parameters that the storage class does not have."""

    kind = "unknown_parameter"

    def __init__(self, storage_class: str, names: Iterable[str], known: Iterable[str]) -> None:
        self.storage_class, self.names, self.known = storage_class, tuple(sorted(names)), tuple(sorted(known))
        super().__init__(storage_class, self.names, self.known)

    def __str__(self) -> str:
        has = f"it has {', '.join(self.known)}" if self.known else "it has none"
        return f"Storage class {self.storage_class!r} has no parameter {', '.join(map(repr, self.names))}; {has}."


class DatasetWriteError(InvalidInputError):
    """An object cannot be written in the format of its storage class."""

    kind = "dataset_write"

    def __init__(self, dataset_id: UUID, dataset_type: str, formatter: str, reason: str) -> None:
        super().__init__(dataset_id, dataset_type, formatter, reason)
        self.dataset_id, self.dataset_type, self.formatter, self.reason = dataset_id, dataset_type, formatter, reason

    def __str__(self) -> str:
        return f"Dataset {self.dataset_type!r} ({self.dataset_id}) cannot be written by formatter {self.formatter!r}: {self.reason}"


class DatasetFileNotFoundError(NotFoundError, FileNotFoundError):
    """A dataset is recorded, or was expected, but there is no file."""

    kind = "dataset_file_not_found"

    def __init__(self, dataset_id: UUID, dataset_type: str, uri: str | None = None, datastore: str = "") -> None:
        super().__init__(dataset_id, dataset_type, uri, datastore)
        self.dataset_id, self.dataset_type, self.uri, self.datastore = dataset_id, dataset_type, uri, datastore

    def __str__(self) -> str:
        if self.uri is None:
            return (
                f"Datastore {self.datastore!r} holds no file of dataset {self.dataset_type!r} ({self.dataset_id}): "
                f"it was never stored here, or was unstored."
            )
        return f"The file of dataset {self.dataset_type!r} ({self.dataset_id}) is missing: {self.uri}"


class SourceFileNotFoundError(NotFoundError, FileNotFoundError):
    """A file that is to be ingested does not exist."""

    kind = "source_file_not_found"

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.uri = uri

    def __str__(self) -> str:
        return f"The file to ingest does not exist: {self.uri}"


class FileIntegrityError(StorageError):
    """A file is not the one that was written: its size or checksum differs from the record."""

    kind = "file_integrity"

    def __init__(
        self, dataset_id: UUID, dataset_type: str, uri: str, *, quantity: str, recorded: object, found: object
    ) -> None:
        super().__init__(dataset_id, dataset_type, uri)
        self.dataset_id, self.dataset_type, self.uri = dataset_id, dataset_type, uri
        self.quantity, self.recorded, self.found = quantity, recorded, found

    def __str__(self) -> str:
        return (
            f"The file of dataset {self.dataset_type!r} ({self.dataset_id}) changed since it was written: "
            f"its {self.quantity} is {self.found}, recorded was {self.recorded}: {self.uri}"
        )


class DatasetReadError(FormatError):
    """A file cannot be read as what its record says it is."""

    kind = "dataset_read"

    def __init__(self, dataset_id: UUID, dataset_type: str, uri: str, reason: str) -> None:
        super().__init__(dataset_id, dataset_type, uri, reason)
        self.dataset_id, self.dataset_type, self.uri, self.reason = dataset_id, dataset_type, uri, reason

    def __str__(self) -> str:
        return f"Dataset {self.dataset_type!r} ({self.dataset_id}) cannot be read from {self.uri}: {self.reason}"
