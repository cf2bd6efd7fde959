# SPDX-License-Identifier: BSD-3-Clause
"""Arithmetic of contracts whose results cannot become large, whatever the operands are."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["add", "multiply", "power", "remainder", "text_of"]

_MOST_ITEMS = 10_000
_MOST_BITS = 10_000


def add(left: Any, right: Any) -> Any:
    """Add numbers, or put two short sequences together.

    Raises
    ------
    ValueError
        The result would be too large for a contract.
    """
    if hasattr(left, "__len__") and hasattr(right, "__len__") and len(left) + len(right) > _MOST_ITEMS:
        raise ValueError(f"a sequence of more than {_MOST_ITEMS} items is not made in a contract")
    return operator.add(left, right)


def multiply(left: Any, right: Any) -> Any:
    """Multiply numbers, or repeat a sequence a few times.

    Raises
    ------
    ValueError
        The result would be too large for a contract.
    """
    for sequence, count in ((left, right), (right, left)):
        if hasattr(sequence, "__len__") and isinstance(count, int) and len(sequence) * count > _MOST_ITEMS:
            raise ValueError(f"a sequence of more than {_MOST_ITEMS} items is not made in a contract")
    return operator.mul(left, right)


def power(base: Any, exponent: Any) -> Any:
    """Raise a number to a power.

    Raises
    ------
    ValueError
        The result would be too large for a contract.
    """
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > _MOST_BITS:
        raise ValueError(f"a number of more than {_MOST_BITS} bits is not made in a contract")
    return operator.pow(base, exponent)


def remainder(left: Any, right: Any) -> Any:
    """Give the remainder of a division of numbers; ``%`` of a text would be its formatting, to any width.

    Raises
    ------
    TypeError
        The left operand is a text.
    """
    if isinstance(left, str | bytes):
        raise TypeError("texts are not formatted in a contract")
    return operator.mod(left, right)


def text_of(value: Any) -> str:
    """Give the text of a single value.

    Raises
    ------
    TypeError
        The value is a container, whose text could be of any length.
    """
    if hasattr(value, "__len__") and not isinstance(value, str):
        raise TypeError("str() takes a single value in a contract")
    return str(value)
