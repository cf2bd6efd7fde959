# SPDX-License-Identifier: BSD-3-Clause
"""Validation of one value by pydantic, without its kindness to scalars."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pachon.pipe_base.config.coercion import find_coercion

__all__ = ["describe_validation_error", "type_adapter", "validate_exact"]


def validate_exact(validate: Callable[[Any, bool], Any], value: Any) -> Any:
    """Validate a value; a list may become a tuple, a text may not become a number.

    Parameters
    ----------
    validate
        Function of the value and of a flag "strict" that gives the validated value or raises
        `pydantic.ValidationError`.
    value
        The value.

    Raises
    ------
    ValueError
        The value does not fit; the message is part of a sentence.
    """
    try:
        return validate(value, True)
    except ValidationError as error:
        exact_error = error
    try:
        stored = validate(value, False)
    except ValidationError as error:
        same_place = error.errors()[0]["loc"] == exact_error.errors()[0]["loc"]
        raise ValueError(describe_validation_error(exact_error if same_place else error)) from None
    if problem := find_coercion(value, stored):
        raise ValueError(problem)
    return stored


def describe_validation_error(error: ValidationError) -> str:
    """Give the first thing that pydantic found, as part of one sentence."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    if first["type"] in ("value_error", "assertion_error"):
        return message
    shown = repr(first["input"])
    if len(shown) > 60:
        shown = f"{shown[:57]}..."
    return f"{shown} is not accepted: {message[:1].lower()}{message[1:]}"


def type_adapter(annotation: Any) -> TypeAdapter[Any]:
    """Give the (shared) validator of a type."""
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed
        return _new_adapter(annotation)


def _new_adapter(annotation: Any) -> TypeAdapter[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return TypeAdapter(annotation)
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


_cached_adapter = lru_cache(maxsize=512)(_new_adapter)
