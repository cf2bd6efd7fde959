# SPDX-License-Identifier: BSD-3-Clause
"""Amounts of memory as users write them."""

from __future__ import annotations

import re
from typing import Final

from pachon.base import InvalidInputError

__all__ = ["parse_memory"]

_UNITS: Final = {
    "": 10**6, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip


def parse_memory(text: str | None) -> int | None:
    """Read an amount of memory: ``3GB``, ``500 MiB``, or a number of megabytes; give bytes.

    Raises
    ------
    InvalidInputError
        If it is no amount of memory.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise InvalidInputError(f"{text!r} is no amount of memory, such as 3GB or 3000 (megabytes).")
    return int(float(found[1]) * _UNITS[found[2].upper()])
