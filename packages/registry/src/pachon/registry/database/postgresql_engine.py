# SPDX-License-Identifier: BSD-3-Clause
"""Connections to PostgreSQL: nothing of a session is kept, so that they work behind a pooler that lends them by the transaction."""

from __future__ import annotations

import select
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import NoSuchModuleError

from pachon.base import InvalidInputError

__all__ = ["make_postgresql_engine"]

_SECRETS = ("password", "sslpassword")
_IDLE_S = 30.0
"""A connection that was idle for longer is tried before it is used: a firewall may have forgotten it."""
_CONNECT_S = "10"


def make_postgresql_engine(url: sa.URL, begin_option: str) -> sa.Engine:
    """Make an engine of which connections commit each statement, unless a transaction was begun explicitly.

    A read is then one message to the server and one back; ``begin_option`` names the execution option that holds the
    statements which begin a transaction.

    Raises
    ------
    InvalidInputError
        If the driver is not installed.
    """
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    # A password among the options would be shown where one in its place is hidden.
    hidden = {name: value for name, value in url.query.items() if name in _SECRETS}
    url = url.difference_update_query(hidden)
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_S} if "connect_timeout" not in url.query else {}
    try:
        engine = sa.create_engine(
            url,
            # Prepared statements belong to a session, and a session is not ours behind a pooler.
            connect_args={**arguments, **hidden, "prepare_threshold": None},
            isolation_level="AUTOCOMMIT",
            enable_from_linting=False,
            use_native_hstore=False,
            pool_use_lifo=True,
            max_overflow=-1,
            # Values of a failed statement may be anybody's; they belong into no log.
            hide_parameters=True,
            # Registrations ask how many rows they made.
            execution_options={"preserve_rowcount": True},
        )
    except (NoSuchModuleError, ImportError) as error:
        raise InvalidInputError(
            f"The driver of {url.drivername!r} is not installed ({error}); install 'pachon-registry[postgresql]'."
        ) from None

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if how := connection.get_execution_options().get(begin_option):
            connection.exec_driver_sql(how)

    @event.listens_for(engine, "checkin")
    def _note_time(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check_alive(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get("idle_since")
        if since is not None and (time.monotonic() - since > _IDLE_S or _has_news(connection)):
            try:
                connection.execute("SELECT 1")
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa.exc.DisconnectionError("The server has closed the connection.") from error

    return engine


def _has_news(connection: Any) -> bool:
    """Whether the server has said something unasked: that it goes, as a rule. Costs no message."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
