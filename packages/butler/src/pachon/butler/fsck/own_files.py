# SPDX-License-Identifier: BSD-3-Clause
"""Which files below the root belong to the repository itself, or to somebody who is none of its business."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pachon.butler.repository_location import CONFIG_NAME

__all__ = ["IGNORED", "REPLACED", "OwnFiles"]

IGNORED: Final = (".nfs*", ".DS_Store", "lost+found/*")
"""What file systems and desktops leave by themselves."""

_RECEIPTS: Final = ".receipts"
_DATABASE_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")
REPLACED: Final = ".replaced-"
"""What follows the name of a database that a restored one has replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFiles:
    """What a check leaves alone."""

    names: frozenset[str]
    """Paths of the repository's own files, below the root of its datastore."""
    databases: tuple[str, ...]
    """Beginnings of the paths of databases that were replaced."""
    ignore: tuple[str, ...]
    """Globs of paths, or of names if they have no ``/``."""
    other_roots: tuple[str, ...] = ()
    """Folders below the root that hold repositories of their own; each ends with ``/``."""

    @staticmethod
    def of(config: str | None, database: str | None, ignore: Iterable[str]) -> OwnFiles:
        """Make it of the paths of ``butler.yaml`` and of the database file, where they lie below the root."""
        names = {config} if config else set()
        if database:
            names |= {f"{database}{suffix}" for suffix in _DATABASE_SUFFIXES}
        databases = (f"{database}{REPLACED}",) if database else ()
        return OwnFiles(names=frozenset(names), databases=databases, ignore=(*IGNORED, *ignore))

    def hold(self, path: str) -> bool:
        """Tell whether a path is none of the datastore's."""
        if (
            path in self.names
            or path.startswith(self.databases)
            or (self.other_roots and path.startswith(self.other_roots))
        ):
            return True
        folder, _, name = path.rpartition("/")
        if folder.rpartition("/")[2] == _RECEIPTS:
            return True
        return any(fnmatch.fnmatchcase(path if "/" in glob else name, glob) for glob in self.ignore)

    def starts_other_root(self, path: str) -> str | None:
        """Give the folder of another repository if a path is its configuration."""
        folder, _, name = path.rpartition("/")
        return f"{folder}/" if folder and name == CONFIG_NAME and path not in self.names else None
