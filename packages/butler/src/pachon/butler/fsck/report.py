# SPDX-License-Identifier: BSD-3-Clause
"""What a check of a repository found, as values."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

__all__ = ["Finding", "FindingKind", "FsckReport"]


class FindingKind(enum.Enum):
    """What is the matter. The values are stable: they are what ``butler fsck --json`` prints."""

    MISSING_FILE = "missing_file"
    """A dataset has a row and no file."""
    WRONG_SIZE = "wrong_size"
    WRONG_CHECKSUM = "wrong_checksum"
    UNREADABLE_FILE = "unreadable_file"
    """The storage would not say what the file holds."""
    PATH_OUTSIDE = "path_outside"
    """The path in a row leads out of the folder of the repository."""
    UNREGISTERED_RECORD = "unregistered_record"
    """A row of a file names a dataset that is not registered."""
    LEFTOVER_FILE = "leftover_file"
    """A writer that has ended, or was killed, left a file that it never registered."""
    LATER_FILE = "later_file"
    """A file was written later than what the database knows: the database was restored from a backup."""
    FOREIGN_FILE = "foreign_file"
    """A file that no writer of this repository made."""
    TRASH = "trash"
    """The file of a removed dataset is still to be deleted."""
    STALE_MARK = "stale_mark"
    """Jobs, which see no database, are told otherwise than it says what the dimensions or a dataset type are."""
    DEAD_WRITER = "dead_writer"
    """A process that wrote to the repository was gone before it ended its work. Nothing is wrong: what it left is said by itself."""
    FILE_IN_PROGRESS = "file_in_progress"
    """A file without a row, of a writer that is at work. Nothing is wrong."""
    GRAPH_OUTPUT = "graph_output"
    """An output of a quantum graph that was not transferred into the repository yet, or was written anew since. Nothing is wrong."""

    @property
    def is_problem(self) -> bool:
        """Whether something is wrong, or else just worth knowing."""
        return self not in (FindingKind.DEAD_WRITER, FindingKind.FILE_IN_PROGRESS, FindingKind.GRAPH_OUTPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    kind: FindingKind
    explanation: str
    """A sentence: what is the matter, and what can be done."""
    path: str = ""
    """Of the file, below the root of the datastore; an absolute URI for a file elsewhere."""
    dataset_id: UUID | None = None
    writer: str = ""
    """Token of the process that wrote the file."""
    size: int | None = None
    """Bytes of the file."""
    mended: bool = False
    too_young: bool = False
    """Only the least age of a file keeps a repair from mending it."""

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "kind": self.kind.value,
            "problem": self.kind.is_problem,
            "mended": self.mended,
            "too_young": self.too_young,
            "path": self.path or None,
            "dataset_id": None if self.dataset_id is None else str(self.dataset_id),
            "writer": self.writer or None,
            "size": self.size,
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FsckReport:
    """What `Butler.fsck` found, and what of it was mended."""

    root: str
    verify: str
    repair: bool
    """Whether it was to be mended."""
    files: int
    """Files below the root, without those of the repository itself."""
    records: int
    """Rows of files in the database."""
    findings: tuple[Finding, ...]

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """What is wrong and was not mended."""
        return tuple(finding for finding in self.findings if finding.kind.is_problem and not finding.mended)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, or all that was is mended."""
        return not self.remaining

    def counts(self) -> Iterator[tuple[FindingKind, int, int]]:
        """Give for each kind that occurs how often it was found, and how often mended."""
        found = Counter(finding.kind for finding in self.findings)
        mended = Counter(finding.kind for finding in self.findings if finding.mended)
        for kind in FindingKind:
            if found[kind]:
                yield kind, found[kind], mended[kind]

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data, for ``butler fsck --json``."""
        return {
            "root": self.root,
            "clean": self.clean,
            "verify": self.verify,
            "repair": self.repair,
            "files": self.files,
            "records": self.records,
            "counts": {
                kind.value: {"found": found, "mended": mended, "problem": kind.is_problem}
                for kind, found, mended in self.counts()
            },
            "findings": [finding.to_document() for finding in self.findings],
        }
