# SPDX-License-Identifier: BSD-3-Clause
"""Statements of which the first rows are wanted, or whether there are any: an index gives these at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

__all__ = ["by_index"]

_ON = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"
_AS_BEFORE = "RESET enable_seqscan; RESET jit"


@contextmanager
def by_index(connection: sa.Connection, *, wanted: bool = True) -> Iterator[None]:
    """Keep PostgreSQL from reading a table from its beginning to come across a row, in the block; on SQLite nothing is done.

    The server expects that rows lie evenly in a table. But those of a run were written together, and may be the last ones of millions.
    It must be in a transaction, to which this is limited. Where no index can help, a table is read as before.
    """
    if not wanted or connection.dialect.name != "postgresql":
        yield
        return
    connection.exec_driver_sql(_ON)
    yield
    # After an error nothing can be said to the server, and the transaction ends.
    connection.exec_driver_sql(_AS_BEFORE)
