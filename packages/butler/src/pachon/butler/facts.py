# SPDX-License-Identifier: BSD-3-Clause
"""What the builder of quantum graphs asks of a repository (`pachon.datasets.FactSource`), in bulk and as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from pachon.butler.arguments import explains_arguments

if TYPE_CHECKING:
    import numpy as np

    from pachon.butler.lookup import DataId
    from pachon.butler.session import Session
    from pachon.datasets import CollectionInfo, DatasetRef, DatasetSearch, DatasetTable, DatasetType, ValidityTable
    from pachon.datastore import FileRecords
    from pachon.dimensions import DataIdTable, DimensionGroup, DimensionUniverse, RecordTable
    from pachon.registry.facts import RegistryFacts

__all__ = ["RepositoryFacts"]


@explains_arguments
class RepositoryFacts:
    """The facts of a repository; a `FactSource`, and what a graph must carry to be run without the repository."""

    _session: Session

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the repository."""
        return self._session.universe

    @property
    def _facts(self) -> RegistryFacts:
        self._session.check_open()
        return self._session.registry.facts(self._session.default_data_id)

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the registered dataset types of these names; absent ones are left out."""
        return self._facts.fetch_dataset_types(names)

    def fetch_collections(self, names: Iterable[str]) -> dict[str, CollectionInfo]:
        """Give the collections of these names; absent ones are left out."""
        return self._facts.fetch_collections(names)

    def flatten_collections(self, names: Iterable[str]) -> tuple[str, ...]:
        """Expand chains, depth first, each collection once."""
        return self._facts.flatten_collections(names)

    def fetch_data_ids(
        self,
        dimensions: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: DataId | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
    ) -> DataIdTable:
        """Give the distinct, full data IDs of a group that satisfy all conditions."""
        return self._facts.fetch_data_ids(
            dimensions, where=where, bind=bind, data_id=data_id, datasets=datasets, tables=tables
        )

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
        from pachon.butler.lookup import resolve_type

        registered, wanted = resolve_type(self._session, dataset_type)
        found = self._facts.fetch_datasets(registered, collections, data_ids=data_ids, where=where, bind=bind)
        return found.with_dataset_type(wanted)

    def fetch_validity(
        self, dataset_type: DatasetType, collections: Sequence[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in these collections with its validity range and collection rank."""
        return self._facts.fetch_validity(dataset_type, collections, data_ids=data_ids)

    def fetch_records(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element, all or those of these data IDs (which have its required dimensions)."""
        return self._facts.fetch_records(element, data_ids)

    def explain_empty(
        self,
        dimensions: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: DataId | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
    ) -> list[str]:
        """Say in sentences which condition left `fetch_data_ids` without rows."""
        return self._facts.explain_empty(
            dimensions, where=where, bind=bind, data_id=data_id, datasets=datasets, tables=tables
        )

    def datastore_records(self, datasets: np.ndarray | Iterable[DatasetRef]) -> FileRecords:
        """Give the file records of datasets, by ids (shape (n, 16), uint8) or references."""
        from pachon.datasets import ids_from_uuids

        self._session.check_open()
        ids = datasets if _is_array(datasets) else ids_from_uuids(ref.id for ref in datasets)
        return self._session.records.fetch(ids)

    def datastore_document(self) -> dict[str, Any]:
        """Give the configuration of the datastore with its root spelled out, for use without the repository."""
        self._session.check_open()
        return self._session.datastore.to_document()

    def storage_class_document(self) -> dict[str, Any]:
        """Give the definitions of storage classes that the repository's configuration adds to the built-in ones."""
        self._session.check_open()
        return {name: dict(item) for name, item in self._session.repository.config.storage_classes.items()}


def _is_array(datasets: np.ndarray | Iterable[DatasetRef]) -> TypeGuard[np.ndarray]:
    return hasattr(datasets, "dtype")
