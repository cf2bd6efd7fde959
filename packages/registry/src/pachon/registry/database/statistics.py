# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL's statistics of tables that have just grown.

Until its own service counts again, a minute later or so, the server plans as if such tables were nearly empty: a join on the sky
that takes seconds then takes minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

__all__ = ["TableGrowth", "forget_growth", "note_growth", "refresh_statistics"]

_log = logging.getLogger(__name__)
_KEY: Final = "pachon grown tables"
MANY: Final = 100
"""New rows of a table from which on it is worth while to look."""
VERY_MANY: Final = 1000
"""Rows of a table from which on its joins with tables of any size must be planned well."""
_SHARE: Final = 0.2
"""Least part of a table that is new."""
_KNOWN: Final = sa.text(
    "SELECT wanted, reltuples FROM unnest(CAST(:names AS text[])) AS wanted "
    "JOIN pg_class ON pg_class.oid = to_regclass(wanted)"
)
_NEVER_COUNTED: Final = sa.text(
    "SELECT CAST(CAST(oid AS regclass) AS text) FROM pg_class WHERE relkind = 'r' AND reltuples <= 0 "
    "AND pg_relation_size(oid) > 0 AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(:name))"
)


class TableGrowth:
    """Rows that this process has added to each table since it last had the server count in it.

    Many small transactions fill a table as one large one does. Threads may share it: a row that is missed in a race is no harm,
    and of two that find the same rows new one or both have them counted.
    """

    def __init__(self) -> None:
        self._added: dict[str, int] = {}
        self._enough: dict[str, float] = {}

    def add(self, grown: Mapping[str, int]) -> dict[str, int]:
        """Add the rows of a transaction; give all that were added to those tables of which the server is to be asked."""
        added = {name: self._added.get(name, 0) + rows for name, rows in grown.items()}
        self._added.update(added)
        return {name: rows for name, rows in added.items() if rows >= self._enough.get(name, MANY)}

    def is_worth_counting(self, name: str, known: float) -> bool:
        """Tell whether so many rows are new that it changes plans, given how many the server knows of; if so they are forgotten."""
        added = self._added.get(name, 0)
        counts = added >= _SHARE * known
        if counts:
            self._added.pop(name, None)
            known = max(known, 0) + added
        self._enough[name] = max(MANY, _SHARE * known)
        return counts


def note_growth(connection: sa.Connection, table: sa.Table, rows: int) -> None:
    """Remember for the end of the transaction that rows were added to a table; SQLite's plans need no counts."""
    if connection.dialect.name != "postgresql":
        return
    grown: dict[str, int] = connection.info.setdefault(_KEY, {})
    name = connection.dialect.identifier_preparer.format_table(table)
    grown[name] = grown.get(name, 0) + rows


def forget_growth(connection: sa.Connection) -> None:
    """Forget what was noted: a transaction begins, or was undone."""
    with suppress(DBAPIError):  # the connection is gone, and its notes with it
        connection.info.pop(_KEY, None)


def refresh_statistics(connection: sa.Connection, growth: TableGrowth) -> None:
    """Have the server count in the tables that have grown much with the transaction that was just committed.

    With a table that has become large, also in those in which it found no row or never counted: of a few thousand rows that it takes
    for ten it makes the inner side of a loop over all rows of the large one. It is a favour to the queries that follow: what goes
    wrong is logged and nothing else.
    """
    due = growth.add(connection.info.pop(_KEY, {}))
    if not due:
        return
    try:
        known = {row.wanted: row.reltuples for row in connection.execute(_KNOWN, {"names": list(due)})}
        counted = {name for name, rows in known.items() if growth.is_worth_counting(name, rows)}
        if large := [name for name in counted if max(known[name], 0) + due[name] >= VERY_MANY]:
            counted.update(connection.execute(_NEVER_COUNTED, {"name": large[0]}).scalars())
        if counted:
            # Without those that another client is counting in just now: its result is as good.
            connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {', '.join(sorted(counted))}")
        connection.commit()
    except DBAPIError as error:
        _log.debug("No statistics of %s: %s", ", ".join(due), error)
        with suppress(DBAPIError):
            connection.rollback()
