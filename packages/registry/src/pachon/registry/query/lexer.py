# SPDX-License-Identifier: BSD-3-Clause
"""Text of a query expression to tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from pachon.registry.errors import QuerySyntaxError

RESERVED = frozenset({"AND", "OR", "NOT", "IN", "OVERLAPS"})
MAX_INT = 2**63 - 1

_BLANK = r"[ \t\r\n]*"
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_TOKENS = {
    "range": rf"(-?[0-9]+){_BLANK}\.\.{_BLANK}(-?[0-9]+)(?:{_BLANK}:{_BLANK}([0-9]+))?",
    "number": r"(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "time": r"[Tt]'[^'\n]*'",
    "name": rf"{_WORD}(?:\.{_WORD})*\.?",
    "string": r"'[^'\n]*'",
    "bind": rf":{_WORD}",
    "operator": r"!=|<=|>=|[=<>+\-*/%(),]",
    "unknown": r"(?s:.)",
}
"""The first that matches counts."""
_TOKEN = re.compile(f"(?:{'|'.join(f'(?P<{name}>{pattern})' for name, pattern in _TOKENS.items())}){_BLANK}")
"""One search a token: of the groups the last one that closes is that of the token."""
_LEADING = re.compile(_BLANK)
_RANGE = re.compile(_TOKENS["range"])
_NAME = re.compile(rf"{_WORD}(?:\.{_WORD}){{0,2}}")


TokenKind = Literal["name", "bind", "string", "time", "int", "float", "range", "word", "operator", "end"]
"""What a token is. Words and no `Enum`: it takes Python longer to find a member than to compare it."""


class Token(NamedTuple):
    """A piece of the text; ``value`` is an int, a float, a str, or the three integers of a range."""

    kind: TokenKind
    value: int | float | str | tuple[int, int, int]
    position: int
    text: str


def words_of_name(text: str) -> tuple[str, ...] | None:
    """Give the words of a text that is a name and nothing else."""
    return tuple(text.split(".")) if _NAME.fullmatch(text) and text.upper() not in RESERVED else None


def tokenize(text: str) -> tuple[Token, ...]:
    """Split an expression into tokens; the last is always the end.

    Raises
    ------
    QuerySyntaxError
        If a character belongs to no token.
    """
    tokens: list[Token] = []
    blank = _LEADING.match(text)
    for match in _TOKEN.finditer(text, blank.end() if blank else 0):
        kind = match.lastgroup
        assert kind is not None
        tokens.append(_MAKERS[kind](text, match[kind], match.start()))
    tokens.append(Token("end", "", len(text), ""))
    return tuple(tokens)


def _operator(text: str, found: str, position: int) -> Token:
    if found == "=" and text.startswith("==", position):
        raise QuerySyntaxError("There is no operator '=='; write '='", text, position)
    if found == "<" and text.startswith("<>", position):
        raise QuerySyntaxError("There is no operator '<>'; write '!='", text, position)
    return Token("operator", found, position, found)


def _string(text: str, found: str, position: int) -> Token:
    return Token("string", found[1:-1], position, found)


def _time(text: str, found: str, position: int) -> Token:
    return Token("time", found[2:-1], position, found)


def _bind(text: str, found: str, position: int) -> Token:
    end = position + len(found)
    if text.startswith(".", end):
        raise QuerySyntaxError(f"The bind {found} cannot have a field", text, end)
    return Token("bind", found[1:], position, found)


def _range(text: str, found: str, position: int) -> Token:
    match = _RANGE.match(text, position)
    assert match is not None
    start, stop = _integer(text, match.start(1), match[1]), _integer(text, match.start(2), match[2])
    stride = 1
    if match[3] is not None:
        stride = _integer(text, match.start(3), match[3])
        if stride < 1:
            raise QuerySyntaxError("The stride of a range is at least 1", text, match.start(3))
    _refuse_glued_word(text, found, position)
    return Token("range", (start, stop, stride), position, found)


def _number(text: str, found: str, position: int) -> Token:
    _refuse_glued_word(text, found, position)
    if found.isdigit():
        return Token("int", _integer(text, position, found), position, found)
    number = float(found)
    if number == float("inf"):
        raise QuerySyntaxError(f"The number {found} is too large", text, position)
    return Token("float", number, position, found)


def _name(text: str, found: str, position: int) -> Token:
    if (word := found.upper()) in RESERVED:
        return Token("word", word, position, found)
    if "." in found:
        whole = found.removesuffix(".")
        if whole.count(".") > 2:
            raise QuerySyntaxError(f"The name {whole} has more than three words", text, position)
        if whole != found:
            end = position + len(whole)
            raise QuerySyntaxError(f"A word is missing after {whole!r} and its dot", text, end)
    return Token("name", found, position, found)


def _unknown(text: str, found: str, position: int) -> Token:
    raise QuerySyntaxError(_why_unknown(text, position), text, position)


_MAKERS: Mapping[str, Callable[[str, str, int], Token]] = {
    "range": _range,
    "number": _number,
    "time": _time,
    "name": _name,
    "string": _string,
    "bind": _bind,
    "operator": _operator,
    "unknown": _unknown,
}
"""Make a token of the text, what was found in it, and where; by the name of the pattern."""


def _integer(text: str, position: int, digits: str) -> int:
    # More than 19 digits never fit; int() of a very long text is slow, and refused by Python past 4300 digits.
    if len(digits.lstrip("-").lstrip("0")) > 19 or abs(value := int(digits)) > MAX_INT:
        raise QuerySyntaxError("The integer does not fit into 64 bits", text, position)
    return value


def _refuse_glued_word(text: str, found: str, position: int) -> None:
    end = position + len(found)
    following = text[end : end + 1]
    if following.isalnum() or following in ("_", "."):
        raise QuerySyntaxError(f"The number {found} runs into {following!r}", text, end)


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
