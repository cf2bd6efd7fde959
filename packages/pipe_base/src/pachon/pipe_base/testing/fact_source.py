# SPDX-License-Identifier: BSD-3-Clause
"""A small repository in memory that answers the graph builder's questions by plain loops and sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Self

import numpy as np

from pachon.base import InvalidInputError
from pachon.datasets import (
    CollectionInfo,
    CollectionType,
    DatasetRef,
    DatasetSearch,
    DatasetTable,
    DatasetType,
    ValidityTable,
    ids_from_uuids,
)
from pachon.dimensions import (
    Categorical,
    DataCoordinate,
    DataIdTable,
    DimensionGroup,
    DimensionUniverse,
    RecordTable,
    Timespan,
    automatic_overlaps,
)

__all__ = ["MemoryFactSource"]


class MemoryFactSource:
    """Facts held in lists; slow, obvious, and an oracle for the real query system.

    ``where`` is not a language here: it must be empty.
    """

    def __init__(self, universe: DimensionUniverse | None = None) -> None:
        self.universe = universe or DimensionUniverse.default()
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.types: dict[str, DatasetType] = {}
        self.collections: dict[str, CollectionInfo] = {}
        self.members: dict[str, list[tuple[DatasetRef, Timespan]]] = {}

    def searching(self, collections: Sequence[str]) -> Self:  # it has no language, so nothing is assumed
        """Give the same facts."""
        return self

    # -- filling it --------------------------------------------------------------------------------------------------

    def insert(self, element: str, *rows: Mapping[str, Any]) -> None:
        """Add dimension records."""
        table = RecordTable.from_rows(self.universe[element], rows)
        self.records.setdefault(element, []).extend(record.as_stored() for record in table)

    def register(self, dataset_type: DatasetType) -> DatasetType:
        """Add a dataset type."""
        return self.types.setdefault(dataset_type.name, dataset_type.conform(self.universe))

    def add(self, dataset_type: str, run: str, *data_ids: Mapping[str, Any]) -> list[DatasetRef]:
        """Add datasets to a run."""
        self.collections.setdefault(run, CollectionInfo(name=run, type=CollectionType.RUN))
        refs = [DatasetRef(self.types[dataset_type], self._full(self.types[dataset_type], d), run) for d in data_ids]
        self.members.setdefault(run, []).extend((ref, Timespan(None, None)) for ref in refs)
        return refs

    def add_ref(self, ref: DatasetRef) -> None:
        """Add a dataset that has its id already."""
        self.collections.setdefault(ref.run, CollectionInfo(name=ref.run, type=CollectionType.RUN))
        full = ref.with_data_id(self._full(ref.dataset_type, ref.data_id.required))
        self.members.setdefault(ref.run, []).append((full, Timespan(None, None)))

    def certify(self, collection: str, refs: Iterable[DatasetRef], timespan: Timespan) -> None:
        """Add datasets to a CALIBRATION collection."""
        info = CollectionInfo(name=collection, type=CollectionType.CALIBRATION)
        self.collections.setdefault(collection, info)
        self.members.setdefault(collection, []).extend((ref, timespan) for ref in refs)

    def chain(self, name: str, *children: str) -> None:
        """Add a chain."""
        self.collections[name] = CollectionInfo(name=name, type=CollectionType.CHAINED, children=children)

    def _full(self, dataset_type: DatasetType, data_id: Mapping[str, Any]) -> DataCoordinate:
        for row in self._rows(dataset_type.dimensions):
            if all(row[name] == value for name, value in data_id.items()):
                return DataCoordinate.standardize(row, dimensions=dataset_type.dimensions)
        raise InvalidInputError(f"No dimension records for {dict(data_id)}.")

    # -- answering ---------------------------------------------------------------------------------------------------

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the registered dataset types of these names."""
        return {name: self.types[name] for name in names if name in self.types}

    def fetch_collections(self, names: Iterable[str]) -> dict[str, CollectionInfo]:
        """Give the collections of these names."""
        return {name: self.collections[name] for name in names if name in self.collections}

    def flatten_collections(self, names: Iterable[str]) -> tuple[str, ...]:
        """Expand chains."""
        found: dict[str, None] = {}
        for name in names:
            children = self.collections[name].children
            found.update(dict.fromkeys(self.flatten_collections(children) if children else (name,)))
        return tuple(found)

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
        """Give the data IDs that satisfy all conditions."""
        if where:
            raise InvalidInputError("This repository in memory has no query language.")
        fixed = dict(data_id) if data_id is not None else {}
        allowed = [
            (search_type.dimensions.required, self._keys(search_type, search.collections))
            for search in datasets
            for search_type in (self.types[search.dataset_type],)
        ]
        allowed += [(t.group.required, {row.required_values for row in t}) for t in tables]
        names = dimensions.names
        group = self.universe.conform({*names, *(n for required, _ in allowed for n in required)})
        kept = [
            row
            for row in self._rows(group)
            if all(row.get(name, value) == value for name, value in fixed.items())
            and all(tuple(row[n] for n in required) in keys for required, keys in allowed)
        ]
        wide = DataIdTable.from_rows(group, kept)
        return wide.project(dimensions)

    def _keys(self, dataset_type: DatasetType, collections: Sequence[str]) -> set[tuple[Any, ...]]:
        return {
            ref.data_id.required_values
            for name in self.flatten_collections(collections)
            for ref, _ in self.members.get(name, ())
            if ref.dataset_type.name == dataset_type.name
        }

    def fetch_datasets(
        self,
        dataset_type: DatasetType,
        collections: Sequence[str],
        *,
        data_ids: DataIdTable | None = None,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
    ) -> DatasetTable:
        """Give for each data ID the dataset of the first collection that has one."""
        wanted = None if data_ids is None else {row.required_values for row in data_ids}
        found: dict[tuple[Any, ...], DatasetRef] = {}
        for name in self.flatten_collections(collections):
            if self.collections[name].type is CollectionType.CALIBRATION:
                continue
            for ref, _ in self.members.get(name, ()):
                key = ref.data_id.required_values
                if ref.dataset_type.name == dataset_type.name and (wanted is None or key in wanted):
                    found.setdefault(key, ref)
        return DatasetTable.from_refs(dataset_type, found.values())

    def fetch_validity(
        self, dataset_type: DatasetType, collections: Sequence[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type with its validity range and collection rank."""
        rows = [
            (ref, span, rank)
            for rank, name in enumerate(self.flatten_collections(collections))
            for ref, span in self.members.get(name, ())
            if ref.dataset_type.name == dataset_type.name
        ]
        table = DatasetTable(
            dataset_type,
            DataIdTable.from_rows(dataset_type.dimensions, [ref.data_id for ref, _, _ in rows]),
            ids_from_uuids(ref.id for ref, _, _ in rows),
            Categorical.encode([ref.run for ref, _, _ in rows]),
        )
        return ValidityTable(
            table,
            np.array([span.begin_ns for _, span, _ in rows], dtype=np.int64),
            np.array([span.end_ns for _, span, _ in rows], dtype=np.int64),
            np.array([rank for _, _, rank in rows], dtype=np.int32),
        )

    def fetch_records(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element."""
        definition = self.universe[element]
        rows = self.records.get(element, [])
        if data_ids is not None:
            wanted = {tuple(row[name] for name in definition.required) for row in data_ids}
            rows = [r for r in rows if tuple(r[definition.key_name(n)] for n in definition.required) in wanted]
        return RecordTable.from_rows(definition, rows)

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
        """Name the dataset types that do not exist in their collections."""
        return [
            f"No {search.dataset_type!r} exists in {', '.join(search.collections)}."
            for search in datasets
            if not self._keys(self.types[search.dataset_type], search.collections)
        ]

    # -- joining -----------------------------------------------------------------------------------------------------

    def _rows(self, group: DimensionGroup) -> list[dict[str, Any]]:
        """Join the records of all elements of a group by their common keys, then by overlap."""
        rows: list[dict[str, Any]] = [{}]
        for name in group.lookup_order:
            element = self.universe[name]
            if element.is_skypix or (not element.is_dimension and not element.always_join):
                continue
            if not element.has_table:
                values = {r[name] for r in self.records.get(element.implied_union_target or "", ())}
                rows = [{**row, name: v} for row, v in product(rows, sorted(values)) if row.get(name, v) == v]
                continue
            keys = (*element.required, *element.implied)
            joined = []
            for row, record in product(rows, self.records.get(name, ())):
                values_here = {key: record[element.key_name(key)] for key in keys}
                if all(row.get(key, value) == value for key, value in values_here.items()):
                    joined.append({**row, **values_here})
            rows = joined
        for join in automatic_overlaps(group, "spatial"):
            rows = [row for row in rows if self._overlap(row, join.first, join.second)]
        return rows

    def _overlap(self, row: Mapping[str, Any], first: str, second: str) -> bool:
        regions = [self._region(row, name) for name in (first, second)]
        if any(region is None for region in regions):
            return False
        from lsst.sphgeom import DISJOINT

        return not regions[0].relate(regions[1]) & DISJOINT

    def _region(self, row: Mapping[str, Any], name: str) -> Any:
        from pachon.dimensions import region_from_bytes

        element = self.universe[name]
        if element.is_skypix:
            return self.universe.pixelization(name).pixel(row[name]) if name in row else None
        for record in self.records.get(name, ()):
            if all(record[element.key_name(n)] == row[n] for n in element.required):
                return region_from_bytes(record["region"]) if record["region"] is not None else None
        return None
