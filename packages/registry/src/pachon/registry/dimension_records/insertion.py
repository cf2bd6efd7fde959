# SPDX-License-Identifier: BSD-3-Clause
"""Inserting, replacing and synchronizing dimension records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from pachon.base import InvalidInputError
from pachon.dimensions import Categorical, DataIdValueError, DimensionElement, DimensionRecord, RecordTable
from pachon.registry.database.inserts import insert_columns, insert_or_update
from pachon.registry.database.key_lookup import fetch_by_keys
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.retries import retried
from pachon.registry.database.texts import check_text
from pachon.registry.dimension_records.fields import key_columns, keys_of, plain_columns, row_dicts, show_key
from pachon.registry.dimension_records.overlaps import delete_overlaps, insert_overlaps
from pachon.registry.dimension_records.reading import fetch_matching, find_missing
from pachon.registry.errors import ConflictingDefinitionError
from pachon.registry.state import State

__all__ = ["SyncOutcome", "insert", "sync"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOutcome:
    """What a synchronization did."""

    inserted: bool
    """Whether the record was new."""
    replaced: Mapping[str, Any] = field(default_factory=dict)
    """The former values of the fields that were changed."""


@retried
def insert(state: State, records: RecordTable, *, replace: bool, skip_existing: bool) -> int:
    """Insert records; give how many rows were written.

    Raises
    ------
    ConflictingDefinitionError
        If a record exists (and neither option is set), or an alternate key belongs to another record.
    DataIdValueError
        If a record that is required or implied does not exist.
    """
    if replace and skip_existing:
        raise InvalidInputError("Existing records are either replaced or skipped, not both.")
    element = records.element
    if not element.has_table:
        raise InvalidInputError(f"Records of {element.name!r} are derived and cannot be inserted.")
    if len(records) == 0:
        return 0
    _check_texts(records)
    with state.database.write() as connection:
        _announce(state, connection, element, replace=replace)
        if skip_existing:
            return _write_new(state, connection, records)
        if replace:
            records = _last_of_each(records)
        _write(state, connection, records, replace=replace)
        return len(records)


def _write_new(state: State, connection: sa.Connection, records: RecordTable) -> int:
    """Insert the records that do not exist; give how many. Another client may insert some of them at the same time."""
    while True:
        new = _new_ones(state, connection, records)
        if len(new) == 0:
            return 0
        try:
            _write(state, connection, new, replace=False)
        except ConflictingDefinitionError:
            if len(_new_ones(state, connection, new)) == len(new):
                raise
        else:
            return len(new)


def _check_texts(records: RecordTable) -> None:
    """Refuse texts that only one of the databases would store."""
    for column in records.element.columns:
        if column.type == "string":
            values = records.columns[column.name].tolist()
            check_text("".join(filter(None, values)), f"{column.name!r} of a {records.element.name}")


def _announce(state: State, connection: sa.Connection, element: DimensionElement, *, replace: bool) -> None:
    """Keep caches of records right."""
    if element.cached:
        if replace:
            state.definitions.changed(connection)
        else:
            state.definitions.added(connection)
    elif replace:
        state.definitions.records_replaced(connection)


def _write(state: State, connection: sa.Connection, records: RecordTable, *, replace: bool) -> None:
    element = records.element
    table = state.schema.elements[element.name]
    if not state.database.checks_references and (lost := _missing_parent(state, connection, records)) is not None:
        raise lost
    try:
        with state.database.part(connection):
            if replace:
                keys = [column.key for column in table.primary_key]
                connection.execute(insert_or_update(table, state.dialect, keys=keys), row_dicts(records))
            else:
                insert_columns(connection, table, plain_columns(records))
    except IntegrityError as error:
        raise _reason(state, connection, records, error, replace=replace) from None
    if element.name in state.schema.overlaps:
        if replace:
            delete_overlaps(state, connection, records)
        insert_overlaps(state, connection, records)


def _new_ones(state: State, connection: sa.Connection, records: RecordTable) -> RecordTable:
    records = records.take(np.sort(keys_of(records).first_rows()))
    _, place = fetch_matching(state, connection, records.element, keys_of(records))
    return records.take(place < 0)


def _last_of_each(records: RecordTable) -> RecordTable:
    backwards = np.arange(len(records))[::-1]
    last = backwards[keys_of(records).take(backwards).first_rows()]
    return records.take(np.sort(last))


def _reason(
    state: State, connection: sa.Connection, records: RecordTable, error: IntegrityError, *, replace: bool
) -> Exception:
    """Find out which rule the database has just enforced."""
    element = records.element
    keys = keys_of(records)
    if (missing := _missing_parent(state, connection, records)) is not None:
        return missing
    if not replace:
        once = keys.first_rows()
        if len(once) < len(keys):
            twice = np.setdiff1d(np.arange(len(keys)), once)
            return ConflictingDefinitionError(f"{element.name} {show_key(keys.row(int(twice[0])))} is given twice.")
        _, place = fetch_matching(state, connection, element, keys)
        if (place >= 0).any():
            row = int(np.flatnonzero(place >= 0)[0])
            return ConflictingDefinitionError(
                f"A record of {element.name} exists for {show_key(keys.row(row))}; "
                f"skip_existing=True keeps it, and replace=True writes over it."
            )
    for alternate in element.alternate_keys:
        if (clash := _alternate_clash(state, connection, records, alternate.name)) is not None:
            return clash
    return ConflictingDefinitionError(f"The database refused a record of {element.name}: {error.orig}.")


def _missing_parent(state: State, connection: sa.Connection, records: RecordTable) -> DataIdValueError | None:
    """Say which required or implied record does not exist."""
    element = records.element
    for name in (*element.dependencies, *element.implied):
        parent = state.universe[name]
        columns = {
            d: Categorical.encode(records.columns[element.key_name(d)]) for d in parent.required if _has(element, d)
        }
        if len(columns) == len(parent.required):
            lost = find_missing(state, connection, parent, KeyTable(columns=columns, length=len(records)))
            if lost is not None:
                return DataIdValueError(f"There is no {name} record for {show_key(lost)}; insert it first.")
    return None


def _has(element: DimensionElement, dimension: str) -> bool:
    return dimension in element.required or dimension in element.implied


def _alternate_clash(
    state: State, connection: sa.Connection, records: RecordTable, alternate: str
) -> ConflictingDefinitionError | None:
    element = records.element
    table = state.schema.elements[element.name]
    fixed = {d: c for d, c in key_columns(element, table).items() if d != element.name}
    wanted = {d: records.columns[element.key_name(d)].tolist() for d in fixed} | {
        alternate: records.columns[alternate].tolist()
    }
    keys = KeyTable.from_lists(wanted, len(records))
    own = records.columns[element.primary_key.name].tolist()
    holders: dict[tuple[Any, ...], Any] = {}
    selected = [*fixed.values(), table.c[alternate]]
    rows = fetch_by_keys(
        connection,
        sa.select(*selected, table.c[element.primary_key.name]),
        {**fixed, alternate: table.c[alternate]},
        keys,
    )
    for row in rows:
        holders[tuple(row[:-1])] = row[-1]
    for key, value in zip(zip(*wanted.values(), strict=True), own, strict=True):
        holder = holders.setdefault(key, value)
        if holder != value:
            return ConflictingDefinitionError(
                f"{element.name} {value!r} cannot have {alternate}={key[-1]!r}: {element.name} {holder!r} has it."
            )
    return None


@retried
def sync(state: State, record: DimensionRecord, *, update: bool) -> SyncOutcome:
    """Insert a record if there is none, and compare it with the existing one if there is.

    Raises
    ------
    ConflictingDefinitionError
        If a field differs, unless ``update`` is set: then the new values are stored.
    """
    element = record.element
    records = RecordTable.from_rows(element, [record])
    _check_texts(records)
    keys = keys_of(records)
    with state.database.read() as connection:
        existing, place = fetch_matching(state, connection, element, keys)
    if place[0] >= 0 and not _differences(existing[0], records[0]):
        return SyncOutcome(inserted=False)
    with state.database.write() as connection:
        existing, place = fetch_matching(state, connection, element, keys)
        if place[0] < 0:
            _announce(state, connection, element, replace=False)
            if _write_new(state, connection, records):
                return SyncOutcome(inserted=True)
            # Another client was quicker.
            existing, place = fetch_matching(state, connection, element, keys)
        differing = _differences(existing[0], records[0])
        if differing and not update:
            name, (old, new) = next(iter(differing.items()))
            raise ConflictingDefinitionError(
                f"The record of {element.name} {show_key(keys.row(0))} exists with {name}={old!r}, not {new!r}."
            )
        if differing:
            _announce(state, connection, element, replace=True)
            _write(state, connection, records, replace=True)
        return SyncOutcome(inserted=False, replaced={name: old for name, (old, _) in differing.items()})


def _differences(old: DimensionRecord, new: DimensionRecord) -> dict[str, tuple[Any, Any]]:
    former, stored = old.as_stored(), new.as_stored()
    return {name: (former[name], value) for name, value in stored.items() if former[name] != value}
