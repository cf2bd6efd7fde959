# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of a query expression to its syntax tree, by recursive descent.

The grammar is that of ``docs/query-language.md``: one method a rule.
"""

from __future__ import annotations

from collections.abc import Callable

from pachon.base import closest
from pachon.registry.errors import QueryNameError, QuerySyntaxError
from pachon.registry.query import syntax as s
from pachon.registry.query.lexer import Token, tokenize

MAX_DEPTH = 40
"""Deepest nesting of parentheses, signs and NOTs: every level takes a dozen frames of Python's stack."""
MAX_CHAIN = 100
"""Longest chain of arithmetic operators without parentheses."""

_JOINING = ("operator", "word")
_COMPARING = frozenset(s.COMPARISONS)
_ADDING = frozenset({"+", "-"})
_MULTIPLYING = frozenset({"*", "/", "%"})
_CALCULATING = _ADDING | _MULTIPLYING
_LITERALS = ("int", "float", "string", "time")
_FOREIGN_WORDS = {
    "LIKE": "use GLOB(column, pattern)",
    "ILIKE": "use GLOB(column, pattern)",
    "BETWEEN": "use a <= x AND x <= b, or IN (a..b) for integers",
    "IS": "write '= NULL' or '!= NULL'",
    "XOR": "use AND, OR and NOT",
}


def parse(text: str) -> s.Expression | None:
    """Read an expression; None if the text is blank.

    Raises
    ------
    InvalidQueryError
        With the place in the text.
    """
    return _Parser(text).input()


class _Parser:
    """A cursor over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._index = 0
        self._depth = 0

    def input(self) -> s.Expression | None:
        if self._peek().kind == "end":
            return None
        expression = self._expr()
        if self._peek().kind != "end":
            raise self._unexpected()
        return expression

    # Rules, lowest precedence first.

    def _expr(self) -> s.Expression:
        operands = self._separated(self._and_expr, "OR")
        return operands[0] if len(operands) == 1 else s.Or(operands=operands, position=operands[0].position)

    def _and_expr(self) -> s.Expression:
        operands = self._separated(self._not_expr, "AND")
        return operands[0] if len(operands) == 1 else s.And(operands=operands, position=operands[0].position)

    def _not_expr(self) -> s.Expression:
        token = self._tokens[self._index]
        if token.kind == "word" and self._take_word("NOT"):
            return s.Not(operand=self._nested(self._not_expr), position=token.position)
        return self._comparison()

    def _comparison(self) -> s.Expression:
        left = self._predicate()
        if self._tokens[self._index].value not in _COMPARING:
            return left
        return self._continued(left, self._predicate, _COMPARING)

    def _predicate(self) -> s.Expression:
        operand = self._sum()
        if self._tokens[self._index].kind != "word":
            return operand
        negated = False
        if self._is_word("NOT") and self._is_word("IN", ahead=1):
            self._advance()
            negated = True
        if not self._take_word("IN"):
            return operand
        self._expect("(", "IN needs a list in parentheses")
        if self._is_operator(")"):
            raise self._error("The list of IN is empty")
        items = self._listed(self._item)
        return s.IsIn(operand=operand, items=items, negated=negated, position=operand.position)

    def _item(self) -> s.Expression:
        token = self._peek()
        if sign := self._take_operator("+", "-"):
            if self._peek().kind not in ("int", "float"):
                raise self._error("A list of IN holds literals, ranges, binds and UUID('...')")
            return s.Unary(operator=str(sign.value), operand=self._literal(), position=sign.position)
        if token.kind in _LITERALS or token.kind in ("range", "bind"):
            return self._end_of_item(self._primary())
        if token.kind == "name":
            if "." in token.text:
                raise self._error(f"The list of IN cannot hold the column {token.text}")
            node = self._primary()
            if isinstance(node, s.Call) and node.function != "UUID":
                raise self._error(f"The list of IN cannot hold {node.function}", token.position)
            return self._end_of_item(node)
        raise self._error("A list of IN holds literals, ranges, binds and UUID('...')")

    def _end_of_item(self, node: s.Expression) -> s.Expression:
        if not (self._is_operator(",") or self._is_operator(")") or self._peek().kind == "end"):
            raise self._error("A list of IN cannot hold expressions; ranges are written start..stop:stride")
        return node

    def _sum(self) -> s.Expression:
        # Most operands are followed by none of these operators.
        left = self._unary()
        if self._tokens[self._index].value not in _CALCULATING:
            return left
        return self._continued(self._continued(left, self._unary, _MULTIPLYING), self._product, _ADDING)

    def _product(self) -> s.Expression:
        return self._continued(self._unary(), self._unary, _MULTIPLYING)

    def _unary(self) -> s.Expression:
        token = self._tokens[self._index]
        if token.kind == "operator" and (sign := self._take_operator("+", "-")):
            operand = self._nested(self._unary)
            return s.Unary(operator=str(sign.value), operand=operand, position=sign.position)
        return self._primary()

    def _primary(self) -> s.Expression:
        token = self._tokens[self._index]
        if token.kind == "name":
            return self._name_or_call(token)
        if token.kind in _LITERALS:
            return self._literal()
        if token.kind == "range":
            self._advance()
            assert isinstance(token.value, tuple)
            start, stop, stride = token.value
            return s.RangeLiteral(start=start, stop=stop, stride=stride, position=token.position)
        if token.kind == "bind":
            self._advance()
            return s.BindName(name=str(token.value), position=token.position)
        if self._is_operator("("):
            return self._nested(self._parenthesized)
        raise self._unexpected()

    def _parenthesized(self) -> s.Expression:
        opening = self._advance()
        first = self._expr()
        if self._take_operator(","):
            second = self._expr()
            self._expect(")", "A timespan is written (begin, end)")
            return s.TimespanTuple(begin=first, end=second, position=opening.position)
        self._expect(")", f"The parenthesis at {opening.position + 1} is not closed")
        return first

    def _literal(self) -> s.Expression:
        token = self._advance()
        value = token.value
        if token.kind == "string":
            return s.StringLiteral(value=str(value), position=token.position)
        match value:
            case int():
                return s.IntLiteral(value=value, position=token.position)
            case float():
                return s.FloatLiteral(value=value, position=token.position)
            case _:
                return s.TimeLiteral(text=str(value), position=token.position)

    def _name_or_call(self, token: Token) -> s.Expression:
        self._index += 1
        if self._tokens[self._index].value != "(" or not self._is_operator("("):
            return s.Identifier(words=tuple(token.text.split(".")), position=token.position)
        if "." in token.text:
            raise self._error("A column cannot be called", token.position)
        function = token.text.upper()
        if function not in s.FUNCTIONS:
            hint = closest(function, s.FUNCTIONS) or f" There are {', '.join(s.FUNCTIONS)}."
            raise QueryNameError(f"There is no function {token.text!r}.{hint}", self._text, token.position)
        return self._nested(lambda: self._call(function, token.position))

    def _call(self, function: str, position: int) -> s.Expression:
        self._advance()
        arguments: tuple[s.Expression, ...] = ()
        if not self._take_operator(")"):
            arguments = self._listed(self._expr)
        if reason := _wrong_arguments(function, arguments):
            raise self._error(reason, position)
        return s.Call(function=function, arguments=arguments, position=position)

    # Repetition.

    def _separated(self, rule: Callable[[], s.Expression], word: str) -> tuple[s.Expression, ...]:
        operands = [rule()]
        while (token := self._tokens[self._index]).kind == "word" and token.value == word:
            self._index += 1
            operands.append(rule())
        return tuple(operands)

    def _listed(self, rule: Callable[[], s.Expression]) -> tuple[s.Expression, ...]:
        """Read items up to and including the closing parenthesis."""
        items = [rule()]
        while self._take_operator(","):
            items.append(rule())
        self._expect(")", "A ',' or a ')' is missing")
        return tuple(items)

    def _continued(
        self, left: s.Expression, rule: Callable[[], s.Expression], operators: frozenset[str]
    ) -> s.Expression:
        """Read the operators of one precedence that follow an operand, with their right sides; the left ones bind first."""
        length = 0
        while (token := self._tokens[self._index]).value in operators and token.kind in _JOINING:
            self._index += 1
            length += 1
            if length > MAX_CHAIN:
                raise self._error(f"More than {MAX_CHAIN} operators in a chain", token.position)
            left = s.Binary(operator=str(token.value), left=left, right=rule(), position=left.position)
        return left

    def _nested(self, rule: Callable[[], s.Expression]) -> s.Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"The expression is nested more than {MAX_DEPTH} deep")
        node = rule()
        self._depth -= 1
        return node

    # The cursor.

    def _peek(self) -> Token:
        return self._tokens[self._index]

    def _peek_at(self, ahead: int) -> Token:
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def _advance(self) -> Token:
        token = self._tokens[self._index]
        # The last one, which says that the text has ended, is never passed.
        self._index += token.kind != "end"
        return token

    def _is_operator(self, *operators: str) -> bool:
        token = self._tokens[self._index]
        return token.kind == "operator" and token.value in operators

    def _is_word(self, word: str, ahead: int = 0) -> bool:
        token = self._peek_at(ahead) if ahead else self._tokens[self._index]
        return token.kind == "word" and token.value == word

    def _take_operator(self, *operators: str) -> Token | None:
        return self._advance() if self._is_operator(*operators) else None

    def _take_word(self, word: str) -> Token | None:
        return self._advance() if self._is_word(word) else None

    def _expect(self, operator: str, otherwise: str) -> None:
        if not self._take_operator(operator):
            raise self._error(otherwise)

    def _unexpected(self) -> QuerySyntaxError:
        token = self._peek()
        if token.kind == "end":
            return self._error("The expression ends too early")
        if hint := _FOREIGN_WORDS.get(token.text.upper()):
            return self._error(f"There is no {token.text!r} here; {hint}")
        previous = self._peek_at(-1) if self._index else None
        if previous and previous.kind == token.kind == "string":
            return self._error("Two strings follow each other; for text with a quote use a bind")
        if previous and previous.kind == "name" and token.kind == "string":
            return self._error(f"A string follows {previous.text!r}; a time is written T'...' without a blank")
        return self._error(f"{token.text!r} is not expected here{self._advice(token, previous)}")

    @staticmethod
    def _advice(token: Token, previous: Token | None) -> str:
        """Say what was perhaps meant by something in a wrong place."""
        if token.text in s.COMPARISONS:
            return "; each condition names its column: x > 1 AND x < 3"
        if token.text != "," and token.kind != "name":
            return ""
        if previous is None or (previous.kind == "operator" and previous.text != ")"):
            return ""
        return "; conditions are joined by AND or OR, and regions or time spans compared by OVERLAPS"

    def _error(self, reason: str, position: int | None = None) -> QuerySyntaxError:
        return QuerySyntaxError(reason, self._text, self._peek().position if position is None else position)


def _wrong_arguments(function: str, arguments: tuple[s.Expression, ...]) -> str | None:
    """Say why a call is malformed, if it is."""
    count = len(arguments)
    needed = {"POINT": 2, "CIRCLE": 3, "BOX": 4, "REGION": 1, "UUID": 1, "GLOB": 2}
    if function == "POLYGON":
        if count < 6 or count % 2:
            return f"POLYGON takes ra and dec of three or more vertices, not {count} arguments"
    elif count != needed[function]:
        return f"{function} takes {needed[function]} argument{'s' * (needed[function] > 1)}, not {count}"
    match function:
        case "GLOB":
            if not isinstance(arguments[0], s.Identifier):
                return "The first argument of GLOB is a column"
            if not isinstance(arguments[1], s.StringLiteral | s.BindName):
                return "The pattern of GLOB is a string or a :bind"
        case "UUID" | "REGION":
            if not isinstance(arguments[0], s.StringLiteral | s.BindName):
                return f"The argument of {function} is a string"
        case _:
            if not all(_is_number_argument(a) for a in arguments):
                return f"The arguments of {function} are numbers in degrees or binds, without arithmetic"
    return None


def _is_number_argument(node: s.Expression) -> bool:
    if isinstance(node, s.Unary):
        return isinstance(node.operand, s.IntLiteral | s.FloatLiteral)
    return isinstance(node, s.IntLiteral | s.FloatLiteral | s.BindName)
