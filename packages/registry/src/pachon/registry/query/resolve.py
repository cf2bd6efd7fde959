# SPDX-License-Identifier: BSD-3-Clause
"""Syntax tree to resolved tree: names get a meaning, every operator its types."""

from __future__ import annotations

import dataclasses
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pachon.base import InvalidInputError
from pachon.dimensions import Timespan
from pachon.dimensions.timespan import MAX_NS
from pachon.registry.database.texts import check_text
from pachon.registry.errors import QueryNameError, QuerySyntaxError, QueryTypeError
from pachon.registry.query import syntax as s
from pachon.registry.query import tree as t
from pachon.registry.query.binds import bound_constant, bound_members, is_sequence, time_constant
from pachon.registry.query.lexer import tokenize, words_of_name
from pachon.registry.query.parser import parse
from pachon.registry.query.scope import Scope

__all__ = ["resolve", "resolve_name"]

_NUMBERS = ("int", "float")
_TIMES = ("datetime", "ingest_date")
_ORDERED = ("int", "float", "string", *_TIMES)
_T = TypeVar("_T")
_SIMPLE = (s.Identifier, s.IntLiteral, s.StringLiteral)
_CONDITIONS = (s.And, s.Or, s.Not, s.IsIn)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def resolve(text: str, scope: Scope, bind: Mapping[str, Any] | None = None) -> t.Predicate:
    """Read an expression and give the condition that it states.

    Raises
    ------
    InvalidQueryError
        If it is malformed, names something unknown, or combines types that do not fit; with the place in the text.
    """
    expression = parse(text)
    if expression is None:
        return t.Truth(value=True)
    if scope.text != text:
        scope = dataclasses.replace(scope, text=text)
    return _Resolver(scope, bind or {}).condition(expression)


def resolve_name(text: str, scope: Scope) -> t.Value:
    """Give the column of a name outside an expression, as for ``order_by``.

    Raises
    ------
    InvalidQueryError
        If it is no name, or not a known one.
    """
    if scope.text != text:
        scope = dataclasses.replace(scope, text=text)
    if (words := words_of_name(text)) is not None:
        return scope.resolve(words, 0)
    # The parser says what is wrong with most others.
    expression = parse(text)
    if not isinstance(expression, s.Identifier):
        raise QuerySyntaxError(f"{text!r} is no name of a column", text, 0)
    return scope.resolve(expression.words, expression.position)


class _Resolver:
    """The scope and the bound values of one expression."""

    def __init__(self, scope: Scope, bind: Mapping[str, Any]) -> None:
        self._scope = scope
        self._bind = bind
        tokens = tokenize(scope.text) if bind else ()
        self._marked = {token.value for token in tokens if token.kind == "bind"}

    # Conditions.

    def condition(self, node: s.Expression) -> t.Predicate:
        match node:
            case s.And(operands=operands):
                return t.All(operands=tuple([self.condition(o) for o in operands]))
            case s.Or(operands=operands):
                return t.Any_(operands=tuple([self.condition(o) for o in operands]))
            case s.Not(operand=operand):
                return t.Not(operand=self.condition(operand))
            case s.Binary(operator="OVERLAPS", left=left, right=right):
                return self._overlap(node, self._operand(left), self._operand(right))
            case s.Binary(operator=operator, left=left, right=right) if operator in s.COMPARISONS:
                return self._comparison(node, self._operand(left), self._operand(right))
            case s.IsIn():
                return self._is_in(node)
            case s.Call(function="GLOB"):
                return self._glob(node)
            case _:
                value = self.value(node)
                if value.type != "bool":
                    raise self._type_error(node, f"A condition is wanted here, and this is of type {value.type}")
                return t.Truth(value=bool(value.value)) if isinstance(value, t.Constant) else t.IsTrue(operand=value)

    def _operand(self, node: s.Expression) -> t.Value:
        """Give a side of a comparison; a condition there is of type bool and cannot be compared."""
        if isinstance(node, _SIMPLE):
            return self.value(node)
        if isinstance(node, _CONDITIONS) or _is_comparison(node):
            self.condition(node)
            raise self._type_error(node, "A condition (type bool) cannot be compared; join conditions by AND")
        return self.value(node)

    def _comparison(self, node: s.Binary, left: t.Value, right: t.Value) -> t.Predicate:
        operator = node.operator
        if left.type == "null" or right.type == "null":
            return self._null_test(node, left, right)
        left, right = _fit_number(left, right)
        fits = left.type == right.type or _alike(left.type, right.type)
        if operator in ("=", "!="):
            if not fits or left.type == "region":
                raise self._mismatch(node, operator, left, right)
        elif not fits or left.type not in _ORDERED:
            raise self._mismatch(node, operator, left, right)
        if isinstance(left, t.Constant) and not isinstance(right, t.Constant):
            left, right, operator = right, left, _MIRRORED[operator]
        return t.Comparison(operator=operator, left=left, right=right)

    def _null_test(self, node: s.Binary, left: t.Value, right: t.Value) -> t.Predicate:
        operand = right if left.type == "null" else left
        if node.operator not in ("=", "!=") or operand.type == "null":
            raise self._mismatch(node, node.operator, left, right)
        if isinstance(operand, t.Field) and self._scope.universe[operand.element].is_skypix:
            # A pixel always has its region, of which there is no record.
            operand = self._scope.key(operand.element, operand.position)
        test = t.IsNull(operand=operand)
        return test if node.operator == "=" else t.Not(operand=test)

    def _overlap(self, node: s.Binary, left: t.Value, right: t.Value) -> t.Predicate:
        kinds = {left.type, right.type}
        if "timespan" in kinds and kinds <= {"timespan", *_TIMES}:
            return t.Overlap(kind="temporal", left=left, right=right, position=node.position)
        if kinds == {"region"}:
            if isinstance(left, t.Constant) and isinstance(right, t.Constant):
                raise self._type_error(node, "OVERLAPS of regions needs a column on at least one side")
            if isinstance(left, t.Constant):
                left, right = right, left
            return t.Overlap(kind="spatial", left=left, right=right, position=node.position)
        raise self._mismatch(node, "OVERLAPS", left, right)

    def _glob(self, node: s.Call) -> t.Predicate:
        column = self.value(node.arguments[0])
        pattern = self.value(node.arguments[1])
        if column.type != "string" or isinstance(column, t.Constant):
            raise self._type_error(node, f"GLOB takes a column of strings, and {column} is of type {column.type}")
        if pattern.type != "string" or not isinstance(pattern, t.Constant):
            raise self._type_error(node, f"The pattern of GLOB is a string, not of type {pattern.type}")
        return t.Glob(operand=column, pattern=str(pattern.value))

    def _is_in(self, node: s.IsIn) -> t.Predicate:
        operand = self.value(node.operand)
        values: list[Any] = []
        columns: list[t.Value] = []
        ranges: list[tuple[int, int, int]] = []
        with_null = False
        for item in node.items:
            if isinstance(item, s.RangeLiteral):
                ranges.append(self._range(item, operand))
                continue
            for member in self._members(item):
                if member.type == "null":
                    with_null = True
                    continue
                member = _fit_number(operand, member)[1]
                self._require_like(item, operand, member)
                if isinstance(member, t.Constant):
                    values.append(member.value)
                else:
                    columns.append(member)
        test = t.IsOneOf(
            operand=operand,
            values=tuple(values),
            columns=tuple(columns),
            ranges=tuple(ranges),
            with_null=with_null,
        )
        return t.Not(operand=test) if node.negated else test

    def _members(self, item: s.Expression) -> Sequence[t.Value]:
        if isinstance(item, s.BindName):
            value = self._bound(item)
            if is_sequence(value):
                return self._converted(item, lambda: bound_members(value, item.position))
        if isinstance(item, s.Identifier) and self._is_bare_bind(item) and is_sequence(self._bind[item.text]):
            return self._converted(item, lambda: bound_members(self._bind[item.text], item.position))
        return [self.value(item)]

    def _range(self, item: s.RangeLiteral, operand: t.Value) -> tuple[int, int, int]:
        if operand.type != "int":
            raise self._type_error(item, f"A range of integers cannot hold {operand}, which is of type {operand.type}")
        if item.stop < item.start:
            raise self._type_error(item, f"The range {item.start}..{item.stop} ends before it starts")
        return item.start, item.stop, item.stride

    def _require_like(self, item: s.Expression, operand: t.Value, member: t.Value) -> None:
        if operand.type in ("region", "timespan", "null", "bool"):
            raise self._type_error(item, f"{operand} is of type {operand.type} and cannot be looked for in a list")
        if operand.type != member.type and not _alike(operand.type, member.type):
            raise self._type_error(item, f"{operand} is of type {operand.type}, and {member} of type {member.type}")

    # Values.

    def value(self, node: s.Expression) -> t.Value:
        place = node.position
        match node:
            case s.Identifier():
                return self._identifier(node)
            case s.IntLiteral(value=integer):
                return t.Constant(value=integer, type="int", position=place)
            case s.FloatLiteral(value=number):
                return t.Constant(value=number, type="float", position=place)
            case s.StringLiteral(value=text):
                try:
                    return t.Constant(value=check_text(text, "The string"), type="string", position=place)
                except InvalidInputError as error:
                    raise self._type_error(node, str(error)) from None
            case s.TimeLiteral(text=text):
                return self._time(node, text)
            case s.BindName():
                value = self._bound(node)
                if is_sequence(value):
                    raise self._type_error(node, f"The bind :{node.name} holds several values; use it with IN")
                return self._converted(node, lambda: bound_constant(value, place))
            case s.Unary(operator=operator, operand=operand):
                return self._signed(node, operator, self.value(operand))
            case s.Binary(operator=operator, left=left, right=right) if operator not in s.COMPARISONS:
                return self._arithmetic(node, self._operand(left), self._operand(right))
            case s.TimespanTuple(begin=begin, end=end):
                return self._timespan(node, self._operand(begin), self._operand(end))
            case s.Call():
                return self._call(node)
            case s.RangeLiteral():
                raise self._type_error(node, "A range can stand in a list of IN only")
            case _:
                raise self._type_error(node, "A value is wanted here, not a condition")

    def _identifier(self, node: s.Identifier) -> t.Value:
        if self._bind and self._is_bare_bind(node):
            value = self._bind[node.text]
            return self._converted(node, lambda: bound_constant(value, node.position))
        if len(node.words) == 1:
            word = node.words[0].upper()
            if word == "NULL":
                return t.Constant(value=None, type="null", position=node.position)
            if word in ("TRUE", "FALSE"):
                return t.Constant(value=word == "TRUE", type="bool", position=node.position)
        return self._scope.resolve(node.words, node.position)

    def _is_bare_bind(self, node: s.Identifier) -> bool:
        """Whether a name without colon means a bound value: an old form.

        It never hides a dimension, nor any column in an expression that has the same name with a colon.
        """
        if node.text not in self._bind:
            return False
        if node.text in self._scope.universe.dimensions or node.text in self._marked:
            return False
        warnings.warn(f"Write ':{node.text}' for a bound value; a name without colon is a column.", FutureWarning, 2)
        return True

    def _bound(self, node: s.BindName) -> Any:
        if node.name not in self._bind:
            reason = f"The name :{node.name} is not in the bind map"
            raise QueryNameError(reason, self._scope.text, node.position)
        return self._bind[node.name]

    def _time(self, node: s.Expression, text: str) -> t.Constant:
        # Its patterns take a while to compile, and most queries name no time.
        from pachon.registry.query.time_literal import parse_time

        try:
            return time_constant(parse_time(text), node.position)
        except InvalidInputError as error:
            raise QuerySyntaxError(str(error), self._scope.text, node.position) from None

    def _signed(self, node: s.Expression, operator: str, operand: t.Value) -> t.Value:
        if operand.type not in _NUMBERS:
            raise self._type_error(node, f"The sign {operator!r} needs a number, not {operand.type}")
        if operator == "+":
            return operand
        if isinstance(operand, t.Constant) and isinstance(operand.value, int | float):
            if operand.value == -(2**63):
                raise self._type_error(node, f"The integer {-operand.value} does not fit into 64 bits")
            return t.Constant(value=-operand.value, type=operand.type, position=node.position)
        return t.Negative(operand=operand, type=operand.type, position=node.position)

    def _arithmetic(self, node: s.Binary, left: t.Value, right: t.Value) -> t.Value:
        operator = node.operator
        allowed = ("int",) if operator == "%" else _NUMBERS
        if left.type not in allowed or right.type not in allowed:
            raise self._mismatch(node, operator, left, right)
        kind: t.Type = "float" if "float" in (left.type, right.type) else "int"
        return t.Arithmetic(operator=operator, left=left, right=right, type=kind, position=node.position)

    def _timespan(self, node: s.Expression, begin: t.Value, end: t.Value) -> t.Constant:
        bounds: list[int | None] = []
        for value in (begin, end):
            if not isinstance(value, t.Constant):
                raise self._type_error(node, f"A bound of a time span is a literal time, not the column {value}")
            if value.type not in ("datetime", "null"):
                raise self._type_error(node, f"A bound of a time span is a time or NULL, not of type {value.type}")
            bounds.append(None if value.value is None else min(max(int(str(value.value)), 0), MAX_NS))
        try:
            span = Timespan(*bounds)
        except InvalidInputError as error:
            raise self._type_error(node, str(error)) from None
        return t.Constant(value=(span.begin_ns, span.end_ns), type="timespan", position=node.position)

    def _call(self, node: s.Call) -> t.Constant:
        if node.function == "GLOB":
            raise self._type_error(node, "GLOB is a condition and has no value")
        arguments = [self.value(a) for a in node.arguments]
        if node.function == "UUID":
            return self._uuid(node, arguments[0])
        # lsst-sphgeom takes a while to import, and most queries name no region.
        from pachon.dimensions import region_to_bytes
        from pachon.registry.query.sky_functions import make_region, pos_region

        if node.function == "REGION":
            text = self._literal(node, arguments[0], ("string",))
            region = self._converted(node, lambda: pos_region(str(text)))
        else:
            numbers = [float(self._literal(node, a, _NUMBERS)) for a in arguments]
            region = self._converted(node, lambda: make_region(node.function, numbers))
        return t.Constant(value=region_to_bytes(region), type="region", position=node.position)

    def _uuid(self, node: s.Call, argument: t.Value) -> t.Constant:
        if isinstance(argument, t.Constant) and argument.type == "uuid":
            return argument
        text = str(self._literal(node, argument, ("string",)))
        try:
            return t.Constant(value=uuid.UUID(text).bytes, type="uuid", position=node.position)
        except ValueError:
            raise self._type_error(node, f"{text!r} is no UUID") from None

    def _literal(self, node: s.Call, argument: t.Value, types: Sequence[str]) -> Any:
        if not isinstance(argument, t.Constant) or argument.type not in types:
            raise self._type_error(node, f"{node.function} does not take an argument of type {argument.type}")
        return argument.value

    # Errors.

    def _converted(self, node: s.Expression, convert: Callable[[], _T]) -> _T:
        try:
            return convert()
        except InvalidInputError as error:
            raise self._type_error(node, str(error)) from None

    def _mismatch(self, node: s.Expression, operator: str, left: t.Value, right: t.Value) -> QueryTypeError:
        bound = isinstance(node, s.Binary) and any(isinstance(side, s.BindName) for side in (node.left, node.right))
        hint = self._for_text(left, right, bound=bound) or self._for_text(right, left, bound=bound)
        hint = hint or self._for_column(operator, left, right) or self._for_column(operator, right, left)
        return self._type_error(
            node,
            f"{left} is of type {left.type} and {right} of type {right.type}; "
            f"{operator} does not take {left.type} and {right.type}{hint}",
        )

    def _for_text(self, value: t.Value, text: t.Value, *, bound: bool) -> str:
        """Say what may be compared with a constant text that a value cannot be compared with."""
        if not isinstance(text, t.Constant) or text.type != "string":
            return ""
        if value.type in ("timespan", *_TIMES):
            return ". A time is bound as an astropy Time" if bound else f". A time is written T{text}"
        if value.type == "float" and not isinstance(value, t.Constant) and _is_number(str(text.value)):
            return ". Bind a number" if bound else ". Write the number without quotes"
        if not isinstance(value, t.Key) or value.type != "int":
            return ""
        if str(text.value).isdecimal():
            return ". Write the number without quotes"
        if (digits := str(text.value).replace("-", "")).isdecimal():
            return f". A day is a number: {digits}" if value.dimension == "day_obs" else ""
        element = self._scope.universe.dimensions[value.dimension]
        names = [f"{element.name}.{key.name}" for key in element.alternate_keys if key.type == "string"]
        return f". There is also {' and '.join(names)}" if names else ""

    def _for_column(self, operator: str, column: t.Value, other: t.Value) -> str:
        """Say how a column that cannot be compared with a value is used."""
        if isinstance(column, t.Constant):
            return ""
        if column.type == "timespan" and other.type in _TIMES:
            return f". Write {column}.begin or {column}.end, or OVERLAPS"
        if column.type in _TIMES and other.type in _NUMBERS:
            return ". A time is written T'2024-05-01 12:00', and a day T'2024-05-01'"
        if column.type == "bool":
            return f". Write {column} alone, or NOT {column}"
        if column.type == "string" and isinstance(other, t.Constant) and other.type in ("int", "float"):
            return f". Text stands in single quotes: '{other}'"
        if operator == "OVERLAPS" and isinstance(column, t.Key):
            element = self._scope.universe[column.dimension]
            known = "region" if other.type == "region" else "timespan"
            return f". Write {column}.{known}" if known in element.column_names else ""
        return ""

    def _type_error(self, node: s.Expression, reason: str) -> QueryTypeError:
        return QueryTypeError(reason, self._scope.text, node.position)


def _is_comparison(node: s.Expression) -> bool:
    if isinstance(node, s.Call):
        return node.function == "GLOB"
    return isinstance(node, s.Binary) and node.operator in s.COMPARISONS


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _alike(left: str, right: str) -> bool:
    return (left in _NUMBERS and right in _NUMBERS) or (left in _TIMES and right in _TIMES)


def _fit_number(left: t.Value, right: t.Value) -> tuple[t.Value, t.Value]:
    """Let a bound truth value stand for 0 or 1 beside an integer, and a whole number that is written as a fraction for an integer."""
    if left.type == "int":
        right = _as_integer(right)
    if right.type == "int":
        left = _as_integer(left)
    return left, right


def _as_integer(value: t.Value) -> t.Value:
    # Databases would compare large integers as fractions, which have fewer digits, or not, each in its way.
    if (
        not isinstance(value, t.Constant)
        or value.type not in ("bool", "float")
        or not isinstance(value.value, bool | float)
    ):
        return value
    if value.type == "float" and not (float(value.value).is_integer() and abs(value.value) < 2**63):
        return value
    return t.Constant(value=int(value.value), type="int", position=value.position)
