# SPDX-License-Identifier: BSD-3-Clause
"""Indices of PostgreSQL give the datasets of a detector in a collection, and whether there are any."""

import json

import sqlalchemy as sa
from alembic import op

from pachon.registry.migration.index_change import extend_index

__all__ = ["down_revision", "revision", "upgrade"]

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Change the indices."""
    if op.get_bind().dialect.name != "postgresql":
        return
    tables = sa.inspect(op.get_bind())
    document = op.get_bind().execute(sa.text("SELECT value FROM attribute WHERE name = 'universe'")).scalar_one()
    all_governors = {
        f"dim_{name}" for name, element in json.loads(document)["elements"].items() if element.get("governor")
    }
    for table in sorted(tables.get_table_names()):
        if table.startswith("membership_"):
            _, *dimensions, _ = tables.get_pk_constraint(table)["constrained_columns"]
            governors = [name for name in dimensions if name in all_governors]
            for dimension in [name for name in dimensions if name not in all_governors][1:]:
                extend_index(tables, table, [dimension, "dataset_type_id"], ["collection_id", *governors])
