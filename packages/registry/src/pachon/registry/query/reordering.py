# SPDX-License-Identifier: BSD-3-Clause
"""How datasets are looked for, if that depends on how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from pachon.registry.database.key_lookup import matching
from pachon.registry.database.quick import QuickStatement
from pachon.registry.dimension_records.fields import key_columns
from pachon.registry.query.compile_sql import datasets_beyond
from pachon.registry.query.complete_records import with_records_alone
from pachon.registry.query.early_stop import sorting_later, stopping_early
from pachon.registry.query.join_order import (
    beside_records,
    named_records,
    names_next_dimension,
    skipped_dimension,
    through_records,
)
from pachon.registry.query.plan import DatasetSource, Plan
from pachon.registry.query.semi_join_choice import with_quicker_semi_joins
from pachon.registry.query.sizes import (
    estimated_cost,
    estimated_size,
    has_datasets_beyond,
    is_asked_quickly,
    records_up_to,
)
from pachon.registry.query.validity_choice import with_quicker_ranges
from pachon.registry.state import State

__all__ = ["reordered"]

_MOST_RECORDS = 20_000
"""Records by which datasets are looked for one by one."""
_MANY_DATASETS = 20
"""Datasets a record from which on that is quicker than to read the whole index."""
_MOST_RECORDS_OF_SERVER = 100_000
_SORTED_QUICKLY = 20_000
"""Datasets that SQLite sorts in less time than it may take to go through the records of all that are not among them."""
_FEW_EACH = 2
"""Datasets a record up to which what it implies is sent with each, and not looked up afterwards."""
_COST_OF_LOOK_UP = 5.0
"""What it costs to look for the datasets of one record, in the units in which the server estimates. To read a page for each record, as an index
by the next dimension tells, is estimated at 4."""


def reordered(state: State, connection: sa.Connection, plan: Plan) -> Plan:
    """Test for datasets instead of joining them, or look for them by the records of a dimension of which nothing is said, where that is quicker.

    An index that begins with such a dimension does not say quickly that no dataset has a certain value of another one. So the records that are
    named must be there; if one is not, the plan that is given is doomed.
    """
    if plan.doomed or plan.limit == 0:
        return plan
    plan = stopping_early(with_records_alone(state, connection, plan), state.dialect)
    if _sorts_quickly(state, connection, plan):
        plan = sorting_later(plan)
    plan = with_quicker_ranges(state, connection, with_quicker_semi_joins(state, connection, plan))
    dimension = None if plan.existences else skipped_dimension(plan)
    if dimension is None:
        return plan
    for element, key in named_records(plan).items():
        if not _exists(state, connection, element, key):
            return replace(plan, doomed=(f"There is no {element} with {key}.",))
    if plan.limit is not None:
        return plan
    if state.dialect == "sqlite":
        return through_records(plan, dimension) if _has_many_datasets(state, connection, plan, dimension) else plan
    if not names_next_dimension(plan):
        return beside_records(plan, dimension) if _has_few_each(state, connection, plan, dimension) else plan
    is_costly = _is_costly(state, connection, plan, dimension)
    return through_records(plan, dimension) if is_costly else beside_records(plan, dimension)


def _sorts_quickly(state: State, connection: sa.Connection, plan: Plan) -> bool:
    """Whether SQLite would read records in order for a search that holds so few datasets that these are sooner sorted."""
    if state.dialect != "sqlite" or plan.early_stop is None or plan.early_stop.sorted_element is None:
        return False
    source = next(s for s in plan.sources if isinstance(s, DatasetSource))
    return not has_datasets_beyond(state, connection, source, _SORTED_QUICKLY)


def _exists(state: State, connection: sa.Connection, element: str, key: Mapping[str, int | str]) -> bool:
    columns = key_columns(state.universe[element], state.schema.elements[element])
    asking: QuickStatement = state.prepare(
        ("is there", element),
        lambda: QuickStatement(sa.select(sa.literal_column("1")).where(matching(columns)), connection),
    )
    return bool(asking.fetch(connection, {f"key_{name}": key[name] for name in columns}))


def _has_many_datasets(state: State, connection: sa.Connection, plan: Plan, dimension: str) -> bool:
    records = records_up_to(state, connection, dimension, _MOST_RECORDS)
    if records is None:
        return False
    facts = next(s for s in plan.sources if isinstance(s, DatasetSource)).facts
    beyond: QuickStatement = state.prepare(
        ("beyond", facts.group_id), lambda: QuickStatement(datasets_beyond(state.schema, facts), connection)
    )
    return bool(beyond.fetch(connection, {"dataset_type": facts.type_id, "number": _MANY_DATASETS * records}))


def _has_few_each(state: State, connection: sa.Connection, plan: Plan, dimension: str) -> bool:
    """Whether the server expects so few datasets of each record that to send with each what the record implies is little."""
    if not is_asked_quickly(plan):
        return False
    records = records_up_to(state, connection, dimension, _MOST_RECORDS_OF_SERVER)
    return records is not None and estimated_size(state, connection, plan)[1] <= _FEW_EACH * records


def _is_costly(state: State, connection: sa.Connection, plan: Plan, dimension: str) -> bool:
    """Whether the server's own way costs more, as it estimates itself."""
    records = records_up_to(state, connection, dimension, _MOST_RECORDS_OF_SERVER)
    if records is None:
        return False
    return estimated_cost(state, connection, plan) > _COST_OF_LOOK_UP * records
