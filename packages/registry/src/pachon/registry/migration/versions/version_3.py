# SPDX-License-Identifier: BSD-3-Clause
"""Indices give the newest datasets of a run, records by time, and those of a night by number."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from pachon.registry.migration.index_change import create_index, extend_index, further_columns, universe_elements

__all__ = ["down_revision", "revision", "upgrade"]

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Change the indices."""
    tables = sa.inspect(op.get_bind())
    extend_index(tables, "dataset", ["run_id"], ["dataset_type_id", "ingest_ns"])
    existing = tables.get_table_names()
    for name, element in universe_elements().items():
        if f"element_{name}" in existing:
            _index_records(tables, f"element_{name}", element)
    if op.get_bind().dialect.name == "postgresql":
        for table, column, _ in further_columns(tables):
            create_index(table, [column, "dataset_type_id"])


def _index_records(tables: sa.Inspector, table: str, element: dict[str, Any]) -> None:
    numbers = [column["name"] for column in element.get("metadata", ()) if column["type"] == "int"][:1]
    implied = element.get("implies", ())
    for columns in [index["column_names"] for index in tables.get_indexes(table)]:
        if numbers and columns[-1] in implied:
            extend_index(tables, table, columns, numbers)
    if "timespan_begin" in {column["name"] for column in tables.get_columns(table)}:
        _index_by_time(tables, table, element)


def _index_by_time(tables: sa.Inspector, table: str, element: dict[str, Any]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        create_index(table, ["timespan_begin"])
        return
    own = element["keys"][0]["name"] if element.get("keys") else None
    keys = [f'"{key}"' for key in tables.get_pk_constraint(table)["constrained_columns"] if key != own]
    columns = ", ".join([*keys, "timespan_begin IS NULL", "timespan_begin"])
    op.execute(f'CREATE INDEX "ix_{table}_by_time" ON "{table}" ({columns})')
