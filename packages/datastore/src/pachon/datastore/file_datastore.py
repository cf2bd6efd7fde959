# SPDX-License-Identifier: BSD-3-Clause
"""A datastore of files, below a folder or in an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pachon.base import InvalidInputError, PachonError
from pachon.datasets import DatasetProvenance, DatasetRef, DatasetTable, DatasetType, FileDataset, StorageClasses
from pachon.datastore.config import DatastoreConfig, FileDatastoreConfig
from pachon.datastore.datastore import Datastore
from pachon.datastore.errors import DatastoreConfigError
from pachon.datastore.faults import reach
from pachon.datastore.file_check import FileCheck, check_files
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.ingesting import ingest_files, remove_sources
from pachon.datastore.noting import can_note, note_files
from pachon.datastore.reading import read_dataset
from pachon.datastore.record_store import RecordStore
from pachon.datastore.records import FileRecords, NewFileRecords, StoredFile, file_part
from pachon.datastore.removal import Removal, remove_files
from pachon.datastore.stored_listing import StoredListing, list_files, set_aside
from pachon.datastore.write_plan import plan_writes, predict_files
from pachon.datastore.writing import write_files
from pachon.dimensions import DimensionUniverse
from pachon.resources import ResourcePath

__all__ = ["FileDatastore"]


class FileDatastore(Datastore):
    """Datasets as files; a front to the modules of its verbs: `writing`, `ingesting`, `reading`, `removal`."""

    config_class: ClassVar[type[DatastoreConfig]] = FileDatastoreConfig

    def __init__(self, config: FileDatastoreConfig, setup: FileSetup, records: RecordStore | None) -> None:
        self.config = config
        self.setup = setup
        self.name = setup.name
        self.universe = setup.universe
        self.storage_classes = setup.storage_classes
        self.records = records

    @classmethod
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
        assert isinstance(config, FileDatastoreConfig)
        setup = FileSetup.from_config(
            config, root=root, universe=universe, storage_classes=storage_classes, new_token=new_token
        )
        place = setup.store.root
        # With ``create`` it is made by the first write: one who only reads makes no folder where a disk is not mounted.
        if not config.create and place.is_local and not place.exists():
            raise DatastoreConfigError(f"The root of datastore {config.name!r} does not exist: {place}")
        return cls(config, setup, records)

    @property
    def root(self) -> ResourcePath:
        """The folder of all files."""
        return self.setup.store.root

    @property
    def root_urls(self) -> tuple[str, ...]:
        return self.setup.store.root_urls

    def write_many(
        self,
        items: Sequence[tuple[Any, DatasetRef]],
        *,
        predicted: bool = False,
        provenance: DatasetProvenance | None = None,
    ) -> NewFileRecords:
        plan = plan_writes(self.setup, items, predicted=predicted, provenance=provenance)
        return write_files(self.setup, plan, predicted=predicted)

    def ingest_files(
        self,
        files: Sequence[FileDataset],
        *,
        transfer: str | None = "auto",
        checksum: bool = True,
        track: bool = True,
    ) -> NewFileRecords:
        return ingest_files(self.setup, files, transfer=transfer, checksum=checksum, track=track)

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
        if transfer not in (None, "direct") or not can_note(self.setup, paths, datasets, formatter):
            return super().ingest_table(
                paths, datasets, transfer=transfer, formatter=formatter, checksum=checksum, track=track
            )
        return note_files(
            self.setup,
            paths,
            datasets,
            inside=transfer is None,
            formatter=formatter,
            checksum=checksum,
            track=track,
        )

    def remove_sources(self, files: Iterable[FileDataset]) -> None:
        remove_sources(self.setup, files)

    def discard(self, records: FileRecords) -> None:
        if not isinstance(records, NewFileRecords):
            raise InvalidInputError(
                "Only what a write or an ingest gave can be discarded: no other records say what was made."
            )
        reach("discard.begin")
        failures: list[PachonError] = []
        for path in dict.fromkeys(file_part(path) for path in records.path[records.created]):
            try:
                self.setup.store.remove(path)
            except PachonError as error:
                failures.append(error)
            reach("discard.removed")
        if failures:
            raise ExceptionGroup("Files that are in no record could not be removed", failures)

    def get(
        self,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        found = self._find_records(ref, records)
        return read_dataset(self.setup, ref, found, parameters=parameters, storage_class=storage_class)

    def exists(self, records: FileRecords) -> NDArray[np.bool_]:
        return np.array(self.setup.store.exist(list(records.path)), dtype=np.bool_)

    def sizes(self, records: FileRecords) -> NDArray[np.int64]:
        found = self.setup.store.sizes(list(records.path))
        return np.array([-1 if size is None else size for size in found], dtype=np.int64)

    def remove_files(self, records: FileRecords) -> Removal:
        return remove_files(self.setup.store, records, self.records)

    def list_files(self) -> Iterator[StoredListing]:
        return list_files(self.setup.store)

    def check_files(self, records: FileRecords, *, checksum: bool) -> FileCheck:
        return check_files(self.setup.store, records, checksum=checksum)

    def remove_unnamed(self, path: str) -> bool:
        return self.setup.store.remove(path)

    def set_aside(self, path: str, name: str) -> str:
        return set_aside(self.setup.store, path, name)

    def uri(self, record: StoredFile) -> ResourcePath:
        # Whoever gets the place will read it: it must not lead, by a link, out of the root.
        self.setup.store.local_path(record.path)
        return self.setup.store.uri(record.path)

    def predicted_records(self, refs: Sequence[DatasetRef]) -> FileRecords:
        return FileRecords.from_rows(
            StoredFile(
                dataset_id=planned.ref.id,
                path=planned.path,
                formatter=planned.formatter_name,
                storage_class=planned.storage_class,
                component=planned.component,
                datastore=self.name,
            )
            for planned in predict_files(self.setup, refs)
        )

    def validate(self, dataset_types: Iterable[DatasetType], *, instruments: Iterable[str] = ()) -> list[PachonError]:
        return self.setup.validate(dataset_types, instruments)

    def to_document(self) -> dict[str, Any]:
        return {**super().to_document(), "root": self.root.geturl()}
