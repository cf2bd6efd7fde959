# SPDX-License-Identifier: BSD-3-Clause
"""Constants, lists, ranges, patterns and sums of expressions as SQL, for both dialects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.registry.database.column_types import Bytes, Key64, Text, Uuid
from pachon.registry.query import tree as t

__all__ = ["Column", "arithmetic", "glob", "in_list", "in_ranges", "literal"]

_LONG_LIST = 2000
"""Longest list of IN that travels as one parameter a value."""

Column = sa.ColumnElement[Any]


def in_ranges(column: Column, ranges: np.ndarray) -> Column:
    """Whether a number lies in one of the half-open ranges, an array of shape (n, 2)."""
    # Plain integers of our own, written into the text: hundreds of parameters would take longer to compile.
    pieces = [
        column == sa.literal_column(str(begin))
        if end - begin == 1
        else sa.and_(column >= sa.literal_column(str(begin)), column < sa.literal_column(str(end)))
        for begin, end in ranges.tolist()
    ]
    return sa.or_(sa.false(), *pieces)


def literal(constant: t.Constant) -> Column:
    """A constant of an expression."""
    match constant.type:
        case "int" | "datetime":
            return sa.literal(constant.value, Key64)
        case "float":
            return sa.literal(constant.value, sa.Double())
        case "string":
            return sa.literal(constant.value, Text)
        case "bool":
            return sa.true() if constant.value else sa.false()
        case "uuid":
            return sa.literal(constant.value, Uuid())
        case "null":
            return sa.null()
        case _:
            return sa.literal(constant.value, Bytes())


def arithmetic(operator: str, left: Column, right: Column) -> Column:
    """Two numbers joined by an operator; a division by zero is unknown."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "%":
            return left % sa.func.nullif(right, 0)
        case _:
            return sa.cast(left, sa.Double()) / sa.func.nullif(sa.cast(right, sa.Double()), 0.0)


def in_list(column: Column, kind: str, values: Sequence[Any], dialect: str) -> Column:
    """Whether a value is one of a list, which may be of any length."""
    types: dict[str, Any] = {"uuid": Uuid(), "hash": Bytes(), "string": Text, "float": sa.Double()}
    # An integer column may be compared with fractions, and a cast would round these.
    item: Any = sa.Double() if any(type(value) is float for value in values) else types.get(kind, Key64)
    if len(values) <= _LONG_LIST:
        return column.in_([sa.literal(value, item) for value in values])
    # One parameter for all of them: the number of parameters of a statement is limited.
    if dialect == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(item)))
    if kind in ("uuid", "hash"):
        text = json.dumps([value.hex().upper() for value in values])
        column = sa.func.hex(column)
    else:
        text = json.dumps(list(values))
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
