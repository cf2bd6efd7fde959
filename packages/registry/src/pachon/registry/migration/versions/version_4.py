# SPDX-License-Identifier: BSD-3-Clause
"""Indices of PostgreSQL give the datasets of a detector in a collection, and whether there are any."""

import sqlalchemy as sa
from alembic import op

from pachon.registry.migration.index_change import extend_index, further_columns

__all__ = ["down_revision", "revision", "upgrade"]

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Change the indices."""
    if op.get_bind().dialect.name != "postgresql":
        return
    tables = sa.inspect(op.get_bind())
    for table, column, governors in further_columns(tables):
        extend_index(tables, table, [column, "dataset_type_id"], ["collection_id", *governors])
