# SPDX-License-Identifier: BSD-3-Clause
"""Read stretches of a file with few requests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pachon.resources import ResourcePath

__all__ = ["MemoryRanges", "RangeReader"]

_LOCAL_GAP = 16 * 1024
_REMOTE_GAP = 512 * 1024
"""Stretches closer than this are read together: a request costs more than the bytes between."""
_REMOTE_THREADS = 8


@dataclass(slots=True)
class RangeReader:
    """Reads stretches of one file; it holds nothing open between calls."""

    path: ResourcePath
    requests: int = field(default=0, init=False)
    """Number of reads so far, for tests and benchmarks."""

    def size(self) -> int:
        """Give the length of the file in bytes."""
        return self.path.size()

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read stretches given as (offset, length), in any order.

        A stretch that reaches beyond the end of the file comes back shorter.
        """
        order = sorted(range(len(ranges)), key=lambda number: ranges[number])
        gap = _LOCAL_GAP if self.path.is_local else _REMOTE_GAP
        groups: list[tuple[int, int, list[int]]] = []
        for number in order:
            offset, length = ranges[number]
            if groups and offset - groups[-1][1] <= gap:
                begin, end, members = groups[-1]
                groups[-1] = (begin, max(end, offset + length), [*members, number])
            else:
                groups.append((offset, offset + length, [number]))
        self.requests += len(groups)
        found = self._read_groups([(begin, end - begin) for begin, end, _ in groups])
        results = [b""] * len(ranges)
        for (begin, _, members), data in zip(groups, found, strict=True):
            for number in members:
                offset, length = ranges[number]
                results[number] = data[offset - begin : offset - begin + length]
        return results

    def _read_groups(self, groups: Sequence[tuple[int, int]]) -> list[bytes]:
        if self.path.is_local:
            with open(self.path.ospath, "rb", buffering=0) as file:
                return [_read_at(file.fileno(), offset, length) for offset, length in groups]
        if len(groups) == 1:
            return [self.path.read_range(*groups[0])]
        with ThreadPoolExecutor(min(_REMOTE_THREADS, len(groups))) as pool:
            return list(pool.map(lambda group: self.path.read_range(*group), groups))


def _read_at(descriptor: int, offset: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length > 0:
        part = os.pread(descriptor, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


@dataclass(slots=True)
class MemoryRanges:
    """Stretches of bytes that are at hand: a file within a file."""

    path: str
    """What to call it in messages."""
    data: bytes
    requests: int = field(default=0, init=False)

    def size(self) -> int:
        """Give the number of bytes."""
        return len(self.data)

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Give stretches of (offset, length); one that reaches beyond the end is shorter."""
        return [self.data[offset : offset + length] for offset, length in ranges]
