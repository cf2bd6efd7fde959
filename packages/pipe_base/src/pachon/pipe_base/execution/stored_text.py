# SPDX-License-Identifier: BSD-3-Clause
"""Texts of tasks as they are kept: neither endless, nor with what no file can hold."""

from __future__ import annotations

__all__ = ["shortened"]


def shortened(text: str, longest: int) -> str:
    r"""Give a text that can be written as UTF-8; of one with more characters than ``longest`` both ends and their number.

    Names of files that are no UTF-8 come from the system with lone surrogates; these become ``\udcff``.
    """
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]} ... ({len(text)} characters in all) ... {text[-half:]}"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
