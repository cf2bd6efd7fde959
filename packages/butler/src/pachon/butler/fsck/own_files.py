# SPDX-License-Identifier: BSD-3-Clause
"""Which files below the root belong to the repository itself, or to somebody who is none of its business."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pachon.butler.record_store import REMOVAL_LOCK
from pachon.butler.repository_config import DATABASE_NAME
from pachon.butler.repository_location import CONFIG_NAME
from pachon.quantum_butler.definition_marks import MARKS_FOLDER

if TYPE_CHECKING:
    from pachon.butler.session import Session
    from pachon.datastore.file_check import FileKeeper

__all__ = ["DATABASE_SUFFIXES", "IGNORED", "REPLACED", "OwnFiles"]

IGNORED: Final = (".nfs*", ".DS_Store", "lost+found/*")
"""What file systems and desktops leave by themselves."""

_RECEIPTS: Final = ".receipts"
DATABASE_SUFFIXES: Final = ("", "-wal", "-shm", "-journal", f"-{REMOVAL_LOCK}", f"-{REMOVAL_LOCK}-gate")
"""What follows the name of a database in the names of the files that belong to it; the first is its own."""
REPLACED: Final = ".replaced-"
"""What follows the name of a database that a restored one has replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFiles:
    """What a check leaves alone."""

    names: frozenset[str]
    """Paths of the repository's own files, below the root of its datastore."""
    databases: tuple[str, ...]
    """Beginnings of the paths of databases that were replaced."""
    pattern: re.Pattern[str]
    """Of paths that are ignored."""
    kept: re.Pattern[str]
    """Of paths at which the repository keeps something beside datasets."""
    other_roots: tuple[str, ...] = ()
    """Folders below the root that hold repositories of their own; each ends with ``/``."""

    @staticmethod
    def of(config: str | None, database: str | None, ignore: Iterable[str]) -> OwnFiles:
        """Make it of the paths of ``butler.yaml`` and of the database file, where they lie below the root."""
        names = {config} if config else set()
        if database:
            names |= {f"{database}{suffix}" for suffix in DATABASE_SUFFIXES}
        databases = (f"{database}{REPLACED}",) if database else ()
        if config:
            # A database that was moved away from here, to a server say, stays as it was.
            moved = f"{config.rpartition('/')[0]}/{DATABASE_NAME}".lstrip("/")
            names |= {f"{moved}{suffix}" for suffix in DATABASE_SUFFIXES}
            databases = (*databases, f"{moved}{REPLACED}")
        globs = [glob if "/" in glob else f"*/{glob}" for glob in (*IGNORED, *ignore)]
        # One pattern for all: it is asked a million times. A name without folders has the slash that the globs want, too.
        own = [rf"(?:.*/)?{re.escape(_RECEIPTS)}/.*", rf"{re.escape(MARKS_FOLDER)}/[^/]*\.(?:json|part)"]
        pattern = "|".join([*own, *map(_translated, globs)])
        return OwnFiles(
            names=frozenset(names), databases=databases, pattern=re.compile(pattern), kept=re.compile("|".join(own))
        )

    @staticmethod
    def of_session(session: Session, keeper: FileKeeper, ignore: Iterable[str] = ()) -> OwnFiles:
        """Make it for an open repository."""
        repository = session.repository
        config = repository.location.config.relative_to(keeper.root)
        database = repository.database_file
        return OwnFiles.of(config, None if database is None else database.relative_to(keeper.root), ignore)

    def may_keep(self, paths: Sequence[str]) -> bool:
        """Tell whether `first_kept` could give one of these; one look at all texts is quicker than one at each.

        Parameters
        ----------
        paths
            Paths below the root, or absolute URIs.
        """
        text = "\n".join(paths)
        if "%" in text:
            text = f"{text}\n{unquote(text)}"
        return any(hint in text for hint in (*self.names, *self.databases, f"{_RECEIPTS}/", f"{MARKS_FOLDER}/"))

    def first_kept(self, paths: Iterable[str]) -> str | None:
        """Give the first path at which is the configuration, a database, or what jobs leave or are told: never a dataset."""
        for path in paths:
            if path in self.names or path.startswith(self.databases) or self.kept.fullmatch(path):
                return path
        return None

    def are_in_folder(self, folder: str) -> bool:
        """Tell whether a folder would be in the place of one of them, be it there at this moment or not."""
        place = f"{folder}/"
        return any(place.startswith(f"{name}/") for name in self.names) or place.startswith(self.databases)

    def hold(self, path: str) -> bool:
        """Tell whether a path is none of the datastore's."""
        if (
            path in self.names
            or path.startswith(self.databases)
            or (self.other_roots and path.startswith(self.other_roots))
        ):
            return True
        return self.pattern.fullmatch(path) is not None

    def starts_other_root(self, path: str) -> str | None:
        """Give the folder of another repository if a path is its configuration."""
        folder, _, name = path.rpartition("/")
        return f"{folder}/" if folder and name == CONFIG_NAME and path not in self.names else None


def _translated(glob: str) -> str:
    """Give a glob as a regular expression; ``*/name`` also matches a name without folders."""
    if glob.startswith("*/"):
        return rf"(?:.*/)?{fnmatch.translate(glob[2:])}"
    return fnmatch.translate(glob)
