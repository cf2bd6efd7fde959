# SPDX-License-Identifier: BSD-3-Clause
"""Whether a database still has the tables and the universe with which a client opened it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import sqlalchemy as sa

from pachon.dimensions import DimensionUniverse
from pachon.registry.errors import SchemaVersionError

__all__ = ["MOVED_TO", "SCHEMA_VERSION", "SchemaGuard", "check_version"]

SCHEMA_VERSION = 4
"""Version of the tables; `docs/formats/registry.md` says what each version holds."""

MOVED_TO = "moved_to"
"""The attribute of a database that was left: where its registry is now, without a password."""

_LOOKED_AT = ("schema_version", "universe_digest", MOVED_TO)


class SchemaGuard:
    """Refuses a write to a database that was migrated or moved since it was opened.

    It looks in the write transaction itself, and so it excludes a migration until the transaction ends: on SQLite both need
    the same lock; on PostgreSQL a migration locks the table that was read here.
    """

    def __init__(self, attribute: sa.Table, universe: DimensionUniverse) -> None:
        self._expected = [("schema_version", str(SCHEMA_VERSION)), ("universe_digest", universe.digest)]
        self._universe = universe
        names = ", ".join(f"'{name}'" for name in _LOOKED_AT)
        table = attribute.name if attribute.schema is None else f'"{attribute.schema}".{attribute.name}'
        self._query = f"SELECT name, value FROM {table} WHERE name IN ({names}) ORDER BY name"  # noqa: S608  # constants

    def __call__(self, connection: sa.Connection) -> None:
        """Look.

        Raises
        ------
        SchemaVersionError
            If the tables, the universe or the place changed; the message says which.
        """
        driver: object = connection.connection.dbapi_connection
        if isinstance(driver, sqlite3.Connection):
            # The driver alone takes a fifth of the time, and this is done before each write.
            rows = driver.execute(self._query).fetchall()
        else:
            rows = [(row[0], row[1]) for row in connection.exec_driver_sql(self._query)]
        if rows != self._expected:
            found = dict(rows)
            check_version(found)
            raise SchemaVersionError(
                f"The universe of the registry was changed since it was opened with {self._universe.namespace} version "
                f"{self._universe.version}; open it again."
            )


def check_version(attributes: Mapping[str, str]) -> None:
    """Check that this version of pachon can use a database, by its attributes.

    Raises
    ------
    SchemaVersionError
        If the database was moved, or has tables of another version.
    """
    if (place := attributes.get(MOVED_TO)) is not None:
        raise SchemaVersionError(f"The registry was moved to {place}; this database is only what it left behind.")
    version = int(attributes["schema_version"])
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"The registry has schema version {version}; this pachon knows versions up to {SCHEMA_VERSION}. "
            "Use a newer pachon."
        )
    if version < SCHEMA_VERSION:
        raise SchemaVersionError(
            f"The registry has schema version {version}; this pachon needs {SCHEMA_VERSION}. Run 'butler migrate'."
        )
