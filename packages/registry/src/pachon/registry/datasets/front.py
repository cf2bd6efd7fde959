# SPDX-License-Identifier: BSD-3-Clause
"""The datasets of a registry."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from types import EllipsisType

import numpy as np
import sqlalchemy as sa

from pachon.datasets import DatasetRef, DatasetTable, DatasetType, ValidityTable, ids_from_uuids
from pachon.dimensions import DataCoordinate, DataIdTable, Timespan
from pachon.registry.collection_names import refuse_globs
from pachon.registry.database.key_table import KeyTable
from pachon.registry.datasets import finding, insertion, reading, removal
from pachon.registry.datasets.finding import Bounds
from pachon.registry.datasets.rows import as_tables, id_list
from pachon.registry.state import State

__all__ = ["Datasets"]


class Datasets:
    """Register, find and remove datasets; many are a `DatasetTable`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def insert(self, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Register new datasets in their runs; all or none.

        Raises
        ------
        MissingCollectionError, CollectionTypeError
            If a run does not exist, or is no run.
        MissingDatasetTypeError, DatasetTypeError
            If the dataset type is not registered, or is registered otherwise.
        ConflictingDefinitionError
            If a run holds a dataset of that type and data ID already, or an id is taken.
        DataIdValueError
            If a dimension record does not exist.
        """
        if isinstance(datasets, list | tuple) and len(datasets) == 1 and datasets[0].dataset_type.component is None:
            insertion.insert_one(self._state, datasets[0])
        else:
            insertion.insert(self._state, as_tables(datasets))

    def import_(self, datasets: DatasetTable | Iterable[DatasetRef]) -> int:
        """Register datasets with their ids; those that are there already are left alone. Give the number of new ones.

        Raises
        ------
        ConflictingDefinitionError
            If an id exists with another type, run or data ID, or a run holds another dataset of that data ID.
        """
        return insertion.import_(self._state, as_tables(datasets))

    def find_one(
        self,
        dataset_type: str | DatasetType,
        data_id: DataCoordinate,
        collections: str | Iterable[str],
        *,
        timespan: Timespan | None = None,
    ) -> DatasetRef | None:
        """Give the dataset of a data ID from the first collection that has one.

        Parameters
        ----------
        dataset_type
            Its name, or itself.
        data_id
            Of the dimensions of the dataset type, or of more.
        collections
            Names in search order; chains are expanded.
        timespan
            Where calibrations must be valid; without it CALIBRATION collections are skipped.

        Raises
        ------
        CalibrationLookupError
            If several calibrations of the winning collection are valid.
        """
        names = refuse_globs(collections, "finding a dataset")
        with self._state.database.read(replica=True) as connection:
            # SQLite tells by itself whether anything changed, for a tenth of the price of a query.
            if self._state.dialect == "postgresql" and timespan is None:
                found = finding.find_remembered(self._state, connection, _name(dataset_type), data_id, names)
                if found is not ...:
                    return found
            found = self._find_one(connection, dataset_type, data_id, names, timespan)
            if found is not ...:
                return found
        with self._state.database.snapshot(replica=True) as connection:
            found = self._find_one(connection, dataset_type, data_id, names, timespan)
            assert found is not ..., "rows of one state name runs that it has"
            return found

    def _find_one(
        self,
        connection: sa.Connection,
        dataset_type: str | DatasetType,
        data_id: DataCoordinate,
        names: Sequence[str],
        timespan: Timespan | None,
    ) -> DatasetRef | EllipsisType | None:
        view = self._state.view(connection)
        known = view.get_dataset_type(_name(dataset_type))
        path = view.flatten(names)
        data_id = data_id.subset(known.dataset_type.dimensions)
        return finding.find_one(self._state, connection, known, data_id, path, view=view, timespan=timespan)

    def find(
        self,
        dataset_type: str | DatasetType,
        data_ids: DataIdTable,
        collections: str | Iterable[str],
        *,
        timespans: Timespan | Bounds | None = None,
    ) -> tuple[np.ndarray, DatasetTable]:
        """Give for each data ID the dataset from the first collection that has one.

        Parameters
        ----------
        dataset_type
            Its name, or itself.
        data_ids
            Of the dimensions of the dataset type, or of more.
        collections
            Names in search order; chains are expanded.
        timespans
            Where calibrations must be valid: one time span for all, or first nanosecond and the one after the last of
            each data ID (int64 arrays, TAI). Without it CALIBRATION collections are skipped.

        Returns
        -------
        rows : numpy.ndarray
            Shape (len(data_ids),), int64: the row of the dataset in the table, or -1.
        datasets : DatasetTable
            What was found, in the order of the data IDs and with these.

        Raises
        ------
        CalibrationLookupError
            If several calibrations of a winning collection are valid.
        """
        if isinstance(timespans, Timespan):
            ones = np.ones(len(data_ids), dtype=np.int64)
            timespans = (ones * timespans.begin_ns, ones * timespans.end_ns)
        with self._state.database.snapshot(replica=True) as connection:
            view = self._state.view(connection)
            known = view.get_dataset_type(_name(dataset_type))
            path = view.flatten(refuse_globs(collections, "finding datasets"))
            data_ids = data_ids.project(known.dataset_type.dimensions, distinct=False)
            return finding.find(self._state, connection, known, data_ids, path, bounds=timespans)

    def get_by_ids(self, ids: np.ndarray | Iterable[uuid.UUID]) -> list[DatasetTable]:
        """Give datasets by id, one table a dataset type; ids that are not registered are left out.

        Ids are an array of shape (n, 16), uint8, or UUIDs. Data IDs hold the required values only.
        """
        array = ids if isinstance(ids, np.ndarray) else ids_from_uuids(ids)
        with self._state.database.snapshot(replica=True) as connection:
            return reading.fetch_by_ids(self._state, connection, id_list(array))

    def get_by_run(self, run: str) -> list[DatasetTable]:
        """Give all datasets of a run, one table a dataset type."""
        with self._state.database.snapshot(replica=True) as connection:
            collection = self._state.view(connection).get_collection(run)
            ids = reading.fetch_ids_of_run(self._state, connection, collection)
            return reading.fetch_by_ids(self._state, connection, ids)

    def fetch_validity(
        self, dataset_type: str | DatasetType, collections: str | Iterable[str], *, data_ids: DataIdTable | None = None
    ) -> ValidityTable:
        """Give every dataset of a type in collections with its validity range and the rank of its collection.

        Those of RUN and TAGGED collections are valid always.
        """
        with self._state.database.snapshot(replica=True) as connection:
            view = self._state.view(connection)
            known = view.get_dataset_type(_name(dataset_type))
            path = view.flatten(refuse_globs(collections, "finding datasets"))
            keys = None if data_ids is None else KeyTable.from_data_ids(data_ids, known.tables.group.required)
            return reading.fetch_validity(self._state, connection, known, path, keys)

    def remove(self, ids: np.ndarray | Iterable[uuid.UUID]) -> int:
        """Remove datasets with their tags and validity ranges; unknown ids are ignored. Give how many there were."""
        array = ids if isinstance(ids, np.ndarray) else ids_from_uuids(ids)
        return removal.remove(self._state, id_list(array))


def _name(dataset_type: str | DatasetType) -> str:
    return dataset_type if isinstance(dataset_type, str) else dataset_type.parent_name
