# SPDX-License-Identifier: BSD-3-Clause
"""Plots."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO, ClassVar

from pachon.datastore.formatter import Formatter

__all__ = ["PlotFormatter"]


class PlotFormatter(Formatter):
    """A matplotlib figure as PNG. It is read back as the bytes of the image: a figure cannot be had from them.

    Images of other types are read when they were ingested.
    """

    default_extension: ClassVar[str] = ".png"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".jpg", ".jpeg", ".gif", ".svg", ".pdf", ".webp"})
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    supported_write_parameters: ClassVar[frozenset[str] | None] = frozenset({"dpi"})
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> Any:
        if isinstance(obj, bytes):
            return obj
        if not hasattr(obj, "savefig"):
            raise TypeError(f"an object of type {type(obj).__name__} is no figure")
        buffer = BytesIO()
        # Without a date in it, the same figure gives the same file.
        obj.savefig(buffer, format="png", dpi=self.write_parameters.get("dpi", "figure"), metadata={"Software": None})
        return buffer.getbuffer()

    def can_accept(self, obj: Any) -> bool:
        return isinstance(obj, bytes)

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        return stream.read()
