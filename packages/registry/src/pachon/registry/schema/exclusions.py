# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL's own rule that validity ranges of one dataset type, data ID and collection do not overlap.

An exclusion constraint compares ranges. A key that must be equal is a range of one point. The range types of keys are our own: core
PostgreSQL has none of text, and that of integers would not take the largest one. They need no extension and no special right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import Integer

__all__ = ["no_overlap", "no_range_types", "range_types"]

_INTEGERS = "pachon_integers"
_TEXTS = "pachon_texts"


def range_types(namespace: str | None = None) -> Iterator[sa.TextClause]:
    """Give the statements that make the range types of keys, in a new PostgreSQL database."""
    prefix = f'"{namespace}".' if namespace else ""
    yield sa.text(f"CREATE TYPE {prefix}{_INTEGERS} AS RANGE (SUBTYPE = bigint, SUBTYPE_DIFF = int8range_subdiff)")
    yield sa.text(f'CREATE TYPE {prefix}{_TEXTS} AS RANGE (SUBTYPE = text, COLLATION = "C")')


def no_range_types() -> sa.TextClause:
    """Give the statement that removes the range types, when no table uses them any more."""
    return sa.text(f"DROP TYPE IF EXISTS {_INTEGERS}, {_TEXTS}")


class _Exclusion(sa.Constraint):
    """A constraint that no two rows overlap in all of some ranges.

    SQLAlchemy has one in its dialect of PostgreSQL; to import that takes longer than to ask a small question of SQLite.
    """

    def __init__(self, ranges: Sequence[sa.ColumnElement[Any]], name: str) -> None:
        super().__init__(name=name)
        self.ranges = tuple(ranges)


@compiles(_Exclusion)
def _write_exclusion(constraint: _Exclusion, compiler: Any, **_: Any) -> str:
    words = [compiler.sql_compiler.process(r, include_table=False, literal_binds=True) for r in constraint.ranges]
    name = compiler.preparer.format_constraint(constraint)
    return f"CONSTRAINT {name} EXCLUDE USING gist ({', '.join(f'{word} WITH &&' for word in words)})"


def no_overlap(name: str, keys: Iterable[sa.Column[Any]], namespace: str | None = None) -> sa.Constraint:
    """Make the constraint that rows with equal keys have disjoint ranges ``[begin_ns, end_ns)``; on PostgreSQL only.

    Parameters
    ----------
    name
        Of the table.
    keys
        Columns, those of many values first: the index is searched by the first one.
    namespace
        Where the range types are.
    """
    functions = sa.func if namespace is None else getattr(sa.func, namespace)
    points = [
        getattr(functions, _INTEGERS if isinstance(key.type, Integer) else _TEXTS)(key, key, sa.text("'[]'"))
        for key in keys
    ]
    times = sa.func.int8range(sa.column("begin_ns"), sa.column("end_ns"))
    return _Exclusion([*points, times], f"ex_{name}_no_overlap").ddl_if(dialect="postgresql")
