# SPDX-License-Identifier: BSD-3-Clause
"""Running a plan: uploads before, exact tests and the choice of datasets after; all rows at once, or batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.dimensions import Categorical, DataIdTable, DimensionElement
from pachon.registry.database.columns import Kind, fetch_columns, iter_columns
from pachon.registry.database.first_rows import by_index
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.uploads import uploaded
from pachon.registry.dimension_records.implied import fetch_implied
from pachon.registry.dimension_records.overlaps import pixels_of_regions
from pachon.registry.dimension_records.regions import fetch_all_regions, fetch_pixels, fetch_regions
from pachon.registry.errors import QueryJoinError
from pachon.registry.query.choice import choose
from pachon.registry.query.compile_sql import (
    Uploaded,
    compile_count,
    compile_plan,
    is_distinct,
)
from pachon.registry.query.early_stop import counted
from pachon.registry.query.forms import shared_statement
from pachon.registry.query.plan import (
    EnvelopeSource,
    Mark,
    PixelRangeSource,
    Plan,
    Product,
    Refinement,
    RegionPixelsSource,
)
from pachon.registry.query.products import MOST_PRODUCT_ROWS, SMALL_PART_ROWS, why_refused
from pachon.registry.query.region_tests import RegionTable, overlapping_pairs
from pachon.registry.query.reordering import reordered
from pachon.registry.query.rows import Rows, empty_rows, field_kinds, rows_of_columns, rows_of_keys
from pachon.registry.query.sources import few_ranges
from pachon.registry.query.two_sides import Sides, joined_rows, overlapping_records, pixel_ranges, split_at_overlap
from pachon.registry.schema.dimension_tables import key_kind, key_type
from pachon.registry.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["count_plan", "run_plan", "stream_plan"]

_MOST_PIXELS = 5_000_000
"""Pixels that are computed for one query; more need a constraint."""
_FEW = 50
_SOME = 2000
"""Rows of the two sides of an overlap with which a query for a few rows begins."""
_FIRST_ROWS = 10_000
"""Rows that an index gives sooner than a table that is read until there are so many."""


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
    QueryJoinError
        If parts of the query are unrelated, and their product is large.
    """
    plan = reordered(state, connection, plan)
    if plan.doomed or plan.limit == 0:
        return empty_rows(plan)
    with _prepared(state, connection, plan, tables) as made:
        stop = _most_rows(plan)

        def select(part: Plan, most: int | None) -> Rows:
            shared, values = shared_statement(
                state,
                part,
                ("rows", most),
                lambda form: compile_plan(form, state.schema, state.dialect, uploaded=made, limit=most),
            )
            with by_index(connection, wanted=_asks_for_first(part, most)):
                return rows_of_columns(part, fetch_columns(connection, shared.select, _kinds(state, part), values))

        sides = split_at_overlap(plan, state.universe)
        rows = select(plan, stop) if sides is None else _join_sides(state, connection, plan, sides, select)
    refinements = plan.refinements if sides is None else sides.others
    rows = _only_wanted(plan, _refined(state, connection, refinements, rows))
    return _with_implied(state, connection, plan, _limited(rows, plan.limit))


def stream_plan(
    state: State, connection: sa.Connection, plan: Plan, tables: Sequence[DataIdTable] = (), *, size: int
) -> Iterator[Rows]:
    """Answer a query batch by batch, with as much memory as a batch needs.

    An order together with a choice among collections needs all rows; these are then cut into batches.

    Parameters
    ----------
    state, connection, plan, tables
        As for `run_plan`.
    size
        About how many rows a batch has.
    """
    final = _is_final(plan)
    if plan.doomed or plan.limit is not None or (not final and plan.order):
        rows = run_plan(state, connection, plan, tables)
        yield from (rows.take(np.arange(start, min(start + size, len(rows)))) for start in range(0, len(rows), size))
        return
    plan = reordered(state, connection, plan)
    if plan.doomed:
        return
    with _prepared(state, connection, plan, tables) as made:
        shared, values = shared_statement(
            state,
            plan,
            ("stream", final),
            lambda form: compile_plan(form, state.schema, state.dialect, uploaded=made, grouped=not final),
        )
        batches = iter_columns(connection, shared.select, _kinds(state, plan), size, values)
        parts = (rows_of_columns(plan, columns) for columns in batches)
        with by_index(connection, wanted=_asks_for_first(plan, None)):
            # What is chosen among rows of one data ID needs all of them in one batch.
            for rows in parts if final else _whole_groups(plan, parts):
                wanted = _only_wanted(plan, _refined(state, connection, plan.refinements, rows))
                if len(wanted):
                    yield _with_implied(state, connection, plan, wanted)


def count_plan(state: State, connection: sa.Connection, plan: Plan, tables: Sequence[DataIdTable] = ()) -> int:
    """Count the rows of an answer; by the database where it can."""
    if plan.limit is not None:
        plan = replace(plan, limit=abs(plan.limit))  # nothing is given of which there could be more
    plan = reordered(state, connection, counted(plan))
    if plan.doomed or plan.limit == 0:
        return 0
    if not _is_final(plan):
        return len(run_plan(state, connection, plan, tables))
    with _prepared(state, connection, plan, tables) as made:
        shared, values = shared_statement(
            state,
            plan,
            ("count", plan.limit),
            lambda form: compile_count(form, state.schema, state.dialect, uploaded=made, most=plan.limit),
        )
        with by_index(connection, wanted=_asks_for_first(plan, plan.limit)):
            count = int(connection.execute(shared.select, values).scalar_one())
    return count if plan.keys or plan.datasets is not None else min(count, 1)


_Select = Callable[[Plan, int | None], Rows]


def _join_sides(state: State, connection: sa.Connection, plan: Plan, sides: Sides, select: _Select) -> Rows:
    """Fetch both sides of an overlap and join them; when few rows are wanted, try with some of each side before."""
    if plan.limit is not None and not sides.others:

        def select_some(part: Plan, _: int | None) -> Rows:
            return select(part, _FEW if part is sides.first.plan else _SOME)

        rows = _join_with_second(state, connection, sides, select_some(sides.first.plan, None).keys, select_some)
        if rows is not None and len(_only_wanted(plan, rows)) > abs(plan.limit):
            return rows
    joined = _join_with_second(state, connection, sides, select(sides.first.plan, None).keys, select)
    return empty_rows(plan) if joined is None else joined


def _join_with_second(
    state: State, connection: sa.Connection, sides: Sides, left: KeyTable, select: _Select
) -> Rows | None:
    """Fetch the second side of an overlap where the first is, and join them; `None` if there is no first side."""
    universe = state.universe
    first, second = sides.first, sides.second
    if not len(left):
        return None
    keys = [left]
    records = [_records_of(keys[0], universe[first.element])]
    pixels = [fetch_pixels(state, connection, universe[first.element], keys[0].take(records[0][0]))]
    ranges = few_ranges(pixel_ranges(pixels[0][1]))
    touching = PixelRangeSource(element=second.element, ranges=ranges)
    keys.append(select(replace(second.plan, sources=(touching, *second.plan.sources)), None).keys)
    records.append(_records_of(keys[1], universe[second.element]))
    pixels.append(fetch_pixels(state, connection, universe[second.element], keys[1].take(records[1][0])))
    tables = []
    for side, rows, (once, _) in zip((first, second), keys, records, strict=True):
        regions, place = fetch_regions(state, connection, universe[side.element], rows.take(once))
        tables.append(RegionTable([regions[i] for i in place.tolist()]))
    pairs = overlapping_records(tables[0], tables[1], pixels)
    chosen = joined_rows([numbers for _, numbers in records], pairs)
    columns = {name: column.take(chosen[i]) for i in (0, 1) for name, column in keys[i].columns.items()}
    return rows_of_keys(KeyTable(columns=columns, length=len(chosen[0])))


def _records_of(keys: KeyTable, element: DimensionElement) -> tuple[np.ndarray, np.ndarray]:
    """Give a row of each record of an element, and for each row the number of its record."""
    own = KeyTable(columns={name: keys.columns[name] for name in element.required}, length=len(keys))
    _, once, number = np.unique(own.codes(), return_index=True, return_inverse=True)
    return once, number.reshape(-1)


# Before the statement.


def _asks_for_first(plan: Plan, most: int | None) -> bool:
    """Whether the database may stop at the first rows that it finds, of the answer or in each test."""
    is_short = most is not None and most <= _FIRST_ROWS and not plan.order
    return is_short or any(there.row_by_row for there in plan.existences)


@contextmanager
def _prepared(state: State, connection: sa.Connection, plan: Plan, tables: Sequence[DataIdTable]) -> Iterator[Uploaded]:
    """Make the tables that a plan joins and which are not there."""
    with ExitStack() as stack:
        given = [stack.enter_context(_upload(state, connection, t.columns, len(t))) for t in tables]
        pixels = {
            source: stack.enter_context(_upload_pixels(state, connection, source, tables))
            for source in plan.sources
            if isinstance(source, EnvelopeSource | RegionPixelsSource)
        }
        marks = [stack.enter_context(_upload_mark(state, connection, mark)) for mark in plan.marks]
        made = Uploaded(tables=given, marks=marks, pixels=pixels)
        _refuse_product(state, connection, plan, made)
        yield made


def _upload(state: State, connection: sa.Connection, columns: Any, length: int) -> Any:
    values = {name: (key_type(state.universe, name), column.tolist()) for name, column in columns.items()}
    return uploaded(connection, values, length)


def _upload_pixels(
    state: State,
    connection: sa.Connection,
    source: EnvelopeSource | RegionPixelsSource,
    tables: Sequence[DataIdTable],
) -> Any:
    """Compute the pixels that records, or a region, may touch."""
    grid = state.universe.pixelization(source.pixel)
    if isinstance(source, RegionPixelsSource):
        _, pixels = pixels_of_regions(grid, [source.region], most=_MOST_PIXELS)
        return _upload(state, connection, {source.pixel: Categorical.encode(pixels)}, len(pixels))
    element = state.universe[source.element]
    fixed = {name: Categorical.constant(value, 1) for name, value in source.fixed}
    if element.is_skypix:
        keys = KeyTable(columns=fixed, length=1)
        if source.among is not None:
            keys = run_plan(state, connection, source.among, tables).keys
        regions, place = fetch_regions(state, connection, element, keys)
        regions = [regions[i] for i in place.tolist()]
    else:
        keys, regions = fetch_all_regions(state, connection, element, fixed)
    rows, pixels = pixels_of_regions(grid, regions, most=_MOST_PIXELS)
    columns = {**keys.take(rows).columns, source.pixel: Categorical.encode(pixels)}
    return _upload(state, connection, columns, len(rows))


def _upload_mark(state: State, connection: sa.Connection, mark: Mark) -> Any:
    """Find where an overlap holds, and put the keys into a table."""
    with _prepared(state, connection, mark.plan, ()) as made:
        select = compile_plan(mark.plan, state.schema, state.dialect, uploaded=made)
        rows = rows_of_columns(mark.plan, fetch_columns(connection, select, _kinds(state, mark.plan)))
    keys = _refined(state, connection, mark.plan.refinements, rows).keys
    return _upload(state, connection, keys.columns, len(keys))


def _refuse_product(state: State, connection: sa.Connection, plan: Plan, made: Uploaded) -> None:
    """Refuse a query that would join many rows of one thing with many rows of another that it has nothing to do with."""
    if not plan.products:
        return
    rows = [_rows_of_part(state, connection, plan, part, made) for part in plan.products]
    large = [(part, count) for part, count in zip(plan.products, rows, strict=True) if count > SMALL_PART_ROWS]
    if len(large) > 1 and np.prod([float(count) for _, count in large]) > MOST_PRODUCT_ROWS:
        parts, counts = zip(*large, strict=True)
        raise QueryJoinError(why_refused(state.universe, parts, counts))


def _rows_of_part(state: State, connection: sa.Connection, plan: Plan, part: Product, made: Uploaded) -> int:
    alone = Plan(
        result=plan.result,
        dimensions=plan.dimensions,
        keys=(),
        sources=part.sources,
        predicate=part.predicate,
        marks=plan.marks,
    )
    select = compile_count(alone, state.schema, state.dialect, uploaded=made, most=MOST_PRODUCT_ROWS, repeated=True)
    return int(connection.execute(select).scalar_one())


# After the statement.


def _kinds(state: State, plan: Plan) -> list[Kind]:
    kinds: list[Kind] = [key_kind(state.universe, name) for name in plan.selected]
    kinds += ["id" if name == "dataset_id" else "int" for name in plan.dataset_columns]
    kinds += field_kinds(plan)
    kinds += ["int"] * len(plan.chosen)
    kinds += ["id"] * len(plan.looked_up)
    return kinds or ["int"]


def _is_final(plan: Plan) -> bool:
    """Whether the rows of the database are those of the answer."""
    if plan.refinements:
        return False
    if (facts := plan.datasets) is not None:
        # A dataset is in one run.
        once = not plan.find_first and not facts.certified and facts.runs >= facts.members.keys()
        chosen = plan.early_stop is not None and plan.early_stop.drops_later
        return is_distinct(plan) and (plan.only_collection is not None or once or chosen)
    if any(len(facts.ranks) > 1 or facts.certified for facts in plan.chosen):
        return False
    return set(plan.keys) <= set(plan.result.names)


def _most_rows(plan: Plan) -> int | None:
    """Give a number of rows among which there are all that a limit lets through, if there is such a number."""
    if plan.limit is None:
        return None
    wanted = abs(plan.limit) + (plan.limit < 0)
    if _is_final(plan):
        return wanted
    if plan.datasets is None or plan.find_first or plan.refinements or plan.order or plan.fields or plan.chosen:
        return None
    # Equal rows are given once: a dataset has one in each collection, however often it is valid there.
    return wanted * len(plan.datasets.ranks) if set(plan.keys) <= set(plan.result.names) else None


def _whole_groups(plan: Plan, parts: Iterator[Rows]) -> Iterator[Rows]:
    """Cut batches of sorted rows so that all rows of a data ID are in one."""
    rest: Rows | None = None
    for part in parts:
        rows = part if rest is None else Rows.concat([rest, part])
        code = rows.keys_of(plan.result.required).codes()
        last = int(np.flatnonzero(code != code[-1])[-1]) + 1 if (code != code[-1]).any() else 0
        if last:
            yield rows.take(np.arange(last))
        rest = rows.take(np.arange(last, len(rows)))
    if rest is not None and len(rest):
        yield rest


def _refined(state: State, connection: sa.Connection, refinements: Sequence[Refinement], rows: Rows) -> Rows:
    for refinement in refinements:
        rows = _refine(state, connection, rows, refinement)
    return rows


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


def _only_wanted(plan: Plan, rows: Rows) -> Rows:
    """Give each data ID once, or each dataset as it was asked for."""
    if _is_final(plan) or not len(rows):
        return rows if plan.keys or plan.datasets is not None or plan.fields else rows.take(np.arange(len(rows))[:1])
    return choose(plan, rows)


def _with_implied(state: State, connection: sa.Connection, plan: Plan, rows: Rows) -> Rows:
    """Fill in values of implied dimensions that the statement left out."""
    columns = dict(rows.keys.columns)
    for name in plan.late:
        element = state.universe[name]
        keys = KeyTable(columns={d: columns[d] for d in element.required}, length=len(rows))
        found, place = fetch_implied(state, connection, element, keys)
        columns |= {implied: column.take(place) for implied, column in found.items() if implied in plan.result}
    return rows.with_keys(KeyTable(columns=columns, length=len(rows)))


def _limited(rows: Rows, limit: int | None) -> Rows:
    if limit is None or len(rows) <= abs(limit):
        return rows
    if limit < 0:
        warnings.warn(f"There are more than {-limit} results; only these are given.", stacklevel=4)
    return rows.take(np.arange(abs(limit)))
