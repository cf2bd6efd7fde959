# SPDX-License-Identifier: BSD-3-Clause
"""Copying all tables of a registry into an empty database, of the same kind or another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateTable

from pachon.base import FormatError
from pachon.base.progress_bar import ProgressBar
from pachon.registry.database.inserts import insert_columns
from pachon.registry.opaque import catalogued_tables
from pachon.registry.schema.exclusions import range_types
from pachon.registry.schema.references import is_for
from pachon.registry.schema.schema import Schema

__all__ = ["Content", "all_tables", "content_of", "copy_tables"]

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a table holds, in two numbers that do not depend on the order of rows or on the database."""

    rows: int
    digest: int
    """Sum of the hashes of all rows, modulo 2**64."""


def all_tables(connection: sa.Connection, schema: Schema) -> list[sa.Table]:
    """Give all tables of a database, parents first: those of the schema, of its groups, and of other layers."""
    group = schema.static.dimension_group
    for row in connection.execute(sa.select(group.c.group_id, group.c.dimensions)).all():
        schema.datasets(schema.universe.conform(row.dimensions.split(",") if row.dimensions else ()), row.group_id)
    catalogued_tables(connection, schema)
    return list(schema.metadata.sorted_tables)


def copy_tables(
    source: sa.Connection, target: sa.Connection, tables: list[sa.Table], bar: ProgressBar
) -> list[Content]:
    """Make tables in an empty database and copy all rows; generated numbers go on where they stood.

    References and indices are made after the rows, which takes less time.

    Raises
    ------
    FormatError
        If what was written reads otherwise than what was copied.
    """
    late = target.dialect.name == "postgresql"
    contents = []
    for statement in range_types() if late else ():
        target.execute(statement)
    for table in tables:
        bar.describe(f"Copying {table.name}")
        target.execute(CreateTable(table, include_foreign_key_constraints=[] if late else None))
        contents.append(_copy_rows(source, target, table, bar))
    for table in tables:
        bar.describe(f"Indexing {table.name}")
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(target)
    for table in tables if late else ():
        for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
            if is_for(key, "postgresql"):
                target.execute(AddConstraint(key))
    for table in tables:
        _continue_numbers(source, target, table)
    if late:
        # Without statistics the first queries would be planned as if all tables were empty.
        target.exec_driver_sql("ANALYZE")
    for table, content in zip(tables, contents, strict=True):
        bar.describe(f"Comparing {table.name}")
        if (found := content_of(target, table, bar)) != content:
            raise FormatError(f"Table {table.name!r} reads as {found} after the copy, not as {content}.")
    return contents


def content_of(connection: sa.Connection, table: sa.Table, bar: ProgressBar) -> Content:
    """Read a table and give what it holds."""
    rows = digest = 0
    for part in _parts(connection, table):
        rows += len(part)
        digest += sum(map(_hash, part))
        bar.advance(len(part))
    return Content(rows=rows, digest=digest % 2**64)


def _copy_rows(source: sa.Connection, target: sa.Connection, table: sa.Table, bar: ProgressBar) -> Content:
    names = [column.name for column in table.columns]
    rows = digest = 0
    for part in _parts(source, table):
        insert_columns(target, table, dict(zip(names, zip(*part, strict=True), strict=True)))
        rows += len(part)
        digest += sum(map(_hash, part))
        bar.advance(len(part))
    return Content(rows=rows, digest=digest % 2**64)


def _parts(connection: sa.Connection, table: sa.Table) -> Iterator[list[tuple[Any, ...]]]:
    statement = sa.select(table).execution_options(yield_per=_ROWS_AT_ONCE)
    with connection.execute(statement) as found:
        for part in found.partitions():
            yield [tuple(row) for row in part]


def _hash(row: tuple[Any, ...]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())


def _continue_numbers(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    """Let generated numbers go on after the last one that was ever used: old ones may be in somebody's cache."""
    column = table.autoincrement_column
    if column is None or not isinstance(column.type, sa.BigInteger):
        return
    if source.dialect.name == "sqlite":
        last = source.execute(
            sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": table.name}
        ).scalar()
    else:
        last = source.execute(
            sa.text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column)::regclass)"),
            {"table": table.name, "column": column.name},
        ).scalar()
    if not last:
        return
    if target.dialect.name == "sqlite":
        target.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        statement = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
        target.execute(statement, {"table": table.name, "last": last})
    else:
        target.execute(
            sa.text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
            {"table": table.name, "column": column.name, "last": last},
        )
