# SPDX-License-Identifier: BSD-3-Clause
"""Files whose content is nobody's business."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pachon.datastore.formatter import Formatter
from pachon.resources import ResourcePath

__all__ = ["FileFormatter"]


class FileFormatter(Formatter):
    """Any file, given as a path or as bytes, kept as it is.

    It is read back as bytes if the storage class is `bytes`, else as the `pathlib.Path` of the stored file, which
    must be local and must not be changed.
    """

    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_uri: ClassVar[bool] = True
    can_read_from_stream: ClassVar[bool] = True

    def can_accept(self, obj: Any) -> bool:
        return isinstance(obj, bytes | bytearray | memoryview | str | os.PathLike | ResourcePath)

    def write_extension(self, obj: Any) -> str:
        if obj is None:  # an output of a graph, of which only the storage class is known
            return ".bin" if self.file_descriptor.write_storage_class.pytype_name == "bytes" else ""
        if isinstance(obj, bytes | bytearray | memoryview):
            return ".bin"
        return ResourcePath(obj).extension

    def to_bytes(self, obj: Any) -> Any:
        if isinstance(obj, bytes | bytearray | memoryview):
            return obj
        source = ResourcePath(obj)
        return NotImplemented if source.is_local else source.read()

    def write_local_file(self, obj: Any, path: str) -> Any:
        with open(ResourcePath(obj).ospath, "rb") as source, open(path, "r+b") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return None

    def read_from_uri(self, uri: ResourcePath, *, component: str | None, expected_size: int) -> Any:
        if self.file_descriptor.read_storage_class.pytype_name == "bytes" or not uri.is_local:
            return NotImplemented
        return Path(uri.ospath)

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        return stream.read()
