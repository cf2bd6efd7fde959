# SPDX-License-Identifier: BSD-3-Clause
"""The frame of a graph file: its first and last bytes, its version, and how damage is told apart."""

from __future__ import annotations

import struct
import zlib
from dataclasses import astuple, dataclass

from pachon.base import FormatError
from pachon.base.hidden_secrets import hide_secrets

__all__ = [
    "BLOCK_ROWS",
    "LEAD_SIZE",
    "MAJOR_VERSION",
    "MINOR_VERSION",
    "SLICES",
    "TRAILER_SIZE",
    "GraphFileError",
    "Trailer",
    "check_lead",
    "check_version",
    "make_lead",
]

MAJOR_VERSION = 1
"""Raised when a reader of the earlier version would misread a file."""
MINOR_VERSION = 2
"""Raised when something is added that an older reader may ignore."""

SLICES = "slices"
"""Name of the document that says where files within this file are."""

BLOCK_ROWS = 2048
"""Rows of a block of a column; the last block of a column may have fewer."""

_LEAD_MAGIC = b"\x89PQG\r\n\x1a\n"
"""As in PNG: the first byte is no text, and the line ends betray a transfer in text mode."""
_TRAILER_MAGIC = b"PQG-END\n"
_LEAD = struct.Struct("<8sHHL")
_TRAILER = struct.Struct("<QQLLLHH")
_CRC = struct.Struct("<L4x")

LEAD_SIZE = _LEAD.size
TRAILER_SIZE = _TRAILER.size + _CRC.size + len(_TRAILER_MAGIC)

# How the graph files of LSST's packages begin, and what they may be packed in.
_FOREIGN = {
    b"qgraph4\xf6\xe8\xa9": "it is a .qgraph file of LSST's pipe_base, which is not supported: build the graph anew",
    b"PK\x03\x04": "it is a zip archive, perhaps a .qg file of LSST's pipe_base, which is not supported",
    b"\x80": "it is a pickle, which is never read",
}


class GraphFileError(FormatError):
    """A graph file is damaged, of another version, or no graph file at all."""

    kind = "graph_file"

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(uri, reason)
        self.uri, self.reason = uri, reason

    def __str__(self) -> str:
        return f"Cannot read {hide_secrets(self.uri)} as a quantum graph: {self.reason}."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the last bytes of a file say: where its directory is, and how long the file ought to be."""

    directory_offset: int
    file_length: int
    directory_length: int
    """Bytes as stored."""
    directory_size: int
    """Bytes when inflated."""
    directory_crc: int
    """CRC-32 of the stored bytes."""
    major: int = MAJOR_VERSION
    minor: int = MINOR_VERSION

    def pack(self) -> bytes:
        """Give the last bytes of a file."""
        fields = _TRAILER.pack(*astuple(self))
        return fields + _CRC.pack(zlib.crc32(fields)) + _TRAILER_MAGIC

    @classmethod
    def unpack(cls, tail: bytes) -> Trailer | None:
        """Read the last bytes of a file; `None` if it does not end as a graph file does."""
        data = tail[-TRAILER_SIZE:]
        if len(data) < TRAILER_SIZE or not data.endswith(_TRAILER_MAGIC):
            return None
        fields = data[: _TRAILER.size]
        if _CRC.pack(zlib.crc32(fields)) != data[_TRAILER.size : _TRAILER.size + _CRC.size]:
            return None
        return cls(*_TRAILER.unpack(fields))


def make_lead() -> bytes:
    """Give the first bytes of a file: magic, version, and a CRC-32 of these."""
    head = _LEAD.pack(_LEAD_MAGIC, MAJOR_VERSION, MINOR_VERSION, 0)[:-4]
    return head + zlib.crc32(head).to_bytes(4, "little")


def check_lead(uri: str, data: bytes) -> None:
    """Refuse a file that does not begin as a graph file does, and say what it is if that is known.

    Raises
    ------
    GraphFileError
        If it is of another kind, of a newer version, or damaged at its beginning.
    """
    for magic, reason in _FOREIGN.items():
        if data.startswith(magic):
            raise GraphFileError(uri, reason)
    if not data:
        raise GraphFileError(uri, "the file is empty")
    if not data.startswith(_LEAD_MAGIC):
        if len(data) < len(_LEAD_MAGIC) and _LEAD_MAGIC.startswith(data):
            raise GraphFileError(uri, "the file is cut short")
        raise GraphFileError(uri, "it is no quantum graph file")
    if len(data) < LEAD_SIZE:
        raise GraphFileError(uri, "the file is cut short")
    _, major, minor, crc = _LEAD.unpack(data[:LEAD_SIZE])
    if zlib.crc32(data[: LEAD_SIZE - 4]) != crc:
        raise GraphFileError(uri, "the file is damaged (its first bytes do not match their checksum)")
    check_version(uri, major, minor)


def check_version(uri: str, major: int, minor: int) -> None:
    """Refuse a version that this code does not know.

    Raises
    ------
    GraphFileError
        If the major version differs.
    """
    if major > MAJOR_VERSION:
        raise GraphFileError(
            uri, f"it has format version {major}.{minor}, newer than {MAJOR_VERSION}: update pachon-quantum-butler"
        )
    if major < MAJOR_VERSION:
        raise GraphFileError(uri, f"it has format version {major}.{minor}, which is no longer read")
