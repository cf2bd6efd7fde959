# SPDX-License-Identifier: BSD-3-Clause
"""Arithmetic of expressions as SQL: what does not fit its type is unknown, on both databases.

PostgreSQL raises an error where a result is too large, and SQLite goes on with a fraction or with infinity. Neither says of
which row, and which rows are looked at depends on the plan; so such a result is null here, as a division by zero is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from pachon.registry.database.column_types import Key64
from pachon.registry.query import tree as t
from pachon.registry.query.sql_conditions import Column

__all__ = ["calculated", "is_whole"]

_LARGEST = "1.7976931348623157e308"
"""The largest double."""
_SMALLEST = "2.3e-308"
"""What is smaller is zero: PostgreSQL refuses products that vanish."""
_ALONE = "LIMIT 1 OFFSET 0"
"""Keeps both databases from writing the value of an inner query into the outer one, once for each use: nested
calculations would become exponentially long."""


def is_whole(value: t.Value) -> bool:
    """Whether a number is an integer of the database; a quotient of integers is of type int, but a fraction."""
    match value:
        case t.Negative(operand=operand):
            return is_whole(operand)
        case t.Arithmetic(operator=operator, left=left, right=right):
            return operator == "%" or (operator != "/" and is_whole(left) and is_whole(right))
        case _:
            return value.type == "int"


def calculated(value: t.Negative | t.Arithmetic, column_of: Callable[[t.Value], Column]) -> Column:
    """Give the column of a sum, difference, product, quotient, remainder or negative number.

    Parameters
    ----------
    value
        The calculation.
    column_of
        Gives the column of any value, calculations included.
    """
    if isinstance(value, t.Arithmetic) and value.operator == "%":
        left, right = (_whole_part(side, column_of) for side in (value.left, value.right))
        return left % sa.func.nullif(right, 0)
    return (_FittingWhole if is_whole(value) else _FittingFraction)(_raw(value, column_of))


def _raw(value: t.Negative | t.Arithmetic, column_of: Callable[[t.Value], Column]) -> Column:
    """Give the column of a calculation which may hold what does not fit, on SQLite; PostgreSQL looks at each step."""
    whole = is_whole(value)
    if isinstance(value, t.Negative):
        nothing: Column = sa.literal_column("0" if whole else "-0.0")
        return _STEPS["-", whole](nothing, _operand(value.operand, whole, column_of))
    left = _operand(value.left, whole, column_of)
    if value.operator == "/":
        return _STEPS["/", False](left, sa.func.nullif(_as_kind(column_of(value.right), whole), 0.0))
    return _STEPS[value.operator, whole](left, _operand(value.right, whole, column_of))


def _operand(value: t.Value, whole: bool, column_of: Callable[[t.Value], Column]) -> Column:
    # On SQLite what does not fit an integer is a fraction from then on, and what does not fit that is infinite: it is enough
    # to look at the end, but where a divisor, a remainder or another type would hide it.
    is_step = isinstance(value, t.Negative) or (isinstance(value, t.Arithmetic) and value.operator != "%")
    if is_step and is_whole(value) == whole:
        return _raw(value, column_of)  # type: ignore[arg-type]  # a step is one of the two
    return _as_kind(column_of(value), whole)


def _as_kind(column: Column, whole: bool) -> Column:
    return column if whole else sa.cast(column, sa.Double())


def _whole_part(value: t.Value, column_of: Callable[[t.Value], Column]) -> Column:
    """Give an integer, or a fraction without what follows its point."""
    column = column_of(value)
    return column if is_whole(value) else _Truncated(column)


class _FittingWhole(FunctionElement[int]):
    """A result if it fits into 64 bits, or null."""

    name, type, inherit_cache = "fitting_whole", Key64, True


class _FittingFraction(FunctionElement[float]):
    """A result if it fits a double, or null."""

    name, type, inherit_cache = "fitting_fraction", sa.Double(), True


class _Truncated(FunctionElement[int]):
    """The integer part of a fraction, or null if it does not fit."""

    name, type, inherit_cache = "truncated", Key64, True


class _Step(FunctionElement[Any]):
    """Two numbers joined by ``+ - * /``; a negative number is a difference from nothing."""

    inherit_cache = True
    operator: ClassVar[str]
    is_whole: ClassVar[bool]


def _step_class(operator: str, is_whole: bool) -> type[_Step]:
    # A class each: what is cached of a statement knows its elements by their classes.
    members = {
        "operator": operator,
        "is_whole": is_whole,
        "type": Key64 if is_whole else sa.Double(),
        "inherit_cache": True,
    }
    return type(f"_Step{operator}{is_whole}", (_Step,), {"name": "step", **members})


_STEPS = {(operator, is_whole): _step_class(operator, is_whole) for operator in "+-*/" for is_whole in (True, False)}


@compiles(_FittingWhole, "sqlite")
def _fitting_whole(element: _FittingWhole, compiler: Any, **options: Any) -> str:
    return _if_fitting("typeof(v) = 'integer'", compiler.process(element.clauses, **options))


@compiles(_FittingFraction, "sqlite")
def _fitting_fraction(element: _FittingFraction, compiler: Any, **options: Any) -> str:
    return _if_fitting(f"abs(v) <= {_LARGEST}", compiler.process(element.clauses, **options))


def _if_fitting(condition: str, value: str) -> str:
    return f"(SELECT CASE WHEN {condition} THEN v END FROM (SELECT {value} AS v {_ALONE}))"  # noqa: S608  # compiled


@compiles(_FittingWhole, "postgresql")
@compiles(_FittingFraction, "postgresql")
def _fitting_postgresql(element: _FittingWhole | _FittingFraction, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Truncated, "sqlite")
@compiles(_Truncated, "postgresql")
def _truncated(element: _Truncated, compiler: Any, **options: Any) -> str:
    whole = "trunc(v)" if compiler.dialect.name == "postgresql" else "v"
    value = compiler.process(element.clauses, **options)
    return (
        f"(SELECT CASE WHEN abs(v) < 9.2e18 THEN CAST({whole} AS BIGINT) END FROM (SELECT {value} AS v {_ALONE}) AS w)"  # noqa: S608
    )


@compiles(_Step, "sqlite")
def _step_sqlite(element: _Step, compiler: Any, **options: Any) -> str:
    # Without parentheses that are not needed: SQLite takes a hundred of them at most.
    left, right = element.clauses
    texts = [compiler.process(side, **options) for side in (left, right)]
    if isinstance(left, _Step) and element.operator in "*/" and left.operator in "+-":
        texts[0] = f"({texts[0]})"
    if isinstance(right, _Step):
        texts[1] = f"({texts[1]})"
    return f"{texts[0]} {element.operator} {texts[1]}"


@compiles(_Step, "postgresql")
def _step_postgresql(element: _Step, compiler: Any, **options: Any) -> str:
    left, right = (compiler.process(side, **options) for side in element.clauses)
    kind, steps = ("bigint", _WHOLE_STEPS) if element.is_whole else ("double precision", _FRACTION_STEPS)
    sides = f"(SELECT CAST({left} AS {kind}) AS l, CAST({right} AS {kind}) AS r {_ALONE})"
    return f"(SELECT CASE {steps[element.operator]} END FROM {sides} AS s)"  # noqa: S608


_MAX, _MIN = "9223372036854775807", "(-9223372036854775807 - 1)"
_WHOLE_STEPS = {
    "+": f"WHEN (r > 0 AND l > {_MAX} - r) OR (r < 0 AND l < {_MIN} - r) THEN NULL ELSE l + r",
    "-": f"WHEN (r < 0 AND l > {_MAX} + r) OR (r > 0 AND l < {_MIN} + r) THEN NULL ELSE l - r",
    "*": f"WHEN l::numeric * r BETWEEN {_MIN} AND {_MAX} THEN l * r",
}
_INFINITE = "WHEN abs(l) = 'Infinity' OR abs(r) = 'Infinity' THEN NULL"
_BOTH_LARGE = "abs(l) > 1e290 AND abs(r) > 1e290"
_FRACTION_STEPS = {
    "+": f"{_INFINITE} WHEN {_BOTH_LARGE} AND abs(l / 2 + r / 2) > {_LARGEST} / 2 THEN NULL ELSE l + r",
    "-": f"{_INFINITE} WHEN {_BOTH_LARGE} AND abs(l / 2 - r / 2) > {_LARGEST} / 2 THEN NULL ELSE l - r",
    "*": (
        f"{_INFINITE} WHEN abs(r) > 1 AND abs(l) > {_LARGEST} / abs(r) THEN NULL "
        f"WHEN r <> 0 AND abs(r) < 1 AND abs(l) < {_SMALLEST} / abs(r) THEN 0 ELSE l * r"
    ),
    "/": (
        f"WHEN abs(l) = 'Infinity' OR (abs(r) < 1 AND abs(l) > {_LARGEST} * abs(r)) THEN NULL "
        f"WHEN abs(r) > 1 AND abs(l) < {_SMALLEST} * abs(r) THEN 0 ELSE l / r"
    ),
}
