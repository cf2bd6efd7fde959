# SPDX-License-Identifier: BSD-3-Clause
"""Beginning and ending a transaction of a connection.

On SQLite that is done by the driver: SQLAlchemy's way takes longer than a small transaction itself. Its own notion of a transaction
arises when one of its statements is run in between, and is then ended with the other.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

__all__ = [
    "BEGIN",
    "SNAPSHOT",
    "WRITE",
    "begin",
    "commit",
    "data_version",
    "is_undone",
    "leave",
    "roll_back",
    "set_foreign_keys",
]

BEGIN: Final = "pachon_begin"
"""Execution option that holds the statement which begins a connection's transactions."""
WRITE: Final = {
    # Take the write lock at once: a transaction that reads first and then writes could find its snapshot outdated.
    "sqlite": "BEGIN IMMEDIATE",
    # One message. The limit holds for this transaction alone, as a pooler wants it.
    "postgresql": "BEGIN; SET LOCAL lock_timeout = '60s'",
}
"""How a write begins."""
SNAPSHOT: Final = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
"""How reads begin that see one state of the database; they take no lock."""
_UNGUARDED: Final = "pachon_unguarded"
"""What a connection of SQLite is marked with while its foreign keys may be off."""


def begin(connection: sa.Connection, how: str | None = None) -> None:
    """Begin the transaction that is said, or that a connection is to have, unless it is in one or its statements stand alone."""
    how = how or connection.get_execution_options().get(BEGIN)
    if not how:
        return
    driver: object = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        if not connection.in_transaction():
            connection.begin()
    elif not driver.in_transaction:
        try:
            driver.execute(how)
        except sqlite3.OperationalError as error:
            raise OperationalError(how, None, error) from error


def set_foreign_keys(connection: sa.Connection, *, enforced: bool) -> None:
    """Say whether the next transaction of a connection to SQLite looks up the foreign keys of each row.

    They stay off after such a transaction, until the next one that writes is about to begin: nothing needs them in between, and so
    nothing can keep them from being turned on again.
    """
    if (_UNGUARDED not in connection.info) is enforced:
        return
    driver: object = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        return
    connection.info[_UNGUARDED] = True  # before they are off, and until they are on
    driver.execute(f"PRAGMA foreign_keys = {'ON' if enforced else 'OFF'}")
    if enforced:
        del connection.info[_UNGUARDED]


def commit(connection: sa.Connection) -> None:
    """Commit what a connection began, if it did."""
    driver = None if connection.in_transaction() else _sqlite_driver(connection)
    if driver is None:
        connection.commit()
    else:
        driver.commit()


def roll_back(connection: sa.Connection) -> None:
    """Undo what a connection began and did not commit."""
    driver = None if connection.in_transaction() else _sqlite_driver(connection)
    if driver is None:
        connection.rollback()
    else:
        driver.rollback()


def leave(connection: sa.Connection) -> None:
    """Undo what a connection began and did not commit, if there is anything."""
    if connection.in_transaction():
        connection.rollback()
        return
    driver = _sqlite_driver(connection)
    if driver is not None and driver.in_transaction:
        driver.rollback()


def is_undone(connection: sa.Connection) -> bool:
    """Whether SQLite has undone the transaction of a connection by itself, as it does when the disk is full."""
    driver = _sqlite_driver(connection)
    return driver is not None and not driver.in_transaction


def _sqlite_driver(connection: sa.Connection) -> sqlite3.Connection | None:
    # A connection of a server that was lost has none, and must not be asked.
    if connection.dialect.name != "sqlite" or connection.invalidated:
        return None
    driver: object = connection.connection.dbapi_connection
    return driver if isinstance(driver, sqlite3.Connection) else None


def data_version(connection: sa.Connection) -> int | None:
    """Give SQLite's mark, which another value follows when another connection has committed; a tenth of the price of a query.

    None on another database.
    """
    driver: object = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        return None
    mark: int = driver.execute("PRAGMA data_version").fetchone()[0]
    return mark
