# SPDX-License-Identifier: BSD-3-Clause
"""Locks of single collections; SQLite, which has one writer, needs none."""

from __future__ import annotations

import sqlalchemy as sa

from pachon.registry.definitions import Collection
from pachon.registry.errors import MissingCollectionError
from pachon.registry.state import State

__all__ = ["lock_collection"]


def lock_collection(
    state: State, connection: sa.Connection, collection: Collection, *, against_use: bool = False
) -> None:
    """Let changes of a collection follow each other until the transaction ends.

    With ``against_use`` also wait for those who add datasets to it, and keep them waiting.

    Raises
    ------
    MissingCollectionError
        If another client has just removed it.
    """
    table = state.schema.static.collection
    select = sa.select(table.c.name).where(table.c.collection_id == collection.id)
    if connection.execute(select.with_for_update(key_share=not against_use)).first() is None:
        raise MissingCollectionError(collection.name)
