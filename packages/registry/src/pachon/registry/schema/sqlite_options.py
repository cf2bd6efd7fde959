# SPDX-License-Identifier: BSD-3-Clause
"""What a table is on SQLite alone.

A keyword ``sqlite_...`` of a table has SQLAlchemy import its dialect of SQLite at once, also where the database is PostgreSQL. So the
options are kept with the table, and put in when it is made on SQLite.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

__all__ = ["has_rowid", "on_sqlite"]

_KEY = "options on SQLite"


def on_sqlite(*, with_rowid: bool = True, autoincrement: bool = False) -> dict[Any, Any]:
    """Give the ``info`` of a table.

    Parameters
    ----------
    with_rowid
        Whether it has a hidden number of each row; one without is its own index, which suits short rows.
    autoincrement
        Whether a number of its key that was used is never used again.
    """
    return {_KEY: {"with_rowid": with_rowid, "autoincrement": autoincrement}}


def has_rowid(table: sa.Table) -> bool:
    """Tell whether a table has a hidden number of each row on SQLite."""
    return bool(table.info.get(_KEY, {}).get("with_rowid", True))


@compiles(sa.schema.CreateTable, "sqlite")
def _create_table(create: sa.schema.CreateTable, compiler: Any, **options: Any) -> str:
    table = create.element
    table.dialect_options["sqlite"].update(table.info.get(_KEY, {}))
    text: str = compiler.visit_create_table(create, **options)
    return text
