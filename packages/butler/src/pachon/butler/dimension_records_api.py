# SPDX-License-Identifier: BSD-3-Clause
"""The dimension records of a butler (``butler.dimension_records``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pachon.base import InvalidInputError
from pachon.butler.arguments import explains_arguments
from pachon.butler.lookup import resolve_values
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionRecord, RecordTable
from pachon.registry import SyncOutcome

__all__ = ["ButlerDimensionRecords"]

Rows = Iterable[Mapping[str, Any] | DimensionRecord] | Mapping[str, Sequence[Any]]


@explains_arguments
class ButlerDimensionRecords:
    """Insert, compare and read dimension records."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(
        self,
        element: str | RecordTable,
        rows: Rows | RecordTable | None = None,
        *,
        replace: bool = False,
        skip_existing: bool = False,
    ) -> None:
        """Insert records of one element; all or none. In a ``transaction()`` block they are there when that ends.

        Parameters
        ----------
        element
            Name of the element, or the records as a table.
        rows
            The records: a table (`RecordTable`, or one of pandas, Arrow, astropy or NumPy), a mapping each, or one
            mapping of columns.
        replace
            Write over records that exist.
        skip_existing
            Keep records that exist, without a comparison.

        Raises
        ------
        ConflictingDefinitionError
            If a record exists, or has another's alternate key.
        DataIdValueError
            If a record that another one requires or implies is not there.
        """
        self._session.check_writeable()
        if isinstance(element, RecordTable):
            records = element
        elif isinstance(rows, RecordTable):
            records = rows
        elif rows is None:
            raise InvalidInputError(f"The records of {element!r} are missing: give rows, or a table of records.")
        else:
            records = RecordTable.from_rows(self._session.universe[element], rows)
        registry = self._session.registry
        self._session.writer.commit(
            Change(
                write_rows=lambda: _ignore(
                    registry.dimension_records.insert(records, replace=replace, skip_existing=skip_existing)
                ),
                inserts_records=True,
            )
        )

    def sync(
        self, element: str | DimensionRecord, row: Mapping[str, Any] | None = None, *, update: bool = False
    ) -> SyncOutcome:
        """Insert a record unless it exists; compare it with the one that does. At once, so not in a transaction block.

        Raises
        ------
        ConflictingDefinitionError
            If the existing one differs and ``update`` is not set; the message names the field.
        """
        self._session.check_writeable()
        self._session.check_no_block("dimension_records.sync")
        if isinstance(element, str):
            table = RecordTable.from_rows(self._session.universe[element], [row or {}])
            record: DimensionRecord = table[0]
        else:
            record = element
        return self._session.registry.dimension_records.sync(record, update=update)

    def fetch(self, element: str, data_ids: DataIdTable | None = None) -> RecordTable:
        """Give the records of an element: all, or those of data IDs that have its required dimensions."""
        self._session.check_open()
        return self._session.registry.dimension_records.fetch(element, data_ids)

    def expand(self, data_id: DataCoordinate | Mapping[str, Any] | None = None, **dims: Any) -> DataCoordinate:
        """Complete a data ID with implied values and the records of all elements.

        Raises
        ------
        DataIdValueError
            If a dimension has no record.
        InconsistentDataIdError
            If values contradict each other.
        """
        self._session.check_open()
        values = resolve_values(self._session, data_id, dims)
        return self._session.registry.dimension_records.expand(values)


def _ignore(_: object) -> None:
    """Give nothing for something."""
