# SPDX-License-Identifier: BSD-3-Clause
"""Columns of a statement are the same on both databases, whatever is packed into one value on PostgreSQL."""

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from pachon.dimensions import NULL_NS
from pachon.registry import SqlRegistry
from pachon.registry.database.column_types import Key64, Text, Uuid
from pachon.registry.database.columns import Kind, fetch_columns, iter_columns
from pachon.registry.database.packed_rows import pack_rows
from pachon.registry.database.uploads import uploaded

ROWS = 1000
NUMBERS = [n * 2**50 - 2**60 for n in range(ROWS)]
NAMES = [f"é{n % 7}" for n in range(ROWS)]
IDS = [uuid.UUID(int=n * 2**100 + n).bytes for n in range(ROWS)]
KINDS: list[Kind] = ["text", "int", "id", "time", "float", "number", "words"]


@pytest.fixture
def connection(any_url: str) -> Iterator[sa.Connection]:
    with SqlRegistry.create(any_url) as registry, registry._state.database.snapshot() as connection:
        yield connection


def _selected(table: sa.FromClause) -> sa.Select[Any]:
    number, odd = table.c.number, table.c.row_number % 2 == 1
    return sa.select(
        table.c.name,
        number,
        table.c.id,
        sa.case((odd, number), else_=sa.null()).label("time"),
        sa.case((odd, sa.cast(number, sa.Double()) / 4), else_=sa.null()).label("part"),
        sa.case((odd, number), else_=sa.null()).label("count"),
        sa.case((odd, table.c.name), else_=sa.null()).label("word"),
        table.c.row_number.label("order_0"),
    ).order_by(table.c.row_number.desc())


def _check(columns: list[Any]) -> None:
    names, numbers, ids, times, parts, counts, words = columns
    odd = [n % 2 == 1 for n in reversed(range(ROWS))]
    assert names.decode().tolist() == NAMES[::-1]
    assert numbers.dtype == np.int64
    assert numbers.tolist() == NUMBERS[::-1]
    assert [row.tobytes() for row in ids] == IDS[::-1]
    assert times.tolist() == [n if o else NULL_NS for n, o in zip(NUMBERS[::-1], odd, strict=True)]
    assert np.array_equal(
        parts, [n / 4 if o else np.nan for n, o in zip(NUMBERS[::-1], odd, strict=True)], equal_nan=True
    )
    assert counts.tolist() == [n if o else None for n, o in zip(NUMBERS[::-1], odd, strict=True)]
    assert words.tolist() == [n if o else None for n, o in zip(NAMES[::-1], odd, strict=True)]


def test_columns(connection: sa.Connection) -> None:
    values = {"name": (Text, NAMES), "number": (Key64, NUMBERS), "id": (Uuid(), IDS)}
    with uploaded(connection, values, ROWS) as table:
        select = _selected(table)
        _check(fetch_columns(connection, select, KINDS))
        parts = list(iter_columns(connection, select, KINDS, 300))
        assert [len(part[1]) for part in parts] == [300, 300, 300, 100]
        assert np.concatenate([part[1] for part in parts]).tolist() == NUMBERS[::-1]
        assert fetch_columns(connection, select.where(table.c.number == 1), KINDS)[2].shape == (0, 16)
        few = sa.select(table.c.number).where(table.c.number == sa.bindparam("wanted"))
        assert fetch_columns(connection, few, ["int"], {"wanted": NUMBERS[3]})[0].tolist() == [NUMBERS[3]]
        both = sa.select(table.c.number, table.c.id).where(table.c.number == sa.bindparam("wanted"))
        assert fetch_columns(connection, both, ["int", "id"], {"wanted": NUMBERS[3]})[0].tolist() == [NUMBERS[3]]


def test_what_is_packed() -> None:
    table = sa.table("t", sa.column("a"), sa.column("b"), sa.column("c"))
    assert pack_rows(sa.select(table.c.a, table.c.b), ("int", "text")) is None
    packed = pack_rows(sa.select(table), ("int", "text", "id"))
    assert packed is not None
    assert (packed.packed, packed.others, packed.form.itemsize) == ((0, 2), (1,), 24)
