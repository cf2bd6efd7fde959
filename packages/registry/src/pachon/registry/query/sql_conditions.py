# SPDX-License-Identifier: BSD-3-Clause
"""Conditions as text, with columns and parameters in its gaps.

SQLAlchemy makes an object of each operator, looks what its sides are, and goes through all of them again to write the text: that takes
longer than all else of a small query. Here a conjunction of any length is one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.selectable import AliasedReturnsRows
from sqlalchemy.sql.visitors import InternalTraversal

__all__ = [
    "Column",
    "Written",
    "all_of",
    "any_of",
    "between",
    "compared",
    "is_null",
    "one_of",
]

Column = sa.ColumnElement[Any]

_NAMED = sa.ColumnClause
_SIMPLE = (sa.ColumnClause, sa.BindParameter)
_ALONE = (None, operators._asbool)
"""What SQLAlchemy says a thing stands beside if it is all of a condition."""
_LONG_ROW = 100
"""Most conditions that are joined without parentheses."""


class Written(sa.ColumnElement[bool]):
    """A condition, or a term of an order.

    It does not say from which tables its columns are: the statement around must name these.

    Parameters
    ----------
    texts
        What stands before, between and after the parts; one more than these.
    parts
        Columns, parameters, and other things that SQLAlchemy writes.
    opposite
        The texts of its negation with the same parts, if it has no parentheses there.
    joined_by
        Between what the last operator is, if there is one.
    """

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [  # noqa: RUF012  # of SQLAlchemy's protocol
        ("texts", InternalTraversal.dp_plain_obj),
        ("parts", InternalTraversal.dp_clauseelement_tuple),
    ]

    def __init__(
        self,
        texts: tuple[str, ...],
        parts: tuple[Column, ...],
        opposite: tuple[str, ...] | None = None,
        joined_by: Literal["AND", "OR"] | None = None,
    ) -> None:
        self.texts = texts
        self.parts = parts
        self.opposite = opposite
        self.joined_by = joined_by

    def self_group(self, against: Any = None) -> Any:
        return self if self.joined_by is None or against in _ALONE else _enclosed("(", self, ")")

    def __invert__(self) -> Written:
        if self.opposite is not None:
            return Written(self.opposite, self.parts, self.texts)
        return _enclosed("NOT (", self, ")")


@compiles(Written)
def _write(element: Written, compiler: Any, **options: Any) -> str:
    preparer = compiler.preparer
    texts = iter(element.texts)
    written = [next(texts)]
    for part, text in zip(element.parts, texts, strict=True):
        if isinstance(part, _NAMED) and isinstance(part.table, AliasedReturnsRows):
            # As SQLAlchemy does, which first looks for much that these columns never are.
            written.append((_kept_name if isinstance(part.table, sa.Alias) else _name)(part, preparer))
        else:
            written.append(part._compiler_dispatch(compiler, **options))
        written.append(text)
    return "".join(written)


def _name(column: Any, preparer: Any) -> str:
    return f"{preparer.quote(column.table.name)}.{preparer.quote(column.name)}"


_kept_name = lru_cache(maxsize=4096)(_name)


_COMPARED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    operator: (("", f" {operator} ", ""), ("", f" {opposite} ", ""))
    for operator, opposite in (("=", "!="), ("!=", "="), ("<", ">="), ("<=", ">"), (">", "<="), (">=", "<"))
}


def compared(operator: str, left: Column, right: Column) -> Written:
    """Compare two columns of which none is a truth value or null."""
    texts, opposite = _COMPARED[operator]
    return Written(texts, (_side(left), _side(right)), opposite)


def is_null(column: Column) -> Written:
    """Whether a column is null."""
    return Written(("", " IS NULL"), (_side(column),), ("", " IS NOT NULL"))


def between(column: Column, least: Column, most: Column) -> Written:
    """Whether a column lies between two values, both included."""
    parts = (_side(column), least, most)
    return Written(("", " BETWEEN ", " AND ", ""), parts, ("", " NOT BETWEEN ", " AND ", ""))


def one_of(column: Column, values: Sequence[Column]) -> Written:
    """Whether a column is one of some values, of which there is one at least."""
    commas = (", ",) * (len(values) - 1)
    opposite = ("(", " NOT IN (", *commas, "))")
    return Written(("", " IN (", *commas, ")"), (_side(column), *values), opposite)


def all_of(conditions: Sequence[Column]) -> Column:
    """Require all conditions."""
    return _joined("AND", conditions)


def any_of(conditions: Sequence[Column]) -> Column:
    """Require one of some conditions at least."""
    return _joined("OR", conditions)


def _side(column: Column) -> Column:
    """Give a side of a comparison, in parentheses if it needs them."""
    if isinstance(column, _SIMPLE):
        return column
    side: Column = column.self_group(against=operators.lt)
    return side


def _joined(word: Literal["AND", "OR"], conditions: Sequence[Column]) -> Column:
    """Join conditions; in groups if there are many, since SQLite takes a row of them for as deep as it is long."""
    decisive, neutral = (sa.False_, sa.True_) if word == "AND" else (sa.True_, sa.False_)
    wanted = [condition for condition in conditions if not isinstance(condition, neutral)]
    if len(wanted) < 2:
        return wanted[0] if wanted else neutral()
    for condition in wanted:
        if isinstance(condition, decisive):
            return condition
    while len(wanted) > _LONG_ROW:
        rows = [wanted[start : start + _LONG_ROW] for start in range(0, len(wanted), _LONG_ROW)]
        wanted = [_enclosed("(", _row(word, row), ")") for row in rows]
    return _row(word, wanted)


def _row(word: Literal["AND", "OR"], conditions: Iterable[Column]) -> Written:
    texts = [""]
    parts: list[Column] = []
    between = ""
    against = operators.and_ if word == "AND" else operators.or_
    for condition in conditions:
        if not isinstance(condition, Written):
            texts[-1] += between
            parts.append(condition.self_group(against=against))
            texts.append("")
        else:
            loose = word == "AND" and condition.joined_by == "OR"
            texts[-1] += f"{between}({condition.texts[0]}" if loose else between + condition.texts[0]
            parts += condition.parts
            texts += condition.texts[1:]
            if loose:
                texts[-1] += ")"
        between = f" {word} "
    return Written(tuple(texts), tuple(parts), joined_by=word)


def _enclosed(opening: str, condition: Written, closing: str) -> Written:
    first, *others = condition.texts
    texts = [opening + first, *others]
    texts[-1] += closing
    return Written(tuple(texts), condition.parts)
