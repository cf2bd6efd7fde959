# SPDX-License-Identifier: BSD-3-Clause
"""Making indices in a step of a migration, with the names that they have in new registries."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

__all__ = ["create_index", "extend_index"]

_NAMES = {"ix": "ix_%(table_name)s_%(column_0_N_name)s"}


def extend_index(tables: sa.Inspector, table: str, columns: Sequence[str | None], more: Sequence[str]) -> None:
    """Replace an index by one that goes on with more columns."""
    old = next((index for index in tables.get_indexes(table) if index["column_names"] == columns), None)
    if old is not None:  # somebody may have removed it
        op.drop_index(op.f(str(old["name"])), table)
    create_index(table, [*map(str, columns), *more])


def create_index(table: str, columns: Sequence[str]) -> None:
    """Make an index of columns of a table."""
    described = sa.Table(table, sa.MetaData(naming_convention=_NAMES), *map(sa.Column, columns))
    sa.Index(None, *described.columns).create(op.get_bind())
