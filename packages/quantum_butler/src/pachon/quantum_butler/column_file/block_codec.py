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
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColumnKind", "column_kind", "decode_block", "deflate", "empty_column", "encode_block", "inflate"]

ColumnKind: TypeAlias = str
"""``i1``, ``i2``, ``i4``, ``i8``, ``u1`` ..., ``f4``, ``f8``, ``b1``: numbers; ``u1x<w>``: rows of w bytes;
``text``, ``bytes``, ``json``: objects or null."""

_LEVEL = 1
"""Of zlib. After the transformations higher levels gain little and cost several times as much."""
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
        return _objects(_decode_texts(payload, rows))
    if kind == "bytes":
        return _objects(_decode_bytes(payload, rows))
    if kind == "json":
        return _objects(json.loads(payload))
    return _decode_numbers(kind, payload, rows)


def deflate(payload: bytes, *, attempt: bool = True) -> tuple[bytes, bool]:
    """Give the stored form of a payload, and whether deflation made it clearly smaller."""
    if attempt:
        small = zlib.compress(payload, _LEVEL)
        if len(small) < 0.97 * len(payload):
            return bytes([_DEFLATED]) + small, True
    return bytes([_STORED]) + payload, False


def inflate(stored: bytes) -> bytes:
    """Give the payload of a stored form."""
    return zlib.decompress(memoryview(stored)[1:]) if stored[0] == _DEFLATED else stored[1:]


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


def _decode_numbers(kind: str, payload: bytes, rows: int) -> NDArray[Any]:
    dtype = np.dtype(kind).newbyteorder("=")
    width = dtype.itemsize
    unsigned = _from_planes(memoryview(payload)[1:], rows, width)
    if payload[0] == _DIFFERENCES:
        zigzag = unsigned[1:]
        unsigned[1:] = (zigzag >> 1) ^ (~(zigzag & 1) + 1)
        np.cumsum(unsigned, dtype=unsigned.dtype, out=unsigned)
    return unsigned.view(dtype)


def _magnitude(values: NDArray[Any]) -> float:
    """Guess how much the numbers take: by their mean size, and next to nothing if they are all the same."""
    if values.min() == values.max():
        return 0.0
    return float(np.abs(values.astype(np.float64)).mean())


def _planes(unsigned: NDArray[Any]) -> bytes:
    """Put the lowest bytes of all numbers first, then the next."""
    little = unsigned.astype(unsigned.dtype.newbyteorder("<"), copy=False)
    return little.view(np.uint8).reshape(len(unsigned), -1).T.tobytes()


def _from_planes(data: memoryview, rows: int, width: int) -> NDArray[Any]:
    little = np.frombuffer(data, dtype=np.uint8).reshape(width, rows).T.copy().view(f"<u{width}").reshape(rows)
    return little.astype(f"=u{width}", copy=False)


# Rows of bytes ---------------------------------------------------------------------------------------------------


def _encode_rows(values: NDArray[np.uint8]) -> bytes:
    """Give byte planes, each as differences modulo 256: consecutive ids become runs of ones and zeros."""
    planes = values.T.copy()
    planes[:, 1:] = np.diff(planes, axis=1)
    return planes.tobytes()


def _decode_rows(payload: bytes, rows: int) -> NDArray[np.uint8]:
    planes = np.frombuffer(payload, dtype=np.uint8).reshape(-1, rows)
    return np.ascontiguousarray(np.cumsum(planes, axis=1, dtype=np.uint8).T)


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


def _decode_texts(payload: bytes, rows: int) -> list[str | None]:
    if payload[0] == _TEXTS:
        return _split_texts(payload[1:], rows)
    (count,) = _COUNT.unpack_from(payload, 1)
    start = 1 + _COUNT.size
    codes = _from_planes(memoryview(payload)[start : start + 2 * rows], rows, 2)
    distinct = _split_texts(payload[start + 2 * rows :], count)
    return [distinct[code] for code in codes.tolist()]


def _join_texts(values: list[str | None]) -> bytes:
    """Give the lengths in characters (-1: null) as byte planes, then all texts in UTF-8."""
    lengths = np.fromiter((-1 if t is None else len(t) for t in values), dtype=np.int32, count=len(values))
    return _planes(lengths.view(np.uint32)) + "".join(t for t in values if t is not None).encode(errors="surrogatepass")


def _split_texts(data: bytes, count: int) -> list[str | None]:
    lengths = _from_planes(memoryview(data)[: 4 * count], count, 4).view(np.int32)
    joined = data[4 * count :].decode(errors="surrogatepass")
    ends = np.cumsum(np.maximum(lengths, 0)).tolist()
    sizes = lengths.tolist()
    return [None if size < 0 else joined[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _encode_bytes(values: list[bytes | None]) -> bytes:
    """Give the lengths (-1: null) as byte planes, then all bytes."""
    lengths = np.fromiter((-1 if b is None else len(b) for b in values), dtype=np.int32, count=len(values))
    return _planes(lengths.view(np.uint32)) + b"".join(b for b in values if b is not None)


def _decode_bytes(payload: bytes, rows: int) -> list[bytes | None]:
    lengths = _from_planes(memoryview(payload)[: 4 * rows], rows, 4).view(np.int32)
    joined = payload[4 * rows :]
    ends = np.cumsum(np.maximum(lengths, 0)).tolist()
    sizes = lengths.tolist()
    return [None if size < 0 else joined[end - size : end] for size, end in zip(sizes, ends, strict=True)]
