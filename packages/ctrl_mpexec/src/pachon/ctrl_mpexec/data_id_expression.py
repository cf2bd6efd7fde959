# SPDX-License-Identifier: BSD-3-Clause
"""Expressions over the values of one data ID, such as ``visit IN (1, 5..9) AND detector != 3``.

A small part of the query language, for where there is no database: names of dimensions (also ``visit.id``, ``band.name``),
numbers, texts, comparisons, ``IN`` with ranges, ``AND``, ``OR``, ``NOT``, parentheses, ``+ - * / %``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from pachon.base import InvalidInputError

__all__ = ["matches", "parse_expression"]

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda value, group: value in group, ast.NotIn: lambda value, group: value not in group,
}  # fmt: skip
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Mod: operator.mod,
}  # fmt: skip
_TOKEN: Final = re.compile(
    r"""(?P<text>'[^']*'|"[^"]*")|(?P<range>\d+\s*\.\.\s*\d+(?:\s*:\s*\d+)?)|(?P<word>\b(?:AND|OR|NOT|IN)\b)|(?P<equal>(?<![<>!=])=(?!=))""",
    re.IGNORECASE | re.VERBOSE,
)


def matches(expression: str, data_id: Mapping[str, Any]) -> bool:
    """Tell whether an expression is true for a data ID.

    Raises
    ------
    InvalidInputError
        If the expression cannot be understood, or names a dimension that the data ID lacks.
    """
    return bool(_evaluate(parse_expression(expression).body, data_id, expression))


@lru_cache(64)
def parse_expression(expression: str) -> ast.Expression:
    """Check an expression and give its tree.

    Raises
    ------
    InvalidInputError
        If it cannot be understood.
    """
    try:
        return ast.parse(_TOKEN.sub(_as_python, expression.strip()), mode="eval")
    except SyntaxError as error:
        raise InvalidInputError(f"The expression {expression!r} cannot be understood: {error.msg}.") from error


def _as_python(found: re.Match[str]) -> str:
    if found["word"]:
        return found["word"].lower()
    if found["equal"]:
        return "=="
    if found["range"]:
        first, last, *step = map(int, re.findall(r"\d+", found["range"]))
        # A call that only `_evaluate` knows.
        return f"_range({first}, {last}, {step[0] if step else 1})"
    return found[0]


def _evaluate(node: ast.expr, data_id: Mapping[str, Any], text: str) -> Any:
    def value(part: ast.expr) -> Any:
        return _evaluate(part, data_id, text)

    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(value(part) for part in parts)
        case ast.BoolOp(values=parts):
            return any(value(part) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not value(part)
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -value(part)
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [value(part) for part in (left, *others)]
            return all(
                _COMPARISONS[type(op)](one, other if not isinstance(op, ast.In | ast.NotIn) else _group(other))
                for op, one, other in zip(ops, values, values[1:], strict=False)
                if _known(type(op), text)
            )
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](value(left), value(right))
        case ast.Tuple(elts=parts):
            return tuple(value(part) for part in parts)
        case ast.Call(func=ast.Name(id="_range"), args=[ast.Constant() as a, ast.Constant() as b, ast.Constant() as c]):
            return range(int(str(a.value)), int(str(b.value)) + 1, int(str(c.value)))
        case ast.Constant(value=constant) if isinstance(constant, int | float | str):
            return constant
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name), attr="id" | "name"):
            if name not in data_id:
                known = ", ".join(data_id)
                raise InvalidInputError(f"The expression {text!r} names {name!r}; the data ID has {known}.")
            return data_id[name]
        case _:
            raise InvalidInputError(
                f"The expression {text!r} has a part that is not understood here: {ast.unparse(node)}."
            )


def _known(kind: type[ast.cmpop], text: str) -> bool:
    if kind not in _COMPARISONS:
        raise InvalidInputError(f"The expression {text!r} has a comparison that is not understood here.")
    return True


def _group(value: Any) -> Any:
    """Give what ``IN`` looks in; ranges among several values count with all that they hold."""
    if isinstance(value, range):
        return value
    if not isinstance(value, tuple):
        return (value,)
    return [one for part in value for one in (part if isinstance(part, range) else (part,))]
