# SPDX-License-Identifier: BSD-3-Clause
"""Write tokens: the part of a file name that makes it unique, and says who wrote it.

``w`` and twelve characters: six of the writer (a process that writes to a repository and is registered there), six of the
file. Without a registered writer all twelve are random. ``p`` and twelve characters follow from the id of an output of a
quantum graph.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

__all__ = ["WriteToken", "find_token", "new_writer", "predicted_token", "unique_token"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: one case only (some file systems have just one), and no letters that look like digits."""
_PAIRS = tuple(_ALPHABET[number & 31] + _ALPHABET[number >> 5] for number in range(1024))
"""What ten bits are, lowest first; tokens and their parts have even numbers of characters."""
_CHARACTERS = 12
_WRITER_CHARACTERS = 6

_FINAL = re.compile(rf"-([wp])([{_ALPHABET}]{{{_CHARACTERS}}})(?:\.[^/]*)?$")
_BESIDE = re.compile(rf"^\..*-w([{_ALPHABET}]{{{_CHARACTERS}}})\.part$")


def new_writer() -> str:
    """Make six characters that name a writer; whoever registers it sees to it that nobody else has them."""
    return _encode(int.from_bytes(os.urandom(4)), _WRITER_CHARACTERS)


def unique_token(writer: str = "") -> str:
    """Make a write token that was never made before; it starts with ``w``.

    Parameters
    ----------
    writer
        What `new_writer` gave; empty for a writer that is not registered.
    """
    return f"w{writer}{_encode(int.from_bytes(os.urandom(8)), _CHARACTERS - len(writer))}"


def predicted_token(dataset_id: UUID) -> str:
    """Give the write token that follows from a dataset id; it starts with ``p``."""
    return "p" + _encode(int.from_bytes(blake2b(dataset_id.bytes, digest_size=8).digest()), _CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteToken:
    """What the name of a file says of who wrote it."""

    writer: str
    """The six characters of the writer, if it was a registered one."""
    predicted: bool
    """Whether it is an output of a quantum graph."""
    unfinished: bool
    """Whether the file was not yet renamed to its path."""


def find_token(path: str) -> WriteToken | None:
    """Read the write token in a path; None if there is none, so that something else wrote the file."""
    name = path.rpartition("/")[2]
    if found := _BESIDE.search(name):
        return WriteToken(writer=found[1][:_WRITER_CHARACTERS], predicted=True, unfinished=True)
    if found := _FINAL.search(name):
        return WriteToken(writer=found[2][:_WRITER_CHARACTERS], predicted=found[1] == "p", unfinished=False)
    return None


def _encode(number: int, characters: int) -> str:
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(0, 5 * characters, 10)])
