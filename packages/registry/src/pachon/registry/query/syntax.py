# SPDX-License-Identifier: BSD-3-Clause
"""Syntax tree of the query language: what was written, before names mean anything.

Every node is a frozen value. ``position`` is the offset of its first character in the text; it takes no part in
equality, so that two spellings of one expression compare equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntLiteral(_Located):
    """An unsigned integer."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatLiteral(_Located):
    """An unsigned number with a decimal point or an exponent."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StringLiteral(_Located):
    """Text between single quotes."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLiteral(_Located):
    """Text of a time, ``T'...'``; it is read when types are resolved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeLiteral(_Located):
    """Integers from ``start`` to ``stop``, both included, in steps of ``stride``."""

    start: int
    stop: int
    stride: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(_Located):
    """A name of one to three words joined by dots."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The name as it is written."""
        return ".".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class BindName(_Located):
    """``:name``, a value given beside the expression."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Located):
    """A function with its arguments; ``function`` is in upper case."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(_Located):
    """``+`` or ``-`` before an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(_Located):
    """Arithmetic, a comparison or ``OVERLAPS``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class IsIn(_Located):
    """``operand [NOT] IN (items)``."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimespanTuple(_Located):
    """``(begin, end)``."""

    begin: Expression
    end: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(_Located):
    """``NOT operand``."""

    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class And(_Located):
    """Two or more operands which must all hold."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(_Located):
    """Two or more operands of which one must hold."""

    operands: tuple[Expression, ...]


Literal: TypeAlias = IntLiteral | FloatLiteral | StringLiteral | TimeLiteral
Expression: TypeAlias = (
    Literal | RangeLiteral | Identifier | BindName | Call | Unary | Binary | IsIn | TimespanTuple | Not | And | Or
)

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "OVERLAPS")
FUNCTIONS = ("BOX", "CIRCLE", "GLOB", "POINT", "POLYGON", "REGION", "UUID")
REGION_FUNCTIONS = ("BOX", "CIRCLE", "POINT", "POLYGON", "REGION")
