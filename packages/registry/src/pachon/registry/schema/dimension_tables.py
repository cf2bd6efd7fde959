# SPDX-License-Identifier: BSD-3-Clause
"""Tables of dimension records and of their overlaps with the common sky pixels, made from a universe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from pachon.dimensions import Column, DimensionElement, DimensionUniverse
from pachon.registry.database.column_types import Bytes, Key64, text
from pachon.registry.schema.references import checked_by_database
from pachon.registry.schema.sqlite_options import on_sqlite

__all__ = ["dimension_column", "element_table", "foreign_keys", "key_kind", "key_type", "leaves", "overlap_table"]


def dimension_column(name: str) -> str:
    """Give the name of a dimension's column in tables that have columns of our own beside it."""
    return f"dim_{name}"


def key_type(universe: DimensionUniverse, dimension: str) -> TypeEngine[Any]:
    """Give the column type of a dimension's values."""
    return _column_type(universe.dimensions[dimension].primary_key)


def key_kind(universe: DimensionUniverse, dimension: str) -> Literal["int", "text"]:
    """Give what a column of a dimension's values becomes (`pachon.registry.database.columns`)."""
    return "int" if universe.dimensions[dimension].primary_key.type == "int" else "text"


def leaves(universe: DimensionUniverse, names: Iterable[str]) -> list[str]:
    """Leave out dimensions that others bring along: a detector's record names its instrument's."""
    listed = list(names)
    brought = {parent for name in listed for parent in universe[name].dependencies}
    return [name for name in listed if name not in brought]


def foreign_keys(
    universe: DimensionUniverse, tables: Mapping[str, sa.Table], columns: Mapping[str, str]
) -> list[sa.ForeignKeyConstraint]:
    """Require that the records of dimensions exist, where these have tables.

    Parameters
    ----------
    universe
        The universe.
    tables
        Tables of elements by name.
    columns
        The local column of each dimension that must exist.
    """
    constraints = []
    # Where a dimension that another one requires is merely implied (a fibre's plate, beside a shot), it has no column.
    whole = [name for name in columns if columns.keys() >= set(universe[name].required)]
    for name in leaves(universe, whole):
        parent = universe[name]
        if parent.has_table:
            keys = [tables[name].c[parent.key_name(key)] for key in parent.required]
            constraints.append(sa.ForeignKeyConstraint([columns[key] for key in parent.required], keys))
    return constraints


def element_table(
    universe: DimensionUniverse, element: DimensionElement, metadata: sa.MetaData, tables: Mapping[str, sa.Table]
) -> sa.Table:
    """Make the table of an element's records: the columns of its records, in their order."""
    keys = [element.key_name(name) for name in element.required]
    own = element.primary_key.name if element.is_dimension else None
    parents = {name: name for name in element.dependencies} | {
        name: name for name in element.implied if set(universe[name].dependencies) <= set(element.required)
    }
    alternates = [
        sa.UniqueConstraint(*(key for key in keys if key != own), alternate.name)
        for alternate in element.alternate_keys
    ]
    table = sa.Table(
        f"element_{element.name}",
        metadata,
        *(_sql_column(column) for field in element.columns for column in _split(field)),
        sa.PrimaryKeyConstraint(*keys),
        *alternates,
        *(key.ddl_if(dialect="sqlite") for key in foreign_keys(universe, tables, parents)),
        # A table that is its own index suits short rows; regions are long.
        info=on_sqlite(with_rowid=element.spatial is not None),
    )
    numbers = [column.name for column in element.metadata if column.type == "int"][:1]
    for name in element.implied:
        # Records of a night, say, are told apart by their number in it.
        sa.Index(None, *(table.c[key] for key in keys if key != own), table.c[name], *(table.c[n] for n in numbers))
    if element.temporal is not None:
        _index_by_time(table, [key for key in keys if key != own])
    for name in leaves(universe, element.required)[1:]:
        first = universe[name].required
        sa.Index(None, *(table.c[key] for key in first), *(table.c[key] for key in keys if key not in first))
    return table


def _index_by_time(table: sa.Table, keys: list[str]) -> None:
    """Let the first or last records be read in the order of their time; those without one come last."""
    begin = table.c.timespan_begin
    sa.Index(None, begin).ddl_if(dialect="postgresql")
    # SQLite takes null for the least value, unless it is told apart.
    in_order = (*(table.c[key] for key in keys), begin.is_(None), begin)
    sa.Index(f"ix_{table.name}_by_time", *in_order).ddl_if(dialect="sqlite")


def overlap_table(
    universe: DimensionUniverse, element: DimensionElement, metadata: sa.MetaData, table: sa.Table
) -> sa.Table:
    """Make the table of the common sky pixels that the region of each record may touch."""
    pixel = dimension_column(universe.common_skypix)
    keys = {name: dimension_column(name) for name in element.required}
    overlap = sa.Table(
        f"overlap_{element.name}",
        metadata,
        sa.Column(pixel, Key64, nullable=False, autoincrement=False),
        *(
            sa.Column(column, key_type(universe, name), nullable=False, autoincrement=False)
            for name, column in keys.items()
        ),
        sa.PrimaryKeyConstraint(pixel, *keys.values()),
        checked_by_database(
            list(keys.values()), [table.c[element.key_name(name)] for name in keys], ondelete="CASCADE"
        ),
        info=on_sqlite(with_rowid=False),
    )
    sa.Index(None, *(overlap.c[column] for column in keys.values()))
    return overlap


def _split(column: Column) -> tuple[Column, ...]:
    if column.type != "timespan":
        return (column,)
    return tuple(Column(name=f"timespan_{bound}", type="int") for bound in ("begin", "end"))


def _sql_column(column: Column) -> sa.Column[Any]:
    return sa.Column(column.name, _column_type(column), nullable=column.nullable, autoincrement=False)


def _column_type(column: Column) -> TypeEngine[Any]:
    match column.type:
        case "int":
            return Key64
        case "string":
            return text(column.length)
        case "float":
            return sa.Double()
        case "bool":
            return sa.Boolean()
        case _:
            return Bytes()
