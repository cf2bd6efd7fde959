# SPDX-License-Identifier: BSD-3-Clause
"""What layers above implement for each other: asking for facts, reading and writing datasets.

A protocol is small and stands for one need. `FactSource` is all that the builder of quantum
graphs asks of a repository; a butler implements it over its registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

from pachon.datasets.collection import CollectionInfo
from pachon.datasets.dataset_ref import DatasetRef
from pachon.datasets.dataset_search import DatasetSearch
from pachon.datasets.dataset_table import DatasetTable, ValidityTable
from pachon.datasets.dataset_type import DatasetType
from pachon.datasets.provenance import DatasetProvenance
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, DimensionUniverse, RecordTable

__all__ = ["DatasetReader", "DatasetWriter", "DeferredHandle", "FactSource"]


class FactSource(Protocol):
    """Answers questions about what exists, in bulk and as columns; it changes nothing."""

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the repository."""
        ...

    def searching(self, collections: Sequence[str]) -> Self:
        """Give the same facts for data that are looked for in these collections.

        What they hold of one instrument or sky map alone is meant where a query of data IDs names none.
        """
        ...

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the registered dataset types of these names; absent ones are left out."""
        ...

    def fetch_collections(self, names: Iterable[str]) -> dict[str, CollectionInfo]:
        """Give the collections of these names; absent ones are left out."""
        ...

    def flatten_collections(self, names: Iterable[str]) -> tuple[str, ...]:
        """Expand chains, depth first, each collection once."""
        ...

    def fetch_data_ids(
        self,
        dimensions: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
    ) -> DataIdTable:
        """Give the distinct, full data IDs of a group that satisfy all conditions."""
        ...

    def fetch_datasets(
        self,
        dataset_type: DatasetType,
        collections: Sequence[str],
        *,
        data_ids: DataIdTable | None = None,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
    ) -> DatasetTable:
        """Give for each data ID the dataset of the first collection that has one; data IDs are full.

        CALIBRATION collections are left out: see `fetch_validity`.
        """
        ...

    def fetch_validity(
        self, dataset_type: DatasetType, collections: Sequence[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in these collections with its validity range and rank; data IDs are full."""
        ...

    def fetch_records(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element, all or those of these data IDs (which have its required dimensions)."""
        ...

    def explain_empty(
        self,
        dimensions: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
    ) -> list[str]:
        """Say in sentences which condition left `fetch_data_ids` without rows."""
        ...


class DeferredHandle(Protocol):
    """A dataset that is read when it is needed."""

    @property
    def ref(self) -> DatasetRef:
        """Which dataset it is."""
        ...

    @property
    def data_id(self) -> DataCoordinate:
        """Its label."""
        ...

    def get(
        self,
        *,
        component: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Read the dataset, or a component of it."""
        ...


@runtime_checkable
class DatasetReader(Protocol):
    """Reads datasets by reference."""

    def get(
        self,
        ref: DatasetRef,
        /,
        *,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Read a dataset."""
        ...

    def get_deferred(
        self,
        ref: DatasetRef,
        /,
        *,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> DeferredHandle:
        """Give a handle that reads the dataset later."""
        ...


@runtime_checkable
class DatasetWriter(Protocol):
    """Writes datasets by reference."""

    def put(self, obj: Any, ref: DatasetRef, /, *, provenance: DatasetProvenance | None = None) -> DatasetRef:
        """Write a dataset."""
        ...
