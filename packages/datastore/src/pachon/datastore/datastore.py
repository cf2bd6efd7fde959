# SPDX-License-Identifier: BSD-3-Clause
"""The interface of all datastores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from pachon.base import InvalidInputError, PachonError, load_plugin
from pachon.datasets import (
    DatasetProvenance,
    DatasetRef,
    DatasetTable,
    DatasetType,
    FileDataset,
    StorageClasses,
    ids_from_uuids,
)
from pachon.datastore.config import DatastoreConfig
from pachon.datastore.deferred import DeferredDataset
from pachon.datastore.record_store import RecordStore
from pachon.datastore.records import FileRecords, NewFileRecords, StoredFile
from pachon.datastore.removal import Removal
from pachon.datastore.write_token import unique_token
from pachon.dimensions import DimensionUniverse
from pachon.resources import ResourcePath, ResourcePathExpression

__all__ = ["Datastore"]


class Datastore(ABC):
    """Turns references with objects into stored files, and back.

    It never decides which dataset is meant, opens no database and commits nothing: who calls it adds the records that
    it gives, after the files are safe, and removes records before the files. It is found by its registered name, in
    the entry-point group ``pachon.datastores``; each passes `pachon.datastore.testing.DatastoreSuite`.
    """

    config_class: ClassVar[type[DatastoreConfig]]
    """The type of its configuration."""

    name: str
    config: DatastoreConfig
    universe: DimensionUniverse
    storage_classes: StorageClasses
    records: RecordStore | None
    """Where `get` looks for records that it is not given."""

    @staticmethod
    def open(
        config: DatastoreConfig | Mapping[str, Any] | None = None,
        *,
        root: ResourcePathExpression,
        universe: DimensionUniverse,
        storage_classes: StorageClasses | None = None,
        records: RecordStore | None = None,
        new_token: Callable[[], str] = unique_token,
    ) -> Datastore:
        """Make the datastore that a configuration describes.

        Parameters
        ----------
        config
            A configuration, or its document; the default is a datastore of files in the repository's folder.
        root
            The repository's folder, which stands for ``<butlerRoot>`` in the configuration.
        universe
            The dimensions of the data IDs that it is going to meet.
        storage_classes
            Those of the repository; the built-in ones by default.
        records
            Where the records are kept; without, `get` must be given them.
        new_token
            Makes the write token of each new file; a registered writer has it say who wrote the file.

        Raises
        ------
        DatastoreConfigError, TemplateError
            If the configuration is wrong.
        """
        if not isinstance(config, DatastoreConfig):
            config = DatastoreConfig.from_document(config)
        datastore_class = cast(type[Datastore], load_plugin("pachon.datastores", config.type))
        return datastore_class.from_config(
            config,
            root=ResourcePath(root, force_directory=True),
            universe=universe,
            storage_classes=StorageClasses.default() if storage_classes is None else storage_classes,
            records=records,
            new_token=new_token,
        )

    @classmethod
    @abstractmethod
    def from_config(
        cls,
        config: DatastoreConfig,
        *,
        root: ResourcePath,
        universe: DimensionUniverse,
        storage_classes: StorageClasses,
        records: RecordStore | None,
        new_token: Callable[[], str],
    ) -> Self:
        """Make one of a configuration of its own type; see `open`."""

    @abstractmethod
    def write_many(
        self,
        items: Sequence[tuple[Any, DatasetRef]],
        *,
        predicted: bool = False,
        provenance: DatasetProvenance | None = None,
    ) -> NewFileRecords:
        """Write objects as new files, and bring them to the medium together.

        No record is added anywhere: until the caller commits the records that this gives, the datasets do not exist.

        Parameters
        ----------
        items
            Objects, and which datasets they are to be: no components, data IDs expanded as far as the file templates
            need.
        predicted
            Write to the paths that follow from the dataset ids, in place of what may be there: for outputs of a
            quantum graph.
        provenance
            Where all of them come from, for formats that can note it.

        Raises
        ------
        InvalidInputError
            In one of its forms, if an object cannot be stored. No file is left.
        StorageError
            If the storage fails. Files that could not be removed are in no record.
        """

    @abstractmethod
    def ingest_files(
        self,
        files: Sequence[FileDataset],
        *,
        transfer: str | None = "auto",
        checksum: bool = True,
        track: bool = True,
    ) -> NewFileRecords:
        """Take in files that exist; all of them, or none.

        Parameters
        ----------
        files
            Files with the refs of the datasets in each; the first ref of a file decides on template and storage class.
            Relative paths are relative to the root.
        transfer
            None: they lie below the root already. ``copy``, ``move`` (call `remove_sources` after the commit),
            ``link``, ``hardlink``, ``symlink``, ``relsymlink``: they are brought there. ``direct``: they are recorded
            where they are, and never deleted. ``split``: None or ``direct``, each as it lies. ``auto``: None if all
            lie below the root, a link or copy if none does, else ``split`` with a warning.
        checksum
            Compute and record checksums (if the configuration wants them at all).
        track
            Record sizes and checksums; without, changed files are not noticed.

        Raises
        ------
        InvalidInputError
            In one of its forms.
        SourceFileNotFoundError
            If a file is not there.
        """

    def ingest_table(
        self,
        paths: Sequence[Any],
        datasets: DatasetTable,
        *,
        transfer: str | None,
        formatter: str | None = None,
        checksum: bool = True,
        track: bool = True,
    ) -> NewFileRecords:
        """Take in files of one dataset type with one dataset each; the bulk form of `ingest_files`.

        Parameters
        ----------
        paths
            Path or URI of each file.
        datasets
            The dataset in each.
        transfer, checksum, track
            As for `ingest_files`.
        formatter
            Registered name of the formatter that reads them all.
        """
        files = [FileDataset(path, refs=ref, formatter=formatter) for path, ref in zip(paths, datasets, strict=True)]
        return self.ingest_files(files, transfer=transfer, checksum=checksum, track=track)

    @abstractmethod
    def remove_sources(self, files: Iterable[FileDataset]) -> None:
        """Remove files that were ingested by ``move``, after their records were committed."""

    @abstractmethod
    def discard(self, records: FileRecords) -> None:
        """Remove the files that a write or ingest made, whose records will not be committed.

        Files that were only noted where they are stay. A file that cannot be removed is garbage that no record names.

        Raises
        ------
        InvalidInputError
            If the records do not come from a write or ingest of this process: only those say what was made.
        """

    @abstractmethod
    def get(
        self,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Read a dataset, or a component of it.

        Parameters
        ----------
        ref
            Which dataset; its storage class is what is given.
        records
            Its records (among others); else they are fetched.
        parameters
            What to read of it, by names that its storage class knows.
        storage_class
            Give this instead.

        Raises
        ------
        DatasetFileNotFoundError
            If there is no record, or no file.
        FileIntegrityError
            If the file is not the one that was written.
        DatasetReadError
            If it cannot be read.
        UnknownParameterError, UnknownComponentError
            If there is no such parameter or component.
        """

    def get_deferred(
        self,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> DeferredDataset:
        """Give a handle that reads the dataset when it is asked to; the arguments are those of `get`."""
        return DeferredDataset(self, ref, records=records, parameters=parameters, storage_class=storage_class)

    @abstractmethod
    def exists(self, records: FileRecords) -> NDArray[np.bool_]:
        """Tell for each row whether its file is there."""

    def sizes(self, records: FileRecords) -> NDArray[np.int64]:
        """Give for each row the bytes of its file as it is now; -1 if it is not there."""
        found = np.full(len(records), -1, dtype=np.int64)
        for row in np.flatnonzero(self.exists(records)).tolist():
            found[row] = self.uri(records.row(row)).size()
        return found

    @abstractmethod
    def remove_files(self, records: FileRecords) -> Removal:
        """Remove the files of rows that are in the trash, and say for each what became of it.

        Removed are exactly the recorded paths: no absolute ones, and none that a live record still names. A missing
        file counts as removed.
        """

    @abstractmethod
    def uri(self, record: StoredFile) -> ResourcePath:
        """Give the place of a file."""

    def uris(self, records: FileRecords) -> list[ResourcePath]:
        """Give the places of the files of all rows."""
        return [self.uri(record) for record in records.rows()]

    @abstractmethod
    def predicted_records(self, refs: Sequence[DatasetRef]) -> FileRecords:
        """Give the records that outputs of a quantum graph will have, sizes and checksums not known.

        A dataset that is taken apart has a row for each component that it may have.
        """

    def predicted_path(self, ref: DatasetRef) -> str:
        """Give the path that follows from the id of an output of a quantum graph; it is not taken apart.

        Raises
        ------
        InvalidInputError
            If it is taken apart, and so has several.
        """
        records = self.predicted_records([ref])
        if len(records) != 1:
            raise InvalidInputError(f"Dataset {ref.dataset_type.name!r} is written as {len(records)} files.")
        path = records.path[0]
        assert isinstance(path, str)
        return path

    def validate(self, dataset_types: Iterable[DatasetType], *, instruments: Iterable[str] = ()) -> list[PachonError]:
        """Compare the configuration with the dataset types and instruments that there are, and give all that is wrong."""
        return []

    def to_document(self) -> dict[str, Any]:
        """Give the whole configuration with the root spelled out, for use where the repository is not at hand."""
        return self.config.to_document(complete=True)

    def close(self) -> None:  # noqa: B027  # most have nothing to close
        """Let go of what it holds; it cannot be used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_records(self, ref: DatasetRef, records: FileRecords | None) -> FileRecords:
        if records is not None:
            return records
        if self.records is None:
            raise InvalidInputError(f"Datastore {self.name!r} was opened without a record store; pass records=.")
        return self.records.fetch(ids_from_uuids([ref.id]))
