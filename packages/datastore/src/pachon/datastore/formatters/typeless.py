# SPDX-License-Identifier: BSD-3-Clause
"""The base of formatters whose files hold plain data."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, BinaryIO, ClassVar

from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.plain_data import from_plain

__all__ = ["TypelessFormatter"]


class TypelessFormatter(Formatter):
    """Reads plain data and makes them an object of the storage class that was written."""

    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    @abstractmethod
    def parse(self, content: bytes) -> Any:
        """Give the plain data (or already the object) of the bytes of a file."""

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        return from_plain(self.parse(stream.read()), self.file_descriptor.write_storage_class)
