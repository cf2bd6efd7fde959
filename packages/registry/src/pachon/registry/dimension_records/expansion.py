# SPDX-License-Identifier: BSD-3-Clause
"""Completing data IDs: values of implied dimensions, and the record of every element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import (
    Categorical,
    DataCoordinate,
    DataIdTable,
    DataIdValueError,
    DimensionElement,
    DimensionRecord,
    InconsistentDataIdError,
    RecordTable,
)
from pachon.registry.database.key_lookup import matching
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.quick import QuickStatement
from pachon.registry.dimension_records.fields import record_from_row, show_key
from pachon.registry.dimension_records.reading import fetch_matching, pixel_records, record_selection
from pachon.registry.state import State

__all__ = ["ExpandedDataIds", "expand", "expand_table"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpandedDataIds(Sequence[DataCoordinate]):
    """Full data IDs, and for each element of their group its records; rows are made when somebody looks."""

    data_ids: DataIdTable
    records: Mapping[str, RecordTable]
    """The distinct records of each element, in the group's lookup order."""
    rows: Mapping[str, np.ndarray]
    """For each data ID the row of its record, int64; -1 for a combination without a record."""

    def __len__(self) -> int:
        return len(self.data_ids)

    def __getitem__(self, index: int) -> DataCoordinate:  # type: ignore[override]  # no slices: take() of the columns
        data_id = self.data_ids[index]
        return DataCoordinate(self.data_ids.group, data_id.values, self._records_of(index))

    def __iter__(self) -> Iterator[DataCoordinate]:
        # Many data IDs share the records of coarse elements, which are made once.
        made: dict[str, dict[int, DimensionRecord | None]] = {name: {} for name in self.rows}
        rows = [(name, made[name], self.rows[name].tolist()) for name in self.rows]
        group = self.data_ids.group
        for index, data_id in enumerate(self.data_ids):
            records: dict[str, DimensionRecord | None] = {}
            for name, known, places in rows:
                row = places[index]
                if row not in known:
                    known[row] = self._record(name, row)
                records[name] = known[row]
            yield DataCoordinate(group, data_id.values, records)

    def _records_of(self, index: int) -> dict[str, DimensionRecord | None]:
        return {name: self._record(name, int(rows[index])) for name, rows in self.rows.items()}

    def _record(self, name: str, row: int) -> DimensionRecord | None:
        if row < 0:
            return None
        record: DimensionRecord = self.records[name][row]
        return record


def expand(state: State, connection: sa.Connection, data_id: DataCoordinate) -> DataCoordinate:
    """Complete one data ID with the records of all elements of its group.

    Raises
    ------
    DataIdValueError
        If a dimension has no record.
    InconsistentDataIdError
        If a given value contradicts a record, or no record relates values which exist.
    """
    group = data_id.group
    if data_id.records is not None and all(name in data_id.records for name in group.elements):
        return data_id
    view = state.view(connection)
    known = {**data_id.given, **data_id.mapping}
    records: dict[str, DimensionRecord | None] = {}
    universe = state.universe
    for name in group.lookup_order:
        element = universe[name]
        try:
            key = tuple(map(known.__getitem__, element.required))
        except KeyError:
            missing = [dimension for dimension in element.required if dimension not in known]
            raise DataIdValueError(f"No record gives a value of {', '.join(missing)} for {data_id}.") from None
        found = view.known_records(element)
        record = found.get(key)
        if record is None:
            named = dict(zip(element.required, key, strict=True))
            record = _fetch_one(state, connection, element, named)
            if record is None:
                _refuse_absence(element, named)
            else:
                found[key] = record
        if record is not None and element.implied:
            _take_implied(element, record, known)
        records[name] = record
    return DataCoordinate(group, tuple(map(known.__getitem__, group.ordered)), records)


def _fetch_one(
    state: State, connection: sa.Connection, element: DimensionElement, key: Mapping[str, int | str]
) -> DimensionRecord | None:
    if element.is_skypix:
        records = pixel_records(state.universe, element, np.array([key[element.name]], dtype=np.int64))
        return _first(records)
    select, columns = record_selection(state, element)
    statement = state.prepare(
        ("one record", element.name), lambda: QuickStatement(select.where(matching(columns)), connection)
    )
    rows = statement.fetch(connection, {f"key_{name}": value for name, value in key.items()})
    return record_from_row(element, rows[0]) if rows else None


def _first(records: RecordTable) -> DimensionRecord | None:
    if not len(records):
        return None
    record: DimensionRecord = records[0]
    return record


def _refuse_absence(element: DimensionElement, key: Mapping[str, int | str]) -> None:
    """Raise unless a missing record is allowed: only a combination may lack one."""
    if element.is_dimension:
        raise DataIdValueError(f"There is no {element.name} record for {show_key(key)}.")
    if element.always_join or element.implied:
        raise InconsistentDataIdError(f"No {element.name} relates {show_key(key)}: they do not belong together.")


def _take_implied(element: DimensionElement, record: DimensionRecord, known: dict[str, int | str]) -> None:
    for name in element.implied:
        value = record.key(name)
        if known.setdefault(name, value) != value:
            raise InconsistentDataIdError(
                f"The record of {element.name} says {name}={value!r}, the data ID {name}={known[name]!r}."
            )


def expand_table(state: State, connection: sa.Connection, data_ids: DataIdTable) -> ExpandedDataIds:
    """Complete many data IDs; values of implied dimensions that were given are checked.

    Raises
    ------
    DataIdValueError
        If a dimension has no record.
    InconsistentDataIdError
        If a given value contradicts a record, or no record relates values which exist.
    """
    group = data_ids.group
    columns: dict[str, Categorical] = dict(data_ids.columns)
    records: dict[str, RecordTable] = {}
    rows: dict[str, np.ndarray] = {}
    for name in group.lookup_order:
        element = state.universe[name]
        keys = KeyTable(columns={d: columns[d] for d in element.required}, length=len(data_ids))
        records[name], rows[name] = fetch_matching(state, connection, element, keys)
        absent = np.flatnonzero(rows[name] < 0)
        if len(absent):
            _refuse_absence(element, keys.row(int(absent[0])))
            continue
        for implied in element.implied:
            _fill(element, implied, records[name], rows[name], columns)
    full = DataIdTable(group, {name: columns[name] for name in group.ordered}, len(data_ids))
    for row, given in data_ids.given.items():
        _compare_given(full[row], given)
    return ExpandedDataIds(data_ids=full, records=records, rows=rows)


def _compare_given(data_id: DataCoordinate, given: Mapping[str, int | str]) -> None:
    for name, value in given.items():
        if data_id[name] != value:
            raise InconsistentDataIdError(
                f"The records of {data_id} say {name}={data_id[name]!r}, the data ID {name}={value!r}."
            )


def _fill(
    element: DimensionElement,
    implied: str,
    records: RecordTable,
    rows: np.ndarray,
    columns: dict[str, Categorical],
) -> None:
    """Take the values of an implied dimension from records, or compare them with given ones."""
    found = Categorical.encode(records.columns[element.key_name(implied)]).take(rows)
    if implied not in columns:
        columns[implied] = found
        return
    wrong = np.flatnonzero(columns[implied].recoded(found.values) != found.codes)
    if len(wrong):
        row = int(wrong[0])
        raise InconsistentDataIdError(
            f"The record of {element.name} says {implied}={found[row]!r}, "
            f"the data ID {implied}={columns[implied][row]!r}."
        )
