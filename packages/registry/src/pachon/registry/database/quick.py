# SPDX-License-Identifier: BSD-3-Clause
"""The few statements that are run for every single dataset: by the driver, since SQLAlchemy's way costs more than the database's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pachon.registry.database.engine import BEGIN
from pachon.registry.database.failures import driver_error

__all__ = ["QuickSelect"]


class QuickSelect:
    """A selection that is compiled once; its rows are the driver's (on PostgreSQL an id is a `uuid.UUID`).

    Parameters
    ----------
    statement
        With named parameters and no lists of values; conditions that are parameters have no value of their own.
    connection
        Of the database that it will be used on.
    """

    def __init__(self, statement: sa.Select[Any], connection: sa.Connection) -> None:
        named = sqlite.dialect(paramstyle="named")
        dialect = named if connection.dialect.name == "sqlite" else connection.dialect
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        # Values that are written into the statement, which SQLAlchemy turns into parameters.
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    def fetch(self, connection: sa.Connection, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Run it; a transaction that the connection is to have is begun before."""
        if not connection.in_transaction() and connection.get_execution_options().get(BEGIN):
            connection.begin()
        driver: Any = connection.connection.driver_connection
        try:
            rows: list[Any] = driver.execute(self._text, {**self._constants, **(parameters or {})}).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise driver_error(connection, self._text, error) from error
        return rows
