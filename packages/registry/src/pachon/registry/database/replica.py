# SPDX-License-Identifier: BSD-3-Clause
"""A copy of the database to read from; when it cannot be reached, the database itself is read."""

from __future__ import annotations

import logging
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from pachon.registry.database.failures import place
from pachon.registry.database.transactions import BEGIN

__all__ = ["Replica"]

_LOG = logging.getLogger(__name__)
_PAUSE_S = 30.0
"""How long one that could not be reached is left alone."""


class Replica:
    """The pool of connections to a copy."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._engines: dict[Any, sa.Engine] = {}
        self._next_try = 0.0

    def connect(self, begin: str | None) -> sa.Connection | None:
        """Give a connection of which transactions begin with a statement; None if the copy cannot be reached now."""
        if time.monotonic() < self._next_try:
            return None
        if begin not in self._engines:
            self._engines[begin] = self.engine.execution_options(**({BEGIN: begin} if begin else {}))
        try:
            return self._engines[begin].connect()
        except DBAPIError:
            self._next_try = time.monotonic() + _PAUSE_S
            _LOG.warning("The read replica %s cannot be reached; the database itself is read.", place(self.engine))
            return None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
