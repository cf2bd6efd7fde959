# SPDX-License-Identifier: BSD-3-Clause
"""What the builder of quantum graphs asks of a registry, in bulk and as columns (`pachon.datasets.FactSource`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pachon.datasets import CollectionInfo, CollectionType, DatasetSearch, DatasetTable, DatasetType, ValidityTable
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, DimensionUniverse, RecordTable
from pachon.registry.collections.front import Collections
from pachon.registry.dataset_types import DatasetTypes
from pachon.registry.datasets.front import Datasets
from pachon.registry.dimension_records.front import DimensionRecords
from pachon.registry.query.front import Queries
from pachon.registry.state import State

__all__ = ["RegistryFacts"]


class RegistryFacts:
    """A `FactSource` over a registry.

    ``defaults`` are values of governor dimensions that hold for data ID queries which do not mention them.
    """

    def __init__(self, state: State, defaults: Mapping[str, str] | None = None) -> None:
        self._state = state
        self._collections = Collections(state)
        self._dataset_types = DatasetTypes(state)
        self._datasets = Datasets(state)
        self._records = DimensionRecords(state)
        self._queries = Queries(state)
        self._defaults = dict(defaults or {})

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the registry."""
        return self._state.universe

    def searching(self, collections: Sequence[str]) -> Self:
        """Give the same facts, with the governor values that are the only ones in these collections as defaults; those given stay."""
        held = self._collections.fetch_governor_values(self._collections.find(collections))
        only = {name: next(iter(values)) for name, values in held.items() if len(values) == 1}
        return type(self)(self._state, {**only, **self._defaults})

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the registered dataset types of these names; absent ones are left out."""
        return self._dataset_types.find(names)

    def fetch_collections(self, names: Iterable[str]) -> dict[str, CollectionInfo]:
        """Give the collections of these names; absent ones are left out."""
        return self._collections.find(names)

    def flatten_collections(self, names: Iterable[str]) -> tuple[str, ...]:
        """Expand chains, depth first, each collection once."""
        return self._collections.flatten(names)

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
        return self._queries.data_ids(
            dimensions,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            defaults=self._defaults,
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
        path = self._without_calibrations(collections)
        if data_ids is not None and not where and set(dataset_type.dimensions.required) <= set(data_ids.columns):
            wanted = data_ids.project(dataset_type.dimensions)
            _, found = self._datasets.find(dataset_type, wanted, path)
            return found if found.data_ids.is_full else self._completed(found)
        tables = () if data_ids is None else (data_ids,)
        return self._queries.datasets(
            dataset_type.name, path, where=where, bind=bind, tables=tables, defaults=self._defaults if where else None
        )

    def _completed(self, found: DatasetTable) -> DatasetTable:
        full = self._records.expand(found.data_ids).data_ids
        return DatasetTable(found.dataset_type, full, found.ids, found.runs)

    def _without_calibrations(self, collections: Sequence[str]) -> tuple[str, ...]:
        path = self._collections.flatten(collections)
        kinds = self._collections.find(path)
        return tuple(name for name in path if kinds[name].type is not CollectionType.CALIBRATION)

    def fetch_validity(
        self, dataset_type: DatasetType, collections: Sequence[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in these collections with its validity range and rank; data IDs are full."""
        found = self._datasets.fetch_validity(dataset_type, collections, data_ids=data_ids)
        table = found.datasets
        if table.data_ids.is_full:
            return found
        full = self._records.expand(table.data_ids).data_ids
        datasets = DatasetTable(table.dataset_type, full, table.ids, table.runs)
        return ValidityTable(datasets, found.begin_ns, found.end_ns, found.rank)

    def fetch_records(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element, all or those of these data IDs."""
        return self._records.fetch(element, data_ids)

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
        spec = self._queries.spec(
            dimensions,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            defaults=self._defaults,
        )
        return self._queries.explain_empty(spec)
