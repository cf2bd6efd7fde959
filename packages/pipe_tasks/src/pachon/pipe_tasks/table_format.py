# SPDX-License-Identifier: BSD-3-Clause
"""How the numbers of our tables are shown; the values themselves keep their digits."""

from __future__ import annotations

from typing import Any

__all__ = ["set_formats"]

_BY_UNIT = {"deg": ".6f", "arcsec": ".2f", "pix": ".3f", "mag": ".3f", "s": ".1f"}


def set_formats(table: Any) -> None:
    """Give the columns of floating-point numbers a format for people, by their unit."""
    for column in table.itercols():
        if column.dtype.kind == "f":
            column.info.format = _BY_UNIT.get(str(column.unit), ".6g")
