# SPDX-License-Identifier: BSD-3-Clause
"""References of tables with millions of rows: foreign keys on SQLite, checked once a call on PostgreSQL.

PostgreSQL looks up each foreign key of each row in a query of its own, which takes eight times as long as writing the row. There
`pachon.registry.datasets.references` checks all rows of a call together and locks what they refer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

__all__ = ["checked_by_database", "is_for"]


def checked_by_database(
    columns: Sequence[str], targets: Sequence[sa.Column[Any]], *, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    """Make a foreign key that only SQLite has."""
    return sa.ForeignKeyConstraint(list(columns), list(targets), ondelete=ondelete).ddl_if(dialect="sqlite")


def is_for(constraint: sa.Constraint, dialect: str) -> bool:
    """Whether a constraint is one of this kind of database."""
    # SQLAlchemy asks this only while it writes a whole CREATE TABLE.
    condition = constraint._ddl_if
    return condition is None or condition.dialect in (None, dialect)
