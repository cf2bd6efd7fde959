# SPDX-License-Identifier: BSD-3-Clause
"""Texts that every database can store."""

from __future__ import annotations

import re

from pachon.base import InvalidInputError

__all__ = ["check_text"]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def check_text(text: str, owner: str) -> str:
    """Give a text back that a database can store.

    Raises
    ------
    InvalidInputError
        If it holds half of a character (a surrogate), or NUL.
    """
    if (not text.isascii() or "\0" in text) and _UNSTORABLE.search(text):
        raise InvalidInputError(f"{owner} holds a character that cannot be stored.")
    return text
