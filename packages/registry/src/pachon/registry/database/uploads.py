# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the caller as a temporary table to join with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from pachon.registry.database.inserts import insert_columns

__all__ = ["uploaded"]

_numbers = itertools.count(1)


@contextmanager
def uploaded(
    connection: sa.Connection, columns: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]], length: int
) -> Iterator[sa.Table]:
    """Give a temporary table of these columns, which goes when the block ends.

    It lives inside a transaction, so that it also works where a session is not ours (a connection pooler).

    Parameters
    ----------
    connection
        In a snapshot or a write transaction.
    columns
        Type and values by name. There is always a further column ``row_number``, from 0.
    length
        The number of rows.
    """
    table = sa.Table(
        f"upload_{next(_numbers)}",
        sa.MetaData(),
        sa.Column("row_number", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, kind, nullable=False) for name, (kind, _) in columns.items()),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    table.create(connection, checkfirst=False)
    try:
        values = {name: list(sequence) for name, (_, sequence) in columns.items()}
        insert_columns(connection, table, {"row_number": range(length), **values})
        yield table
    finally:
        # After a failure on PostgreSQL the transaction is dead, and the table with it.
        if connection.dialect.name == "sqlite":
            table.drop(connection, checkfirst=False)
