# SPDX-License-Identifier: BSD-3-Clause
"""Steps to schema versions that do not exist, for the tests."""

import sqlalchemy as sa
from alembic import op

from pachon.registry.schema.guard import SCHEMA_VERSION

__all__ = ["AddColumn", "Fail", "MakeTablesAnew", "Orphan"]


class AddColumn:
    """Collections have owners."""

    revision = str(SCHEMA_VERSION + 1)
    down_revision = str(SCHEMA_VERSION)

    def upgrade(self) -> None:
        """Change the tables."""
        op.add_column("collection", sa.Column("owner", sa.String(20), nullable=False, server_default="nobody"))


class MakeTablesAnew:
    """Names of dataset types are longer, and the children of chains have notes.

    Both tables are referred to by others or refer to them; SQLite must make them anew.
    """

    revision = str(SCHEMA_VERSION + 2)
    down_revision = str(SCHEMA_VERSION + 1)

    def upgrade(self) -> None:
        """Change the tables."""
        with op.batch_alter_table("dataset_type") as table:
            table.alter_column("name", type_=sa.String(300), existing_type=sa.String(128), existing_nullable=False)
            table.add_column(sa.Column("note", sa.Text))
        with op.batch_alter_table("collection_child", table_kwargs={"sqlite_with_rowid": False}) as table:
            table.add_column(sa.Column("note", sa.Text))
            table.alter_column("position", nullable=False, existing_type=sa.Integer, new_column_name="place")


class Fail:
    """Nothing good."""

    revision = str(SCHEMA_VERSION + 2)
    down_revision = str(SCHEMA_VERSION + 1)

    def upgrade(self) -> None:
        """Change the tables."""
        op.drop_table("summary_governor")
        op.execute("UPDATE dataset_type SET no_such_column = 1")


class Orphan:
    """Leaves rows that refer to nothing."""

    revision = str(SCHEMA_VERSION + 1)
    down_revision = str(SCHEMA_VERSION)

    def upgrade(self) -> None:
        """Change the tables."""
        op.execute("DELETE FROM dimension_group")
