# SPDX-License-Identifier: BSD-3-Clause
"""What an ingest takes in, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from pachon.datasets import DatasetType, IdMode
from pachon.dimensions import DataCoordinate

__all__ = ["Batch", "OnConflict", "Options"]

OnConflict = Literal["error", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How files are taken in."""

    transfer: str | None
    on_conflict: OnConflict
    checksum: bool
    track: bool
    id_mode: IdMode
    before: object | None
    """Mark of the database before any file was looked at, see `mark_before`."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """The datasets of one type and run, in the order of the call."""

    dataset_type: DatasetType
    run: str
    has_ids: bool
    """Whether the caller said which ids."""
    adopts: bool = False
    """Whether some are registered already, have lost their files and get new ones."""
    files: list[int] = field(default_factory=list)
    """Position of the file of each dataset."""
    places: list[int] = field(default_factory=list)
    """Position of each dataset in its file."""
    data_ids: list[DataCoordinate] = field(default_factory=list)
    uuids: list[UUID] = field(default_factory=list)
    """Ids, if they were given."""
