# SPDX-License-Identifier: BSD-3-Clause
"""Write the exposure records of raw files, with the days and groups that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pachon.base import PachonError
from pachon.dimensions import RecordTable
from pachon.obs_base.errors import HeaderError
from pachon.obs_base.path_text import path_text
from pachon.obs_base.raw.raw_file import BadFile, RawFile
from pachon.obs_base.record_sync import RecordConflictError, compare_records, sync_records

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["ExposureResult", "write_exposures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureResult:
    """Files by what became of their exposures."""

    written: list[RawFile]
    """Their exposures are registered, now or before."""

    failed: list[BadFile]
    updated: int = 0


def write_exposures(butler: Butler, files: Sequence[RawFile], *, update: bool = False) -> ExposureResult:
    """Register the exposures of files of one instrument.

    Parameters
    ----------
    butler
        A writeable butler.
    files
        Files of one instrument.
    update
        Whether records that differ are replaced; else their files fail.

    Returns
    -------
    ExposureResult
        A file fails if the files of its exposure contradict each other, if the exposure is
        registered with other values, or if its records cannot be written.
    """
    consistent, failed = _consistent(files)
    if not consistent:
        return ExposureResult(written=[], failed=failed)
    try:
        return _write(butler, consistent, failed, update=update)
    except PachonError as error:
        if len({frame.exposure for file in consistent for frame in file.frames}) == 1:
            lost = [BadFile(uri=file.uri, error=_about(file, error)) for file in consistent]
            return ExposureResult(written=[], failed=[*failed, *lost])
    # One of them cannot be written: do it exposure by exposure.
    parts = [write_exposures(butler, part, update=update) for part in _by_exposure(consistent)]
    return ExposureResult(
        written=[file for part in parts for file in part.written],
        failed=[*failed, *(bad for part in parts for bad in part.failed)],
        updated=sum(part.updated for part in parts),
    )


def _write(butler: Butler, files: list[RawFile], failed: list[BadFile], *, update: bool) -> ExposureResult:
    rows = {frame.exposure: frame.rows for file in files for frame in file.frames}
    element = butler.universe["exposure"]
    wanted = RecordTable.from_rows(element, [row.exposure for row in rows.values()])
    stored = butler.fetch_records("exposure", wanted.data_ids(butler.universe))
    changes = {change.key[-1]: change for change in compare_records(wanted, stored).changed}
    if changes and not update:
        way_out = "It stays unless records are updated (update_records)."
        bad = {exposure: RecordConflictError("exposure", change, way_out) for exposure, change in changes.items()}
        failed = [*failed, *(_conflict(file, bad) for file in files if _touches(file, bad))]
        files = [file for file in files if not _touches(file, bad)]
        rows = {frame.exposure: frame.rows for file in files for frame in file.frames}
        if not files:
            return ExposureResult(written=[], failed=failed)
    with butler.transaction():
        sync_records(butler, "group", _distinct([row.group for row in rows.values()]), update=True)
        sync_records(butler, "day_obs", _distinct([row.day_obs for row in rows.values()]), update=update)
        result = sync_records(butler, "exposure", [row.exposure for row in rows.values()], update=update)
    return ExposureResult(written=files, failed=failed, updated=len(result.changed))


def _consistent(files: Sequence[RawFile]) -> tuple[list[RawFile], list[BadFile]]:
    """Divide files: of files of one exposure that say different things, the first is believed."""
    first: dict[int, tuple[RawFile, Mapping[str, Any]]] = {}
    good: list[RawFile] = []
    bad: list[BadFile] = []
    for file in files:
        error = None
        for frame in file.frames:
            origin, known = first.setdefault(frame.exposure, (file, frame.rows.exposure))
            differing = [name for name, value in frame.rows.exposure.items() if value != known[name]]
            if differing:
                error = HeaderError(
                    path_text(file.uri),
                    f"{differing[0]} of exposure {frame.exposure} is {frame.rows.exposure[differing[0]]!r} here and "
                    f"{known[differing[0]]!r} in {path_text(origin.uri)}.",
                )
                break
        if error is None:
            good.append(file)
        else:
            bad.append(BadFile(uri=file.uri, error=error))
    return good, bad


def _by_exposure(files: list[RawFile]) -> list[list[RawFile]]:
    parts: dict[int, list[RawFile]] = {}
    for file in files:
        parts.setdefault(file.frames[0].exposure, []).append(file)
    return list(parts.values())


def _touches(file: RawFile, exposures: Mapping[int, Any]) -> bool:
    return any(frame.exposure in exposures for frame in file.frames)


def _conflict(file: RawFile, errors: Mapping[int, PachonError]) -> BadFile:
    error = next(errors[frame.exposure] for frame in file.frames if frame.exposure in errors)
    return BadFile(uri=file.uri, error=_about(file, error))


def _about(file: RawFile, error: PachonError) -> PachonError:
    made = HeaderError(path_text(file.uri), str(error))
    made.__cause__ = error
    return made


def _distinct(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({tuple(row.values())[:2]: row for row in rows}.values())
