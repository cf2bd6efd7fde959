# SPDX-License-Identifier: BSD-3-Clause
"""The dimension records of a registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from pachon.dimensions import DataCoordinate, DataIdTable, DimensionRecord, RecordTable
from pachon.registry.database.key_table import KeyTable
from pachon.registry.dimension_records import expansion, reading
from pachon.registry.dimension_records.expansion import ExpandedDataIds
from pachon.registry.state import State

if TYPE_CHECKING:
    from pachon.registry.dimension_records.insertion import SyncOutcome

__all__ = ["DimensionRecords"]


class DimensionRecords:
    """Insert, read and look up dimension records."""

    def __init__(self, state: State) -> None:
        self._state = state

    def insert(
        self,
        element: str | RecordTable,
        rows: Iterable[Mapping[str, Any] | DimensionRecord] | Mapping[str, Sequence[Any]] | RecordTable | None = None,
        *,
        replace: bool = False,
        skip_existing: bool = False,
    ) -> int:
        """Insert records; give the number of rows that were written.

        Parameters
        ----------
        element
            Name of the element, or the records as a table.
        rows
            The records: a table (`RecordTable`, or one of pandas, Arrow, astropy or NumPy), a mapping each, or one
            mapping of columns.
        replace
            Write over existing records.
        skip_existing
            Keep existing records, without comparing them.

        Raises
        ------
        ConflictingDefinitionError
            If a record exists already, or has another's alternate key.
        DataIdValueError
            If a record that another one requires or implies is not there.
        """
        from pachon.registry.dimension_records import insertion  # what only reads does without

        if isinstance(element, RecordTable):
            records = element
        elif isinstance(rows, RecordTable):
            records = rows
        else:
            records = RecordTable.from_rows(self._state.universe[element], () if rows is None else rows)
        return insertion.insert(self._state, records, replace=replace, skip_existing=skip_existing)

    def sync(self, record: DimensionRecord, *, update: bool = False) -> SyncOutcome:
        """Insert a record unless it exists; compare it with the existing one.

        Raises
        ------
        ConflictingDefinitionError
            If the existing one differs and ``update`` is not set; the message names the field.
        """
        from pachon.registry.dimension_records import insertion

        return insertion.sync(self._state, record, update=update)

    def fetch(self, element: str, data_ids: DataIdTable | KeyTable | None = None) -> RecordTable:
        """Give the records of an element: all, or those of data IDs that have its required dimensions."""
        item = self._state.universe[element]
        keys = KeyTable.from_data_ids(data_ids, item.required) if isinstance(data_ids, DataIdTable) else data_ids
        with self._state.database.snapshot() as connection:
            return reading.fetch(self._state, connection, item, keys)

    @overload
    def expand(self, data_ids: DataCoordinate) -> DataCoordinate: ...

    @overload
    def expand(self, data_ids: DataIdTable) -> ExpandedDataIds: ...

    def expand(self, data_ids: DataCoordinate | DataIdTable) -> DataCoordinate | ExpandedDataIds:
        """Complete data IDs with the values of implied dimensions and the records of all elements.

        Raises
        ------
        DataIdValueError
            If a dimension has no record.
        InconsistentDataIdError
            If values contradict each other.
        """
        if isinstance(data_ids, DataCoordinate):
            with self._state.database.read() as connection:
                return expansion.expand(self._state, connection, data_ids)
        with self._state.database.snapshot() as connection:
            return expansion.expand_table(self._state, connection, data_ids)
