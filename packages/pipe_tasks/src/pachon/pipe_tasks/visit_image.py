# SPDX-License-Identifier: BSD-3-Clause
"""A visit's image without sky, and the catalogue of its sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.pipe_tasks.background import estimate_background
from pachon.pipe_tasks.mask_planes import flags_of, set_flags, unusable
from pachon.pipe_tasks.projection import pixel_scale, wcs_to_cards
from pachon.pipe_tasks.source_catalog import SourceSettings, make_source_catalog

__all__ = ["add_snaps", "characterize_image"]


def add_snaps(images: Sequence[Any]) -> Any:
    """Add the exposures of one visit: electrons, variances and exposure times add up, flags are joined."""
    from astropy.nddata import StdDevUncertainty

    if not images:
        raise InvalidInputError("There are no exposures to add.")
    first = images[0]
    if len(images) == 1:
        return first
    total = first.copy()
    total.header = first.header.copy()
    total.data = np.sum([image.data for image in images], axis=0, dtype=np.float32)
    total.uncertainty = StdDevUncertainty(
        np.sqrt(np.sum([np.square(image.uncertainty.array) for image in images], axis=0)).astype(np.float32)
    )
    total.header["EXPTIME"] = sum(float(image.header["EXPTIME"]) for image in images)
    set_flags(total, np.bitwise_or.reduce([flags_of(image) for image in images]))
    return total


def characterize_image(
    image: Any, *, settings: SourceSettings | None = None, background_box: int = 128, background_smooth: int = 3
) -> tuple[Any, Any]:
    """Subtract the sky, measure the point sources and make a catalogue.

    Parameters
    ----------
    image : CCDData
        Electrons, with standard deviation, flags and the header card ``EXPTIME``.
    settings
        How sources are found.
    background_box, background_smooth
        See `estimate_background`.

    Returns
    -------
    image : CCDData
        Without sky. Header: ``SKYLEVEL`` and ``SKYNOISE`` (electrons), ``FWHM`` (pixels), ``NSOURCES``.
    catalog : Table
        See `make_source_catalog`. Its meta also has ``sky_level, sky_noise`` (electrons), ``pixel_scale`` and
        ``fwhm_arcsec`` (with a WCS), ``limiting_magnitude`` (instrumental: five times the noise of a point source),
        ``image_shape`` (rows, columns) and ``wcs`` (header cards).
    """
    from astropy.nddata import CCDData

    flags = flags_of(image)
    sky = estimate_background(image.data, unusable(flags), box=background_box, smooth=background_smooth)
    data = np.asarray(image.data - sky.level, dtype=np.float32)
    seconds = float(image.header.get("EXPTIME", 1.0)) or 1.0
    catalog, quality = make_source_catalog(
        data,
        image.uncertainty.array,
        flags,
        settings=settings,
        unit="electron",
        exposure_time=seconds,
        wcs=image.wcs,
    )
    result = CCDData(data, unit=image.unit, uncertainty=image.uncertainty, wcs=image.wcs, header=image.header)
    set_flags(result, flags)
    result.header["SKYLEVEL"] = (round(sky.median, 3), "median sky subtracted (electrons)")
    result.header["SKYNOISE"] = (round(sky.noise, 3), "scatter of the sky (electrons)")
    result.header["FWHM"] = (round(quality.fwhm, 3), "of point sources (pixels)")
    result.header["NSOURCES"] = (quality.n_sources, "sources detected")
    meta = {
        "sky_level": round(sky.median, 3),
        "sky_noise": round(sky.noise, 3),
        "limiting_magnitude": round(float(-2.5 * np.log10(quality.limiting_flux / seconds)), 4),
        "image_shape": list(data.shape),
    }
    if image.wcs is not None:
        scale = pixel_scale(image.wcs)
        meta |= {"pixel_scale": round(scale, 5), "fwhm_arcsec": round(quality.fwhm * scale, 4)}
        meta["wcs"] = wcs_to_cards(image.wcs)
    catalog.meta.update(meta)
    return result, catalog
