# SPDX-License-Identifier: BSD-3-Clause
"""The few statements that are run for every single dataset: by the driver, since SQLAlchemy's way costs more than the database's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from pachon.registry.database.failures import driver_error
from pachon.registry.database.transactions import begin

__all__ = ["QuickStatement"]


class QuickStatement:
    """A statement that is compiled once; its rows are the driver's (on PostgreSQL an id is a `uuid.UUID`).

    Parameters
    ----------
    statement
        With named parameters and no lists of values; conditions that are parameters have no value of their own.
    connection
        Of the database that it will be used on.
    """

    def __init__(self, statement: sa.Select[Any] | sa.Update, connection: sa.Connection) -> None:
        dialect = connection.dialect
        if dialect.name == "sqlite":
            # Not where the database is PostgreSQL: it takes a while to import.
            from sqlalchemy.dialects import sqlite

            dialect = sqlite.dialect(paramstyle="named")
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        # Values that are written into the statement, which SQLAlchemy turns into parameters.
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    def fetch(self, connection: sa.Connection, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a selection; a transaction that the connection is to have is begun before."""
        begin(connection)
        rows: list[Any] = self._execute(connection, parameters or {}).fetchall()
        return rows

    def change(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> int:
        """Run an update inside a transaction; give how many rows it changed."""
        count: int = self._execute(connection, parameters).rowcount
        return count

    def _execute(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> Any:
        driver: Any = connection.connection.dbapi_connection
        try:
            return driver.execute(self._text, {**self._constants, **parameters} if self._constants else parameters)
        except connection.dialect.loaded_dbapi.Error as error:
            raise driver_error(connection, self._text, error) from error
