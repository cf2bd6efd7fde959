# SPDX-License-Identifier: BSD-3-Clause
"""Text."""

from __future__ import annotations

from typing import Any, ClassVar

from pachon.datastore.formatters.typeless import TypelessFormatter

__all__ = ["TextFormatter"]


class TextFormatter(TypelessFormatter):
    """Text as it is, in UTF-8."""

    default_extension: ClassVar[str] = ".txt"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".log", ".md", ".csv", ".rst", ".html", ".svg", ".xml"})

    def to_bytes(self, obj: Any) -> bytes:
        if not isinstance(obj, str):
            raise TypeError(f"an object of type {type(obj).__name__} is no text")
        return obj.encode()

    def parse(self, content: bytes) -> str:
        return content.decode()
