# SPDX-License-Identifier: BSD-3-Clause
"""Bring dimension records into a repository: new ones are added, equal ones left, changed ones reported or replaced."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import ConflictError
from pachon.dimensions import DimensionRecord, RecordTable
from pachon.dimensions.record_table import column_arrays

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["RecordChange", "RecordConflictError", "SyncResult", "compare_records", "sync_records"]


_SHOWN = 3
"""Differing fields that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChange:
    """How a record differs from the stored one."""

    row: int
    """Place in the table of wanted records."""

    key: tuple[Any, ...]
    fields: Mapping[str, tuple[Any, Any]]
    """Stored and wanted value of each field that differs."""

    def __str__(self) -> str:
        first = [f"{name} is {old!r} and would be {new!r}" for name, (old, new) in list(self.fields.items())[:_SHOWN]]
        more = len(self.fields) - len(first)
        return ", ".join(first) + (f", and {more} more differ" if more > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """Rows of the wanted table by what became, or would become, of them."""

    added: tuple[int, ...]
    unchanged: tuple[int, ...]
    changed: tuple[RecordChange, ...]


class RecordConflictError(ConflictError):
    """A record is stored already, with other values."""

    kind = "record_conflict"

    def __init__(self, element: str, change: RecordChange, way_out: str = "") -> None:
        super().__init__(element, change, way_out)
        self.element, self.change, self.way_out = element, change, way_out

    def __str__(self) -> str:
        key = ", ".join(str(value) for value in self.change.key)
        return f"{self.element} {key} is registered with other values: {self.change}. {self.way_out}".rstrip()


def compare_records(wanted: RecordTable, stored: RecordTable) -> SyncResult:
    """Say which records are new, which equal and which different; nothing is changed."""
    element = wanted.element
    key_names = [element.key_name(name) for name in element.required]
    places = {key: row for row, key in enumerate(_keys(stored, key_names))}
    added: list[int] = []
    unchanged: list[int] = []
    changed: list[RecordChange] = []
    for row, key in enumerate(_keys(wanted, key_names)):
        place = places.get(key)
        if place is None:
            added.append(row)
            continue
        fields = {}
        for column in element.columns:
            names = column_arrays(column)
            if not all(_equal(wanted.columns[name][row], stored.columns[name][place]) for name in names):
                fields[column.name] = (_shown(stored[place], column.name), _shown(wanted[row], column.name))
        if fields:
            changed.append(RecordChange(row=row, key=key, fields=fields))
        else:
            unchanged.append(row)
    return SyncResult(added=tuple(added), unchanged=tuple(unchanged), changed=tuple(changed))


def sync_records(
    butler: Butler, element: str, rows: Iterable[Mapping[str, Any]] | RecordTable, *, update: bool = False
) -> SyncResult:
    """Add records that are new, and with ``update`` replace those that differ.

    Parameters
    ----------
    butler
        A writeable one; call this inside a transaction when several elements belong together.
    element
        Name of the dimension element.
    rows
        The records.
    update
        Whether to replace records that differ; else they are an error.

    Raises
    ------
    RecordConflictError
        If a record differs and ``update`` is False; nothing is written.
    """
    wanted = rows if isinstance(rows, RecordTable) else RecordTable.from_rows(butler.universe[element], rows)
    if not len(wanted):
        return SyncResult(added=(), unchanged=(), changed=())
    result = compare_records(wanted, butler.fetch_records(element, wanted.data_ids(butler.universe)))
    if result.changed and not update:
        raise RecordConflictError(element, result.changed[0], "Say update=True to replace it.")
    if result.added:
        # Somebody may have added the same ones meanwhile, which is no error.
        butler.dimension_records.insert(element, wanted.take(np.asarray(result.added)), skip_existing=True)
    if result.changed:
        rows_changed = np.asarray([change.row for change in result.changed])
        butler.dimension_records.insert(element, wanted.take(rows_changed), replace=True)
    return result


def _keys(table: RecordTable, names: list[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table.columns[name].tolist() for name in names), strict=True))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True  # both null
    return bool(one == other)


def _shown(record: DimensionRecord, name: str) -> Any:
    value = getattr(record, name)
    return type(value).__name__ if name == "region" and value is not None else value
