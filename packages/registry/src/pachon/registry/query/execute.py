# SPDX-License-Identifier: BSD-3-Clause
"""Running a plan: uploads before, exact tests and the choice of datasets after."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.datasets import id_keys
from pachon.dimensions import Categorical, DataIdTable, DimensionElement
from pachon.registry.database.columns import Kind, fetch_columns
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.uploads import uploaded
from pachon.registry.dimension_records.implied import fetch_implied
from pachon.registry.dimension_records.overlaps import pixels_of_regions
from pachon.registry.dimension_records.regions import fetch_all_regions, fetch_pixels, fetch_regions, fetch_touching
from pachon.registry.errors import CalibrationLookupError
from pachon.registry.query.compile_sql import compile_plan, is_distinct
from pachon.registry.query.plan import EnvelopeSource, Mark, PixelRangeSource, Plan, Refinement
from pachon.registry.query.planner import few_ranges
from pachon.registry.query.region_tests import RegionTable, overlapping_pairs
from pachon.registry.query.two_sides import Sides, joined_rows, overlapping_records, pixel_ranges, split_at_overlap
from pachon.registry.schema.dimension_tables import key_kind, key_type
from pachon.registry.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Rows", "run_plan"]

_MOST_PIXELS = 5_000_000
"""Pixels that are computed for one query; more need a constraint."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of an answer, in order: keys by dimension, and datasets if these are wanted."""

    keys: KeyTable
    ids: np.ndarray
    """Shape (n, 16), uint8."""
    runs: np.ndarray
    """Numbers of runs, int64."""
    collections: np.ndarray
    """Numbers of the collections where datasets were found, int64."""

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: np.ndarray) -> Rows:
        """Give some rows; an index array or a boolean mask."""
        return Rows(
            keys=self.keys.take(rows), ids=self.ids[rows], runs=self.runs[rows], collections=self.collections[rows]
        )


def run_plan(state: State, connection: sa.Connection, plan: Plan, tables: Sequence[DataIdTable] = ()) -> Rows:
    """Answer a query.

    Parameters
    ----------
    state, connection
        The registry, and a snapshot of it.
    plan
        How to answer.
    tables
        The given tables of data IDs, in the order of the plan.

    Raises
    ------
    CalibrationLookupError
        If the winning collection of a data ID has several calibrations.
    """
    if plan.doomed or plan.limit == 0:
        return _rows(plan, None)
    with ExitStack() as stack:
        uploads = [stack.enter_context(_upload(state, connection, t.columns, len(t))) for t in tables]
        envelopes = {
            source: stack.enter_context(_upload_envelopes(state, connection, source))
            for source in plan.sources
            if isinstance(source, EnvelopeSource)
        }
        marks = [stack.enter_context(_upload_mark(state, connection, mark)) for mark in plan.marks]
        stop = None if plan.limit is None or not _is_final(plan) else abs(plan.limit) + (plan.limit < 0)

        def select(part: Plan) -> Rows:
            statement = compile_plan(
                part, state.schema, state.dialect, uploads=uploads, marks=marks, envelopes=envelopes, limit=stop
            )
            return _rows(part, fetch_columns(connection, statement, _kinds(state, part)))

        sides = split_at_overlap(plan, state.universe)
        rows = select(plan) if sides is None else _join_sides(state, connection, plan, sides, select)
    for refinement in plan.refinements if sides is None else sides.others:
        rows = _refine(state, connection, rows, refinement)
    if plan.datasets is not None:
        rows = _choose_datasets(plan, rows)
    elif not _is_final(plan):
        rows = _distinct(rows, plan.result.required)
    return _with_implied(state, connection, plan, _limited(rows, plan.limit))


def _join_sides(
    state: State, connection: sa.Connection, plan: Plan, sides: Sides, select: Callable[[Plan], Rows]
) -> Rows:
    """Fetch both sides of an overlap, the second only where the first is, and join them."""
    universe = state.universe
    first, second = sides.first, sides.second
    keys = [select(first.plan).keys]
    records = [_records_of(keys[0], universe[first.element])]
    pixels = [fetch_pixels(state, connection, universe[first.element], keys[0].take(records[0][0]))]
    ranges = few_ranges(pixel_ranges(pixels[0][1]))
    touching = PixelRangeSource(element=second.element, ranges=ranges)
    keys.append(select(replace(second.plan, sources=(touching, *second.plan.sources))).keys)
    records.append(_records_of(keys[1], universe[second.element]))
    pixels.append(fetch_pixels(state, connection, universe[second.element], keys[1].take(records[1][0])))
    tables = []
    for side, rows, (once, _) in zip((first, second), keys, records, strict=True):
        regions, place = fetch_regions(state, connection, universe[side.element], rows.take(once))
        tables.append(RegionTable([regions[i] for i in place.tolist()]))
    pairs = overlapping_records(tables[0], tables[1], pixels)
    chosen = joined_rows([numbers for _, numbers in records], pairs)
    columns = {name: column.take(chosen[i]) for i in (0, 1) for name, column in keys[i].columns.items()}
    return _rows(plan, [columns[name] for name in plan.keys])


def _records_of(keys: KeyTable, element: DimensionElement) -> tuple[np.ndarray, np.ndarray]:
    """Give a row of each record of an element, and for each row the number of its record."""
    own = KeyTable(columns={name: keys.columns[name] for name in element.required}, length=len(keys))
    _, once, number = np.unique(own.codes(), return_index=True, return_inverse=True)
    return once, number.reshape(-1)


def _kinds(state: State, plan: Plan) -> list[Kind]:
    kinds: list[Kind] = [key_kind(state.universe, name) for name in plan.keys]
    if plan.datasets is not None:
        kinds += ["id", "int", "int"]
    # A query without dimensions selects the number 1.
    return kinds or ["int"]


def _is_final(plan: Plan) -> bool:
    """Whether the rows of the database are those of the answer."""
    if plan.refinements:
        return False
    if plan.datasets is not None:
        return is_distinct(plan) and len(plan.datasets.members) <= 1
    return set(plan.keys) <= set(plan.result.names)


def _rows(plan: Plan, columns: Sequence[Any] | None) -> Rows:
    none = np.empty(0, dtype=np.int64)
    if columns is None:
        empty = Categorical(none.astype(np.int32), np.empty(0, dtype=object))
        keys = KeyTable(columns=dict.fromkeys((*plan.keys, *plan.result.names), empty), length=0)
        return Rows(keys=keys, ids=np.empty((0, 16), dtype=np.uint8), runs=none, collections=none)
    length = len(columns[-1])
    keys = KeyTable.from_columns(dict(zip(plan.keys, columns, strict=False)), length)
    if plan.datasets is not None:
        ids, runs, collections = columns[len(plan.keys) :]
        return Rows(keys=keys, ids=ids, runs=runs, collections=collections)
    none = np.zeros(length, dtype=np.int64)
    return Rows(keys=keys, ids=none, runs=none, collections=none)


def _with_implied(state: State, connection: sa.Connection, plan: Plan, rows: Rows) -> Rows:
    """Fill in values of implied dimensions that the statement left out."""
    columns = dict(rows.keys.columns)
    for name in plan.late:
        element = state.universe[name]
        keys = KeyTable(columns={d: columns[d] for d in element.required}, length=len(rows))
        found, place = fetch_implied(state, connection, element, keys)
        columns |= {implied: column.take(place) for implied, column in found.items() if implied in plan.result}
    return Rows(
        keys=KeyTable(columns=columns, length=len(rows)),
        ids=rows.ids,
        runs=rows.runs,
        collections=rows.collections,
    )


def _upload(state: State, connection: sa.Connection, columns: Any, length: int) -> Any:
    values = {name: (key_type(state.universe, name), column.tolist()) for name, column in columns.items()}
    return uploaded(connection, values, length)


def _upload_envelopes(state: State, connection: sa.Connection, source: EnvelopeSource) -> Any:
    """Compute the pixels of another pixelization that records may touch."""
    element = state.universe[source.element]
    fixed = {name: Categorical.constant(value, 1) for name, value in source.fixed}
    keys, regions = fetch_all_regions(state, connection, element, fixed)
    rows, pixels = pixels_of_regions(state.universe.pixelization(source.pixel), regions, most=_MOST_PIXELS)
    columns = {**keys.take(rows).columns, source.pixel: Categorical.encode(pixels)}
    return _upload(state, connection, columns, len(rows))


def _upload_mark(state: State, connection: sa.Connection, mark: Mark) -> Any:
    """Find the records that overlap a region exactly, and put their keys into a table."""
    keys, regions = fetch_touching(state, connection, state.universe[mark.element], mark.region)
    pairs = (np.arange(len(keys)), np.zeros(len(keys), dtype=np.int64))
    keys = keys.take(overlapping_pairs(regions, [mark.region], pairs))
    return _upload(state, connection, keys.columns, len(keys))


def _refine(state: State, connection: sa.Connection, rows: Rows, refinement: Refinement) -> Rows:
    if not len(rows):
        return rows
    left, place = fetch_regions(state, connection, state.universe[refinement.left], rows.keys)
    right: Sequence[bytes | None]
    if isinstance(refinement.right, bytes):
        right, other = [refinement.right], np.zeros(len(rows), dtype=np.int64)
    else:
        right, other = fetch_regions(state, connection, state.universe[refinement.right], rows.keys)
    # Each pair of regions is tested once, however many rows it has.
    code = place * max(len(right), 1) + other
    distinct, where = np.unique(code, return_inverse=True)
    pairs = (distinct // max(len(right), 1), distinct % max(len(right), 1))
    return rows.take(overlapping_pairs(left, right, pairs)[where.reshape(-1)])


def _distinct(rows: Rows, dimensions: Sequence[str]) -> Rows:
    keys = KeyTable(columns={name: rows.keys.columns[name] for name in dimensions}, length=len(rows))
    return rows.take(np.sort(keys.first_rows()))


def _choose_datasets(plan: Plan, rows: Rows) -> Rows:
    """Keep the dataset of the first collection for each data ID, or else each dataset once."""
    facts = plan.datasets
    assert facts is not None
    if not len(rows):
        return rows
    if not plan.find_first:
        _, first = np.unique(id_keys(rows.ids), return_index=True)
        return rows.take(np.sort(first))
    ranks = {**facts.members, **facts.certified}
    rank = np.array([ranks[number] for number in rows.collections.tolist()], dtype=np.int64)
    keys = KeyTable(columns={name: rows.keys.columns[name] for name in plan.result.required}, length=len(rows))
    code = keys.codes()
    order = np.lexsort((rank, code))
    first = np.ones(len(order), dtype=bool)
    first[1:] = code[order][1:] != code[order][:-1]
    _refuse_ties(plan, rows, rank, order, first)
    return rows.take(np.sort(order[first]))


def _refuse_ties(plan: Plan, rows: Rows, rank: np.ndarray, order: np.ndarray, first: np.ndarray) -> None:
    facts = plan.datasets
    assert facts is not None
    winner = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    ties = np.flatnonzero(~first & (rank[order] == rank[winner]))
    for tie in ties.tolist():
        if (rows.ids[order[tie]] != rows.ids[winner[tie]]).any():
            row = int(order[tie])
            data_id = ", ".join(f"{name}={rows.keys.columns[name][row]!r}" for name in plan.result.required)
            raise CalibrationLookupError(
                f"Several datasets {facts.dataset_type} with {{{data_id}}} are valid in "
                f"{facts.names[int(rows.collections[row])]!r}; constrain the time, or search with find_first=False."
            )


def _limited(rows: Rows, limit: int | None) -> Rows:
    if limit is None or len(rows) <= abs(limit):
        return rows
    if limit < 0:
        warnings.warn(f"There are more than {-limit} results; only these are given.", stacklevel=4)
    return rows.take(np.arange(abs(limit)))
