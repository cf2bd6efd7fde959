# SPDX-License-Identifier: BSD-3-Clause
"""Read datasets: which file, which component, what the formatter does and what the delegate does.

What was written is said by the records alone; the configuration is never asked. The cases are those of
``docs/formats/datastore.md``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pachon.base import NotFoundError
from pachon.datasets import DatasetRef, StorageClass, UnknownComponentError
from pachon.datastore.conversion import apply_parameters, check_parameters, coerce, known_parameters, known_to
from pachon.datastore.errors import DatasetFileNotFoundError, DatasetReadError
from pachon.datastore.file_reading import FileRead, read_file
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatter_table import load_formatter
from pachon.datastore.records import FileRecords, StoredFile

__all__ = ["read_dataset"]

_log = logging.getLogger(__name__)

Parts = Mapping[str, StoredFile]
"""The files of a dataset that was taken apart, by component."""


def read_dataset(
    setup: FileSetup,
    ref: DatasetRef,
    records: FileRecords,
    *,
    parameters: Mapping[str, Any] | None,
    storage_class: str | None,
) -> Any:
    """Read a dataset, or a component of one, from the files that its records name."""
    rows = [row for row in records.of_dataset(ref.id).rows() if row.datastore in (setup.name, "")]
    if not rows:
        raise DatasetFileNotFoundError(ref.id, ref.dataset_type.name, None, setup.name)
    read = _Read(
        setup=setup,
        ref=ref,
        wanted=setup.storage_classes.get(storage_class or ref.dataset_type.storage_class),
        parameters=dict(parameters or {}),
    )
    component = ref.dataset_type.component
    whole = next((row for row in rows if row.component is None), None)
    if whole is not None:
        return read.whole(whole) if component is None else read.component(whole, component)
    parts = {row.component: row for row in rows if row.component is not None}
    return read.assembled(parts) if component is None else read.part(parts, component)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a caller asks for, and a method for each way in which it may be stored."""

    setup: FileSetup
    ref: DatasetRef
    wanted: StorageClass
    parameters: Mapping[str, Any]

    def whole(self, row: StoredFile) -> Any:
        """Case 1: one file, all of it."""
        written = self._written(row)
        self._check_parameters(self.wanted, written)
        mine, _ = load_formatter(row.formatter).segregate_parameters(
            known_to(self.setup.storage_classes, written, self.parameters)
        )
        obj = self._file(row, self.wanted, mine)
        if obj is None:
            uri = str(self.setup.store.uri(row.path))
            raise DatasetReadError(self.ref.id, self.ref.dataset_type.name, uri, "it holds nothing")
        left = {name: value for name, value in self.parameters.items() if name not in mine}
        return apply_parameters(self._coerce(obj), self.wanted, left)

    def component(self, row: StoredFile, component: str) -> Any:
        """Case 2: one file, a component of it."""
        written = self._written(row)
        if component not in written.all_components:
            return self._migrated(row, component)
        part_class = self.setup.storage_classes.get(written.component(component))
        self._check_parameters(written, part_class)
        formatter, mine, rest = self._segregate(row, self.parameters)
        if formatter.reads_components:
            part = self._file(row, part_class, mine, component)
            rest = known_to(self.setup.storage_classes, part_class, rest)
            return self._coerce(apply_parameters(part, part_class, rest))
        obj = coerce(self._file(row, written, mine), written, self.ref)
        return self._coerce(written.delegate().get_component(apply_parameters(obj, written, rest), component))

    def _migrated(self, row: StoredFile, component: str) -> Any:
        """Case 6: a component that the type has today, and had not when the file was written."""
        written = self._written(row)
        parent_name = self.ref.dataset_type.parent_storage_class
        parent = written if parent_name is None else self.setup.storage_classes.get(parent_name)
        if component not in parent.all_components:
            raise UnknownComponentError(written.name, component, tuple(written.all_components))
        _log.warning(
            "%r was no component of dataset %s when it was written as %s; all of it is read and converted.",
            component, self.ref.id, written.name,
        )  # fmt: skip
        obj = replace(self, wanted=parent).whole(row)
        return self._coerce(parent.delegate().get_component(obj, component))

    def assembled(self, parts: Parts) -> Any:
        """Case 3: a file for each component, all of them put together."""
        composite = self._composite(parts)
        self._check_parameters(composite, self.wanted)
        components: dict[str, Any] = {}
        used: set[str] = set()
        for name, row in parts.items():
            written = self._written(row)
            mine, _ = load_formatter(row.formatter).segregate_parameters(
                known_to(self.setup.storage_classes, written, self.parameters)
            )
            used |= mine.keys()
            try:
                components[name] = coerce(self._file(row, written, mine), written, self.ref)
            except DatasetFileNotFoundError:
                # A predicted path of which nobody knows whether it was written: the component was None.
                if row.size is not None:
                    raise
        if not components:
            raise DatasetFileNotFoundError(self.ref.id, self.ref.dataset_type.name, None, self.setup.name)
        obj = composite.delegate().assemble(components, composite.pytype)
        left = {name: value for name, value in self.parameters.items() if name not in used}
        return self._coerce(apply_parameters(obj, composite, left))

    def part(self, parts: Parts, component: str) -> Any:
        """Case 4: the file of one component; case 5: a component that is derived from one of them."""
        composite = self._composite(parts)
        row = parts.get(component)
        if row is None and component in composite.components:
            return None  # it was None when the dataset was written
        if row is None and component not in composite.derived_components:
            raise UnknownComponentError(composite.name, component, tuple(composite.all_components))
        is_derived = row is None
        if row is None:
            row = parts[composite.delegate().select_responsible_component(component, tuple(parts))]
        written = self._written(row)
        self._check_parameters(composite, written)
        # What the composite knows and this component does not is meant for other components.
        applicable = known_to(self.setup.storage_classes, written, self.parameters)
        formatter, mine, rest = self._segregate(row, applicable)
        if is_derived and formatter.reads_components:
            return apply_parameters(self._coerce(self._file(row, self.wanted, mine, component)), self.wanted, rest)
        obj = apply_parameters(coerce(self._file(row, written, mine), written, self.ref), written, rest)
        return self._coerce(written.delegate().get_component(obj, component) if is_derived else obj)

    def _composite(self, parts: Parts) -> StorageClass:
        """Find the storage class that was taken apart: the dataset type's, unless it lacks what is stored."""
        dataset_type = self.ref.dataset_type
        for name in (dataset_type.parent_storage_class, dataset_type.storage_class, self.wanted.name):
            if name is not None and parts.keys() <= self.setup.storage_classes.get(name).components.keys():
                return self.setup.storage_classes.get(name)
        raise NotFoundError(
            f"Dataset {dataset_type.name!r} ({self.ref.id}) is stored as components {', '.join(sorted(parts))}; storage "
            f"class {dataset_type.storage_class!r} does not have them, so that they cannot be put together."
        )

    def _written(self, row: StoredFile) -> StorageClass:
        return self.setup.storage_classes.get(row.storage_class)

    def _check_parameters(self, owner: StorageClass, other: StorageClass) -> None:
        if self.parameters:
            check_parameters(self.parameters, owner, known_parameters(self.setup.storage_classes, owner, other))

    def _segregate(
        self, row: StoredFile, parameters: Mapping[str, Any]
    ) -> tuple[type[Formatter], dict[str, Any], dict[str, Any]]:
        formatter = load_formatter(row.formatter)
        return formatter, *formatter.segregate_parameters(parameters)

    def _coerce(self, obj: Any) -> Any:
        return coerce(obj, self.wanted, self.ref)

    def _file(
        self, row: StoredFile, wanted: StorageClass, parameters: Mapping[str, Any], component: str | None = None
    ) -> Any:
        file = FileRead(
            ref=self.ref,
            row=row,
            write_storage_class=self._written(row),
            read_storage_class=wanted,
            component=component,
            parameters=parameters,
        )
        return read_file(self.setup, file)
