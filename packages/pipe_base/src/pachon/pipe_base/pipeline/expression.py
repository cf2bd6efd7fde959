# SPDX-License-Identifier: BSD-3-Clause
"""Evaluation of contracts: a small part of Python's expressions, without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from pachon.base import PachonError, closest
from pachon.pipe_base.pipeline.bounded_arithmetic import add, multiply, power, remainder, text_of

__all__ = [
    "ExpressionError",
    "UncheckableError",
    "evaluate",
    "expression_names",
    "named_values",
    "parse_expression",
    "rename_names",
]


class ExpressionError(ValueError):
    """An expression is not of the accepted kind, or cannot be evaluated; the text is part of a sentence."""


class UncheckableError(Exception):
    """What an expression asks for is not known, though it may exist."""


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": len, "set": set, "all": all, "any": any, "sorted": sorted, "list": list, "tuple": tuple,
    "min": min, "max": max, "sum": sum, "abs": abs, "bool": bool, "int": int, "float": float, "str": text_of,
    "round": round,
}  # fmt: skip
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: add, ast.Sub: operator.sub, ast.Mult: multiply, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: remainder, ast.Pow: power, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}  # fmt: skip
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


_MOST_STEPS = 300_000


def parse_expression(text: str) -> ast.expr:
    """Parse an expression and check that it uses nothing but what `evaluate` knows.

    Raises
    ------
    ExpressionError
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        hint = "; equality is written '=='" if re.search(r"[^=!<>]=[^=]", text) else ""
        raise ExpressionError(f"it is not an expression ({error.msg}{hint})") from None
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL, or too many parentheses
        raise ExpressionError(f"it is not an expression ({error})") from None
    for node in ast.walk(tree):
        if not isinstance(node, _ACCEPTED):
            raise ExpressionError(f"{type(node).__name__} is not accepted in a contract")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise ExpressionError(f"{node.attr!r} is private")
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS):
            raise ExpressionError(f"{ast.unparse(node.func)!r} cannot be called in a contract")
    return tree


_ACCEPTED = (
    ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.Dict, ast.IfExp, ast.List, ast.Name,
    ast.Set, ast.Slice, ast.Subscript, ast.Tuple, ast.UnaryOp, ast.GeneratorExp, ast.ListComp, ast.SetComp,
    ast.comprehension, ast.expr_context, ast.boolop, *_BINARY, *_UNARY, *_COMPARE,
)  # fmt: skip


def expression_names(text: str) -> tuple[str, ...]:
    """Give the names that an expression takes from outside, in order; none if it is not an expression.

    The expression may be one that `evaluate` does not accept: that is said by whoever evaluates it.
    """
    tree = _parsed(text)
    if tree is None:
        return ()
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in bound and n.id not in _FUNCTIONS]
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    return tuple(dict.fromkeys(n.id for n in found))


def rename_names(text: str, renames: Mapping[str, str]) -> str:
    """Give the expression with names replaced."""
    text = text.strip()
    tree = _parsed(text)
    if tree is None:
        return text
    lines = [line.encode() for line in text.split("\n")]
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in renames]
    for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        end = node.col_offset + len(node.id.encode())
        lines[node.lineno - 1] = line[: node.col_offset] + renames[node.id].encode() + line[end:]
    return b"\n".join(lines).decode()


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Evaluate an expression.

    Raises
    ------
    ExpressionError
        It is not accepted, or its evaluation fails.
    UncheckableError
        A value that it needs is not known.
    """
    tree = parse_expression(text)
    try:
        return _Evaluation().value_of(tree, names)
    except (ExpressionError, UncheckableError):
        raise
    except Exception as error:
        # Our own errors are sentences; others need their class to be understood.
        reason = str(error) if isinstance(error, PachonError) else f"{type(error).__name__}: {error}"
        raise ExpressionError(reason) from error


def named_values(text: str, names: Mapping[str, Any]) -> dict[str, str]:
    """Give the value, as code, of every chain of attributes in an expression; of what can be evaluated."""
    found: dict[str, str] = {}

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Attribute | ast.Subscript):
            try:
                found[ast.unparse(node)] = repr(_Evaluation().value_of(node, names))
                return
            except Exception:  # noqa: BLE001, S110  # a part of a comprehension has no value of its own
                pass
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(parse_expression(text))
    return found


class _Evaluation:
    """One evaluation, which ends after so many steps, however comprehensions are nested."""

    def __init__(self) -> None:
        self._steps_left = _MOST_STEPS

    def _take_step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise ExpressionError(f"it takes more than {_MOST_STEPS} steps")

    def value_of(self, node: ast.AST, names: Mapping[str, Any]) -> Any:
        self._take_step()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name not in names and name not in _FUNCTIONS:
                    raise ExpressionError(f"the pipeline has no task {name!r}.{closest(name, names)}")
                return names[name] if name in names else _FUNCTIONS[name]
            case ast.Attribute(value=value, attr=attribute):
                return getattr(self.value_of(value, names), attribute)
            case ast.Subscript(value=value, slice=index):
                return self.value_of(value, names)[self.value_of(index, names)]
            case ast.Slice(lower=lower, upper=upper, step=step):
                parts = (None if part is None else self.value_of(part, names) for part in (lower, upper, step))
                return slice(*parts)
            case ast.BoolOp(op=op, values=values):
                return self._bool_of(op, values, names)
            case ast.UnaryOp(op=unary, operand=operand):
                return _UNARY[type(unary)](self.value_of(operand, names))
            case ast.BinOp(left=left, op=binary, right=right):
                return _BINARY[type(binary)](self.value_of(left, names), self.value_of(right, names))
            case ast.Compare(left=left, ops=comparisons, comparators=others):
                return self._comparison_of(left, comparisons, others, names)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self.value_of(body if self.value_of(test, names) else otherwise, names)
            case ast.Call(func=function, args=arguments):
                return self.value_of(function, names)(*(self.value_of(argument, names) for argument in arguments))
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
                return kind(self.value_of(item, names) for item in items)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return {
                    self.value_of(key, names): self.value_of(value, names) for key, value in pairs if key is not None
                }
            case ast.GeneratorExp() | ast.ListComp():
                return self._items_of(node.elt, node.generators, names)
            case ast.SetComp():
                return set(self._items_of(node.elt, node.generators, names))
        raise ExpressionError(f"{type(node).__name__} is not accepted in a contract")

    def _bool_of(self, op: ast.boolop, values: list[ast.expr], names: Mapping[str, Any]) -> Any:
        value: Any = None
        for part in values:
            value = self.value_of(part, names)
            if bool(value) is isinstance(op, ast.Or):
                return value
        return value

    def _comparison_of(
        self, left: ast.expr, comparisons: list[ast.cmpop], others: list[ast.expr], names: Mapping[str, Any]
    ) -> bool:
        value = self.value_of(left, names)
        for comparison, other in zip(comparisons, others, strict=True):
            right = self.value_of(other, names)
            if not _COMPARE[type(comparison)](value, right):
                return False
            value = right
        return True

    def _items_of(self, element: ast.expr, generators: list[ast.comprehension], names: Mapping[str, Any]) -> list[Any]:
        if not generators:
            return [self.value_of(element, names)]
        first, *rest = generators
        if not isinstance(first.target, ast.Name):
            raise ExpressionError("a comprehension binds one name")
        found: list[Any] = []
        for item in self.value_of(first.iter, names):
            inner = {**names, first.target.id: item}
            if all(self.value_of(condition, inner) for condition in first.ifs):
                found.extend(self._items_of(element, rest, inner))
        return found
