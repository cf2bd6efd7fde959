# SPDX-License-Identifier: BSD-3-Clause
"""Engines: how a connection to SQLite or PostgreSQL is made and begins a transaction."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError

from pachon.base import InvalidInputError, NotFoundError
from pachon.registry.database.postgresql_engine import make_postgresql_engine
from pachon.registry.database.transactions import BEGIN, begin

__all__ = ["make_engine", "parse_url"]

BUSY_SLICE_MS = 250
"""Longest single wait inside SQLite, where Python cannot be interrupted."""


def parse_url(url: str) -> sa.URL:
    """Read a database URL.

    Raises
    ------
    InvalidInputError
        If it is none; the text, which may hold a password, is not repeated.
    """
    try:
        parsed = sa.make_url(url)
        parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise InvalidInputError("The database URL cannot be read; one is 'sqlite:////path/to/file.sqlite3'.") from None
    return parsed


def make_engine(url: str, *, readonly: bool = False, create: bool = False) -> sa.Engine:
    """Make an engine for a database URL.

    Parameters
    ----------
    url
        SQLAlchemy URL of a SQLite file or of a PostgreSQL database.
    readonly
        Open without the ability to write.
    create
        Make the SQLite file; it must not exist.

    Raises
    ------
    InvalidInputError
        If the URL is of another database, or of SQLite in memory.
    NotFoundError
        If the SQLite file does not exist.
    """
    parsed = parse_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(parsed, readonly=readonly, create=create)
    if backend != "postgresql":
        raise InvalidInputError(f"Databases of kind {backend!r} are not supported; use sqlite or postgresql.")
    return _forked_safely(make_postgresql_engine(parsed, BEGIN))


def _sqlite_engine(url: sa.URL, *, readonly: bool, create: bool) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise InvalidInputError("A registry needs a file; SQLite in memory cannot be shared by connections.")
    path = Path(url.database).absolute()
    if not create and not path.exists():
        raise NotFoundError(f"There is no database file {path}.")
    location = _sqlite_location(path, readonly=readonly, create=create)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            location,
            uri=True,
            # No implicit BEGIN of the driver: the engine's own event says how each transaction begins.
            isolation_level=None,
            timeout=BUSY_SLICE_MS / 1000,
            check_same_thread=False,
            cached_statements=512,
        )

    engine = sa.create_engine(
        url,
        creator=connect,
        pool_use_lifo=True,
        max_overflow=-1,
        # A query of unrelated dimensions is a product of tables on purpose.
        enable_from_linting=False,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.execute("PRAGMA cache_size = -32768")
        if create:
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    @event.listens_for(engine, "close")
    def _undo(connection: Any, _record: Any) -> None:
        # Whoever was interrupted leaves a cursor in its traceback. SQLite keeps a closed connection that has one, and with it the
        # lock of its transaction, for as long as that lives.
        with suppress(sqlite3.Error):
            connection.rollback()

    event.listen(engine, "begin", begin)
    return _forked_safely(engine)


def _sqlite_location(path: Path, *, readonly: bool, create: bool) -> str:
    mode = "rwc" if create else "ro" if readonly else "rw"
    location = f"file:{quote(str(path))}?mode={mode}"
    unchanging = readonly and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    # Without a right to make the -shm file a database in WAL mode opens only when it is said not to change.
    return f"{location}&immutable=1" if unchanging else location


def _forked_safely(engine: sa.Engine) -> sa.Engine:
    """Let a forked child drop the connections of its parent instead of using them."""

    @event.listens_for(engine, "connect")
    def _remember(_connection: Any, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _check(_connection: Any, record: Any, proxy: Any) -> None:
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise sa.exc.DisconnectionError("The connection belongs to the parent process.")

    return engine
