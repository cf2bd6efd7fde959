# SPDX-License-Identifier: BSD-3-Clause
"""One block of a column as bytes and back.

A block is made small in two steps: its values are brought to a form in which neighbours resemble each other (byte
planes, differences, a local dictionary of texts), then deflated unless that does not help. All functions are pure.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ColumnKind",
    "column_kind",
    "decode_block",
    "decode_blocks",
    "deflate",
    "empty_column",
    "encode_block",
    "inflate",
]

ColumnKind: TypeAlias = str
"""``i1``, ``i2``, ``i4``, ``i8``, ``u1`` ..., ``f4``, ``f8``, ``b1``: numbers; ``u1x<w>``: rows of w bytes;
``text``, ``bytes``, ``json``: objects or null."""

_LEVEL = 1
"""Of zlib. After the transformations higher levels gain little and cost several times as much."""
_BUFFER = 1 << 16
"""Bytes, at first, for a payload that is inflated."""
_Joined = TypeVar("_Joined", str, bytes)
_PLAIN, _DIFFERENCES = 0, 1
_TEXTS, _DICTIONARY = 0, 1
_COUNT = struct.Struct("<L")
_STORED: Literal[0] = 0
_DEFLATED: Literal[1] = 1


def column_kind(column: NDArray[Any]) -> ColumnKind:
    """Say how a column is stored; an object column is looked through."""
    if column.dtype == object:
        types = set(map(type, column.tolist())) - {type(None)}
        if types <= {str}:
            return "text"
        return "bytes" if types == {bytes} else "json"
    if column.ndim == 2:
        if column.dtype != np.uint8:
            raise TypeError("Only bytes are stored as rows of several numbers.")
        return f"u1x{column.shape[1]}"
    return column.dtype.kind + str(column.dtype.itemsize)


def empty_column(kind: ColumnKind, rows: int) -> NDArray[Any]:
    """Make the array that a column of this kind is read into."""
    if kind.startswith("u1x"):
        return np.empty((rows, int(kind[3:])), dtype=np.uint8)
    return np.empty(rows, dtype=object if kind in {"text", "bytes", "json"} else np.dtype(kind).newbyteorder("="))


def encode_block(kind: ColumnKind, values: NDArray[Any]) -> bytes:
    """Give the payload of a block, before deflation."""
    if kind.startswith("u1x"):
        return _encode_rows(values)
    if kind == "text":
        return _encode_texts(values.tolist())
    if kind == "bytes":
        return _encode_bytes(values.tolist())
    if kind == "json":
        return json.dumps(values.tolist(), separators=(",", ":"), default=lambda number: number.item()).encode()
    return _encode_numbers(np.ascontiguousarray(values))


def decode_block(kind: ColumnKind, payload: bytes, rows: int) -> NDArray[Any]:
    """Read the payload of a block of so many rows."""
    if kind.startswith("u1x"):
        return _decode_rows(payload, rows)
    if kind == "text":
        return _decode_texts(payload, rows)
    if kind == "bytes":
        return _objects(_decode_bytes(payload, rows))
    if kind == "json":
        return _objects(json.loads(payload))
    return _decode_numbers(kind, [payload], rows)


def decode_blocks(kind: ColumnKind, payloads: Sequence[bytes], rows: int) -> NDArray[Any]:
    """Read the payloads of blocks of so many rows each, one after the other."""
    if kind.startswith("u1x") or kind in ("text", "bytes", "json"):
        return np.concatenate([decode_block(kind, payload, rows) for payload in payloads])
    return _decode_numbers(kind, payloads, rows)


def deflate(payload: bytes, *, attempt: bool = True) -> tuple[bytes, bool]:
    """Give the stored form of a payload, and whether deflation made it clearly smaller."""
    if attempt:
        small = zlib.compress(payload, _LEVEL)
        if len(small) < 0.97 * len(payload):
            return bytes([_DEFLATED]) + small, True
    return bytes([_STORED]) + payload, False


def inflate(stored: bytes) -> bytes:
    """Give the payload of a stored form."""
    # A buffer that suffices for the payload is not made twice as large again and again.
    return zlib.decompress(memoryview(stored)[1:], bufsize=_BUFFER) if stored[0] == _DEFLATED else stored[1:]


# Numbers ---------------------------------------------------------------------------------------------------------


def _encode_numbers(values: NDArray[Any]) -> bytes:
    width = values.dtype.itemsize
    unsigned = values.view(f"=u{width}")
    if values.dtype.kind in "iu" and len(values) > 1:
        steps = np.diff(unsigned.view(f"=i{width}"))
        if _magnitude(steps) < _magnitude(values):
            # Zigzag: small differences of either sign become small numbers.
            zigzag = ((steps << 1) ^ (steps >> (8 * width - 1))).view(f"=u{width}")
            return bytes([_DIFFERENCES]) + _planes(np.concatenate([unsigned[:1], zigzag]))
    return bytes([_PLAIN]) + _planes(unsigned)


def _decode_numbers(kind: str, payloads: Sequence[bytes], rows: int) -> NDArray[Any]:
    """Read blocks of equal length, one after the other: a few operations on all of them rather than on each."""
    dtype = np.dtype(kind).newbyteorder("=")
    width = dtype.itemsize
    if any(len(payload) != 1 + width * rows for payload in payloads):
        raise ValueError(f"a block of {rows} numbers has another length")
    whole = np.frombuffer(b"".join(payloads), dtype=np.uint8).reshape(len(payloads), 1 + width * rows)
    unsigned = _from_planes(whole[:, 1:].reshape(len(payloads), width, rows))
    are_differences = whole[:, 0] == _DIFFERENCES
    if are_differences.all():
        _sum_differences(unsigned)
    elif are_differences.any():
        some = unsigned[are_differences]
        _sum_differences(some)
        unsigned[are_differences] = some
    return unsigned.reshape(-1).view(dtype)


def _sum_differences(unsigned: NDArray[Any]) -> None:
    """Undo differences along the rows of each block, in place."""
    zigzag = unsigned[:, 1:]
    unsigned[:, 1:] = (zigzag >> 1) ^ (~(zigzag & 1) + 1)
    np.cumsum(unsigned, axis=1, dtype=unsigned.dtype, out=unsigned)


def _magnitude(values: NDArray[Any]) -> float:
    """Guess how much the numbers take: by their mean size, and next to nothing if they are all the same."""
    if values.min() == values.max():
        return 0.0
    return float(np.abs(values.astype(np.float64)).mean())


def _planes(unsigned: NDArray[Any]) -> bytes:
    """Put the lowest bytes of all numbers first, then the next."""
    little = unsigned.astype(unsigned.dtype.newbyteorder("<"), copy=False)
    return little.view(np.uint8).reshape(len(unsigned), -1).T.tobytes()


def _from_planes(planes: NDArray[np.uint8]) -> NDArray[Any]:
    """Put the bytes of numbers together; shape (blocks, bytes of a number, rows) to (blocks, rows)."""
    width = planes.shape[1]
    values = planes[:, 0].astype(f"=u{width}")
    for number in range(1, width):
        plane = planes[:, number]
        # Small numbers have nothing in their higher bytes.
        if plane.any():
            values |= plane.astype(values.dtype) << (8 * number)
    return values


def _numbers(data: memoryview, rows: int, width: int) -> NDArray[Any]:
    return _from_planes(np.frombuffer(data, dtype=np.uint8).reshape(1, width, rows)).reshape(-1)


# Rows of bytes ---------------------------------------------------------------------------------------------------


def _encode_rows(values: NDArray[np.uint8]) -> bytes:
    """Give byte planes, each as differences modulo 256: consecutive ids become runs of ones and zeros."""
    planes = values.T.copy()
    planes[:, 1:] = np.diff(planes, axis=1)
    return planes.tobytes()


def _decode_rows(payload: bytes, rows: int) -> NDArray[np.uint8]:
    planes = np.frombuffer(payload, dtype=np.uint8).reshape(-1, rows)
    column = np.empty((rows, len(planes)), dtype=np.uint8)
    column[:] = planes[:, 0]
    nothing = bytes(rows - 1)
    for number, plane in enumerate(planes):
        # Most bytes of ids that were made together are the same in all of them.
        if payload[number * rows + 1 : (number + 1) * rows] != nothing:
            column[:, number] = np.cumsum(plane, dtype=np.uint8)
    return column


# Objects ---------------------------------------------------------------------------------------------------------


def _objects(values: Sequence[object]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _encode_texts(values: list[str | None]) -> bytes:
    distinct = list(dict.fromkeys(values))
    if len(distinct) > len(values) // 2:
        return bytes([_TEXTS]) + _join_texts(values)
    index = {text: code for code, text in enumerate(distinct)}
    codes = np.fromiter((index[text] for text in values), dtype=np.uint16, count=len(values))
    return bytes([_DICTIONARY]) + _COUNT.pack(len(distinct)) + _planes(codes) + _join_texts(distinct)


def _decode_texts(payload: bytes, rows: int) -> NDArray[Any]:
    if payload[0] == _TEXTS:
        return _objects(_split_texts(payload[1:], rows))
    (count,) = _COUNT.unpack_from(payload, 1)
    start = 1 + _COUNT.size
    codes = _numbers(memoryview(payload)[start : start + 2 * rows], rows, 2)
    distinct = _objects(_split_texts(payload[start + 2 * rows :], count))
    return np.take(distinct, codes)


def _join_texts(values: list[str | None]) -> bytes:
    """Give the lengths in characters (-1: null) as byte planes, then all texts in UTF-8."""
    lengths = np.fromiter((-1 if t is None else len(t) for t in values), dtype=np.int32, count=len(values))
    return _planes(lengths.view(np.uint32)) + "".join(t for t in values if t is not None).encode(errors="surrogatepass")


def _split_texts(data: bytes, count: int) -> list[str | None]:
    return _cut(data[4 * count :].decode(errors="surrogatepass"), _numbers(memoryview(data)[: 4 * count], count, 4))


def _encode_bytes(values: list[bytes | None]) -> bytes:
    """Give the lengths (-1: null) as byte planes, then all bytes."""
    lengths = np.fromiter((-1 if b is None else len(b) for b in values), dtype=np.int32, count=len(values))
    return _planes(lengths.view(np.uint32)) + b"".join(b for b in values if b is not None)


def _decode_bytes(payload: bytes, rows: int) -> list[bytes | None]:
    return _cut(payload[4 * rows :], _numbers(memoryview(payload)[: 4 * rows], rows, 4))


def _cut(joined: _Joined, lengths: NDArray[np.uint32]) -> list[_Joined | None]:
    """Cut what was joined into pieces; a length of -1 stands for null."""
    sizes = lengths.view(np.int32)
    ends: list[int] = np.cumsum(np.maximum(sizes, 0)).tolist()
    pieces: list[_Joined | None] = [joined[begin:end] for begin, end in pairwise([0, *ends])]
    for row in np.flatnonzero(sizes < 0).tolist():
        pieces[row] = None
    return pieces
