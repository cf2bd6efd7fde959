# SPDX-License-Identifier: BSD-3-Clause
"""Removing datasets, wherever they are referred to."""

from __future__ import annotations

import sqlalchemy as sa

from pachon.registry.state import State

__all__ = ["remove"]


def remove(state: State, ids: list[bytes]) -> int:
    """Remove datasets with their tags and validity ranges; unknown ids are ignored. Give how many there were."""
    table = state.schema.static.dataset
    statement = state.prepare(
        "remove datasets",
        lambda: sa.delete(table).where(table.c.dataset_id.in_(sa.bindparam("ids", expanding=True))),
    )
    removed = 0
    with state.database.write() as connection:
        for start in range(0, len(ids), 5000):
            removed += connection.execute(statement, {"ids": ids[start : start + 5000]}).rowcount
    return removed
