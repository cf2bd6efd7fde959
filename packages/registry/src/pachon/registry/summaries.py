# SPDX-License-Identifier: BSD-3-Clause
"""Which dataset types and governor values each collection ever held: proof of absence, never of presence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from pachon.registry.database.inserts import insert_or_skip
from pachon.registry.database.quick import QuickStatement
from pachon.registry.database.retries import retried
from pachon.registry.database.uploads import uploaded
from pachon.registry.definitions import RegisteredType
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.state import State

__all__ = ["fetch_dataset_types", "fetch_governor_values", "record", "record_facts", "refresh", "select_searchable"]

_WRITTEN = "pachon_summaries_written"
_CHUNK = 5000
_FEW = 20
"""Collections of which each number is a parameter of its own."""
_SINGLY = 8
"""Facts that are written one by one, which tells whether each was there before."""


Fact = tuple[int, str, str]
"""Number of a collection, name of a governor, its value; or no name, and the number of a dataset type."""


def record(
    state: State,
    connection: sa.Connection,
    collection_id: int,
    dataset_type_id: int,
    governors: Mapping[str, Iterable[str]],
) -> None:
    """Note that a collection holds a dataset type and these values of governors; in the transaction of the rows."""
    values = [(collection_id, name, value) for name, values in governors.items() for value in values]
    record_facts(state, connection, [(collection_id, "", str(dataset_type_id)), *values])


def record_facts(state: State, connection: sa.Connection, facts: Iterable[Fact]) -> None:
    """Note what collections hold, in the transaction of the rows."""
    known = state.definitions.known_summaries(connection)
    missing = [fact for fact in facts if fact not in known]
    if len(missing) > _SINGLY:
        _record_many(state, connection, missing)
        return
    for fact in missing:
        table, row = _row(state, fact)
        if connection.execute(_insert_one(state, table), row).rowcount:
            _mark_written(state, connection)
        elif _WRITTEN not in connection.info:
            # It was there before this transaction, so nothing can undo it.
            known.add(fact)


def _record_many(state: State, connection: sa.Connection, facts: Sequence[Fact]) -> None:
    for of_types in (True, False):
        # In one order, so that two transactions do not wait for each other in a circle.
        rows = [_row(state, fact) for fact in sorted(facts) if (not fact[1]) is of_types]
        if rows:
            _insert_new(state, connection, rows[0][0], [row for _, row in rows])
            _mark_written(state, connection)


def _insert_new(state: State, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    insert = insert_or_skip(table, state.dialect)
    if state.dialect == "sqlite":
        connection.execute(insert, rows)
        return
    # Here each row would be a message to the server and an answer.
    columns = {name: (table.c[name].type, [row[name] for row in rows]) for name in rows[0]}
    with uploaded(connection, columns, len(rows)) as given:
        select = sa.select(*(given.c[name] for name in columns)).order_by(given.c.row_number)
        connection.execute(insert.from_select(list(columns), select))


def _row(state: State, fact: Fact) -> tuple[sa.Table, dict[str, Any]]:
    collection_id, governor, value = fact
    static = state.schema.static
    if governor:
        return static.summary_governor, {"collection_id": collection_id, "governor": governor, "value": value}
    return static.summary_dataset_type, {"collection_id": collection_id, "dataset_type_id": int(value)}


def _insert_one(state: State, table: sa.Table) -> sa.Insert:
    return state.prepare(f"summarize in {table.name}", lambda: insert_or_skip(table, state.dialect))


def _mark_written(state: State, connection: sa.Connection) -> None:
    if _WRITTEN not in connection.info:
        info = connection.info
        info[_WRITTEN] = True
        state.database.on_end(lambda: info.pop(_WRITTEN, None))


def fetch_dataset_types(state: State, connection: sa.Connection, collection_ids: Iterable[int]) -> dict[int, set[str]]:
    """Give the names of the dataset types that each collection ever held."""
    static = state.schema.static
    select = sa.select(static.summary_dataset_type.c.collection_id, static.dataset_type.c.name).join(
        static.dataset_type, static.dataset_type.c.dataset_type_id == static.summary_dataset_type.c.dataset_type_id
    )
    held: dict[int, set[str]] = {}
    for part in _parts(collection_ids):
        for row in connection.execute(select.where(static.summary_dataset_type.c.collection_id.in_(part))):
            held.setdefault(row.collection_id, set()).add(row.name)
    return held


def fetch_governor_values(
    state: State, connection: sa.Connection, collection_ids: Iterable[int]
) -> dict[int, dict[str, set[str]]]:
    """Give the values of each governor that each collection ever held."""
    table = state.schema.static.summary_governor
    columns = sa.select(table.c.collection_id, table.c.governor, table.c.value)
    held: dict[int, dict[str, set[str]]] = {}

    def note(rows: Iterable[Sequence[Any]]) -> None:
        for number, governor, value in rows:
            held.setdefault(number, {}).setdefault(governor, set()).add(value)

    def of_few(count: int) -> QuickStatement:
        numbers = [sa.bindparam(f"id_{n}", type_=table.c.collection_id.type) for n in range(count)]
        return QuickStatement(columns.where(table.c.collection_id.in_(numbers)), connection)

    def of_many() -> sa.Select[Any]:
        return columns.where(table.c.collection_id.in_(sa.bindparam("ids", expanding=True)))

    for part in _parts(collection_ids):
        if len(part) <= _FEW:
            quick = state.prepare(("governor values", len(part)), partial(of_few, len(part)))
            note(quick.fetch(connection, {f"id_{n}": number for n, number in enumerate(part)}))
        else:
            note(connection.execute(state.prepare(("governor values",), of_many), {"ids": part}))
    return held


def select_searchable(
    state: State, connection: sa.Connection, dataset_type_id: int, collection_ids: Collection[int]
) -> set[int]:
    """Give those of some collections that may hold a dataset type."""
    table = state.schema.static.summary_dataset_type

    def build() -> QuickStatement:
        of_type = table.c.dataset_type_id == sa.bindparam("dataset_type")
        return QuickStatement(sa.select(table.c.collection_id).where(of_type), connection)

    rows = state.prepare(("searchable",), build).fetch(connection, {"dataset_type": dataset_type_id})
    return {number for (number,) in rows if number in collection_ids}


@retried
def refresh(state: State) -> None:
    """Compute all summaries anew from the datasets that there are."""
    static = state.schema.static
    with state.database.write() as connection:
        # Who is adding datasets finishes first, since these cannot be counted yet; who comes later notes what is added anew.
        collections = sa.select(static.collection.c.collection_id).order_by(static.collection.c.collection_id)
        connection.execute(collections.with_for_update()).all()
        state.definitions.changed(connection)
        connection.execute(sa.delete(static.summary_dataset_type))
        connection.execute(sa.delete(static.summary_governor))
        for known in state.view(connection).all_dataset_types():
            _summarize(state, connection, known)


def _summarize(state: State, connection: sa.Connection, known: RegisteredType) -> None:
    static = state.schema.static
    for table in (known.tables.membership, known.tables.validity):
        of_type = table.c.dataset_type_id == known.id
        names = ["collection_id", "dataset_type_id"]
        rows = sa.select(table.c.collection_id, table.c.dataset_type_id).where(of_type).distinct()
        connection.execute(insert_or_skip(static.summary_dataset_type, state.dialect).from_select(names, rows))
        for governor in known.dataset_type.dimensions.governors:
            value = table.c.get(dimension_column(governor))
            if value is None:
                continue
            pairs = sa.select(table.c.collection_id, sa.literal(governor), value).where(of_type).distinct()
            names = ["collection_id", "governor", "value"]
            connection.execute(insert_or_skip(static.summary_governor, state.dialect).from_select(names, pairs))


def _parts(ids: Iterable[int]) -> Iterable[list[int]]:
    listed = list(ids)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))
