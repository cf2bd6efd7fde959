# SPDX-License-Identifier: BSD-3-Clause
"""Names of collections, and patterns of names."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from pachon.datasets.collection import find_name_fault
from pachon.registry.errors import CollectionExpressionError

__all__ = ["as_expressions", "check_collection_name", "is_glob", "match_glob", "refuse_globs"]

_GLOB = re.compile(r"[*?]|\[.*\]", re.DOTALL)


def is_glob(expression: str) -> bool:
    """Whether a string is a pattern: it has ``*``, ``?`` or a pair of brackets."""
    return _GLOB.search(expression) is not None


def match_glob(pattern: str, names: Iterable[str]) -> list[str]:
    """Give the names that a pattern matches as a whole, case-sensitively; ``*`` crosses ``/``."""
    if pattern == "*":
        return list(names)
    matches = re.compile(fnmatch.translate(pattern)).match
    return [name for name in names if matches(name)]


def as_expressions(expression: str | Iterable[str]) -> tuple[str, ...]:
    """Give a collection expression as a tuple of names and patterns."""
    if isinstance(expression, str):
        return (expression,)
    given: object = expression
    if not isinstance(given, Iterable) or isinstance(given, bytes | type):
        raise CollectionExpressionError(f"A name, a pattern or a list of these is needed, not {expression!r}.")
    names = tuple(expression)
    for name in names:
        if not isinstance(name, str):
            raise CollectionExpressionError(f"Names and patterns are text, not {name!r}.")
    return names


def refuse_globs(expression: str | Iterable[str], purpose: str) -> tuple[str, ...]:
    """Give the names of an expression where their order matters.

    Raises
    ------
    CollectionExpressionError
        If one is a pattern.
    """
    names = as_expressions(expression)
    for name in names:
        if is_glob(name):
            raise CollectionExpressionError(f"The pattern {name!r} cannot be used for {purpose}: give names in order.")
    return names


def check_collection_name(name: str) -> str:
    """Give the name back.

    Raises
    ------
    CollectionExpressionError
        If it cannot be the name of a collection.
    """
    if (fault := find_name_fault(name)) is not None:
        raise CollectionExpressionError(fault)
    return name
