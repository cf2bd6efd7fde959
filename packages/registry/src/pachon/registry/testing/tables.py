# SPDX-License-Identifier: BSD-3-Clause
"""What a database says of its own tables, to compare a migrated one with one that was made new."""

from __future__ import annotations

import re
import warnings
from typing import Any

import sqlalchemy as sa

__all__ = ["describe_tables"]


def describe_tables(url: str) -> dict[str, dict[str, Any]]:
    """Give columns, keys, references, rules and indices by table, independent of the order of columns.

    Tables of groups of dimensions are named by their columns, for their numbers follow from the order of registration.
    """
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    with engine.connect() as connection, warnings.catch_warnings():
        # Of indices of expressions, which `_INDICES` gives.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", sa.exc.SAWarning)
        describe = _describe_sqlite if engine.dialect.name == "sqlite" else _describe_postgresql
        found = {name: describe(connection, inspector, name) for name in inspector.get_table_names()}
    engine.dispose()
    return {_name(name, table): table for name, table in found.items()}


def _name(name: str, table: dict[str, Any]) -> str:
    kind, _, number = name.rpartition("_")
    return f"{kind} of {sorted(table['columns'])}" if number.isdigit() else name


# SQLAlchemy knows no indices of expressions on SQLite.
_INDICES = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name AND sql IS NOT NULL"


def _indexed(sql: str) -> str:
    """Give what an index is of."""
    return sql.partition("(")[2].rstrip(")").replace('"', "")


def _describe_sqlite(connection: sa.Connection, inspector: sa.Inspector, name: str) -> dict[str, Any]:
    sql = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name}).scalar_one()
    return {
        # SQLite does not look at lengths, and a migration does not change them there.
        "columns": {
            c["name"]: (type(c["type"]).__name__, c["nullable"], c["default"]) for c in inspector.get_columns(name)
        },
        "key": sorted(inspector.get_pk_constraint(name)["constrained_columns"]),
        "unique": {tuple(u["column_names"]) for u in inspector.get_unique_constraints(name)},
        "references": {
            (tuple(f["constrained_columns"]), f["referred_table"], tuple(f["referred_columns"]), str(f["options"]))
            for f in inspector.get_foreign_keys(name)
        },
        "indices": {_indexed(sql) for sql in connection.execute(sa.text(_INDICES), {"name": name}).scalars()},
        "checks": len(inspector.get_check_constraints(name)),
        "without rowid": "WITHOUT ROWID" in sql.upper(),
        "autoincrement": "AUTOINCREMENT" in sql.upper(),
    }


def _describe_postgresql(connection: sa.Connection, inspector: sa.Inspector, name: str) -> dict[str, Any]:
    rules = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) AND contype <> 'p'"
    indices = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :name AND indexname NOT LIKE 'pk_%'"
    number = f"_{name.rpartition('_')[2]}"

    def rows(statement: str) -> set[str]:
        texts = (" ".join(row) for row in connection.execute(sa.text(statement), {"name": name}))
        return {re.sub(rf"{number}\b|{number}(?=_)", "_n", text) if number[1:].isdigit() else text for text in texts}

    return {
        "columns": {
            c["name"]: (str(c["type"]), getattr(c["type"], "collation", None), c["nullable"], c["default"])
            for c in inspector.get_columns(name)
        },
        "key": sorted(inspector.get_pk_constraint(name)["constrained_columns"]),
        "rules": rows(rules),
        "indices": rows(indices),
    }
