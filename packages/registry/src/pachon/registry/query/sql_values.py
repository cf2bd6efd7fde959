# SPDX-License-Identifier: BSD-3-Clause
"""Constants, lists, ranges, patterns and sums of expressions as SQL, for both dialects."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from pachon.registry.database.column_types import Bytes, Key64, Text, Uuid
from pachon.registry.query import tree as t
from pachon.registry.query.sql_conditions import Column, Written, any_of, compared, one_of

__all__ = [
    "as_indexed",
    "column_of_element",
    "glob",
    "has_value",
    "in_collections",
    "in_list",
    "in_order",
    "in_ranges",
    "literal",
    "longest_list",
    "merged_tests",
    "on_step",
    "parameter",
]

_LONG_LIST = 2000
"""Longest list of IN that travels as one parameter a value."""

_MANY_VALUES = 20_000
"""Values of all lists of a statement from which on each list travels as one parameter: PostgreSQL takes 65,535, SQLite may take 32,766."""

_MANY_ALTERNATIVES = 50
"""Operands of OR from which on it is worth looking which of them are tests of the same value."""

_LISTED = frozenset({"int", "float", "string", "datetime", "uuid", "hash"})
"""Types of values that lists may have."""

_MANY_COLLECTIONS = 20
"""Collections from which on a search has one parameter for all of them."""


def column_of_element(value: t.Value, element: str) -> str | None:
    """Give the name of the column in the table of an element that a value is; `None` if it is none of these."""
    match value:
        case t.Field(element=owner, name=name) if owner == element:
            return "timespan_begin" if value.type == "timespan" else name
        case t.Bound(timespan=t.Field(element=owner), which=which) if owner == element:
            return f"timespan_{which}"
        case _:
            return None


def in_order(column: Column, *, descending: bool) -> Column:
    """Give a term of an order, in which nulls come last, or first when it descends."""
    if isinstance(column, sa.Column):
        # SQLite uses no index for an order of nulls.
        nulls = f" NULLS {'FIRST' if descending else 'LAST'}" if column.nullable else ""
        return Written(("", f" {'DESC' if descending else 'ASC'}{nulls}"), (column,))
    return column.desc().nulls_first() if descending else column.asc().nulls_last()


def as_indexed(time: Column, *, descending: bool) -> Column:
    """Give the same order of a time as SQLite's index by time has it, which it then reads."""
    direction = "DESC" if descending else "ASC"
    return Written(("", f" IS NULL {direction}, ", f" {direction}"), (time, time))


class _InRanges(FunctionElement[bool]):
    """Whether a number lies in one of some ranges, which are written into the text: one thing for SQLAlchemy and not hundreds."""

    name = "in_ranges"
    type = sa.Boolean()
    # Another region has other ranges.
    inherit_cache = False

    def __init__(self, column: Column, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__(column)
        self.ranges = ranges

    def self_group(self, against: Any = None) -> Any:
        # It has its parentheses, and needs no "= 1" to be a condition.
        return self


@compiles(_InRanges)
def _write_ranges(element: _InRanges, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    pieces = [
        f"{column} = {begin}" if end - begin == 1 else f"{column} >= {begin} AND {column} < {end}"
        for begin, end in element.ranges
    ]
    return pieces[0] if len(pieces) == 1 else f"({' OR '.join(pieces)})"


def in_ranges(column: Column, ranges: np.ndarray) -> Column:
    """Whether a number lies in one of the half-open ranges, an array of shape (n, 2)."""
    return _InRanges(column, ranges.tolist()) if len(ranges) else sa.false()


def in_collections(column: Column, numbers: Collection[int]) -> Column:
    """Whether a collection is one of some, by number; the column is that of a table that lasts."""
    return column.in_(list(numbers)) if len(numbers) > _MANY_COLLECTIONS else _in_numbers(column, tuple(numbers))


@lru_cache(maxsize=1000)
def _in_numbers(column: Column, numbers: tuple[int, ...]) -> Column:
    # SQLAlchemy writes a list of unknown length into the text each time that the statement is run, which takes half as long as to run it.
    return one_of(column, [parameter(number, Key64) for number in numbers]) if numbers else sa.false()


def on_step(column: Column, start: int, stride: int) -> Column:
    """Whether a number is a whole number of strides from a start."""
    if stride >= 2**62:
        # Sums would not fit into 64 bits; three numbers at most are meant.
        return one_of(column, [parameter(n, Key64) for n in range(start, 2**63, stride)])
    # No difference is taken, which need not fit; the remainder of a negative number is negative.
    return (column % stride + stride) % stride == start % stride


_SQL_TYPES: Mapping[str, Any] = {
    "int": Key64,
    "datetime": Key64,
    "float": sa.Double(),
    "string": Text,
    "uuid": Uuid(),
    "hash": Bytes(),
    "region": Bytes(),
}


def literal(constant: t.Constant) -> Column:
    """A constant of an expression."""
    match constant.type:
        case "bool":
            return sa.true() if constant.value else sa.false()
        case "null":
            return sa.null()
        case kind:
            return parameter(constant.value, _SQL_TYPES[kind])


def parameter(value: Any, kind: Any) -> Column:
    """A value that travels beside the statement, or the slot of one that comes later."""
    return (
        _slot(value.name, kind) if isinstance(value, t.Slot) else sa.BindParameter(None, value, type_=kind, unique=True)
    )


@lru_cache(maxsize=1000)
def _slot(name: str, kind: Any) -> Column:
    return sa.BindParameter(name, type_=kind)


@lru_cache(maxsize=1000)
def has_value(column: Column, value: int | str) -> Column:
    """Whether a column of a table that lasts has a value, by whose name and type the parameter goes."""
    return compared("=", column, sa.BindParameter(column.key, value, type_=column.type, unique=True))


def longest_list(predicates: Iterable[t.Predicate]) -> int:
    """Give the length up to which lists of a statement with these conditions travel as one parameter a value."""
    parts = [part for whole in predicates for part in t.walk(whole)]
    values = sum(len(part.values) for part in parts if isinstance(part, t.IsOneOf))
    # Alternatives may become a list.
    values += sum(len(part.operands) for part in parts if isinstance(part, t.Any_))
    return _LONG_LIST if values <= _MANY_VALUES else 1


def merged_tests(operands: Sequence[t.Predicate]) -> Sequence[t.Predicate]:
    """Make one list of alternatives that compare the same value with constants, if there are many: a database takes long for each."""
    if len(operands) <= _MANY_ALTERNATIVES:
        return operands
    members: dict[t.Value, list[Any]] = {}
    others: list[t.Predicate] = []
    for operand in operands:
        match operand:
            case t.Comparison(operator="=", left=left, right=t.Constant(type=kind, value=value)) if (
                kind == left.type and kind in _LISTED and not isinstance(left, t.Constant)
            ):
                members.setdefault(left, []).append(value)
            case t.IsOneOf(operand=left, values=values, columns=(), ranges=(), with_null=False):
                members.setdefault(left, []).extend(values)
            case _:
                others.append(operand)
    merged = [t.IsOneOf(operand=left, values=tuple(dict.fromkeys(values))) for left, values in members.items()]
    return [*merged, *others]


def in_list(column: Column, kind: str, values: Sequence[Any], dialect: str, longest: int = _LONG_LIST) -> Column:
    """Whether a value is one of a list, which may be of any length; up to the longest one each value is a parameter."""
    if kind == "int" and any(type(value) is float for value in values):
        # Each in its own type: a cast would round fractions, or large integers.
        whole = [value for value in values if type(value) is int]
        fractions = in_list(column, "float", [value for value in values if type(value) is float], dialect, longest)
        return any_of([in_list(column, "int", whole, dialect, longest), fractions]) if whole else fractions
    if kind == "float":
        values = [float(value) if isinstance(value, int) else value for value in values]
    item: Any = _SQL_TYPES.get(kind, Key64)
    if len(values) <= longest:
        return one_of(column, [parameter(value, item) for value in values])
    # One parameter for all of them: the number of parameters of a statement is limited.
    if dialect == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(item)))
    if kind in ("uuid", "hash"):
        text = json.dumps([value.hex().upper() for value in values])
        column = sa.func.hex(column)
    else:
        text = json.dumps(list(values))
    if kind == "float":
        # JSON has no word for infinity, but numbers that are too large for a double.
        text = text.replace("Infinity", "9e999")
    each = sa.func.json_each(sa.literal(text)).table_valued("value")
    return column.in_(sa.select(each.c.value))


def glob(column: Column, pattern: str, dialect: str) -> Column:
    """Whether a text matches a pattern of ``*`` and ``?``."""
    if dialect == "sqlite":
        return column.op("GLOB", is_comparison=True)(sa.literal("".join(_glob_pieces(pattern, _SQLITE))))
    return column.like("".join(_glob_pieces(pattern, _LIKE)), escape="\\")


_SQLITE = {"any": "*", "one": "?", "special": "*?[", "quote": "[{}]"}
_LIKE = {"any": "%", "one": "_", "special": "%_\\", "quote": "\\{}"}


def _glob_pieces(pattern: str, dialect: Mapping[str, str]) -> list[str]:
    pieces = []
    plain = False
    for character in pattern:
        if character == "\\" and not plain:
            plain = True
            continue
        if character in "*?" and not plain:
            pieces.append(dialect["any" if character == "*" else "one"])
        else:
            pieces.append(dialect["quote"].format(character) if character in dialect["special"] else character)
        plain = False
    return pieces
