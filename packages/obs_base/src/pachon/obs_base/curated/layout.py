# SPDX-License-Identifier: BSD-3-Clause
"""Where curated calibrations lie, and for how long each is valid.

``<root>/<policy>/<type>/[<detector name>/][<filter>/]<date>.<ecsv|yaml|json>``, names in lower
case; a file is valid from its date (UTC) until the next of its folder, the last for ever.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pachon.base import FormatError
from pachon.dimensions import Timespan
from pachon.obs_base.camera import Camera
from pachon.obs_base.curated_type import CuratedType
from pachon.obs_base.filters import FilterDefinitions

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["CuratedFile", "find_curated_files", "validity_ranges"]

EXTENSIONS = (".ecsv", ".yaml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class CuratedFile:
    """One file of a curated calibration."""

    path: Traversable
    begin: datetime.datetime
    """Start of its validity, UTC."""

    detector: int | None = None
    physical_filter: str | None = None


def find_curated_files(
    folder: Traversable, kind: CuratedType, camera: Camera, filters: FilterDefinitions
) -> list[list[CuratedFile]]:
    """Give the files of a type: a list a folder, sorted by date.

    Raises
    ------
    FormatError
        If a folder stands for no detector or filter, a file for no date, or there is something else.
    """
    found = []
    for place, detector in _level(folder, "detector" in kind.dimensions, _detectors(camera), "detector"):
        for leaf, name in _level(place, "physical_filter" in kind.dimensions, _filters(filters), "filter"):
            files = [
                CuratedFile(path=path, begin=_date(path), detector=detector, physical_filter=name)
                for path in leaf.iterdir()
                if _is_calibration(path)
            ]
            if files:
                found.append(sorted(files, key=lambda file: file.begin))
    return found


def validity_ranges(files: Sequence[CuratedFile]) -> list[Timespan]:
    """Give the validity of the files of a folder, which are sorted: each until the next, the last for ever."""
    bounds: list[datetime.datetime | None] = [*(file.begin for file in files), None]
    return [Timespan(begin, end) for begin, end in itertools.pairwise(bounds)]


def _detectors(camera: Camera) -> dict[str, int]:
    return {detector.name.lower(): detector.id for detector in camera}


def _filters(filters: FilterDefinitions) -> dict[str, str]:
    return {one.physical_filter.lower().replace(" ", "_"): one.physical_filter for one in filters}


def _level(
    folder: Traversable, is_used: bool, names: Mapping[str, Any], what: str
) -> Iterator[tuple[Traversable, Any]]:
    if not is_used:
        yield folder, None
        return
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.startswith((".", "__")) or (entry.is_file() and not _is_calibration(entry)):
            continue
        if entry.name not in names or not entry.is_dir():
            raise FormatError(f"{entry} stands for no {what} of the instrument; there are {', '.join(sorted(names))}.")
        yield entry, names[entry.name]


def _is_calibration(path: Traversable) -> bool:
    return path.is_file() and path.name.endswith(EXTENSIONS)


def _date(path: Traversable) -> datetime.datetime:
    stem = path.name.rpartition(".")[0]
    try:
        when = datetime.datetime.fromisoformat(stem)
    except ValueError:
        raise FormatError(f"The name of {path} is no ISO date, from which it would be valid.") from None
    return when.replace(tzinfo=datetime.UTC) if when.tzinfo is None else when.astimezone(datetime.UTC)
