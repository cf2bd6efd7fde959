# SPDX-License-Identifier: BSD-3-Clause
"""Tables of the datasets in collections, one pair for each set of dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pachon.dimensions import DimensionGroup
from pachon.registry.database.column_types import Key64, Nanoseconds, Uuid
from pachon.registry.schema.dimension_tables import dimension_column, foreign_keys, key_type
from pachon.registry.schema.exclusions import no_overlap
from pachon.registry.schema.references import checked_by_database
from pachon.registry.schema.sqlite_options import on_sqlite
from pachon.registry.schema.static_tables import StaticTables

__all__ = ["DatasetTables", "dataset_tables", "further_dimensions", "searched_first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTables:
    """The tables of the datasets with one set of dimensions."""

    group: DimensionGroup
    membership: sa.Table
    """Datasets in RUN and TAGGED collections: one a dataset type, data ID and collection."""
    validity: sa.Table
    """Datasets in CALIBRATION collections, with their validity ranges."""


def dataset_tables(
    group: DimensionGroup,
    group_id: int,
    metadata: sa.MetaData,
    static: StaticTables,
    elements: Mapping[str, sa.Table],
) -> DatasetTables:
    """Make the pair of tables of a group of dimensions."""
    membership = _table(f"membership_{group_id}", group, metadata, static, elements, with_validity=False)
    validity = _table(f"validity_{group_id}", group, metadata, static, elements, with_validity=True)
    return DatasetTables(group=group, membership=membership, validity=validity)


def _table(
    name: str,
    group: DimensionGroup,
    metadata: sa.MetaData,
    static: StaticTables,
    elements: Mapping[str, sa.Table],
    *,
    with_validity: bool,
) -> sa.Table:
    dimensions = {dimension: dimension_column(dimension) for dimension in searched_first(group)}
    ranges = ["begin_ns"] if with_validity else []
    validity = [
        sa.Column("begin_ns", Nanoseconds, nullable=False, autoincrement=False),
        sa.Column("end_ns", Nanoseconds, nullable=False),
        sa.CheckConstraint("begin_ns < end_ns", name=f"ck_{name}_not_empty"),
    ]
    table = sa.Table(
        name,
        metadata,
        sa.Column("dataset_type_id", Key64, nullable=False, autoincrement=False),
        *(
            sa.Column(column, key_type(group.universe, dimension), nullable=False, autoincrement=False)
            for dimension, column in dimensions.items()
        ),
        sa.Column("collection_id", Key64, nullable=False, autoincrement=False),
        *(validity if with_validity else ()),
        sa.Column("dataset_id", Uuid, nullable=False),
        sa.Column("run_id", Key64, nullable=False),
        # The data ID comes before the collection: finding one dataset in a chain of thousands of collections is
        # one search of this index.
        sa.PrimaryKeyConstraint("dataset_type_id", *dimensions.values(), "collection_id", *ranges),
        checked_by_database(["dataset_type_id"], [static.dataset_type.c.dataset_type_id]),
        checked_by_database(["collection_id"], [static.collection.c.collection_id], ondelete="CASCADE"),
        checked_by_database(["dataset_id"], [static.dataset.c.dataset_id], ondelete="CASCADE"),
        *(key.ddl_if(dialect="sqlite") for key in foreign_keys(group.universe, elements, dimensions)),
        info=on_sqlite(with_rowid=False),
    )
    if with_validity:
        # Values that are many come first; a governor has one or two.
        keys = [*reversed(dimensions.values()), "collection_id", "dataset_type_id"]
        table.append_constraint(no_overlap(name, [table.c[key] for key in keys], metadata.schema))
    sa.Index(None, table.c.dataset_id)
    # With the key of the table at its end, as SQLite does it, this index answers a listing of a collection alone.
    sa.Index(None, table.c.collection_id, table.c.dataset_type_id, table.c.dataset_id, table.c.run_id)
    if not with_validity:
        _index_further_dimensions(table, group)
    return table


def _index_further_dimensions(table: sa.Table, group: DimensionGroup) -> None:
    """Let datasets be found by dimensions with which the key of the table does not begin: those of one detector in one run.

    PostgreSQL keeps an index of few values small, and quick to write. SQLite would repeat the key of the table in it for each row.
    """
    governors = [table.c[dimension_column(name)] for name in searched_first(group) if group.universe[name].governor]
    for dimension in further_dimensions(group):
        own = table.c[dimension_column(dimension)]
        sa.Index(None, own, table.c.dataset_type_id, table.c.collection_id, *governors).ddl_if(dialect="postgresql")


def searched_first(group: DimensionGroup) -> list[str]:
    """Give the required dimensions in the order of the index: governors first, and dimensions of few records last: one exposure is asked for more often than one detector."""
    elements = [group.universe[name] for name in group.required]
    return [e.name for e in sorted(elements, key=lambda e: 0 if e.governor else 2 if e.cached else 1)]


def further_dimensions(group: DimensionGroup) -> list[str]:
    """Give the required dimensions with which the index of the datasets does not begin; on PostgreSQL each has an index of its own."""
    return [name for name in searched_first(group) if not group.universe[name].governor][1:]
