# SPDX-License-Identifier: BSD-3-Clause
"""Removing datasets, wherever they are referred to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pachon.registry.database.retries import retried
from pachon.registry.datasets.rows import type_chunks
from pachon.registry.state import State

__all__ = ["remove"]


@retried
def remove(state: State, ids: list[bytes]) -> int:
    """Remove datasets with their tags and validity ranges; unknown ids are ignored. Give how many there were."""
    table = state.schema.static.dataset
    delete = sa.delete(table).where(table.c.dataset_id.in_(sa.bindparam("ids", expanding=True)))
    with state.database.write() as connection:
        if state.database.checks_references:
            cascading = state.prepare("remove datasets", lambda: delete)
            return sum(connection.execute(cascading, {"ids": part}).rowcount for part in type_chunks(ids))
        returning = state.prepare(
            "remove datasets, returning", lambda: delete.returning(table.c.dataset_id, table.c.dataset_type_id)
        )
        return sum(
            _remove_members(state, connection, connection.execute(returning, {"ids": part}).all())
            for part in type_chunks(ids)
        )


def _remove_members(state: State, connection: sa.Connection, removed: Sequence[Any]) -> int:
    """Delete the rows of datasets in collections; those of one type are in one pair of tables."""
    by_type: dict[int, list[bytes]] = {}
    for id_, type_id in removed:
        by_type.setdefault(type_id, []).append(id_)
    for known in state.view(connection).dataset_types_by_id(by_type).values():
        for table in (known.tables.membership, known.tables.validity):
            connection.execute(sa.delete(table).where(table.c.dataset_id.in_(by_type[known.id])))
    return len(removed)
