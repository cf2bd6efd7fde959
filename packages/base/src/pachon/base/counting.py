# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of things in sentences."""

__all__ = ["counted"]


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Give a number with its noun: ``1 dataset``, ``2 datasets``; the plural is told if it is not formed by an s."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"
