# SPDX-License-Identifier: BSD-3-Clause
"""The first dataset of a data ID along a search path of collections."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.base import PachonError
from pachon.datasets import DatasetRef, DatasetTable
from pachon.dimensions import DataCoordinate, DataIdTable, Timespan
from pachon.registry.database.key_lookup import matching
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.quick import QuickStatement
from pachon.registry.datasets.reading import fetch_members
from pachon.registry.datasets.rows import data_id_columns, dataset_table
from pachon.registry.definitions import Collection, RegisteredType, SearchPath, View
from pachon.registry.errors import CalibrationLookupError
from pachon.registry.state import State

__all__ = ["Bounds", "find", "find_one", "find_remembered", "find_statement"]

Bounds = tuple[np.ndarray, np.ndarray]
"""First nanosecond and the one after the last, int64, one of each a data ID."""

_MANY = 1000
"""Places of a data ID beyond which the path is gone along instead."""
_PART = 500
"""Collections of the path that are then asked for at once."""


def find_one(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    data_id: DataCoordinate,
    path: SearchPath,
    *,
    view: View,
    timespan: Timespan | None = None,
) -> DatasetRef | EllipsisType | None:
    """Give the dataset of a data ID from the first collection that has one.

    Gives ``...`` if the run of that was removed after the dataset was found: only where each statement sees a state of its own.

    Raises
    ------
    CalibrationLookupError
        If that collection has several which are valid in the time span.
    """
    rank = path.rank
    parameters: dict[str, Any] = {f"key_{name}": value for name, value in data_id.required.items()}
    parameters["type"] = known.id
    rows = _places(state, connection, known, parameters, path.others)
    best, place = _first_place(path, rows)
    if path.calibrations and timespan is not None:
        bounds = {"begin": timespan.begin_ns, "end": timespan.end_ns}
        valid = _valid_places(state, connection, known, parameters | bounds)
        first = min((rank.get(row[2], len(rank)) for row in valid), default=len(rank))
        if first < place:
            winners = {row[0]: row for row in valid if rank.get(row[2]) == first}
            if len(winners) > 1:
                raise _ambiguous(known, data_id, path[first].name, timespan, len(winners))
            best, place = next(iter(winners.values())), first
    return _as_reference(known, data_id, path, view, (best, place))


def find_remembered(
    state: State,
    connection: sa.Connection,
    dataset_type: str,
    data_id: DataCoordinate,
    collections: Sequence[str],
) -> DatasetRef | EllipsisType | None:
    """Do what `find_one` does in a single statement, which also tells whether the definitions that it relies on still hold.

    On a server each statement is a message there and back. Gives ``...`` if that cannot be had: if the definitions are not
    known or have changed, the data ID is in very many places, or the run of what was found was removed meanwhile.
    """
    remembered = state.definitions.remembered(connection)
    if remembered is None:
        return ...
    view, version = remembered
    try:
        known = view.get_dataset_type(dataset_type)
        path = view.flatten(collections)
        data_id = data_id.subset(known.dataset_type.dimensions)
    except PachonError:
        # What is wrong with old definitions need not be wrong now.
        return ...
    if not path.others:
        return ...
    parameters: dict[str, Any] = {f"key_{name}": value for name, value in data_id.required.items()}
    parameters["type"] = known.id
    one = len(path.others) == 1
    if one:
        parameters["collection"] = path.others[0]
    statement = state.prepare(
        ("find remembered in one" if one else "find remembered", known.group_id),
        lambda: _with_counter(state, connection, known, one=one),
    )
    rows = statement.fetch(connection, parameters)
    if rows[0][3] != version or len(rows) >= _MANY:
        return ...
    return _as_reference(known, data_id, path, view, _first_place(path, rows))


def _with_counter(state: State, connection: sa.Connection, known: RegisteredType, *, one: bool) -> QuickStatement:
    select = find_statement(known).limit(_MANY)
    if one:
        select = select.where(known.tables.membership.c.collection_id == sa.bindparam("collection"))
    places, counter = select.subquery(), state.definitions.select_counter.subquery()
    return QuickStatement(
        sa.select(*places.c, counter.c.value).select_from(counter.outerjoin(places, sa.true())), connection
    )


def _first_place(path: SearchPath, rows: Sequence[Any]) -> tuple[Any, int]:
    """Give the row of the first collection of a path, and the place of that; None and the length of the path without one."""
    rank = path.rank
    best = min(rows, key=lambda row: rank.get(row[2], len(rank)), default=None)
    return best, len(rank) if best is None else rank.get(best[2], len(rank))


def _as_reference(
    known: RegisteredType, data_id: DataCoordinate, path: SearchPath, view: View, found: tuple[Any, int]
) -> DatasetRef | EllipsisType | None:
    best, place = found
    if best is None or place == len(path.rank):
        return None
    run = view.collections_by_id([best[1]]).get(best[1])
    if run is None:
        return ...
    id_ = best[0] if isinstance(best[0], uuid.UUID) else uuid.UUID(bytes=best[0])
    return DatasetRef(known.dataset_type, data_id, run.name, id=id_)


def _places(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    parameters: dict[str, Any],
    collections: list[int],
) -> Sequence[Any]:
    """Give (id, run, collection) of the data ID in these collections, and perhaps in others."""
    if not collections:
        return ()
    table = known.tables.membership
    if len(collections) == 1:
        one = state.prepare(
            ("find in one", known.group_id),
            lambda: QuickStatement(
                find_statement(known).where(table.c.collection_id == sa.bindparam("collection")), connection
            ),
        )
        return one.fetch(connection, parameters | {"collection": collections[0]})
    anywhere = state.prepare(
        ("find anywhere", known.group_id),
        lambda: QuickStatement(find_statement(known).limit(_MANY), connection),
    )
    rows: Sequence[Any] = anywhere.fetch(connection, parameters)
    if len(rows) < _MANY:
        return rows
    # The data ID is in very many places: go along the path, part by part, until there is one.
    listed = state.prepare(
        ("find in some", known.group_id),
        lambda: find_statement(known).where(table.c.collection_id.in_(sa.bindparam("collections", expanding=True))),
    )
    for start in range(0, len(collections), _PART):
        if rows := connection.execute(listed, parameters | {"collections": collections[start : start + _PART]}).all():
            return rows
    return ()


def find_statement(known: RegisteredType) -> sa.Select[Any]:
    """Give the statement of the places of a data ID: (id, run, collection), in all collections."""
    table = known.tables.membership
    return sa.select(table.c.dataset_id, table.c.run_id, table.c.collection_id).where(
        table.c.dataset_type_id == sa.bindparam("type"), matching(data_id_columns(known.tables, table))
    )


def _valid_places(
    state: State, connection: sa.Connection, known: RegisteredType, parameters: dict[str, Any]
) -> Sequence[Any]:
    table = known.tables.validity
    statement = state.prepare(
        ("find valid", known.group_id),
        lambda: sa.select(table.c.dataset_id, table.c.run_id, table.c.collection_id).where(
            table.c.dataset_type_id == sa.bindparam("type"),
            matching(data_id_columns(known.tables, table)),
            table.c.begin_ns < sa.bindparam("end"),
            table.c.end_ns > sa.bindparam("begin"),
        ),
    )
    return connection.execute(statement, parameters).all()


def _ambiguous(
    known: RegisteredType, data_id: DataCoordinate, collection: str, timespan: Timespan, count: int
) -> CalibrationLookupError:
    return CalibrationLookupError(
        f"{count} datasets {known.dataset_type.name} with {data_id} are valid within {timespan} in {collection!r}; "
        "give a time span within one validity range."
    )


def find(
    state: State,
    connection: sa.Connection,
    known: RegisteredType,
    data_ids: DataIdTable,
    collections: Sequence[Collection],
    *,
    bounds: Bounds | None = None,
) -> tuple[np.ndarray, DatasetTable]:
    """Give for each data ID the dataset from the first collection that has one.

    Parameters
    ----------
    state, connection, known
        Where to look, and for what.
    data_ids
        Of the dimensions of the type; one may occur several times (at different times).
    collections
        Flattened, in search order.
    bounds
        Time spans of the data IDs; without them CALIBRATION collections are skipped.

    Returns
    -------
    rows : numpy.ndarray
        Shape (len(data_ids),), int64: the row of the found dataset, or -1.
    datasets
        What was found, in the order of the data IDs.

    Raises
    ------
    CalibrationLookupError
        If the winning collection of a data ID has several datasets which are valid.
    """
    wanted = KeyTable.from_data_ids(data_ids, known.tables.group.required)
    members = fetch_members(state, connection, known, collections, wanted, calibrations=bounds is not None)
    asked, found = _pairs(wanted, members.keys)
    if bounds is not None:
        overlaps = (members.begin_ns[found] < bounds[1][asked]) & (members.end_ns[found] > bounds[0][asked])
        asked, found = asked[overlaps], found[overlaps]
    order = np.lexsort((members.rank[found], asked))
    asked, found = asked[order], found[order]
    first = np.ones(len(asked), dtype=bool)
    first[1:] = asked[1:] != asked[:-1]
    ties = np.flatnonzero(~first)
    for tie in ties[members.rank[found[ties]] == members.rank[found[ties - 1]]].tolist():
        if (members.ids[found[tie]] != members.ids[found[tie - 1]]).any():
            index = int(asked[tie])
            span = Timespan() if bounds is None else Timespan.from_ns(int(bounds[0][index]), int(bounds[1][index]))
            name = collections[int(members.rank[found[tie]])].name
            raise _ambiguous(known, data_ids[index], name, span, 2)
    asked, found = asked[first], found[first]
    rows = np.full(len(data_ids), -1, dtype=np.int64)
    rows[asked] = np.arange(len(asked))
    taken = data_ids.take(asked)
    return rows, dataset_table(state.view(connection), known, taken, members.ids[found], members.runs[found])


def _pairs(wanted: KeyTable, there: KeyTable) -> tuple[np.ndarray, np.ndarray]:
    """Give all pairs of rows with equal keys."""
    distinct = there.take(there.first_rows())
    group_of = there.match(distinct)
    by_group = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[by_group], np.arange(len(distinct) + 1))
    match = wanted.match(distinct)
    rows = np.flatnonzero(match >= 0)
    counts = (starts[1:] - starts[:-1])[match[rows]] if len(rows) else np.empty(0, dtype=np.int64)
    asked = np.repeat(rows, counts)
    offsets = np.arange(len(asked)) - np.repeat(np.cumsum(counts) - counts, counts)
    return asked, by_group[np.repeat(starts[match[rows]], counts) + offsets] if len(rows) else asked
