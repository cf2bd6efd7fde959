# SPDX-License-Identifier: BSD-3-Clause
"""What a registry is, whatever stores it: the interface that `pachon.registry.testing.registry_suite.RegistrySuite` checks.

`SqlRegistry` implements it. A method raises what that of `SqlRegistry` does; the suite says so in detail.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, Self, overload

import numpy as np

from pachon.datasets import (
    CollectionInfo,
    CollectionType,
    ColumnTable,
    DatasetRef,
    DatasetSearch,
    DatasetTable,
    DatasetType,
    FactSource,
    ValidityTable,
)
from pachon.dimensions import (
    DataCoordinate,
    DataIdTable,
    DimensionGroup,
    DimensionRecord,
    DimensionUniverse,
    RecordTable,
    Timespan,
)

if TYPE_CHECKING:
    from pachon.registry.datasets.finding import Bounds
    from pachon.registry.dimension_records.expansion import ExpandedDataIds
    from pachon.registry.dimension_records.insertion import SyncOutcome
    from pachon.registry.opaque import OpaqueColumn
    from pachon.registry.query.answers import Answer
    from pachon.registry.query.plan import Plan
    from pachon.registry.query.spec import QuerySpec
    from pachon.registry.sql_registry import SqlRegistry

__all__ = [
    "CollectionVerbs",
    "DatasetTypeVerbs",
    "DatasetVerbs",
    "QueryVerbs",
    "RecordRows",
    "RecordVerbs",
    "Registry",
]


class CollectionVerbs(Protocol):
    """Registering, chaining, tagging, certifying, sealing, listing and removing collections."""

    def register(self, name: str, type: CollectionType | str = CollectionType.RUN, *, doc: str | None = None) -> bool:
        """Make a collection unless it exists; true if it was made. An existing one keeps its documentation."""
        ...

    def get(self, name: str, *, parents: bool = False, dataset_types: bool = False) -> CollectionInfo:
        """Give what is known of a collection; the chains that hold it and the types that it held on request."""
        ...

    def find(
        self, names: Iterable[str], *, parents: bool = False, dataset_types: bool = False
    ) -> dict[str, CollectionInfo]:
        """Give what is known of collections; absent ones are left out."""
        ...

    def find_types(self, names: Iterable[str]) -> dict[str, CollectionType]:
        """Give the types of collections; absent ones are left out. What was asked before is known without a query."""
        ...

    def query(
        self,
        expression: str | Iterable[str] = "*",
        types: CollectionType | str | Iterable[CollectionType | str] | None = None,
        *,
        flatten_chains: bool = False,
        include_chains: bool | None = None,
    ) -> list[str]:
        """Give the names of matching collections: those of patterns first, by name, then explicit ones in order."""
        ...

    def flatten(self, names: str | Iterable[str]) -> tuple[str, ...]:
        """Expand chains depth first; each collection once, at its first place."""
        ...

    def set_doc(self, name: str, doc: str | None) -> None:
        """Replace the documentation of a collection."""
        ...

    def seal(self, name: str) -> None:
        """Let a run take no further datasets; those it holds can be read, tagged and removed as before."""
        ...

    def unseal(self, name: str) -> None:
        """Let a sealed run take datasets again; one that is not sealed stays as it is."""
        ...

    def remove(self, name: str) -> None:
        """Remove a collection, with its associations and validity ranges; datasets and children stay."""
        ...

    def set_chain(self, parent: str, children: str | Iterable[str]) -> None:
        """Replace the children of a chain; duplicates keep their first place."""
        ...

    def extend(self, parent: str, children: str | Iterable[str]) -> None:
        """Add children at the end of a chain; one that is there already moves."""
        ...

    def prepend(self, parent: str, children: str | Iterable[str]) -> None:
        """Add children at the beginning of a chain; one that is there already moves."""
        ...

    def remove_from(self, parent: str, children: str | Iterable[str]) -> None:
        """Take children out of a chain; those that are not there are ignored."""
        ...

    def associate(self, name: str, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Refer to datasets in a TAGGED collection; all or none."""
        ...

    def disassociate(self, name: str, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Take datasets out of a TAGGED collection; those that are not there are ignored."""
        ...

    def certify(self, name: str, datasets: DatasetTable | Iterable[DatasetRef], timespan: Timespan) -> None:
        """Give datasets a validity range in a CALIBRATION collection; all or none."""
        ...

    def decertify(
        self, name: str, dataset_type: str | DatasetType, timespan: Timespan, *, data_ids: DataIdTable | None = None
    ) -> None:
        """Take a time span out of validity ranges, of all data IDs or of some; what is left of a range stays."""
        ...

    def fetch_governor_values(self, names: Iterable[str]) -> dict[str, set[str]]:
        """Give the values of each governor that collections (chains expanded) ever held."""
        ...

    def refresh_summaries(self) -> None:
        """Compute anew which dataset types and governor values each collection holds."""
        ...


class DatasetTypeVerbs(Protocol):
    """Registering, listing and removing dataset types."""

    def register(self, dataset_type: DatasetType) -> bool:
        """Register a dataset type unless it is; true if it was not."""
        ...

    def get(self, name: str) -> DatasetType:
        """Give the dataset type of a name."""
        ...

    def find(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the dataset types of these names; absent ones are left out."""
        ...

    def query(self, expression: str | Iterable[str] = "*") -> list[DatasetType]:
        """Give the dataset types that names and patterns match, by name; absent names are left out."""
        ...

    def remove(self, expression: str | Iterable[str]) -> list[str]:
        """Remove the dataset types that names and patterns match; give their names."""
        ...


class RecordVerbs(Protocol):
    """Inserting, reading and looking up dimension records."""

    def insert(
        self,
        element: str | RecordTable,
        rows: Iterable[Mapping[str, Any] | DimensionRecord] | Mapping[str, Sequence[Any]] | RecordTable | None = None,
        *,
        replace: bool = False,
        skip_existing: bool = False,
    ) -> int:
        """Insert records; give the number of rows that were written."""
        ...

    def sync(self, record: DimensionRecord, *, update: bool = False) -> SyncOutcome:
        """Insert a record unless it exists; compare it with the existing one."""
        ...

    def fetch(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element: all, or those of data IDs that have its required dimensions."""
        ...

    @overload
    def expand(self, data_ids: DataCoordinate) -> DataCoordinate: ...

    @overload
    def expand(self, data_ids: DataIdTable) -> ExpandedDataIds: ...

    def expand(self, data_ids: DataCoordinate | DataIdTable) -> DataCoordinate | ExpandedDataIds:
        """Complete data IDs with the values of implied dimensions and the records of all elements."""
        ...


class DatasetVerbs(Protocol):
    """Inserting, finding, reading and removing datasets."""

    def insert(self, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Register new datasets in their runs; all or none."""
        ...

    def import_(self, datasets: DatasetTable | Iterable[DatasetRef]) -> int:
        """Register datasets with their ids; those that are there already are left alone. Give the number of new ones."""
        ...

    def find_one(
        self,
        dataset_type: str | DatasetType,
        data_id: DataCoordinate,
        collections: str | Iterable[str],
        *,
        timespan: Timespan | None = None,
    ) -> DatasetRef | None:
        """Give the dataset of a data ID from the first collection that has one."""
        ...

    def find(
        self,
        dataset_type: str | DatasetType,
        data_ids: DataIdTable,
        collections: str | Iterable[str],
        *,
        timespans: Timespan | Bounds | None = None,
    ) -> tuple[np.ndarray, DatasetTable]:
        """Give for each data ID the dataset from the first collection that has one."""
        ...

    def get_by_ids(self, ids: np.ndarray | Iterable[uuid.UUID]) -> list[DatasetTable]:
        """Give datasets by id, one table a dataset type; ids that are not registered are left out."""
        ...

    def get_by_run(self, run: str) -> list[DatasetTable]:
        """Give all datasets of a run, one table a dataset type."""
        ...

    def fetch_validity(
        self, dataset_type: str | DatasetType, collections: str | Iterable[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in collections with its validity range and the rank of its collection."""
        ...

    def remove(self, ids: np.ndarray | Iterable[uuid.UUID]) -> int:
        """Remove datasets with their tags and validity ranges; unknown ids are ignored. Give how many there were."""
        ...


class QueryVerbs(Protocol):
    """Queries of data IDs, datasets, dimension records, and all of these side by side."""

    def spec(self, dimensions: DimensionGroup | Iterable[str], **conditions: Any) -> QuerySpec:
        """Put together what is asked, from the arguments that all queries share."""
        ...

    def dataset_spec(
        self, dataset_type: str | DatasetType, collections: str | Iterable[str], **conditions: Any
    ) -> QuerySpec:
        """Put together a query of datasets."""
        ...

    def record_spec(self, element: str, **conditions: Any) -> QuerySpec:
        """Put together a query of dimension records."""
        ...

    def fetch(self, spec: QuerySpec) -> Answer:
        """Give all that was asked for."""
        ...

    def batches(self, spec: QuerySpec, size: int = ...) -> Iterator[Answer]:
        """Give the same in parts of about ``size`` rows, with the memory of one part."""
        ...

    def count(self, spec: QuerySpec) -> int:
        """Count what would be given."""
        ...

    def known_values(self, spec: QuerySpec) -> dict[str, int | str]:
        """Give the values that dimensions have in all rows of a query because a condition says so."""
        ...

    def general(
        self,
        dimensions: DimensionGroup | Iterable[str],
        fields: Iterable[str],
        *,
        find_first: bool = True,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> ColumnTable:
        """Give values of dimensions, fields of records and fields of datasets side by side, each row once."""
        ...

    def plan(self, spec: QuerySpec) -> Plan:
        """Give the plan by which a query is answered now; it can be printed."""
        ...

    def sql(self, spec: QuerySpec) -> str:
        """Give the statement of a query without given tables, for people to read."""
        ...

    def data_ids(
        self,
        dimensions: DimensionGroup | Iterable[str],
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> DataIdTable:
        """Give the distinct, full data IDs of a group of dimensions."""
        ...

    def datasets(
        self,
        dataset_type: str | DatasetType,
        collections: str | Iterable[str],
        *,
        find_first: bool = True,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> DatasetTable:
        """Give datasets of a type, with full data IDs."""
        ...

    def records(
        self,
        element: str,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> RecordTable:
        """Give the distinct records of an element."""
        ...

    def explain_empty(self, spec: QuerySpec) -> list[str]:
        """Say in sentences which condition, collection, type or record leaves a query without rows."""
        ...


class RecordRows(Protocol):
    """Rows of another layer's records, in the registry's transactions (`pachon.registry.OpaqueTable`)."""

    def insert(self, rows: Mapping[str, Any], *, skip_existing: bool = False) -> int:
        """Add rows; give how many were written."""
        ...

    def insert_one(self, row: Mapping[str, Any]) -> None:
        """Add one row, given by its values (a ``uuid`` as 16 bytes)."""
        ...

    def fetch(
        self, column: str | None = None, values: Any = (), *, order_by: Sequence[str] = (), limit: int | None = None
    ) -> dict[str, Any]:
        """Give rows as columns: all, or those of which a column has one of some values."""
        ...

    def fetch_keys(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Give the rows that have these values of some columns together, as columns."""
        ...

    def update(self, keys: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        """Change columns of the rows that have these values of other columns; give how many there were."""
        ...

    def update_one(self, keys: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        """Change columns of the rows that have one value each of other columns, none a ``uuid``; give how many there were."""
        ...

    def move(self, column: str, values: Any, target: Any, extra: Mapping[str, Any] | None = None) -> int:
        """Move rows of which a column has one of some values into another table; give how many there were."""
        ...

    def delete(self, keys: Mapping[str, Any]) -> int:
        """Delete the rows that have these values of some columns; give how many there were."""
        ...


class Registry(Protocol):
    """Collections, dataset types, dimension records and datasets of one repository; a context manager."""

    @property
    def collections(self) -> CollectionVerbs:
        """What can be done with collections."""
        ...

    @property
    def dataset_types(self) -> DatasetTypeVerbs:
        """What can be done with dataset types."""
        ...

    @property
    def dimension_records(self) -> RecordVerbs:
        """What can be done with dimension records."""
        ...

    @property
    def datasets(self) -> DatasetVerbs:
        """What can be done with datasets."""
        ...

    @property
    def query(self) -> QueryVerbs:
        """The queries."""
        ...

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions."""
        ...

    @property
    def writeable(self) -> bool:
        """Whether changes are allowed."""
        ...

    def write(self, *, whole: bool = False, bulk: bool = False) -> AbstractContextManager[object]:
        """Apply all changes of the block in one transaction, or none; a block inside another one fails alone.

        With ``whole`` no part fails alone: no exception of a change may be caught inside. With ``bulk`` it only adds datasets and
        rows of opaque tables, many at a time, and registers runs.
        """
        ...

    def snapshot(self) -> AbstractContextManager[object]:
        """Let all reads of the block see one state."""
        ...

    def facts(self, defaults: Mapping[str, str] | None = None) -> FactSource:
        """Give what the builder of quantum graphs asks."""
        ...

    def opaque(self, name: str, columns: Sequence[OpaqueColumn]) -> RecordRows:
        """Give a table of another layer's records; it is made on first use."""
        ...

    def refresh(self) -> None:
        """Forget all that is cached."""
        ...

    def close(self) -> None:
        """Close all connections; the registry cannot be used any more."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


if TYPE_CHECKING:

    def _implements(registry: SqlRegistry) -> Registry:
        """Let the type checker compare the implementation with the interface."""
        return registry
