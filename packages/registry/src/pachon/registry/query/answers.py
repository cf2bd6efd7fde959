# SPDX-License-Identifier: BSD-3-Clause
"""Rows of an answer to the tables that callers get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pachon.datasets import ColumnTable, DatasetTable
from pachon.dimensions import DataIdTable, DimensionGroup, RecordTable
from pachon.registry.datasets.rows import dataset_table
from pachon.registry.dimension_records import reading
from pachon.registry.dimension_records.fields import keys_of
from pachon.registry.query.plan import Plan
from pachon.registry.query.rows import Rows
from pachon.registry.query.spec import QuerySpec
from pachon.registry.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Answer", "make_answer"]

Answer: TypeAlias = DataIdTable | DatasetTable | RecordTable | ColumnTable


def make_answer(state: State, connection: sa.Connection, spec: QuerySpec, plan: Plan, rows: Rows) -> Answer:
    """Give the table that a query asks for."""
    if spec.fields is not None:
        return _columns(plan, rows)
    if spec.element is not None:
        return _records(state, connection, spec.element, rows)
    data_ids = _data_ids(spec.dimensions, rows)
    if spec.result is None:
        return data_ids
    view = state.view(connection)
    return dataset_table(view, view.get_dataset_type(spec.result.dataset_type), data_ids, rows.ids, rows.runs)


def _data_ids(group: DimensionGroup, rows: Rows) -> DataIdTable:
    return DataIdTable(group, {name: rows.keys.columns[name] for name in group.ordered}, len(rows))


def _records(state: State, connection: sa.Connection, element: str, rows: Rows) -> RecordTable:
    item = state.universe[element]
    keys = rows.keys_of(item.required)
    records = reading.fetch(state, connection, item, keys)
    place = keys.match(keys_of(records))
    return records.take(place[place >= 0])


def _columns(plan: Plan, rows: Rows) -> ColumnTable:
    universe = plan.result.universe
    types: dict[str, str] = {name: universe[name].primary_key.type for name in plan.result.ordered}
    arrays: dict[str, tuple[Any, ...]] = {name: (rows.keys.columns[name],) for name in plan.result.ordered}
    for number, output in enumerate(plan.fields or ()):
        types[output.name] = output.value.type
        arrays[output.name] = rows.fields[number]
    return ColumnTable(types, arrays, len(rows))
