# SPDX-License-Identifier: BSD-3-Clause
"""The statements that a registry sends through SQLAlchemy, as a test sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from pachon.registry.sql_registry import SqlRegistry

__all__ = ["noted_statements"]


@contextmanager
def noted_statements(registry: SqlRegistry) -> Iterator[list[tuple[str, Any]]]:
    """Give a list to which each statement of the block is added, with its parameters."""
    noted: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        noted.append((statement, parameters))

    engine = registry._state.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
