# SPDX-License-Identifier: BSD-3-Clause
"""Read columns, or some of their rows, from a file."""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pachon.base import closest
from pachon.quantum_butler.column_file.block_codec import decode_block, decode_blocks, empty_column, inflate
from pachon.quantum_butler.column_file.directory import BlockIndex, ColumnEntry, Directory, Place
from pachon.quantum_butler.column_file.layout import (
    BLOCK_ROWS,
    LEAD_SIZE,
    SLICES,
    TRAILER_SIZE,
    GraphFileError,
    Trailer,
    check_lead,
    check_version,
)
from pachon.quantum_butler.column_file.range_reader import MemoryRanges, RangeReader
from pachon.quantum_butler.column_source import as_keys

if TYPE_CHECKING:
    from pachon.resources import ResourcePath

__all__ = ["ColumnFile"]

_TAIL_SIZE = 128 * 1024
"""What is read from the end at first; it holds the directory of most files."""
_CACHED_BLOCKS = 1024
_TOGETHER = 16
"""Blocks of a column that are decoded together: what they take stays in the caches of a processor."""


class ColumnFile:
    """A file of columns; its directory is read when it is opened, and nothing else.

    Decoded blocks are kept (the last thousand or so), so that quanta close to each other cost little.
    """

    def __init__(self, ranges: RangeReader | MemoryRanges, directory: Directory, tail: tuple[int, bytes]) -> None:
        self._ranges = ranges
        self._directory = directory
        self._tail = tail
        self._zone: bytes | None = None
        # Both by the offset of the column's block index, which equal columns share.
        self._indices: dict[int, BlockIndex] = {}
        self._blocks: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()

    @classmethod
    def open(cls, path: ResourcePath) -> ColumnFile:
        """Read the directory of a file.

        Raises
        ------
        GraphFileError
            If the file is cut short, damaged, of a newer version, or of another kind.
        """
        return cls._open(RangeReader(path))

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> ColumnFile:
        """Read the directory of a file that is in memory; ``name`` is for messages. Raises as `open` does."""
        return cls._open(MemoryRanges(name, data))

    @classmethod
    def _open(cls, ranges: RangeReader | MemoryRanges) -> ColumnFile:
        path = ranges.path
        size = ranges.size()
        start = max(0, size - _TAIL_SIZE)
        (tail,) = ranges.read([(start, size - start)])
        trailer = Trailer.unpack(tail)
        if trailer is None or start == 0:
            check_lead(str(path), tail[:LEAD_SIZE] if start == 0 else ranges.read([(0, LEAD_SIZE)])[0])
        if trailer is None or trailer.file_length != size:
            raise GraphFileError(str(path), "the file is cut short or its end is damaged")
        check_version(str(path), trailer.major, trailer.minor)
        begin, end = trailer.directory_offset, trailer.directory_offset + trailer.directory_length
        if not LEAD_SIZE <= begin <= end <= size - TRAILER_SIZE:
            raise GraphFileError(str(path), "the file is damaged (its directory lies outside it)")
        if begin < start:
            start = begin
            (tail,) = ranges.read([(begin, size - begin)])
        stored = tail[begin - start : end - start]
        if zlib.crc32(stored) != trailer.directory_crc:
            raise GraphFileError(str(path), "the file is damaged (its directory does not match its checksum)")
        try:
            directory = Directory.unpack(zlib.decompress(stored))
        except (zlib.error, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            # Whoever writes a file can write its checksums too.
            raise GraphFileError(
                str(path), f"its directory makes no sense ({type(error).__name__}: {error!s:.200})"
            ) from error
        return cls(ranges, directory, (start, tail))

    @property
    def uri(self) -> str:
        """Where the file is."""
        return str(self._ranges.path)

    @property
    def requests(self) -> int:
        """Number of range reads so far."""
        return self._ranges.requests

    @property
    def header(self) -> Mapping[str, Any]:
        """The JSON mapping that was stored for readers to have at once."""
        return self._directory.header

    @property
    def names(self) -> Iterable[str]:
        """Names of all columns."""
        return self._directory.columns.keys()

    @property
    def document_names(self) -> Collection[str]:
        """Names of all documents of the owner."""
        return [name for name in self._directory.documents if name != SLICES]

    def __contains__(self, name: str) -> bool:
        return name in self._directory.columns

    def rows(self, name: str) -> int:
        """Give the length of a column."""
        return self._entry(name).rows

    def document(self, name: str) -> Any:
        """Read a JSON document."""
        place = self._directory.documents.get(name)
        if place is None:
            raise GraphFileError(self.uri, f"it has no document {name!r}")
        (stored,) = self._read_checked([place], [f"document {name!r}"])
        try:
            return json.loads(zlib.decompress(stored))
        except (zlib.error, ValueError, RecursionError) as error:
            raise GraphFileError(self.uri, f"document {name!r} is no JSON ({error!s:.200})") from error

    @cached_property
    def slices(self) -> Mapping[str, Place]:
        """Where the files within this file are, by name."""
        if SLICES not in self._directory.documents:
            return {}
        try:
            return {name: Place(*place) for name, place in self.document(SLICES).items()}
        except (TypeError, AttributeError) as error:
            raise GraphFileError(self.uri, f"its list of slices makes no sense ({error!s:.200})") from error

    def open_slice(self, name: str) -> ColumnFile:
        """Read a file within this file, in one request.

        Raises
        ------
        GraphFileError
            If there is no such slice, or it is damaged.
        """
        place = self.slices.get(name)
        if place is None:
            raise GraphFileError(self.uri, f"it has no slice {name!r}.{closest(name, self.slices)}")
        (data,) = self._read_checked([place], [f"slice {name!r}"])
        return ColumnFile.from_bytes(data, f"{self.uri}, slice {name!r}")

    def read(self, name: str) -> NDArray[Any]:
        """Read a whole column."""
        entry = self._entry(name)
        if entry.progression is not None:
            first, step = entry.progression
            return (first + step * np.arange(entry.rows)).astype(_native(entry.kind))
        column = empty_column(entry.kind, entry.rows)
        index = self._index(name, entry)
        places = _places(index, range(len(index.offsets)))
        blocks = self._read_checked(places, [f"column {name!r}"] * len(places))
        whole = entry.rows // BLOCK_ROWS
        for first in range(0, whole, _TOGETHER):
            payloads = [inflate(stored) for stored in blocks[first : min(first + _TOGETHER, whole)]]
            start = first * BLOCK_ROWS
            column[start : start + len(payloads) * BLOCK_ROWS] = decode_blocks(entry.kind, payloads, BLOCK_ROWS)
        if rest := entry.rows % BLOCK_ROWS:
            column[-rest:] = decode_block(entry.kind, inflate(blocks[-1]), rest)
        return column

    def take(self, name: str, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Read some rows of a column, in the order given."""
        entry = self._entry(name)
        if entry.progression is not None:
            first, step = entry.progression
            return (first + step * rows.astype(np.int64)).astype(_native(entry.kind))
        if len(rows) == 0:
            return empty_column(entry.kind, 0)
        numbers = rows // BLOCK_ROWS
        if len(rows) == 1 or (numbers == numbers[0]).all():
            number = int(numbers[0])
            some: NDArray[Any] = self._block(name, entry, number)[rows - number * BLOCK_ROWS]
            return some
        values = empty_column(entry.kind, len(rows))
        self.prefetch({name: rows})
        for number in sorted(set(numbers.tolist())):
            mask = numbers == number
            values[mask] = self._block(name, entry, number)[rows[mask] - number * BLOCK_ROWS]
        return values

    def search(self, name: str, keys: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Find the rows of keys in a sorted column of rows of bytes; -1 for those that are not there."""
        entry = self._entry(name)
        found = np.full(len(keys), -1, dtype=np.int64)
        if entry.rows == 0 or len(keys) == 0:
            return found
        wanted = as_keys(keys)
        numbers = self._blocks_of_keys(name, entry, keys)
        self.prefetch({}, {name: keys})
        for number in sorted(set(numbers.tolist()) - {-1}):
            block = as_keys(self._block(name, entry, number))
            asked = np.flatnonzero(numbers == number)
            place = np.minimum(np.searchsorted(block, wanted[asked]), len(block) - 1)
            hits = block[place] == wanted[asked]
            found[asked[hits]] = number * BLOCK_ROWS + place[hits]
        return found

    def prefetch(
        self, rows: Mapping[str, NDArray[np.integer[Any]]], keys: Mapping[str, NDArray[np.uint8]] | None = None
    ) -> None:
        """Read the blocks that hold rows, or would hold keys, of several columns, with as few requests as possible."""
        wanted = [(name, set((numbers // BLOCK_ROWS).tolist())) for name, numbers in rows.items()]
        wanted += [
            (name, set(self._blocks_of_keys(name, self._entry(name), asked).tolist()) - {-1})
            for name, asked in (keys or {}).items()
            if self.rows(name)
        ]
        missing: dict[tuple[int, int], tuple[str, ColumnEntry]] = {}
        for name, numbers in wanted:
            entry = self._entry(name)
            if entry.index is not None:
                for number in numbers:
                    key = (entry.index.offset, number)
                    if key not in self._blocks:
                        missing[key] = (name, entry)
        if not missing:
            return
        places = [_places(self._index(name, entry), [number])[0] for (_, number), (name, entry) in missing.items()]
        stored = self._read_checked(places, [f"column {name!r}" for name, _ in missing.values()])
        for ((offset, number), (_, entry)), data in zip(missing.items(), stored, strict=True):
            rows_here = min(BLOCK_ROWS, entry.rows - number * BLOCK_ROWS)
            self._blocks[offset, number] = decode_block(entry.kind, inflate(data), rows_here)
        while len(self._blocks) > max(_CACHED_BLOCKS, len(missing)):
            self._blocks.popitem(last=False)

    def verify(self) -> None:
        """Read everything and compare the checksums.

        Raises
        ------
        GraphFileError
            Names the first part that is damaged.
        """
        for name in self._directory.documents:
            self.document(name)
        for name in self._directory.columns:
            self.read(name)
        for name in self.slices:
            self.open_slice(name).verify()

    def _entry(self, name: str) -> ColumnEntry:
        entry = self._directory.columns.get(name)
        if entry is None:
            raise GraphFileError(self.uri, f"it has no column {name!r}")
        return entry

    def _block(self, name: str, entry: ColumnEntry, number: int) -> NDArray[Any]:
        assert entry.index is not None
        key = (entry.index.offset, number)
        block = self._blocks.get(key)
        if block is None:
            self.prefetch({name: np.array([number * BLOCK_ROWS])})
            block = self._blocks[key]
        self._blocks.move_to_end(key)
        return block

    def _blocks_of_keys(self, name: str, entry: ColumnEntry, keys: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Give for each key the number of the block that would hold it; -1 if it is less than all rows."""
        firsts = as_keys(self._index(name, entry).firsts)
        return np.searchsorted(firsts, as_keys(keys), side="right") - 1

    def _index(self, name: str, entry: ColumnEntry) -> BlockIndex:
        place = entry.index
        assert place is not None
        index = self._indices.get(place.offset)
        if index is None:
            if self._zone is None:
                (self._zone,) = self._read([self._directory.index_zone])
            begin = place.offset - self._directory.index_zone[0]
            stored = self._zone[begin : begin + place.length]
            if begin < 0 or zlib.crc32(stored) != place.crc:
                raise GraphFileError(self.uri, f"the index of column {name!r} does not match its checksum")
            index = BlockIndex.unpack(stored, -(-entry.rows // BLOCK_ROWS))
            self._indices[place.offset] = index
        return index

    def _read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read stretches; those at the end of the file are here since it was opened."""
        start, tail = self._tail
        outside = [(offset, length) for offset, length in ranges if offset < start]
        fetched = iter(self._ranges.read(outside)) if outside else iter(())
        return [
            next(fetched) if offset < start else tail[offset - start : offset - start + length]
            for offset, length in ranges
        ]

    def _read_checked(self, places: list[Place], labels: list[str]) -> list[bytes]:
        found = self._read([(place.offset, place.length) for place in places])
        for place, data, label in zip(places, found, labels, strict=True):
            if zlib.crc32(data) != place.crc:
                raise GraphFileError(self.uri, f"the file is damaged (a part of {label} does not match its checksum)")
        return found


def _native(kind: str) -> np.dtype[Any]:
    return np.dtype(kind).newbyteorder("=")


def _places(index: BlockIndex, numbers: Iterable[int]) -> list[Place]:
    return [
        Place(int(index.offsets[number]), int(index.lengths[number]), int(index.crcs[number])) for number in numbers
    ]
