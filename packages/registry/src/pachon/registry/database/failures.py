# SPDX-License-Identifier: BSD-3-Clause
"""The drivers' errors in our words, without what they must not tell: passwords."""

from __future__ import annotations

import os
import sqlite3
from types import TracebackType
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from pachon.base import FormatError, InvalidInputError
from pachon.registry.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    InvalidQueryError,
    TransactionConflictError,
)

__all__ = ["UNDONE", "OwnErrors", "driver_error", "is_busy", "place"]

UNDONE = "An earlier error of the database undid the whole transaction; nothing of it is written."
_CONFLICTS = {"40001", "40P01"}
"""Serialization failure, deadlock: the transaction was undone, and may succeed when it is repeated."""
_LOCK_TIMEOUT = "55P03"
_BAD_TEXT = {"22021", "22P05"}
_OUT_OF_RANGE = "22003"
_MARGIN = 400
"""Characters of a driver's message that are shown: it may quote a value of any length."""


class OwnErrors:
    """Turns the driver's errors, raised in a ``with`` block, into ours. What a verb expects, it has caught before.

    One may be used for many blocks, also at the same time: it keeps nothing.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> Literal[False]:
        if error is not None:
            self._translate(error)
        return False

    def _translate(self, error: BaseException) -> None:
        engine = self._engine
        if isinstance(error, DBAPIError | sqlite3.Error):
            own = _translated(engine, error)
            # The driver's own words stay in the chain, unless they hold a secret.
            raise own from (None if _tells(engine, error) else error)
        if isinstance(error, PendingRollbackError):
            raise DatabaseError(UNDONE) from error
        if isinstance(error, UnicodeEncodeError | OverflowError) and _is_of_driver(error):
            raise InvalidInputError(f"A value cannot be stored in {place(engine)}: {error}.") from error


def _translated(engine: sa.Engine, error: DBAPIError | sqlite3.Error) -> Exception:
    original = error.orig if isinstance(error, DBAPIError) else error
    where, what = place(engine), _one_line(engine, original)
    if getattr(original, "sqlite_errorname", "") == "SQLITE_NOTADB":
        return FormatError(f"{where} is no SQLite database.")
    if reason := _why_not_written(original, where):
        return DatabaseError(f"The database {where} cannot be written: {reason}.")
    code = getattr(original, "sqlstate", None)
    if code in _CONFLICTS:
        return TransactionConflictError(f"Another client changed the same rows of {where} ({what}); try again.")
    if code == _LOCK_TIMEOUT:
        return DatabaseBusyError(
            f"Another client has been writing to the same rows of {where} for too long; try again."
        )
    if code == _OUT_OF_RANGE:
        return InvalidInputError(f"A number is too large for the database: {what}.")
    if what == "parser stack overflow":
        return InvalidInputError("The expression is nested too deep for the database; write it with fewer parentheses.")
    if what.startswith("too many SQL variables") or "number of parameters must be" in what:
        return InvalidQueryError(
            "The query has more single values than the database takes in one statement; give many as a list, IN (:name) with a bind, "
            "or join a table of data IDs"
        )
    if code in _BAD_TEXT or isinstance(original, UnicodeError) or "cannot contain NUL" in what:
        return InvalidInputError(f"A text holds a character that the database cannot store: {what}.")
    if isinstance(error, IntegrityError):
        return DatabaseError(f"The database {where} refused a row: {what}.")
    if getattr(original, "sqlite_errorname", "") == "SQLITE_FULL":
        return DatabaseFullError(f"The database {where} failed: {what}.")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return DatabaseError(f"The connection to {where} was lost: {what}.")
    return DatabaseError(f"The database {where} failed: {what}.")


def _why_not_written(error: BaseException | None, file: str) -> str:
    """Say what forbids SQLite to write; nothing if that is not the matter. Its own words are the same for all of it."""
    if not getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return ""
    folder = os.path.dirname(file) or "."
    try:
        read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (OSError, AttributeError):  # it is not there, or not a POSIX system
        return ""
    if read_only:
        return "it is on a read-only file system"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "this user may not write to its folder, where SQLite makes files of its own"
    return "this user may not write to the file" if os.path.exists(file) and not os.access(file, os.W_OK) else ""


def _is_of_driver(error: UnicodeEncodeError | OverflowError) -> bool:
    """Whether a driver could not write a value: half of a character, or an integer of more than 64 bits."""
    if isinstance(error, UnicodeEncodeError):
        return error.reason == "surrogates not allowed"
    return "SQLite" in str(error)


def driver_error(connection: sa.Connection, statement: str, error: Exception) -> Exception:
    """Wrap an error of the driver, which was used past SQLAlchemy, as SQLAlchemy does; a dead connection is given up."""
    dialect = connection.dialect
    wrapped: Exception = DBAPIError.instance(
        statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    )
    if isinstance(wrapped, DBAPIError):
        driver = connection.connection.dbapi_connection
        wrapped.connection_invalidated = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
        if wrapped.connection_invalidated:
            connection.invalidate(wrapped)
    return wrapped


def is_busy(error: DBAPIError) -> bool:
    """Whether SQLite's lock could not be had."""
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def place(engine: sa.Engine) -> str:
    """Name a database for messages: the file, or server and database."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return url.database or ""
    host = url.host or url.query.get("host") or "localhost"
    return f"{url.get_backend_name()}://{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _one_line(engine: sa.Engine, error: BaseException | None) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    for secret in _secrets(engine):
        text = text.replace(secret, "***")
    return text if len(text) <= _MARGIN else f"{text[:_MARGIN]}..."


def _tells(engine: sa.Engine, error: BaseException) -> bool:
    return any(secret in str(error) for secret in _secrets(engine))


def _secrets(engine: sa.Engine) -> list[str]:
    password = engine.url.password
    return [str(password)] if password else []
