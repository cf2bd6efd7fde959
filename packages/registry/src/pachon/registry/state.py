# SPDX-License-Identifier: BSD-3-Clause
"""What the verbs of a registry share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from pachon.dimensions import DimensionUniverse
from pachon.registry.database.database import Database
from pachon.registry.definitions import Definitions, View
from pachon.registry.schema.schema import Schema

__all__ = ["State"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The database, tables and definitions of an open registry."""

    database: Database
    schema: Schema
    definitions: Definitions
    prepared: dict[Hashable, Any] = field(default_factory=dict)
    """Statements that were built before: building one takes longer than running it."""
    statements: dict[Hashable, Any] = field(default_factory=dict)
    """Statements of queries by the form of their plans (`pachon.registry.query.forms`)."""

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the registry."""
        return self.schema.universe

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.database.dialect

    def prepare(self, key: Hashable, build: Callable[[], _T]) -> _T:
        """Give the statement of a key, built on first use. What it is made of must follow from the key."""
        known: _T | None = self.prepared.get(key)
        if known is None:
            known = self.prepared[key] = build()
        return known

    def forget_group(self, group_id: int) -> None:
        """Forget the tables and the statements of a group of dimensions whose registration was undone."""
        self.schema.forget_datasets(group_id)
        self.statements.clear()
        for key in [key for key in list(self.prepared) if isinstance(key, tuple) and key[1:] == (group_id,)]:
            self.prepared.pop(key, None)

    def view(self, connection: sa.Connection) -> View:
        """Give the definitions as a connection sees them now."""
        return self.definitions.at(connection)
