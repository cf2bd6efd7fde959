# SPDX-License-Identifier: BSD-3-Clause
"""Which values a field accepts, in words for people."""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

__all__ = ["accepted_values"]

_CONSTRAINTS: Final = {
    "gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}", "multiple_of": "a multiple of {}",
    "min_length": "at least {} long", "max_length": "at most {} long", "pattern": "matching {!r}",
}  # fmt: skip


def accepted_values(field: FieldInfo) -> str:
    """Give the type of a field and its constraints in short, e.g. ``float, > 0`` or ``'up' or 'down'``."""
    parts = [_type_text(field.annotation)]
    for constraint in field.metadata:
        for name, text in _CONSTRAINTS.items():
            limit = getattr(constraint, name, None)
            if limit is not None:
                parts.append(text.format(limit))
    return ", ".join(parts)


def _type_text(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Any:
        return "anything"
    if origin is Annotated:
        return _type_text(arguments[0])
    if origin is Literal:
        return " or ".join(repr(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_text(member) for member in arguments)
    if origin is type or origin is Callable:
        return "a class" if origin is type else "a function"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(repr(member.value) for member in annotation)
    if isinstance(origin, type) and arguments:
        inner = ", ".join("..." if argument is ... else _type_text(argument) for argument in arguments)
        return f"{origin.__name__}[{inner}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
