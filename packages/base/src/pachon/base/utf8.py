# SPDX-License-Identifier: BSD-3-Clause
"""Texts in UTF-8: one that is something else is named, with the line."""

import os
from pathlib import Path

from pachon.base.errors import FormatError

__all__ = ["decode_text", "read_local_text"]


def decode_text(content: bytes, source: str) -> str:
    """Decode a file's content.

    Parameters
    ----------
    content
        The bytes.
    source
        What to call the file.

    Raises
    ------
    FormatError
        It is no UTF-8; the message names file, line and column (both from 1 on).
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise FormatError(
            f"{source}, line {line}, column {column}: the file is no text in UTF-8 "
            f"(byte 0x{content[error.start]:02x}); save it as UTF-8."
        ) from None


def read_local_text(path: str | os.PathLike[str]) -> str:
    """Read a local text file; ``~`` stands for the home folder.

    Raises
    ------
    OSError
        It cannot be read.
    FormatError
        It is no UTF-8.
    """
    place = Path(path).expanduser()
    return decode_text(place.read_bytes(), str(path)).replace("\r\n", "\n")
