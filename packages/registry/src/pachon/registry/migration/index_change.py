# SPDX-License-Identifier: BSD-3-Clause
"""Making indices in a step of a migration, with the names that they have in new registries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

__all__ = ["create_index", "extend_index", "further_columns", "universe_elements"]

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


def universe_elements() -> dict[str, dict[str, Any]]:
    """Give the elements of the registry's universe, as its document describes them."""
    document = op.get_bind().execute(sa.text("SELECT value FROM attribute WHERE name = 'universe'")).scalar_one()
    elements: dict[str, dict[str, Any]] = json.loads(document)["elements"]
    return elements


def further_columns(tables: sa.Inspector) -> Iterator[tuple[str, str, list[str]]]:
    """Give the columns of dimensions with which the keys of the ``membership_n`` do not begin: table, column, and columns of governors."""
    known = {f"dim_{name}" for name, element in universe_elements().items() if element.get("governor")}
    for table in sorted(tables.get_table_names()):
        if table.startswith("membership_"):
            _, *dimensions, _ = tables.get_pk_constraint(table)["constrained_columns"]
            governors = [name for name in dimensions if name in known]
            for column in [name for name in dimensions if name not in known][1:]:
                yield table, column, governors
