# SPDX-License-Identifier: BSD-3-Clause
"""What a file holds and where: documents and columns, as the directory at its end says."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockIndex", "ColumnEntry", "Directory", "Place"]

_PROGRESSION, _BLOCKS, _SORTED = "progression", "blocks", "sorted"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the file."""

    offset: int
    length: int
    crc: int
    """CRC-32 of its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEntry:
    """One column: how it is stored, and where its block index is."""

    kind: str
    rows: int
    is_sorted: bool = False
    """Whether the rows ascend strictly, so that one can be found by its value (rows of bytes only)."""
    index: Place | None = None
    """The stored block index, within the index zone; `None` for a progression."""
    progression: tuple[int, int] | None = None
    """First value and step, for numbers that follow from these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockIndex:
    """Where the blocks of a column are; arrays of one item a block."""

    offsets: NDArray[np.uint64]
    lengths: NDArray[np.uint32]
    crcs: NDArray[np.uint32]
    firsts: NDArray[np.uint8]
    """First row of each block of a sorted column, shape (blocks, width); width 0 for other columns."""

    def pack(self) -> bytes:
        """Give the stored form: offsets, lengths, checksums, first rows; deflated."""
        parts = (self.offsets.astype("<u8"), self.lengths.astype("<u4"), self.crcs.astype("<u4"), self.firsts)
        return zlib.compress(b"".join(part.tobytes() for part in parts), 1)

    @classmethod
    def unpack(cls, stored: bytes, blocks: int) -> BlockIndex:
        """Read the stored form."""
        data = zlib.decompress(stored)
        firsts = np.frombuffer(data, dtype=np.uint8, offset=16 * blocks)
        return cls(
            offsets=np.frombuffer(data, dtype="<u8", count=blocks).astype(np.uint64),
            lengths=np.frombuffer(data, dtype="<u4", count=blocks, offset=8 * blocks),
            crcs=np.frombuffer(data, dtype="<u4", count=blocks, offset=12 * blocks),
            firsts=firsts.reshape(blocks, -1) if blocks else firsts.reshape(0, 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The table of contents of a file."""

    header: Mapping[str, Any]
    """What the owner of the file wants to have at once when it is opened; JSON."""
    documents: Mapping[str, Place]
    """Deflated JSON documents by name."""
    columns: Mapping[str, ColumnEntry]
    """Columns by name; two names may share an entry's blocks."""
    index_zone: tuple[int, int]
    """Offset and length of the stretch that holds all block indices."""

    def pack(self) -> bytes:
        """Give the JSON text."""
        document = {
            "header": self.header,
            "documents": {name: [p.offset, p.length, p.crc] for name, p in self.documents.items()},
            "index_zone": list(self.index_zone),
            "columns": {name: _stored_entry(entry) for name, entry in self.columns.items()},
        }
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, text: bytes) -> Directory:
        """Read the JSON text; what a later minor version added is ignored."""
        document = json.loads(text)
        begin, length = document["index_zone"]
        return cls(
            header=document["header"],
            documents={name: Place(*place) for name, place in document["documents"].items()},
            columns=_Entries(document["columns"]),
            index_zone=(begin, length),
        )


class _Entries(Mapping[str, ColumnEntry]):
    """Column entries by name, each made of its stored form when it is asked for: there may be thousands."""

    def __init__(self, stored: Mapping[str, list[Any]]) -> None:
        self._stored = stored
        self._made: dict[str, ColumnEntry] = {}

    def __getitem__(self, name: str) -> ColumnEntry:
        entry = self._made.get(name)
        if entry is None:
            entry = self._made[name] = _entry(self._stored[name])
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def _stored_entry(entry: ColumnEntry) -> list[Any]:
    if entry.progression is not None:
        return [entry.kind, entry.rows, _PROGRESSION, *entry.progression]
    assert entry.index is not None
    form = _SORTED if entry.is_sorted else _BLOCKS
    return [entry.kind, entry.rows, form, entry.index.offset, entry.index.length, entry.index.crc]


def _entry(stored: Sequence[Any]) -> ColumnEntry:
    kind, rows, form, *rest = stored
    if form == _PROGRESSION:
        return ColumnEntry(kind=kind, rows=rows, progression=(rest[0], rest[1]))
    return ColumnEntry(kind=kind, rows=rows, is_sorted=form == _SORTED, index=Place(rest[0], rest[1], rest[2]))
