# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL's statistics of tables that have just grown.

Until its own service counts again, a minute later or so, the server plans as if such tables were nearly empty: a join on the sky
that takes seconds then takes minutes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

__all__ = ["forget_growth", "note_growth", "refresh_statistics"]

_log = logging.getLogger(__name__)
_KEY: Final = "pachon grown tables"
MANY: Final = 20_000
"""Rows of one transaction from which on it is worth while."""
_SHARE: Final = 0.2
"""Least part of a table that is new."""


def note_growth(connection: sa.Connection, table: sa.Table, rows: int) -> None:
    """Remember for the end of the transaction that rows were added to a table."""
    grown: dict[str, int] = connection.info.setdefault(_KEY, {})
    name = connection.dialect.identifier_preparer.format_table(table)
    grown[name] = grown.get(name, 0) + rows


def forget_growth(connection: sa.Connection) -> None:
    """Forget what was noted: a transaction begins, or was undone."""
    with suppress(DBAPIError):  # the connection is gone, and its notes with it
        connection.info.pop(_KEY, None)


def refresh_statistics(connection: sa.Connection) -> None:
    """Have the server count in the tables that grew much in the transaction that was just committed.

    It is a favour to the queries that follow: what goes wrong is logged and nothing else.
    """
    grown: dict[str, int] = connection.info.pop(_KEY, {})
    for name, rows in grown.items():
        if rows < MANY:
            continue
        try:
            select = sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)")
            known = connection.execute(select, {"name": name}).scalar_one()
            if rows > _SHARE * known:
                connection.exec_driver_sql(f"ANALYZE {name}")
            connection.commit()
        except DBAPIError as error:
            _log.debug("No statistics of %s: %s", name, error)
            with suppress(DBAPIError):
                connection.rollback()
