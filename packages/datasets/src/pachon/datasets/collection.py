# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of collections, and what is known of one."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from pachon.base import InvalidInputError, closest

__all__ = ["LONGEST_NAME", "CollectionInfo", "CollectionType", "find_name_fault"]

LONGEST_NAME: Final = 128
"""Characters of the longest name of a collection."""

_OWN_FOLDERS: Final = (".lost+found", ".definitions")
_OWN_FILES: Final = ("butler.yaml", "registry.sqlite3")
"""Beginnings of names: SQLite's log, and locks, are named after the database."""


class CollectionType(enum.IntEnum):
    """What a collection holds; the values are stored."""

    RUN = 1
    """Datasets, each in exactly one run for ever."""
    TAGGED = 2
    """References to datasets of any run, one for each dataset type and data ID."""
    CHAINED = 3
    """An ordered list of other collections."""
    CALIBRATION = 4
    """Datasets with validity ranges."""

    @classmethod
    def parse(cls, text: str) -> CollectionType:
        """Read a name of any case.

        Raises
        ------
        InvalidInputError
            If there is no such kind.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError:
            known = [member.name for member in cls]
            raise InvalidInputError(
                f"There is no collection type {text!r}; there are {', '.join(known)}.{closest(text, known)}"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionInfo:
    """One collection."""

    name: str
    type: CollectionType
    doc: str = ""
    children: tuple[str, ...] = ()
    """The collections of a chain, in search order; not flattened."""
    parents: tuple[str, ...] = ()
    """The chains that hold it directly, if they were asked for."""
    dataset_types: tuple[str, ...] | None = None
    """Dataset types ever held (a superset of those held now), if they were asked for."""
    sealed: bool = False
    """Whether a run takes no further datasets."""


def find_name_fault(name: str) -> str | None:
    """Say in a sentence why something cannot be the name of a collection; `None` if it can."""
    reason = None
    if not 1 <= len(name) <= LONGEST_NAME:
        reason = f"it must have 1 to {LONGEST_NAME} characters"
    elif any(character in "*?[]" for character in name):
        reason = "the characters *?[] are for patterns"
    elif not name.isprintable():
        reason = "it holds a character that cannot be printed"
    elif name != name.strip() or name.startswith("/") or name.endswith("/"):
        reason = "it begins or ends with a blank or a '/'"
    elif not {"", ".", ".."}.isdisjoint(name.split("/")):
        reason = "nothing, '.' or '..' is a part of it, and would lead to a folder that is not its own"
    elif _leads_to_own_files(name.split("/")):
        reason = "the repository itself keeps files in the folder of that name, or may"
    if reason is None:
        return None
    shown = name if len(name) <= 160 else name[:157] + "..."
    return f"{shown!r} is no name for a collection: {reason}."


def _leads_to_own_files(parts: list[str]) -> bool:
    """Tell whether the folder of a run would be where other files than datasets lie, which are made and removed by other rules."""
    return ".receipts" in parts or parts[0] in _OWN_FOLDERS or parts[0].startswith(_OWN_FILES)
