# SPDX-License-Identifier: BSD-3-Clause
"""Runs can be sealed; PostgreSQL excludes overlapping validity ranges, and checks references of large tables once a call."""

from typing import Any

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "2"
down_revision = "1"

_LARGE = ("dataset", "element_", "overlap_", "membership_", "validity_")


def upgrade() -> None:
    """Change the tables."""
    op.add_column("collection", sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "postgresql":
        _rules_of_postgresql(sa.inspect(op.get_bind()))


def _rules_of_postgresql(tables: sa.Inspector) -> None:
    op.execute("CREATE TYPE pachon_integers AS RANGE (SUBTYPE = bigint, SUBTYPE_DIFF = int8range_subdiff)")
    op.execute('CREATE TYPE pachon_texts AS RANGE (SUBTYPE = text, COLLATION = "C")')
    names = sorted(tables.get_table_names())
    for name in names:
        # The summaries and the definitions are small; "dataset_type" is one of them.
        if name == "dataset" or name.startswith(_LARGE[1:]):
            for key in sorted(str(key["name"]) for key in tables.get_foreign_keys(name)):
                op.drop_constraint(key, name, type_="foreignkey")
    for name in names:
        if name.startswith("validity_"):
            _exclude_overlaps(name, tables)


def _exclude_overlaps(name: str, tables: sa.Inspector) -> None:
    types: dict[str, Any] = {column["name"]: column["type"] for column in tables.get_columns(name)}
    kind, *dimensions, collection, _ = tables.get_pk_constraint(name)["constrained_columns"]
    points = ", ".join(
        f"""{"pachon_integers" if isinstance(types[key], sa.Integer) else "pachon_texts"}("{key}", "{key}", '[]') WITH &&"""
        for key in (*reversed(dimensions), collection, kind)
    )
    op.execute(
        f'ALTER TABLE "{name}" ADD CONSTRAINT "ex_{name}_no_overlap" '
        f"EXCLUDE USING gist ({points}, int8range(begin_ns, end_ns) WITH &&)"
    )
