# SPDX-License-Identifier: BSD-3-Clause
"""Text of a query expression to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from pachon.registry.errors import QuerySyntaxError

RESERVED = frozenset({"AND", "OR", "NOT", "IN", "OVERLAPS"})
MAX_INT = 2**63 - 1

_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_BLANK = re.compile(r"[ \t\r\n]*")
_RANGE = re.compile(r"(-?[0-9]+)[ \t\r\n]*\.\.[ \t\r\n]*(-?[0-9]+)(?:[ \t\r\n]*:[ \t\r\n]*([0-9]+))?")
_NUMBER = re.compile(r"(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(rf"{_WORD}(?:\.{_WORD})*")
_BIND = re.compile(rf":({_WORD})")
_STRING = re.compile(r"'([^'\n]*)'")
_TIME = re.compile(r"[Tt]'([^'\n]*)'")
_OPERATOR = re.compile(r"!=|<=|>=|[=<>+\-*/%(),]")


class TokenKind(Enum):
    """What a token is."""

    NAME = "name"
    BIND = "bind"
    STRING = "string"
    TIME = "time"
    INT = "integer"
    FLOAT = "number"
    RANGE = "range"
    WORD = "word"
    OPERATOR = "operator"
    END = "end of the expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of the text; ``value`` is an int, a float, a str, or the three integers of a range."""

    kind: TokenKind
    value: int | float | str | tuple[int, int, int]
    position: int
    text: str


def tokenize(text: str) -> tuple[Token, ...]:
    """Split an expression into tokens; the last is always the end.

    Raises
    ------
    QuerySyntaxError
        If a character belongs to no token.
    """
    tokens: list[Token] = []
    position = 0
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position >= len(text):
            tokens.append(Token(kind=TokenKind.END, value="", position=len(text), text=""))
            return tuple(tokens)
        token = _next_token(text, position)
        tokens.append(token)
        position += len(token.text)


def _next_token(text: str, position: int) -> Token:
    # Most tokens are names and operators.
    first = text[position]
    if first in "-.0123456789":
        if match := _RANGE.match(text, position):
            return _range(text, match)
        if match := _NUMBER.match(text, position):
            return _number(text, match)
    if first in "Tt" and (match := _TIME.match(text, position)):
        return Token(kind=TokenKind.TIME, value=match[1], position=position, text=match[0])
    if match := _NAME.match(text, position):
        return _name(text, match)
    if match := _STRING.match(text, position):
        return Token(kind=TokenKind.STRING, value=match[1], position=position, text=match[0])
    if match := _BIND.match(text, position):
        if text[match.end() : match.end() + 1] == ".":
            raise QuerySyntaxError(f"The bind {match[0]} cannot have a field", text, match.end())
        return Token(kind=TokenKind.BIND, value=match[1], position=position, text=match[0])
    if match := _OPERATOR.match(text, position):
        if match[0] == "=" and text[position + 1 : position + 2] == "=":
            raise QuerySyntaxError("There is no operator '=='; write '='", text, position)
        if match[0] == "<" and text[position + 1 : position + 2] == ">":
            raise QuerySyntaxError("There is no operator '<>'; write '!='", text, position)
        return Token(kind=TokenKind.OPERATOR, value=match[0], position=position, text=match[0])
    raise QuerySyntaxError(_why_unknown(text, position), text, position)


def _range(text: str, match: re.Match[str]) -> Token:
    start, stop = _integer(text, match.start(1), match[1]), _integer(text, match.start(2), match[2])
    stride = 1
    if match[3] is not None:
        stride = _integer(text, match.start(3), match[3])
        if stride < 1:
            raise QuerySyntaxError("The stride of a range is at least 1", text, match.start(3))
    _refuse_glued_word(text, match)
    return Token(kind=TokenKind.RANGE, value=(start, stop, stride), position=match.start(), text=match[0])


def _number(text: str, match: re.Match[str]) -> Token:
    _refuse_glued_word(text, match)
    if match[0].isdigit():
        value = _integer(text, match.start(), match[0])
        return Token(kind=TokenKind.INT, value=value, position=match.start(), text=match[0])
    number = float(match[0])
    if number == float("inf"):
        raise QuerySyntaxError(f"The number {match[0]} is too large", text, match.start())
    return Token(kind=TokenKind.FLOAT, value=number, position=match.start(), text=match[0])


def _name(text: str, match: re.Match[str]) -> Token:
    words = match[0].split(".")
    if len(words) > 3:
        raise QuerySyntaxError(f"The name {match[0]} has more than three words", text, match.start())
    if text[match.end() : match.end() + 1] == ".":
        raise QuerySyntaxError(f"A word is missing after {match[0]!r} and its dot", text, match.end())
    if match[0].upper() in RESERVED:
        return Token(kind=TokenKind.WORD, value=match[0].upper(), position=match.start(), text=match[0])
    return Token(kind=TokenKind.NAME, value=match[0], position=match.start(), text=match[0])


def _integer(text: str, position: int, digits: str) -> int:
    # More than 19 digits never fit; int() of a very long text is slow, and refused by Python past 4300 digits.
    if len(digits.lstrip("-").lstrip("0")) > 19 or abs(value := int(digits)) > MAX_INT:
        raise QuerySyntaxError("The integer does not fit into 64 bits", text, position)
    return value


def _refuse_glued_word(text: str, match: re.Match[str]) -> None:
    following = text[match.end() : match.end() + 1]
    if following.isalnum() or following in ("_", "."):
        raise QuerySyntaxError(f"The number {match[0]} runs into {following!r}", text, match.end())


def _why_unknown(text: str, position: int) -> str:
    character = text[position]
    reasons = {
        '"': "Strings are written with single quotes",
        "'": "The string has no closing quote on its line",
        "!": "There is no operator '!'; write NOT",
        ";": "An expression has no ';'",
        "&": "There is no operator '&'; write AND",
        "|": "There is no operator '|'; write OR",
        "~": "There is no operator '~'; write NOT",
        "#": "There are no comments",
        ":": "A bind is ':' followed directly by a word, and a range is written start..stop",
        "[": "Lists stand in parentheses, and ranges are written start..stop:stride",
    }
    return reasons.get(character, f"The character {character!r} has no meaning here")
