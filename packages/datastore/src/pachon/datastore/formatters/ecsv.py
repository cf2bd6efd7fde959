# SPDX-License-Identifier: BSD-3-Clause
"""Astropy tables as text."""

from __future__ import annotations

from io import StringIO
from typing import Any, BinaryIO, ClassVar

from pachon.datastore.formatter import Formatter

__all__ = ["EcsvFormatter"]


class EcsvFormatter(Formatter):
    """An astropy `Table` or `QTable` in Enhanced CSV: units, descriptions, masks and metadata are kept."""

    default_extension: ClassVar[str] = ".ecsv"
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> bytes:
        buffer = StringIO()
        obj.write(buffer, format="ascii.ecsv")
        return buffer.getvalue().encode()

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        # astropy takes half a second to import: only readers of tables pay for it.
        from astropy.table import QTable, Table

        wanted = self.file_descriptor.write_storage_class.pytype
        table_class = wanted if issubclass(wanted, Table) else QTable
        return table_class.read(stream.read().decode(), format="ascii.ecsv")
