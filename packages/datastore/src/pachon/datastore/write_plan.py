# SPDX-License-Identifier: BSD-3-Clause
"""What a call of write will do, decided before anything is written: which object goes where, by which formatter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pachon.base import ConflictError, InvalidInputError, PachonError
from pachon.datasets import DatasetProvenance, DatasetRef, StorageClass
from pachon.datastore.errors import DatasetTypeNotSupportedError, DatasetWriteError
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.formatter import FileDescriptor, Formatter

__all__ = ["PlannedFile", "plan_writes", "predict_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file that is going to be written."""

    ref: DatasetRef
    """The dataset, or the component of it that the file holds."""
    component: str | None
    obj: Any
    path: str
    formatter_name: str
    formatter: Formatter
    storage_class: str

    def failed(self, error: BaseException) -> DatasetWriteError:
        """Make the error that says that this object cannot be written."""
        reason = str(error) if isinstance(error, PachonError) else f"{type(error).__name__}: {error}"
        return DatasetWriteError(self.ref.id, self.ref.dataset_type.name, self.formatter_name, reason)


def plan_writes(
    setup: FileSetup,
    items: Sequence[tuple[Any, DatasetRef]],
    *,
    predicted: bool,
    provenance: DatasetProvenance | None = None,
) -> list[PlannedFile]:
    """Decide for objects what is written where.

    Raises
    ------
    InvalidInputError
        In one of its forms, if an object cannot be stored: wrong type, rejected dataset type, template that does not
        suit, no formatter.
    ConflictError
        If a dataset is there twice.
    """
    if len(items) > 1:
        _refuse_repeated(items)
    plan: list[PlannedFile] = []
    for obj, ref in items:
        plan.extend(_plan_dataset(setup, obj, ref, predicted=predicted, provenance=provenance))
    return plan


def _refuse_repeated(items: Sequence[tuple[Any, DatasetRef]]) -> None:
    seen: set[UUID] = set()
    for _, ref in items:
        if ref.id in seen:
            raise ConflictError(f"Dataset {ref.dataset_type.name!r} ({ref.id}) is to be written twice in one call.")
        seen.add(ref.id)


def predict_files(setup: FileSetup, refs: Sequence[DatasetRef]) -> list[PlannedFile]:
    """Decide for outputs of a quantum graph where they will be, before there are objects."""
    return [planned for ref in refs for planned in _predict_dataset(setup, ref)]


def _plan_dataset(
    setup: FileSetup, obj: Any, ref: DatasetRef, *, predicted: bool, provenance: DatasetProvenance | None
) -> Iterator[PlannedFile]:
    storage_class = _check_ref(setup, ref)
    if obj is None:
        raise InvalidInputError(
            f"Dataset {ref.dataset_type.name!r} with data ID {ref.data_id} is None; nothing to store."
        )
    if not setup.composites.disassembles(ref, storage_class):
        yield _plan_file(setup, obj, ref, ref, storage_class, predicted=predicted, provenance=provenance)
        return
    components = storage_class.delegate().disassemble(_coerce(obj, ref, storage_class))
    if not components:
        raise InvalidInputError(
            f"Dataset {ref.dataset_type.name!r} with data ID {ref.data_id} has no component to store."
        )
    for name, part in components.items():
        part_ref = ref.with_dataset_type(ref.dataset_type.component_type(name, setup.storage_classes))
        part_class = setup.storage_classes.get(part_ref.dataset_type.storage_class)
        yield _plan_file(setup, part, part_ref, ref, part_class, predicted=predicted, provenance=provenance)


def _predict_dataset(setup: FileSetup, ref: DatasetRef) -> Iterator[PlannedFile]:
    storage_class = _check_ref(setup, ref)
    if not setup.composites.disassembles(ref, storage_class):
        yield _plan_file(setup, None, ref, ref, storage_class, predicted=True, provenance=None)
        return
    for name, part_class in storage_class.components.items():
        part_ref = ref.with_dataset_type(ref.dataset_type.component_type(name, setup.storage_classes))
        part = setup.storage_classes.get(part_class)
        yield _plan_file(setup, None, part_ref, ref, part, predicted=True, provenance=None)


def _check_ref(setup: FileSetup, ref: DatasetRef) -> StorageClass:
    if ref.dataset_type.component is not None:
        raise InvalidInputError(f"{ref.dataset_type.name!r} is a component; only whole datasets are written.")
    if not setup.constraints.accepts(ref):
        raise DatasetTypeNotSupportedError(ref.dataset_type.name, setup.name)
    return setup.storage_classes.get(ref.dataset_type.storage_class)


def _plan_file(
    setup: FileSetup,
    obj: Any,
    ref: DatasetRef,
    whole: DatasetRef,
    storage_class: StorageClass,
    *,
    predicted: bool,
    provenance: DatasetProvenance | None,
) -> PlannedFile:
    choice = setup.formatters.find(ref)
    descriptor = FileDescriptor(
        write_storage_class=storage_class,
        read_storage_class=storage_class,
        component=ref.dataset_type.component,
    )
    formatter = choice.make(descriptor, whole, provenance=provenance)
    if obj is not None:
        if not formatter.can_accept(obj) and not _delegate_accepts(storage_class, obj):
            obj = _coerce(obj, ref, storage_class)
        if provenance is not None:
            obj = formatter.add_provenance(obj)
    # A predicted path must not depend on the object: other processes know the path, and have no object.
    extension = formatter.write_extension(None if predicted else obj)
    make_path = setup.templates.predicted_path if predicted else setup.templates.unique_path
    return PlannedFile(
        ref=ref,
        component=ref.dataset_type.component,
        obj=obj,
        path=make_path(ref, extension),
        formatter_name=choice.name,
        formatter=formatter,
        storage_class=storage_class.name,
    )


def _delegate_accepts(storage_class: StorageClass, obj: Any) -> bool:
    # The default one accepts nothing more, and need not be made.
    return storage_class.delegate_name is not None and storage_class.delegate().can_accept(obj)


def _coerce(obj: Any, ref: DatasetRef, storage_class: StorageClass) -> Any:
    try:
        return storage_class.coerce(obj)
    except PachonError as error:
        error.add_note(f"It was to be stored as dataset {ref.dataset_type.name!r} with data ID {ref.data_id}.")
        raise
