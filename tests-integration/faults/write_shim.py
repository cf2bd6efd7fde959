# SPDX-License-Identifier: BSD-3-Clause
"""The library of ``write_shim.c``: compiled, called from the process that it is loaded into, and its log read."""

from __future__ import annotations

import ctypes
import enum
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_HEAD = struct.Struct("<IIIiQQQ")


class Op(enum.IntEnum):
    """What was done; the numbers are those of the C source."""

    CREATE = 1
    WRITE = 2
    SYNC = 3
    TRUNCATE = 4
    RENAME = 5
    LINK = 6
    UNLINK = 7
    MKDIR = 8
    RMDIR = 9
    SYMLINK = 10
    MARK = 11
    UNKNOWN = 12
    """A call that is not modelled was refused."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log."""

    op: Op
    path: str
    """For a mark its text."""
    other: str
    """New path of a rename or link; what a symbolic link leads to."""
    failed: int
    """The error that the call was made to give; 0 if it succeeded."""
    inode: int
    offset: int
    """Of a write; the new size, of a truncation."""
    data: bytes


def compile_shim(folder: Path) -> Path | None:
    """Compile the library; None if there is no C compiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return None
    library = folder / "write_shim.so"
    source = Path(__file__).with_name("write_shim.c")
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


def read_log(path: Path) -> list[Event]:
    """Read what the library wrote."""
    return list(_parse(path.read_bytes()))


def _parse(log: bytes) -> Iterator[Event]:
    at = 0
    while at < len(log):
        op, length1, length2, failed, inode, offset, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        path, other = log[at : at + length1], log[at + length1 : at + length1 + length2]
        at += length1 + length2
        kept = size if op == Op.WRITE and not failed else 0
        yield Event(Op(op), path.decode(), other.decode(), failed, inode, offset, log[at : at + kept])
        at += kept


class Shim:
    """The library inside of this process, which was started with it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.shim_end.restype = ctypes.c_long
        self._library.shim_counted.restype = ctypes.c_long
        self._library.shim_begin.argtypes = [
            ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int,
        ]  # fmt: skip
        self._library.shim_arm.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int]

    @classmethod
    def begin(cls, folder: str, log: str = "") -> Self:
        """Begin to count, and to log if there is a log, what is changed below a folder."""
        shim = cls()
        shim._library.shim_begin(folder.encode(), log.encode(), 0, 0, 0, 0)
        return shim

    def arm(self, at: int, *, error: int = 0, syncs_only: bool = False, kill: bool = False) -> None:
        """Let the nth call from now on fail once, or kill the process instead of it."""
        self._library.shim_arm(int(syncs_only), at, error, int(kill))

    def mark(self, text: str) -> None:
        """Write a line of one's own to the log."""
        self._library.shim_mark(text.encode())

    @property
    def counted(self) -> int:
        """How many calls there were since `arm`."""
        return int(self._library.shim_counted())

    def end(self) -> None:
        """Stop counting and logging."""
        self._library.shim_end()
