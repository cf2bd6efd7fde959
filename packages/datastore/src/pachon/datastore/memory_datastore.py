# SPDX-License-Identifier: BSD-3-Clause
"""A datastore that keeps objects in memory, for tests and for running tasks without files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pachon.base import ConflictError, InvalidInputError
from pachon.datasets import (
    DatasetProvenance,
    DatasetRef,
    FileDataset,
    StorageClass,
    StorageClasses,
    UnknownComponentError,
)
from pachon.datastore.config import DatastoreConfig, MemoryDatastoreConfig
from pachon.datastore.constraints import Constraints
from pachon.datastore.conversion import apply_parameters, check_parameters, coerce, known_parameters
from pachon.datastore.datastore import Datastore
from pachon.datastore.errors import DatasetFileNotFoundError, DatasetTypeNotSupportedError
from pachon.datastore.record_store import RecordStore
from pachon.datastore.records import FileRecords, NewFileRecords, StoredFile
from pachon.datastore.removal import Removal, RemovalOutcome
from pachon.datastore.write_token import predicted_token, unique_token
from pachon.dimensions import DimensionUniverse
from pachon.resources import ResourcePath, UnsupportedOperationError

__all__ = ["MemoryDatastore"]

_FORMATTER = "memory"


class MemoryDatastore(Datastore):
    """Objects by path in a mapping of this process; its records are worth nothing elsewhere."""

    config_class: ClassVar[type[DatastoreConfig]] = MemoryDatastoreConfig

    def __init__(
        self,
        config: MemoryDatastoreConfig,
        *,
        universe: DimensionUniverse,
        storage_classes: StorageClasses,
        records: RecordStore | None,
    ) -> None:
        self.config = config
        self.name = config.name
        self.universe = universe
        self.storage_classes = storage_classes
        self.records = records
        self._copy_on_get = config.copy_on_get
        self._constraints = Constraints.parse(
            config.constraints.get("accept", ()), config.constraints.get("reject", ()), universe
        )
        self._objects: dict[str, Any] = {}

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
        assert isinstance(config, MemoryDatastoreConfig)
        return cls(config, universe=universe, storage_classes=storage_classes, records=records)

    def write_many(
        self,
        items: Sequence[tuple[Any, DatasetRef]],
        *,
        predicted: bool = False,
        provenance: DatasetProvenance | None = None,
    ) -> NewFileRecords:
        made: dict[str, Any] = {}
        rows: list[StoredFile] = []
        for obj, ref in items:
            storage_class = self._check(obj, ref)
            row = self._row(ref, predicted=predicted)
            if any(other.dataset_id == ref.id for other in rows):
                raise ConflictError(f"Dataset {ref.dataset_type.name!r} ({ref.id}) is to be written twice in one call.")
            made[row.path] = self._copy(
                obj if storage_class.delegate().can_accept(obj) else coerce(obj, storage_class, ref), storage_class
            )
            rows.append(row)
        self._objects.update(made)
        table = FileRecords.from_rows(rows)
        return NewFileRecords.mark(table, np.ones(len(rows), dtype=np.bool_))

    def _check(self, obj: Any, ref: DatasetRef) -> StorageClass:
        if ref.dataset_type.component is not None:
            raise InvalidInputError(f"{ref.dataset_type.name!r} is a component; only whole datasets are written.")
        if obj is None:
            raise InvalidInputError(
                f"Dataset {ref.dataset_type.name!r} with data ID {ref.data_id} is None; nothing to store."
            )
        if not self._constraints.accepts(ref):
            raise DatasetTypeNotSupportedError(ref.dataset_type.name, self.name)
        return self.storage_classes.get(ref.dataset_type.storage_class)

    def _row(self, ref: DatasetRef, *, predicted: bool) -> StoredFile:
        token = predicted_token(ref.id) if predicted else unique_token()
        return StoredFile(
            dataset_id=ref.id,
            path=f"{ref.dataset_type.name}/{ref.id}-{token}",
            formatter=_FORMATTER,
            storage_class=ref.dataset_type.storage_class,
            datastore=self.name,
        )

    def ingest_files(
        self,
        files: Sequence[FileDataset],
        *,
        transfer: str | None = "auto",
        checksum: bool = True,
        track: bool = True,
    ) -> NewFileRecords:
        raise UnsupportedOperationError(f"Datastore {self.name!r} keeps objects in memory and cannot ingest files.")

    def remove_sources(self, files: Iterable[FileDataset]) -> None:
        return None

    def discard(self, records: FileRecords) -> None:
        if not isinstance(records, NewFileRecords):
            raise InvalidInputError("Only what a write gave can be discarded: no other records say what was made.")
        for path in records.path[records.created]:
            self._objects.pop(path, None)

    def get(
        self,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        found = self._find_records(ref, records).of_dataset(ref.id)
        row = next((row for row in found.rows() if row.path in self._objects), None)
        if row is None:
            uri = None if len(found) == 0 else str(self.uri(found.row(0)))
            raise DatasetFileNotFoundError(ref.id, ref.dataset_type.name, uri, self.name)
        written = self.storage_classes.get(row.storage_class)
        wanted = self.storage_classes.get(storage_class or ref.dataset_type.storage_class)
        component = ref.dataset_type.component
        obj = self._objects[row.path]
        parameters = parameters or {}
        if component is None:
            check_parameters(parameters, wanted, known_parameters(self.storage_classes, wanted, written))
            obj = coerce(self._copy(obj, written), wanted, ref)
            return apply_parameters(obj, wanted, parameters)
        if component not in written.all_components:
            raise UnknownComponentError(written.name, component, tuple(written.all_components))
        check_parameters(parameters, written, known_parameters(self.storage_classes, written))
        obj = apply_parameters(self._copy(obj, written), written, parameters)
        return coerce(written.delegate().get_component(obj, component), wanted, ref)

    def _copy(self, obj: Any, storage_class: StorageClass) -> Any:
        match self._copy_on_get:
            case "never":
                return obj
            case "deepcopy":
                return copy.deepcopy(obj)
        return storage_class.delegate().copy(obj)

    def exists(self, records: FileRecords) -> NDArray[np.bool_]:
        return np.array([path in self._objects for path in records.path], dtype=np.bool_)

    def remove_files(self, records: FileRecords) -> Removal:
        missing = object()
        gone = [self._objects.pop(path, missing) is missing for path in records.path]
        outcomes = tuple(RemovalOutcome.MISSING if was_gone else RemovalOutcome.REMOVED for was_gone in gone)
        return Removal(records=records, outcomes=outcomes, errors=("",) * len(records))

    def uri(self, record: StoredFile) -> ResourcePath:
        return ResourcePath(f"mem://{self.name}/{record.path}")

    def predicted_records(self, refs: Sequence[DatasetRef]) -> FileRecords:
        return FileRecords.from_rows(self._row(ref, predicted=True) for ref in refs)

    def close(self) -> None:
        self._objects.clear()
