# SPDX-License-Identifier: BSD-3-Clause
"""A dataset that is read when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pachon.datasets import DatasetRef, StorageClasses
from pachon.datastore.records import FileRecords
from pachon.dimensions import DataCoordinate

__all__ = ["DeferredDataset"]


class _Source(Protocol):
    """What a deferred dataset needs of a datastore."""

    storage_classes: StorageClasses

    def get(
        self,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any: ...


class DeferredDataset:
    """A handle of one dataset: it is found already, and is read by `get`.

    Making one does no input or output.
    """

    __slots__ = ("_parameters", "_records", "_source", "_storage_class", "ref")

    ref: DatasetRef
    """Which dataset, or component of one, it is."""

    def __init__(
        self,
        source: _Source,
        ref: DatasetRef,
        *,
        records: FileRecords | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> None:
        self.ref = ref
        self._source = source
        self._records = records
        self._parameters = dict(parameters or {})
        self._storage_class = storage_class

    @property
    def data_id(self) -> DataCoordinate:
        """The data ID of the dataset."""
        return self.ref.data_id

    def get(
        self,
        *,
        component: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Read the dataset now.

        Parameters
        ----------
        component
            A component of it, instead of all.
        parameters
            Added to those that the handle was made with; these win.
        storage_class
            What to give it as; default is what the handle was made with, which does not apply to a component.
        """
        ref = self.ref
        if component is not None:
            ref = ref.with_dataset_type(ref.dataset_type.component_type(component, self._source.storage_classes))
        elif storage_class is None:
            storage_class = self._storage_class
        return self._source.get(
            ref,
            records=self._records,
            parameters={**self._parameters, **(parameters or {})},
            storage_class=storage_class,
        )

    def __repr__(self) -> str:
        return f"DeferredDataset({self.ref!r})"
