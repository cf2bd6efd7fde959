# SPDX-License-Identifier: BSD-3-Clause
"""Columns and documents to the bytes of a file."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pachon.quantum_butler.column_file.block_codec import column_kind, deflate, encode_block
from pachon.quantum_butler.column_file.directory import BlockIndex, ColumnEntry, Directory, Place
from pachon.quantum_butler.column_file.layout import BLOCK_ROWS, SLICES, Trailer, make_lead
from pachon.quantum_butler.column_file.spooled_column import SpooledColumn
from pachon.quantum_butler.column_source import as_keys

__all__ = ["Column", "encode_file", "is_strictly_sorted", "write_file"]

Column = NDArray[Any] | SpooledColumn

_RETRY_AFTER = 8
"""After a block that did not deflate, so many blocks of the column are stored as they are before the next attempt."""
_THREADS = 2


def encode_file(
    *,
    header: Mapping[str, Any],
    documents: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Column]],
    slices: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """Give the bytes of a file; see `write_file`."""
    stream = io.BytesIO()
    write_file(stream, header=header, documents=documents, tables=tables, slices=slices)
    return stream.getvalue()


class _Sink:
    """A stream that knows how much was written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.length = 0

    def append(self, data: bytes | bytearray) -> Place:
        place = Place(self.length, len(data), zlib.crc32(data))
        self._stream.write(data)
        self.length += len(data)
        return place


def write_file(
    stream: IO[bytes],
    *,
    header: Mapping[str, Any],
    documents: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Column]],
    slices: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Write the content of a file to a stream, from its beginning to its end; no more than some blocks are in memory.

    Parameters
    ----------
    stream
        Where to.
    header
        JSON mapping that a reader has as soon as the file is open; keep it small.
    documents
        JSON documents by name, read on demand.
    tables
        Columns by table and name. The blocks of a table are stored row group
        by row group, so that some rows of all its columns lie close together. Columns of equal content are stored
        once.
    slices
        Names and contents of files to be stored within this one, each in one piece.
    """
    file = _Sink(stream)
    file.append(make_lead())
    columns: dict[str, _Column] = {}
    known: dict[bytes, _Column] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for table, members in tables.items():
            fresh: list[_Column] = []
            for name, values in members.items():
                column = _Column(values)
                column = known.setdefault(column.digest, column)
                columns[f"{table}/{name}"] = column
                if column.progression is None and not column.scheduled:
                    column.scheduled = True
                    fresh.append(column)
            for column, number, stored in _stored_blocks(fresh, pool):
                column.add(number, file.append(stored))
    within = {name: astuple(file.append(content)) for name, content in slices}
    if within:
        documents = {**documents, SLICES: within}
    # Near the end, so that they come with the directory.
    places = {name: file.append(zlib.compress(_json(document), 6)) for name, document in documents.items()}
    zone = file.length
    indices = {id(column): column.write_index(file) for column in columns.values()}
    entries = {name: column.entry(indices[id(column)]) for name, column in columns.items()}
    directory = Directory(
        header=header, documents=places, columns=entries, index_zone=(zone, file.length - zone)
    ).pack()
    place = file.append(zlib.compress(directory, 6))
    trailer = Trailer(place.offset, 0, place.length, len(directory), place.crc)
    length = file.length + len(trailer.pack())
    file.append(Trailer(place.offset, length, place.length, len(directory), place.crc).pack())


def is_strictly_sorted(rows: NDArray[np.uint8]) -> bool:
    """Tell whether rows of bytes ascend, none twice."""
    keys = as_keys(rows)
    return bool((keys[1:] > keys[:-1]).all())


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass
class _Column:
    """A column on its way into the file."""

    values: Column
    kind: str = field(init=False)
    progression: tuple[int, int] | None = field(init=False)
    is_sorted: bool = field(init=False)
    digest: bytes = field(init=False)
    scheduled: bool = False
    places: list[Place] = field(default_factory=list)
    written_index: Place | None = None
    incompressible: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.values, SpooledColumn):
            self.kind, self.progression, self.is_sorted = self.values.kind, None, False
            self.digest = _identity(self.values)
            return
        self.values = self.values if self.values.dtype == object else np.ascontiguousarray(self.values)
        self.kind = column_kind(self.values)
        self.progression = _progression(self.values)
        self.is_sorted = self.kind.startswith("u1x") and is_strictly_sorted(self.values)
        self.digest = _digest(self.kind, self.values)

    @property
    def blocks(self) -> int:
        return -(-len(self.values) // BLOCK_ROWS)

    def stored_block(self, number: int) -> bytes:
        """Encode and deflate one block; columns of noise are soon no longer deflated."""
        payload = encode_block(self.kind, self.values[number * BLOCK_ROWS : (number + 1) * BLOCK_ROWS])
        attempt = self.incompressible == 0
        stored, helped = deflate(payload, attempt=attempt)
        if attempt:
            self.incompressible = 0 if helped else _RETRY_AFTER
        else:
            self.incompressible -= 1
        return stored

    def add(self, number: int, place: Place) -> None:
        assert number == len(self.places)
        self.places.append(place)

    def write_index(self, file: _Sink) -> Place | None:
        if self.progression is not None:
            return None
        if self.written_index is None:
            firsts: NDArray[Any] = (
                self.values[slice(None, None, BLOCK_ROWS)] if self.is_sorted else np.empty((0, 0), dtype=np.uint8)
            )
            index = BlockIndex(
                offsets=np.array([place.offset for place in self.places], dtype=np.uint64),
                lengths=np.array([place.length for place in self.places], dtype=np.uint32),
                crcs=np.array([place.crc for place in self.places], dtype=np.uint32),
                firsts=firsts,
            )
            self.written_index = file.append(index.pack())
        return self.written_index

    def entry(self, index: Place | None) -> ColumnEntry:
        return ColumnEntry(
            kind=self.kind,
            rows=len(self.values),
            is_sorted=self.is_sorted,
            index=index,
            progression=self.progression,
        )


def _stored_blocks(columns: list[_Column], pool: ThreadPoolExecutor) -> Iterator[tuple[_Column, int, bytes]]:
    """Encode the blocks of a table's columns, row group by row group, a few groups ahead in other threads."""
    groups = max((column.blocks for column in columns), default=0)
    # What lies in a file because it is large must not come into memory as a whole here.
    window = 1 if any(isinstance(column.values, SpooledColumn) for column in columns) else 16
    for start in range(0, groups, window):
        numbers = range(start, min(start + window, groups))
        # One job a column keeps its blocks in order, as `incompressible` wants.
        jobs = [
            pool.submit(lambda c, ns: [c.stored_block(n) for n in ns if n < c.blocks], column, numbers)
            for column in columns
        ]
        results = [job.result() for job in jobs]
        for position, number in enumerate(numbers):
            for column, stored in zip(columns, results, strict=True):
                if position < len(stored):
                    yield column, number, stored[position]


def _progression(values: NDArray[Any]) -> tuple[int, int] | None:
    """Give first value and step of numbers that ascend evenly (or are constant), else `None`."""
    if values.ndim != 1 or values.dtype.kind not in "iu":
        return None
    if len(values) == 0:
        return (0, 0)
    first = int(values[0])
    step = int(values[1]) - first if len(values) > 1 else 0
    if int(values[-1]) != first + step * (len(values) - 1):
        return None
    if len(values) > 2 and not (np.diff(values) == step).all():
        return None
    return first, step


def _identity(values: Column) -> bytes:
    return b"object" + id(values).to_bytes(8, "little")


def _digest(kind: str, values: NDArray[Any]) -> bytes:
    if values.dtype == object:
        # Not worth looking through: an object column is never shared but by identity.
        return _identity(values)
    digest = blake2b(f"{kind}:{len(values)}:".encode(), digest_size=16)
    digest.update(values.data)
    return digest.digest()
