# SPDX-License-Identifier: BSD-3-Clause
"""Many ids in one parameter of a statement on PostgreSQL, which SQLAlchemy and the driver need not look at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

__all__ = ["among_ids", "ids_text"]


def among_ids(column: sa.ColumnElement[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Give the condition that a column of ids is among those of a parameter, whose value `ids_text` makes."""
    # The types of SQLAlchemy's dialect would be imported with it, also where the database is SQLite.
    array = sa.cast(sa.bindparam(parameter, type_=sa.Text), sa.ARRAY(sa.Uuid))
    # As rows: the text would be read again for each row of a small table if it were the operand of ANY.
    return sa.type_coerce(column, sa.Uuid).in_(sa.select(sa.func.unnest(array)))


def ids_text(ids: Sequence[bytes]) -> str:
    """Give ids of 16 bytes each as the text of an array of UUIDs."""
    return "{" + ",".join([key.hex() for key in ids]) + "}"
