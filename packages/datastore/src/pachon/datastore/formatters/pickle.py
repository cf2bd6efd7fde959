# SPDX-License-Identifier: BSD-3-Clause
"""Python pickles, which run code when they are read."""

from __future__ import annotations

import pickle  # refused unless the configuration allows it
from typing import Any, BinaryIO, ClassVar

from pachon.datastore.formatter import Formatter

__all__ = ["PickleFormatter"]


class PickleFormatter(Formatter):
    """Any object, unsafely: whoever can write a file into the repository can run code in its readers."""

    default_extension: ClassVar[str] = ".pickle"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".pkl"})
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True
    is_unsafe: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> bytes:
        return pickle.dumps(obj, protocol=5)

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        return pickle.load(stream)  # noqa: S301  # only after `allow_pickle`
