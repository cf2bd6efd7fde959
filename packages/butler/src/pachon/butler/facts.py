# SPDX-License-Identifier: BSD-3-Clause
"""What the builder of quantum graphs asks of a repository (`pachon.datasets.FactSource`), in bulk and as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    import numpy as np

    from pachon.butler.lookup import DataId
    from pachon.butler.session import Session
    from pachon.datasets import CollectionInfo, DatasetRef, DatasetSearch, DatasetTable, DatasetType, ValidityTable
    from pachon.datastore import FileRecords
    from pachon.dimensions import DataIdTable, DimensionGroup, DimensionUniverse, RecordTable

__all__ = ["RepositoryFacts"]


class RepositoryFacts:
    """The facts of a repository; a `FactSource`, and what a graph must carry to be run without the repository."""

    _session: Session

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the repository."""
        return self._session.universe

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the registered dataset types of these names; absent ones are left out."""
        self._session.check_open()
        return self._session.registry.dataset_types.find(names)

    def fetch_collections(self, names: Iterable[str]) -> dict[str, CollectionInfo]:
        """Give the collections of these names; absent ones are left out."""
        self._session.check_open()
        return self._session.registry.collections.find(names)

    def flatten_collections(self, names: Iterable[str]) -> tuple[str, ...]:
        """Expand chains, depth first, each collection once."""
        self._session.check_open()
        return self._session.registry.collections.flatten(names)

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
        self._session.check_open()
        return self._session.registry.query.data_ids(
            dimensions,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            defaults=self._session.default_data_id,
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
        from pachon.datasets import CollectionType

        self._session.check_open()
        registered, wanted = resolve_type(self._session, dataset_type)
        known = self._session.registry.collections.find(self.flatten_collections(collections))
        found = self._session.registry.query.datasets(
            registered,
            [name for name, info in known.items() if info.type is not CollectionType.CALIBRATION],
            where=where,
            bind=bind,
            find_first=True,
            tables=() if data_ids is None else (data_ids,),
            defaults=self._session.default_data_id,
        )
        return found.with_dataset_type(wanted)

    def fetch_validity(
        self, dataset_type: DatasetType, collections: Sequence[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in these collections with its validity range and rank; data IDs are full."""
        from pachon.datasets import DatasetTable, ValidityTable

        self._session.check_open()
        registry = self._session.registry
        found = registry.datasets.fetch_validity(dataset_type, collections, data_ids=data_ids)
        table = found.datasets
        if table.data_ids.is_full:
            return found
        full = registry.dimension_records.expand(table.data_ids).data_ids
        datasets = DatasetTable(table.dataset_type, full, table.ids, table.runs)
        return ValidityTable(datasets, found.begin_ns, found.end_ns, found.rank)

    def fetch_records(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element, all or those of these data IDs (which have its required dimensions)."""
        self._session.check_open()
        return self._session.registry.dimension_records.fetch(element, data_ids)

    def explain_empty(
        self,
        dimensions: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: DataId | None = None,
        datasets: Sequence[DatasetSearch] = (),
    ) -> list[str]:
        """Say in sentences which condition left `fetch_data_ids` without rows."""
        self._session.check_open()
        queries = self._session.registry.query
        return queries.explain_empty(
            queries.spec(
                dimensions,
                where=where,
                bind=bind,
                data_id=data_id,
                datasets=datasets,
                defaults=self._session.default_data_id,
            )
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


def _is_array(datasets: np.ndarray | Iterable[DatasetRef]) -> TypeGuard[np.ndarray]:
    return hasattr(datasets, "dtype")
