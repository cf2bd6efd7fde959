# SPDX-License-Identifier: BSD-3-Clause
"""Whether a calibration is valid at a time: the SQL of one look into the index for each collection, or of ranges that are merged first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import sqlalchemy as sa

from pachon.dimensions.timespan import MAX_NS
from pachon.registry.database.column_types import Key64
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.sql_conditions import Column, all_of, any_of, compared
from pachon.registry.query.sql_kept import alias_of
from pachon.registry.query.sql_values import has_value, in_collections
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.schema.schema import Schema

__all__ = ["is_valid", "is_valid_by_merged_ranges"]


def is_valid(
    facts: SearchFacts,
    time: tuple[Column, Column],
    key: Callable[[str], Column],
    schema: Schema,
    around: Sequence[sa.FromClause],
) -> Column:
    """Make the condition that a dataset of a search is valid at some time of a time span.

    Parameters
    ----------
    facts
        The search.
    time
        Begin and end of the time span.
    key
        Gives the column of a dimension.
    schema
        The tables of the registry.
    around
        The tables of the statements in which the condition stands.
    """
    tables = schema.datasets(facts.dimensions, facts.group_id)
    begin, end = time

    def same(table: sa.FromClause) -> list[Column]:
        keys = [compared("=", table.c[dimension_column(name)], key(name)) for name in facts.dimensions.required]
        return [has_value(table.c.dataset_type_id, facts.type_id), *keys]

    def in_calibrations(collection: Column, *more: sa.FromClause) -> Column:
        ranges = alias_of(tables.validity, "ranges")
        in_collection = compared("=", ranges.c.collection_id, collection)
        last: sa.Select[tuple[int]] = (
            sa.select(ranges.c.end_ns)
            .where(all_of([*same(ranges), in_collection, compared("<", ranges.c.begin_ns, end)]))
            .order_by(ranges.c.begin_ns.desc())
            .limit(1)
            .correlate(*around, *more)
        )
        return compared(">", last.scalar_subquery(), begin)

    options: list[Column] = []
    if len(facts.certified) == 1:
        options.append(in_calibrations(sa.literal(next(iter(facts.certified)), Key64)))
    elif facts.certified:
        searched = alias_of(schema.static.collection, "searched")
        number = searched.c.collection_id
        one: sa.Select[tuple[int]] = (
            sa.select(sa.literal_column("1"))
            .select_from(searched)
            .where(all_of([in_collections(number, facts.certified), in_calibrations(number, searched)]))
        )
        options.append(one.correlate(*around).exists())
    if facts.members:
        # What is in other collections is valid always.
        member = alias_of(tables.membership, "always_valid")
        found: sa.Select[tuple[int]] = sa.select(sa.literal_column("1")).select_from(member)
        found = found.where(all_of([*same(member), in_collections(member.c.collection_id, facts.members)]))
        options.append(all_of([found.correlate(*around).exists(), end > 0, begin < MAX_NS]))
    return any_of(options)


def is_valid_by_merged_ranges(
    facts: SearchFacts,
    time: tuple[Column, Column],
    key: Callable[[str], Column],
    schema: Schema,
    around: Sequence[sa.FromClause],
    *,
    private: Collection[str],
    constants: Mapping[str, int | str],
) -> Column:
    """Make the same condition for PostgreSQL, which merges the ranges of all calibrations that have the same known keys.

    Parameters
    ----------
    facts, time, key, schema, around
        As for `is_valid`.
    private
        Dimensions of which the calibrations may have any value.
    constants
        Values that dimensions have in all rows.
    """
    table = schema.datasets(facts.dimensions, facts.group_id).validity
    known = {name: dimension_column(name) for name in facts.dimensions.required if name not in private}
    wanted: dict[str, int | str] = {"dataset_type_id": facts.type_id}
    wanted |= {column: constants[name] for name, column in known.items() if name in constants}
    of_type, *of_keys = [has_value(table.c[n], value) for n, value in wanted.items()]
    searched = all_of([of_type, in_collections(table.c.collection_id, facts.certified), *of_keys])
    columns = [table.c[column] for column in known.values()]
    ranges = sa.select(*columns, table.c.begin_ns, table.c.end_ns).where(searched)
    if private:
        # Those that are certified together have the same range, which is merged once.
        ranges = ranges.distinct()
    each = ranges.subquery("each_range")
    span = sa.func.int8range(each.c.begin_ns, each.c.end_ns)
    keys = [each.c[column] for column in known.values()]
    merged = sa.select(*keys, sa.func.range_agg(span).label("times")).group_by(*keys).subquery("merged_ranges")
    begin, end = time
    # An empty time span begins at its end or later, of which there is no range.
    overlaps = sa.case((begin < end, sa.func.int8range(begin, end).bool_op("&&")(merged.c.times)), else_=sa.false())
    same = [compared("=", merged.c[column], key(name)) for name, column in known.items()]
    found: sa.Select[tuple[int]] = (
        sa.select(sa.literal_column("1")).select_from(merged).where(all_of([*same, overlaps]))
    )
    return found.correlate(*around).exists()
