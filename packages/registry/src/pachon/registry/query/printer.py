# SPDX-License-Identifier: BSD-3-Clause
"""Syntax tree to text; parsing the text gives an equal tree."""

from __future__ import annotations

from pachon.registry.query import syntax as s

_OR, _AND, _NOT, _COMPARISON, _IN, _SUM, _PRODUCT, _UNARY, _PRIMARY = range(9)
_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}


def print_expression(expression: s.Expression) -> str:
    """Write an expression with as few parentheses as its meaning needs."""
    return _print(expression, _OR)


def _print(node: s.Expression, least: int) -> str:
    text, level = _piece(node)
    return f"({text})" if level < least else text


def _piece(node: s.Expression) -> tuple[str, int]:
    match node:
        case s.IntLiteral(value=value):
            return str(value), _PRIMARY
        case s.FloatLiteral(value=number):
            return repr(number), _PRIMARY
        case s.StringLiteral(value=text):
            return f"'{text}'", _PRIMARY
        case s.TimeLiteral(text=text):
            return f"T'{text}'", _PRIMARY
        case s.RangeLiteral(start=start, stop=stop, stride=stride):
            return f"{start}..{stop}" + (f":{stride}" if stride != 1 else ""), _PRIMARY
        case s.Identifier():
            return node.text, _PRIMARY
        case s.BindName(name=name):
            return f":{name}", _PRIMARY
        case s.Call(function=function, arguments=arguments):
            return f"{function}({', '.join(_print(a, _OR) for a in arguments)})", _PRIMARY
        case s.TimespanTuple(begin=begin, end=end):
            return f"({_print(begin, _OR)}, {_print(end, _OR)})", _PRIMARY
        case s.Unary(operator=operator, operand=operand):
            # The blank keeps '-' apart from a range or a number that follows it.
            return f"{operator} {_print(operand, _UNARY)}", _UNARY
        case s.Binary(operator=operator, left=left, right=right):
            level = _LEVELS.get(operator, _COMPARISON)
            return f"{_print(left, level)} {operator} {_print(right, level + 1)}", level
        case s.IsIn(operand=operand, items=items, negated=negated):
            word = "NOT IN" if negated else "IN"
            listed = ", ".join(_print_item(i) for i in items)
            return f"{_print(operand, _SUM)} {word} ({listed})", _IN
        case s.Not(operand=operand):
            return f"NOT {_print(operand, _NOT)}", _NOT
        case s.And(operands=operands):
            return " AND ".join(_print(o, _NOT) for o in operands), _AND
        case s.Or(operands=operands):
            return " OR ".join(_print(o, _AND) for o in operands), _OR


def _print_item(node: s.Expression) -> str:
    if isinstance(node, s.Unary):
        return f"{node.operator}{_print(node.operand, _PRIMARY)}"
    return _print(node, _OR)
