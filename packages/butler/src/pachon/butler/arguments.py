# SPDX-License-Identifier: BSD-3-Clause
"""Public functions that say which of their arguments is wrong.

A function whose arguments are right pays nothing for this: they are looked at only when it has failed with an error that is not
ours. If one of them is not what its name stands for (`pachon.butler.argument_kinds`) the caller is told so; otherwise the error
is somebody else's, or a mistake of ours, and comes through as it is.

Only flags are looked at before: everything in Python is true or false, and ``purge="no"`` would fail nowhere.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from pachon.base import InvalidInputError, PachonError

__all__ = ["explains_arguments", "explains_at_once", "explains_failures"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = ("bool", "bool | None", bool)
"""Annotations of flags; those of most modules are texts."""


def explains_arguments(cls: type[T]) -> type[T]:
    """Let all public functions of a class say which of their arguments is wrong."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(member):
            setattr(cls, name, _explaining(member))
        elif isinstance(member, classmethod):
            setattr(cls, name, classmethod(_explaining(member.__func__)))
    return cls


def explains_at_once(function: F) -> F:
    """Let a function whose arguments are used later say at once which of them is wrong."""
    return cast(F, _explaining(function, is_lazy=True))


def explains_failures(function: F) -> F:
    """Let one function say which of its arguments is wrong when it fails."""
    return cast(F, _explaining(function))


def _explaining(function: Callable[..., Any], *, is_lazy: bool = False) -> Callable[..., Any]:
    # What a query gives asks the database when somebody looks, which is too late to say what was wrong.
    is_lazy = is_lazy or function.__name__.startswith("query_")
    flags = [name for name, kind in function.__annotations__.items() if kind in _FLAGS]

    @functools.wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        for name in flags:
            if name in kwargs and not _is_flag(kwargs[name]):
                raise InvalidInputError(f"{function.__name__}(): {name} is true or false, not {kwargs[name]!r}.")
        if is_lazy:
            from pachon.butler.argument_kinds import find_complaint

            if (complaint := find_complaint(function, args, kwargs)) is not None:
                raise InvalidInputError(complaint)
        try:
            return function(*args, **kwargs)
        except PachonError:
            raise
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError, OSError) as error:
            # The kinds of arguments are wanted in errors only, and importing them takes a while.
            from pachon.butler.argument_kinds import find_complaint

            if (complaint := find_complaint(function, args, kwargs)) is not None:
                raise InvalidInputError(complaint) from error
            raise

    return explained


def _is_flag(value: object) -> bool:
    """Tell whether something is true, false or not given; 0 and 1, and numpy's truth values, are as good."""
    return (
        value is None
        or isinstance(value, bool)
        or (type(value).__name__ in ("int", "bool", "bool_") and value in (0, 1))
    )
