# SPDX-License-Identifier: BSD-3-Clause
"""Many ids in one parameter of a statement on PostgreSQL, which SQLAlchemy and the driver need not look at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = ["among_ids", "ids_text"]


def among_ids(column: sa.ColumnElement[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Give the condition that a column of ids is among those of a parameter, whose value `ids_text` makes."""
    array = sa.cast(sa.bindparam(parameter, type_=sa.Text), postgresql.ARRAY(postgresql.UUID))
    return sa.type_coerce(column, postgresql.UUID) == sa.any_(array)


def ids_text(ids: Sequence[bytes]) -> str:
    """Give ids of 16 bytes each as the text of an array of UUIDs."""
    return "{" + ",".join([key.hex() for key in ids]) + "}"
