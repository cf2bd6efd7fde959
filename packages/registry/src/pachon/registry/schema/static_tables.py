# SPDX-License-Identifier: BSD-3-Clause
"""The tables that every registry has, whatever its universe."""

from __future__ import annotations

import sqlalchemy as sa

from pachon.datasets.collection import LONGEST_NAME
from pachon.registry.database.column_types import Id, Key64, Nanoseconds, Text, Uuid, text
from pachon.registry.schema.references import checked_by_database
from pachon.registry.schema.sqlite_options import on_sqlite

__all__ = ["DATASET_TYPE_NAME_LENGTH", "StaticTables", "new_metadata"]

DATASET_TYPE_NAME_LENGTH = 128


def new_metadata(namespace: str | None = None) -> sa.MetaData:
    """Make an empty set of tables with predictable names of constraints."""
    return sa.MetaData(
        schema=namespace,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        },
    )


class StaticTables:
    """Attributes, collections, dataset types, datasets, summaries and the catalogue of opaque tables."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.attribute = sa.Table(
            "attribute",
            metadata,
            sa.Column("name", text(64), primary_key=True),
            sa.Column("value", Text, nullable=False),
        )
        self.change_counter = sa.Table(
            "change_counter",
            metadata,
            sa.Column("name", text(64), primary_key=True),
            sa.Column("value", Key64, nullable=False),
        )
        self.collection = sa.Table(
            "collection",
            metadata,
            sa.Column("collection_id", Id, primary_key=True, autoincrement=True),
            sa.Column("name", text(LONGEST_NAME), nullable=False, unique=True),
            sa.Column("type", sa.SmallInteger, nullable=False),
            sa.Column("doc", Text, nullable=False),
            sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()),
            # A number that was used is never used again, so that an old one in a cache finds nothing.
            info=on_sqlite(autoincrement=True),
        )
        self.collection_child = sa.Table(
            "collection_child",
            metadata,
            sa.Column(
                "parent_id",
                Key64,
                sa.ForeignKey(self.collection.c.collection_id, ondelete="CASCADE"),
                primary_key=True,
                autoincrement=False,
            ),
            sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("child_id", Key64, sa.ForeignKey(self.collection.c.collection_id), nullable=False, index=True),
            sa.UniqueConstraint("parent_id", "child_id"),
            info=on_sqlite(with_rowid=False),
        )
        self.dimension_group = sa.Table(
            "dimension_group",
            metadata,
            sa.Column("group_id", Id, primary_key=True, autoincrement=True),
            sa.Column("dimensions", Text, nullable=False, unique=True),
            info=on_sqlite(autoincrement=True),
        )
        self.dataset_type = sa.Table(
            "dataset_type",
            metadata,
            sa.Column("dataset_type_id", Id, primary_key=True, autoincrement=True),
            sa.Column("name", text(DATASET_TYPE_NAME_LENGTH), nullable=False, unique=True),
            sa.Column("group_id", Key64, sa.ForeignKey(self.dimension_group.c.group_id), nullable=False),
            sa.Column("storage_class", text(128), nullable=False),
            sa.Column("is_calibration", sa.Boolean, nullable=False),
            info=on_sqlite(autoincrement=True),
        )
        self.dataset = sa.Table(
            "dataset",
            metadata,
            sa.Column("dataset_id", Uuid, primary_key=True),
            sa.Column("dataset_type_id", Key64, nullable=False),
            sa.Column("run_id", Key64, nullable=False),
            sa.Column("ingest_ns", Nanoseconds, nullable=False),
            # The newest of a run are those that were just written, and are asked for.
            sa.Index(None, "run_id", "dataset_type_id", "ingest_ns"),
            checked_by_database(["dataset_type_id"], [self.dataset_type.c.dataset_type_id]),
            checked_by_database(["run_id"], [self.collection.c.collection_id]),
            info=on_sqlite(with_rowid=False),
        )
        self.summary_dataset_type = sa.Table(
            "summary_dataset_type",
            metadata,
            sa.Column(
                "collection_id",
                Key64,
                sa.ForeignKey(self.collection.c.collection_id, ondelete="CASCADE"),
                primary_key=True,
                autoincrement=False,
            ),
            sa.Column(
                "dataset_type_id",
                Key64,
                sa.ForeignKey(self.dataset_type.c.dataset_type_id, ondelete="CASCADE"),
                primary_key=True,
                autoincrement=False,
                index=True,
            ),
            info=on_sqlite(with_rowid=False),
        )
        self.summary_governor = sa.Table(
            "summary_governor",
            metadata,
            sa.Column(
                "collection_id",
                Key64,
                sa.ForeignKey(self.collection.c.collection_id, ondelete="CASCADE"),
                primary_key=True,
                autoincrement=False,
            ),
            sa.Column("governor", Text, primary_key=True),
            sa.Column("value", Text, primary_key=True),
            info=on_sqlite(with_rowid=False),
        )
        self.opaque_catalog = sa.Table(
            "opaque_catalog",
            metadata,
            sa.Column("name", text(48), primary_key=True),
            sa.Column("columns", Text, nullable=False),
        )
