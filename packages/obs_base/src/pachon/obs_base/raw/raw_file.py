# SPDX-License-Identifier: BSD-3-Clause
"""What a raw file says about itself: the exposures and detectors that it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pachon.base import PachonError
from pachon.obs_base.errors import HeaderError, UnknownFilterError
from pachon.obs_base.exposure_record import ExposureRows, make_exposure_rows
from pachon.obs_base.fits_file import check_fits_file, read_headers
from pachon.obs_base.instrument import Instrument
from pachon.obs_base.observation import translate_file
from pachon.obs_base.path_text import path_text
from pachon.obs_base.raw.metadata_files import MetadataFiles
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

__all__ = ["BadFile", "RawFile", "RawFrame", "read_raw_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFrame:
    """One detector's frame of one exposure."""

    exposure: int
    detector: int
    rows: ExposureRows


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """A file and the frames that it holds; its instrument is that of the first."""

    uri: ResourcePath
    instrument: Instrument
    frames: tuple[RawFrame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """A file that cannot be ingested, and why."""

    uri: ResourcePath
    error: PachonError

    def __str__(self) -> str:
        return str(self.error)


def read_raw_file(
    uri: ResourcePath, find_instrument: Callable[[str], Instrument], metadata: MetadataFiles | None = None
) -> RawFile:
    """Read the headers of a file and translate them.

    Parameters
    ----------
    uri
        The file; of one that is elsewhere the whole is fetched.
    find_instrument
        Gives the instrument of a name that headers say; it raises one of our errors if it cannot be ingested.
    metadata
        Indexes and sidecars, which are asked before the headers.

    Raises
    ------
    PachonError
        One line that names the file and what is wrong: no FITS, cut short, a missing key, an unknown filter,
        detector or instrument.
    """
    path = path_text(uri)
    known = None if metadata is None else metadata.find(uri)
    observations = _from_headers(uri) if known is None else [known]
    if known is not None and uri.is_local:
        check_fits_file(uri.ospath)
    try:
        instrument = find_instrument(str(observations[0].instrument))
    except PachonError as error:
        raise HeaderError(path, str(error)) from error
    frames = []
    for info in observations:
        if info.instrument != instrument.name:
            raise HeaderError(path, f"it holds frames of {instrument.name} and of {info.instrument}.")
        try:
            rows = make_exposure_rows(info, instrument.filters)
        except UnknownFilterError as error:
            raise HeaderError(path, str(error)) from error
        if all(detector.id != info.detector_num for detector in instrument.camera):
            raise HeaderError(path, f"{instrument.name} has no detector {info.detector_num}.")
        frames.append(RawFrame(exposure=rows.exposure["id"], detector=int(info.detector_num or 0), rows=rows))
    return RawFile(uri=uri, instrument=instrument, frames=tuple(frames))


def _from_headers(uri: ResourcePath) -> list[ObservationInfo]:
    primary, second = read_headers(uri)
    with uri.as_local() as local:
        return [info for _, info in translate_file(primary, second, path=local.ospath)]
