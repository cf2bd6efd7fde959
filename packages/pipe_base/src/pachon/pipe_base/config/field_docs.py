# SPDX-License-Identifier: BSD-3-Clause
"""The texts below the fields of a class, found when the class is made.

Pydantic can do this (``use_attribute_docstrings``), but asks of every loaded module whether it is that of the class: tens of
milliseconds a class in a process that has loaded much.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import FrameType

__all__ = ["field_docs"]


def field_docs(cls: type) -> Mapping[str, str]:
    """Give the texts below the annotated attributes of a class whose statement is being executed; nothing if it has no source."""
    frame = _statement_frame(cls)
    if frame is None:
        return {}
    name = frame.f_code.co_filename
    source = "".join(linecache.getlines(name, frame.f_globals))
    for found in _classes_of(source):
        if found.name == cls.__name__ and found.first_line <= frame.f_lineno <= found.last_line:
            return found.docs
    return {}


def _statement_frame(cls: type) -> FrameType | None:
    """Find the frame that executes the statement, which is the next one of the module of the class."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    return frame


@dataclass(frozen=True, slots=True)
class _ClassSource:
    name: str
    first_line: int
    """Of the decorators."""
    last_line: int
    """Of the head."""
    docs: Mapping[str, str]


@lru_cache(maxsize=4)
def _classes_of(source: str) -> tuple[_ClassSource, ...]:
    """Read all classes of a module at once, as its next class will be asked for soon."""
    try:
        return tuple(_class_sources(ast.parse(source)))
    except SyntaxError:  # the file has changed since it was loaded
        return ()


def _class_sources(tree: ast.AST) -> Iterator[_ClassSource]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            yield _ClassSource(node.name, first, node.body[0].lineno, dict(_docs_in(node.body)))


def _docs_in(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            yield field.target.id, inspect.cleandoc(text.value.value)
