# SPDX-License-Identifier: BSD-3-Clause
"""The sources of a coadd."""

from __future__ import annotations

from typing import Any

import numpy as np

from pachon.pipe_tasks.background import estimate_background
from pachon.pipe_tasks.camera import PixelBox
from pachon.pipe_tasks.mask_planes import MaskPlane, flags_of, unusable
from pachon.pipe_tasks.projection import pixel_scale
from pachon.pipe_tasks.source_catalog import SourceSettings, make_source_catalog
from pachon.pipe_tasks.table_format import set_formats

__all__ = ["catalog_coadd"]


def catalog_coadd(
    coadd: Any,
    n_images: Any,
    *,
    inner: PixelBox,
    outer: PixelBox,
    zero_point: float = float("nan"),
    zero_point_error: float = float("nan"),
    settings: SourceSettings | None = None,
    background_box: int = 128,
    background_smooth: int = 3,
) -> Any:
    """Find and measure the sources of a coadd.

    Parameters
    ----------
    coadd : CCDData
        Electrons a second on the outer box of a patch.
    n_images : array
        Images in each pixel.
    inner, outer
        Boxes of the patch in pixels of the tract.
    zero_point, zero_point_error
        Magnitude of one electron a second; NaN if unknown.
    settings, background_box, background_smooth
        As for a visit.

    Returns
    -------
    Table
        See `make_source_catalog`; also ``tract_x, tract_y`` (pixels of the tract), ``is_primary`` (in the inner box, so that
        a source of two overlapping patches counts once), ``n_images`` and ``magnitude`` (NaN without a zero point).
        Meta: ``sky_noise`` (unit of the coadd), ``limiting_magnitude``, ``pixel_scale``, ``fwhm_arcsec``, ``zero_point``.
    """
    import astropy.units as u

    flags = flags_of(coadd)
    # Resampling and stacking pass saturated cores on; where nothing was seen there is nothing to find.
    empty = (flags & np.uint8(MaskPlane.NO_DATA)) != 0
    sky = estimate_background(coadd.data, unusable(flags), box=background_box, smooth=background_smooth)
    data = np.where(empty, np.float32(0.0), coadd.data - sky.level).astype(np.float32)
    deviation = np.where(empty, np.float32(np.inf), coadd.uncertainty.array).astype(np.float32)
    finite = np.isfinite(deviation) & (deviation > 0)
    deviation = np.where(finite, deviation, np.float32(1e9))
    catalog, quality = make_source_catalog(
        data,
        deviation,
        flags,
        settings=settings,
        unit=str(coadd.unit),
        exposure_time=1.0,
        wcs=coadd.wcs,
        noise_factor=float(coadd.header.get("NOISCORR", 1.0)),
    )
    x, y = np.asarray(catalog["x"], dtype=float), np.asarray(catalog["y"], dtype=float)
    tract_x, tract_y = x + outer.x0, y + outer.y0
    column, row = np.floor(tract_x + 0.5), np.floor(tract_y + 0.5)
    catalog["tract_x"], catalog["tract_y"] = tract_x * u.pix, tract_y * u.pix
    catalog["is_primary"] = (column >= inner.x0) & (column < inner.x1) & (row >= inner.y0) & (row < inner.y1)
    rows, columns = n_images.shape
    catalog["n_images"] = np.asarray(n_images)[
        np.clip(np.floor(y + 0.5).astype(int), 0, rows - 1), np.clip(np.floor(x + 0.5).astype(int), 0, columns - 1)
    ].astype(np.int32)
    catalog["magnitude"] = (np.asarray(catalog["instrumental_magnitude"], dtype=float) + zero_point) * u.mag
    set_formats(catalog)
    scale = pixel_scale(coadd.wcs)
    with np.errstate(invalid="ignore", divide="ignore"):
        limit = -2.5 * np.log10(quality.limiting_flux)
    catalog.meta.update(
        {
            "sky_noise": round(sky.noise, 6),
            "limiting_magnitude": round(float(limit), 4),
            "pixel_scale": round(scale, 5),
            "fwhm_arcsec": round(quality.fwhm * scale, 4),
            "n_visits": int(coadd.header.get("NCOMBINE", 0)),
            "total_exposure_time": float(coadd.header.get("EXPTIME", 0.0)),
            "zero_point": zero_point,
            "zero_point_error": zero_point_error,
        }
    )
    return catalog
