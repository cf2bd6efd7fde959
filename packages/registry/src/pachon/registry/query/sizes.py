# SPDX-License-Identifier: BSD-3-Clause
"""How much there is, as far as it takes to choose between two ways of answering a query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

from pachon.dimensions import DimensionGroup
from pachon.registry.database.first_rows import by_index
from pachon.registry.database.quick import QuickStatement
from pachon.registry.query.compile_sql import compile_count, compile_plan, count_different, count_records
from pachon.registry.query.forms import shared_statement
from pachon.registry.query.plan import DatasetSource, ElementSource, Plan, Source, UploadSource
from pachon.registry.query.tree import All, DatasetField, Field, IsOneOf, Key, Predicate, values_of, walk
from pachon.registry.state import State

__all__ = [
    "CHEAP",
    "estimated_cost",
    "estimated_size",
    "has_datasets_beyond",
    "has_long_list",
    "is_asked_quickly",
    "records_up_to",
    "records_with_datasets",
]

CHEAP = 200.0
"""A join that PostgreSQL estimates to cost less needs no thought; it takes a millisecond or two."""
_LONG_LIST = 100
"""Values of a list from which on it takes a while to write the list into a statement."""


def records_up_to(
    state: State, connection: sa.Connection, element: str, most: int, conditions: Sequence[Predicate] = ()
) -> int | None:
    """Count the records of an element, be it those of which some conditions hold; `None` if there are more."""
    if conditions:
        group = state.universe.conform(state.universe[element].required)
        some = _one_table(group, ElementSource(element=element), conditions)
        shared, values = shared_statement(
            state,
            some,
            ("few", most),
            lambda form: compile_count(form, state.schema, state.dialect, most=most + 1, repeated=True),
        )
        records = int(connection.execute(shared.select, values).scalar_one())
    else:
        counting: QuickStatement = state.prepare(
            ("few", element, most), lambda: QuickStatement(count_records(state.schema, element, most + 1), connection)
        )
        ((records,),) = counting.fetch(connection)
    return records if records <= most else None


def has_datasets_beyond(
    state: State, connection: sa.Connection, source: DatasetSource, number: int, conditions: Sequence[Predicate] = ()
) -> bool:
    """Tell whether the collections of a search hold more datasets than a number, of those for which conditions hold.

    Conditions on other things than the keys of the datasets are left out. No more datasets than that number are read.
    """
    group = source.facts.dimensions
    own = [part for part in conditions if _is_about_keys(part, group.required)]
    offset = sa.bindparam("offset", type_=sa.Integer())
    shared, values = shared_statement(
        state,
        _one_table(group, source, own),
        "beyond",
        lambda form: compile_plan(form, state.schema, state.dialect, limit=1, repeated=True).offset(offset),
    )
    with by_index(connection):
        return connection.execute(shared.select, {**values, "offset": number}).first() is not None


def records_with_datasets(
    state: State,
    connection: sa.Connection,
    source: DatasetSource,
    element: str,
    most: int,
    conditions: Sequence[Predicate] = (),
) -> int:
    """Count the records of an element for which there are datasets among ``most`` of a search, whichever come first.

    Conditions are on keys of the datasets.
    """
    group = source.facts.dimensions
    some = replace(_one_table(group, source, conditions), keys=state.universe[element].required)
    shared, values = shared_statement(
        state,
        some,
        ("records with", most),
        lambda form: count_different(compile_plan(form, state.schema, state.dialect, limit=most, repeated=True)),
    )
    with by_index(connection):
        return int(connection.execute(shared.select, values).scalar_one())


def _is_about_keys(part: Predicate, keys: Collection[str]) -> bool:
    columns = [v for v in values_of(part) if isinstance(v, Key | Field | DatasetField)]
    return all(isinstance(v, Key) and v.dimension in keys for v in columns)


def _one_table(group: DimensionGroup, source: Source, conditions: Sequence[Predicate]) -> Plan:
    return Plan(result=group, dimensions=group, keys=(), sources=(source,), predicate=All(operands=tuple(conditions)))


def is_asked_quickly(plan: Plan) -> bool:
    """Whether the server can be asked about a plan before anything was made for it, and is not sent a long list for that."""
    if plan.marks or any(isinstance(s, UploadSource) for s in plan.sources):
        return False
    return not has_long_list(plan.predicate)


def has_long_list(condition: Predicate) -> bool:
    """Whether a condition has a list that takes a while to be written into a statement."""
    return any(isinstance(part, IsOneOf) and len(part.values) > _LONG_LIST for part in walk(condition))


def estimated_cost(state: State, connection: sa.Connection, plan: Plan) -> float:
    """Ask PostgreSQL what a plan costs, in its own units; no table may have to be made for the plan."""
    return estimated_size(state, connection, plan)[0]


def estimated_size(state: State, connection: sa.Connection, plan: Plan) -> tuple[float, float]:
    """Ask PostgreSQL what a plan costs, and how many rows it gives."""
    most = None if plan.limit is None else abs(plan.limit)
    shared, values = shared_statement(
        state, plan, ("rows", most), lambda form: compile_plan(form, state.schema, state.dialect, limit=most)
    )
    ((estimate,),) = connection.execute(_Explained(shared.select), values)
    whole = estimate[0]["Plan"]
    return float(whole["Total Cost"]), float(whole["Plan Rows"])


class _Explained(sa.Executable, sa.ClauseElement):
    """Asks how the server would answer a statement."""

    inherit_cache = True
    _traverse_internals = [("statement", InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # of SQLAlchemy's protocol

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement

    @property
    def _all_selected_columns(self) -> tuple[()]:
        # SQLAlchemy would look for the columns of the statement in the answer.
        return ()


@compiles(_Explained)
def _write_explained(explained: _Explained, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explained.statement, **options)}"
