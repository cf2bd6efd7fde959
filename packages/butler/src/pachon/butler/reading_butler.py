# SPDX-License-Identifier: BSD-3-Clause
"""The part of a butler that reads: get, find, existence, places of files, queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pachon.butler.arguments import explains_arguments
from pachon.butler.facts import RepositoryFacts

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np

    from pachon.butler.get import DatasetUris
    from pachon.butler.lookup import DataId
    from pachon.butler.query import Query
    from pachon.butler.query_results import DataIdQueryResult, DatasetQueryResult, RecordQueryResult
    from pachon.datasets import DatasetExistence, DatasetRef, DatasetType
    from pachon.datastore import DeferredDataset
    from pachon.dimensions import DataIdTable, DimensionGroup, Timespan
    from pachon.resources import ResourcePath

__all__ = ["ReadingButler"]


@explains_arguments
class ReadingButler(RepositoryFacts):
    """What a butler can do without changing anything; each method imports its verb when it is called."""

    # Datasets.

    def get(
        self,
        dataset_type_or_ref: DatasetType | str | DatasetRef,
        data_id: DataId | None = None,
        *,
        collections: str | Iterable[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
        timespan: Timespan | None = None,
        **dims: Any,
    ) -> Any:
        """Read a dataset.

        Parameters
        ----------
        dataset_type_or_ref
            What is wanted: a type or component by name (``raw.wcs``) or as an object, or a reference.
        data_id, **dims
            Its label; alternate keys and default values are understood. For a calibration also what tells the time, such
            as ``exposure``.
        collections
            Where to search, in order; by default the butler's.
        parameters
            What to read of it, by names that its storage class knows.
        storage_class
            What to give it as.
        timespan
            When a calibration must be valid.

        Raises
        ------
        DatasetNotFoundError
            If there is none.
        CalibrationLookupError
            If several calibrations of the winning collection are valid.
        DatasetFileNotFoundError, FileIntegrityError
            If its file is gone, or is not the one that was written.
        """
        from pachon.butler import get as verb

        self._session.check_open()
        ref, records = verb.locate(
            self._session, dataset_type_or_ref, data_id, collections=collections, timespan=timespan, dims=dims
        )
        return verb.get(self._session, ref, records, parameters=parameters, storage_class=storage_class)

    def get_deferred(
        self,
        dataset_type_or_ref: DatasetType | str | DatasetRef,
        data_id: DataId | None = None,
        *,
        collections: str | Iterable[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
        timespan: Timespan | None = None,
        **dims: Any,
    ) -> DeferredDataset:
        """Find a dataset now and give a handle that reads it later; the arguments are those of `get`."""
        from pachon.butler import get as verb

        self._session.check_open()
        ref = verb.resolve_ref(
            self._session, dataset_type_or_ref, data_id, collections=collections, timespan=timespan, dims=dims
        )
        return verb.get_deferred(self._session, ref, parameters=parameters, storage_class=storage_class)

    def get_many(self, refs: Iterable[DatasetRef], *, parallel: int | None = None) -> Iterator[tuple[DatasetRef, Any]]:
        """Read datasets, some at a time (``parallel`` threads), and give them in order."""
        from pachon.butler.get import get_many

        self._session.check_open()
        return get_many(self._session, refs, parallel=parallel)

    def get_uri(
        self,
        dataset_type_or_ref: DatasetType | str | DatasetRef,
        data_id: DataId | None = None,
        *,
        collections: str | Iterable[str] | None = None,
        timespan: Timespan | None = None,
        **dims: Any,
    ) -> ResourcePath:
        """Give the place of the file of a dataset that is stored as one file."""
        from pachon.butler import get as verb

        self._session.check_open()
        ref = verb.resolve_ref(
            self._session, dataset_type_or_ref, data_id, collections=collections, timespan=timespan, dims=dims
        )
        return verb.get_uri(self._session, ref)

    def get_uris(self, refs: Iterable[DatasetRef]) -> dict[DatasetRef, DatasetUris]:
        """Give the places of the files of datasets: one each, or one for each component."""
        from pachon.butler.get import get_uris

        self._session.check_open()
        return get_uris(self._session, refs)

    def find_dataset(
        self,
        dataset_type: DatasetType | str,
        data_id: DataId | None = None,
        *,
        collections: str | Iterable[str] | None = None,
        timespan: Timespan | None = None,
        **dims: Any,
    ) -> DatasetRef | None:
        """Find the dataset of the first collection that has one.

        The arguments are those of `get`. CALIBRATION collections are searched if there is a ``timespan``, or the data ID
        has a key that tells the time.

        Raises
        ------
        CalibrationLookupError
            If several calibrations of the winning collection are valid.
        NoDefaultCollectionError
            If there is nowhere to search.
        """
        from pachon.butler.find import find_dataset

        self._session.check_open()
        return find_dataset(self._session, dataset_type, data_id, collections=collections, timespan=timespan, dims=dims)

    def find_datasets(
        self,
        dataset_type: DatasetType | str,
        data_ids: DataIdTable | Iterable[DataId],
        *,
        collections: str | Iterable[str] | None = None,
    ) -> list[DatasetRef | None]:
        """Find for each data ID the dataset of the first collection that has one; one query for all."""
        from pachon.butler.find import find_datasets

        self._session.check_open()
        return find_datasets(self._session, dataset_type, data_ids, collections=collections)

    def get_dataset(self, dataset_id: UUID) -> DatasetRef | None:
        """Give the dataset of an id, or None."""
        from pachon.butler.find import get_dataset

        self._session.check_open()
        return get_dataset(self._session, dataset_id)

    def get_many_datasets(self, dataset_ids: Sequence[UUID] | np.ndarray) -> list[DatasetRef]:
        """Give the datasets of ids, in no order; unknown ids are left out."""
        from pachon.butler.find import get_many_datasets

        self._session.check_open()
        return get_many_datasets(self._session, dataset_ids)

    def exists(
        self,
        dataset_type_or_ref: DatasetType | str | DatasetRef,
        data_id: DataId | None = None,
        *,
        collections: str | Iterable[str] | None = None,
        timespan: Timespan | None = None,
        verify: bool = False,
        **dims: Any,
    ) -> DatasetExistence:
        """Say where a dataset is known: in the registry, the datastore, and with ``verify`` whether its file is there with its size.

        The answer is true if all that was asked agrees that it exists.
        """
        from pachon.butler.exists import exists

        self._session.check_open()
        return exists(
            self._session,
            dataset_type_or_ref,
            data_id,
            collections=collections,
            timespan=timespan,
            verify=verify,
            dims=dims,
        )

    def exists_many(self, refs: Iterable[DatasetRef], *, verify: bool = False) -> dict[DatasetRef, DatasetExistence]:
        """Say for each dataset where it is known; a handful of queries for all."""
        from pachon.butler.exists import exists_many

        self._session.check_open()
        return exists_many(self._session, refs, verify=verify)

    def retrieve(
        self,
        refs: Iterable[DatasetRef],
        destination: str | ResourcePath,
        *,
        transfer: str = "copy",
        preserve_path: bool = True,
        overwrite: bool = False,
        skip_unstored: bool = False,
    ) -> list[ResourcePath]:
        """Copy the files of datasets to a folder, with an index; give their new places.

        Datasets that are not stored are an error, or left out with ``skip_unstored``.
        """
        from pachon.butler.retrieve import retrieve

        return retrieve(
            self._session,
            refs,
            destination,
            transfer=transfer,
            preserve_path=preserve_path,
            overwrite=overwrite,
            skip_unstored=skip_unstored,
        )

    # Queries.

    def query(self) -> AbstractContextManager[Query]:
        """Give an empty query, to be put together step by step.

        ::

            with butler.query() as q:
                q = q.join_datasets("raw").where("exposure.seq_num > 1").materialize(["exposure"])
                for row in q.general(["exposure"], ["exposure.obs_id"]):
                    ...
        """
        from pachon.butler.query import QueryContext

        return QueryContext(self._session)

    def query_datasets(
        self,
        dataset_type: DatasetType | str,
        *,
        collections: str | Iterable[str] | None = None,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        find_first: bool = True,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        data_id: DataId | None = None,
        with_records: bool = False,
    ) -> DatasetQueryResult:
        """Query datasets of one type; lazy.

        Parameters
        ----------
        dataset_type
            Name or object, no component.
        collections
            Where to search, in order; by default the butler's. Globs only with ``find_first=False``.
        where, bind
            An expression that data IDs and datasets must satisfy, and the values of its ``:names``.
        find_first
            Give for each data ID the dataset of the first collection that has one that satisfies the conditions; else all, each
            once. (The command ``query-datasets`` gives all by default.)
        order_by
            Fields to sort by; ``-`` before one reverses it. Datasets that agree in all of them come in any order.
        limit
            The largest number of results; a negative one also warns if there are more.
        data_id
            Values that data IDs must have.
        with_records
            Give data IDs with their dimension records.
        """
        from pachon.butler.queries import query_datasets

        return query_datasets(
            self._session,
            dataset_type,
            collections=collections,
            where=where,
            bind=bind,
            find_first=find_first,
            order_by=order_by,
            limit=limit,
            data_id=data_id,
            with_records=with_records,
        )

    def query_data_ids(
        self,
        dimensions: str | Iterable[str] | DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        datasets: str | Iterable[str] = (),
        collections: str | Iterable[str] | None = None,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        data_id: DataId | None = None,
    ) -> DataIdQueryResult:
        """Query data IDs of some dimensions, perhaps only those for which datasets exist; lazy."""
        from pachon.butler.queries import query_data_ids

        return query_data_ids(
            self._session,
            dimensions,
            where=where,
            bind=bind,
            datasets=datasets,
            collections=collections,
            order_by=order_by,
            limit=limit,
            data_id=data_id,
        )

    def query_dimension_records(
        self,
        element: str,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        datasets: str | Iterable[str] = (),
        collections: str | Iterable[str] | None = None,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        data_id: DataId | None = None,
    ) -> RecordQueryResult:
        """Query the records of a dimension or other element; lazy."""
        from pachon.butler.queries import query_records

        return query_records(
            self._session,
            element,
            where=where,
            bind=bind,
            datasets=datasets,
            collections=collections,
            order_by=order_by,
            limit=limit,
            data_id=data_id,
        )

    def query_all_datasets(
        self,
        collections: str | Iterable[str] | None = None,
        *,
        name: str | Iterable[str] = "*",
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        find_first: bool = False,
        limit: int | None = None,
    ) -> DatasetQueryResult:
        """Query datasets of all types that a name or glob matches; lazy."""
        from pachon.butler.queries import query_all_datasets

        return query_all_datasets(
            self._session, collections, name=name, where=where, bind=bind, find_first=find_first, limit=limit
        )
