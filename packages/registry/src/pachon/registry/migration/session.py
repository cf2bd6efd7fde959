# SPDX-License-Identifier: BSD-3-Clause
"""One transaction in which the tables of a database may change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from pachon.base import FormatError
from pachon.registry.database.database import LOCK_TIMEOUT_S, Database
from pachon.registry.errors import DatabaseBusyError

__all__ = ["MigrationSession", "check_references", "migration_session", "suspend_references"]

_OPERATIONS = threading.Lock()
"""``alembic.op`` stands for the operations of one migration of the process."""
_LOCK_NOT_AVAILABLE = "55P03"
_QUIET = ("SELECT", "PRAGMA", "LOCK", "SET", "BEGIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSession:
    """The transaction of a migration; nobody else writes meanwhile."""

    connection: sa.Connection
    operations: Operations
    """Alembic's operations; ``alembic.op`` calls these."""
    statements: list[str] = field(default_factory=list)
    """What was executed so far, but for questions."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.connection.dialect.name


class _Rehearsed(Exception):  # noqa: N818  # the end of a rehearsal is no error
    """Undoes the transaction of a rehearsal."""


@contextmanager
def migration_session(
    url: str, *, dry_run: bool = False, lock_timeout: float = LOCK_TIMEOUT_S
) -> Iterator[MigrationSession]:
    """Open the transaction of a migration: wait for writers, keep new ones out, and commit all or nothing.

    Parameters
    ----------
    url
        SQLAlchemy URL of the database.
    dry_run
        Undo everything at the end. What would have been done is in `MigrationSession.statements`.
    lock_timeout
        How long to wait for those who write, in seconds.

    Raises
    ------
    DatabaseBusyError, DatabaseError
        If others write for longer than that.
    FormatError
        If rows would be left that refer to nothing; then nothing is changed.
    """
    database = Database.open(url)
    database.lock_timeout = lock_timeout
    suspend_references(database)
    try:
        with database.write() as connection:
            if database.dialect == "postgresql":
                _keep_writers_out(connection, lock_timeout)
            context = MigrationContext.configure(connection)
            with _OPERATIONS, Operations.context(context) as operations:
                session = MigrationSession(connection=connection, operations=operations)
                with _recorded(session):
                    yield session
            check_references(connection)
            if dry_run:
                raise _Rehearsed
    except _Rehearsed:
        pass
    finally:
        database.close()


def suspend_references(database: Database) -> None:
    """Let SQLite ignore foreign keys on connections that are yet to be made; see `check_references`."""
    if database.dialect == "sqlite":
        event.listen(database.engine, "connect", _let_tables_be_replaced)


def check_references(connection: sa.Connection) -> None:
    """Check all foreign keys of a SQLite database; PostgreSQL has done so at once.

    Raises
    ------
    FormatError
        If a row refers to nothing.
    """
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise FormatError(
                f"A row of table {broken[0]!r} would refer to nothing in {broken[2]!r}; nothing was changed."
            )


def _keep_writers_out(connection: sa.Connection, lock_timeout: float) -> None:
    """Wait for the transactions of writers: each has read this table in its own (`pachon.registry.schema.guard`)."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(lock_timeout * 1000)}")
    try:
        connection.exec_driver_sql("LOCK TABLE attribute IN ACCESS EXCLUSIVE MODE")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise DatabaseBusyError(
            f"Others have been writing to the database for {lock_timeout:g} s; try again."
        ) from None


def _let_tables_be_replaced(connection: Any, _record: Any) -> None:
    """Let a table be dropped and made anew although others refer to it; both settings work only outside transactions."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA legacy_alter_table = ON")


@contextmanager
def _recorded(session: MigrationSession) -> Iterator[None]:
    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        text = statement.strip()
        if not text.upper().startswith(_QUIET):
            rows = f"  -- {len(parameters)} rows" if many else f"  -- {parameters!r}" if parameters else ""
            session.statements.append(f"{text};{rows}")

    event.listen(session.connection, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(session.connection, "before_cursor_execute", note)
