# SPDX-License-Identifier: BSD-3-Clause
"""Where something stands in a pipeline document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

__all__ = ["Mark", "Place"]

Mark: TypeAlias = tuple[int, int]
"""Line and column, both from 1 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file, a line, a column and the path of keys that leads there."""

    file: str = ""
    line: int = 0
    """From 1 on; 0 if there is none (the command line)."""
    column: int = 0
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [self.file or "pipeline"]
        if self.line:
            parts.append(f"line {self.line}")
        if self.column:
            parts.append(f"column {self.column}")
        if self.keys:
            parts.append(".".join(self.keys))
        return ", ".join(parts)

    def at(self, *keys: str, mark: Mark = (0, 0)) -> Place:
        """Give the place of something below; by default it begins where this one does."""
        line, column = mark if mark[0] else (self.line, self.column)
        return replace(self, keys=(*self.keys, *keys), line=line, column=column)
