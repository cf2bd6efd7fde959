# SPDX-License-Identifier: BSD-3-Clause
"""The exactness of values: containers may change their kind, scalars may not."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["find_coercion"]

_SCALARS = (bool, int, float, str)
_NAMES = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


def find_coercion(given: object, stored: object) -> str:
    """Say where validation turned one kind of scalar into another, or give an empty text.

    A list may become a tuple and a whole number a float; ``"3"`` may not become 3, nor 3.0 or True
    become 3.
    """
    if type(stored) in _SCALARS and isinstance(given, _SCALARS):
        if type(given) is type(stored) or (type(stored) is float and type(given) is int):
            return ""
        if not isinstance(given, bool) and isinstance(given, type(stored)):  # numpy.float64 is a float
            return ""
        return f"{given!r} is not {_NAMES[type(stored)]}"
    if isinstance(given, Mapping) and isinstance(stored, Mapping):
        return _first(zip(given.keys(), stored.keys(), strict=False)) or _first(
            zip(given.values(), stored.values(), strict=False)
        )
    if isinstance(given, list | tuple) and isinstance(stored, list | tuple):
        return _first(zip(given, stored, strict=False))
    if isinstance(given, set | frozenset | list | tuple) and isinstance(stored, set | frozenset):
        kinds = {type(value) for value in stored}
        for value in given:
            if isinstance(value, _SCALARS) and type(value) not in kinds:
                if type(value) is int and kinds == {float}:
                    continue
                return f"{value!r} is not of the kind of the set's items"
    return ""


def _first(pairs: object) -> str:
    for given, stored in pairs:  # type: ignore[attr-defined]  # an iterable of pairs of anything
        if problem := find_coercion(given, stored):
            return problem
    return ""
