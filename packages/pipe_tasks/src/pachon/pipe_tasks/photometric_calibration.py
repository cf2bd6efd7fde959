# SPDX-License-Identifier: BSD-3-Clause
"""Zero point of a visit from its catalogues and a table of standard stars, and of a coadd from those of visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.table_format import set_formats
from pachon.pipe_tasks.zero_point import fit_zero_point, match_standards

__all__ = ["ZeroPointSettings", "coadd_zero_point", "visit_zero_point"]

_UNUSABLE = SourceFlag.SATURATED | SourceFlag.BAD | SourceFlag.NO_CENTER


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPointSettings:
    """How standard stars are found."""

    max_offset: float = 120.0
    """Longest error of the pointing (arcsec)."""

    tolerance: float = 4.0
    """How well positions of standards relative to each other must fit (arcsec)."""

    magnitude_tolerance: float = 0.5
    """How well differences of their magnitudes must fit (mag)."""

    minimum: int = 2
    """So many standards must be found."""

    floor: float = 0.02
    """Least error of one star (mag): catalogue, colour and flat field are not better."""


def visit_zero_point(
    catalogs: Mapping[int, Any], standards: Any, band: str, settings: ZeroPointSettings | None = None
) -> Any:
    """Match a visit with standard stars and average catalogue minus instrumental magnitude.

    Parameters
    ----------
    catalogs
        Detector -> source catalogue of the visit, with ``ra, dec``.
    standards : Table
        From `read_standard_stars`.
    band
        Of the visit; its lower-case name is that of the magnitudes.
    settings
        How.

    Returns
    -------
    Table or None
        One row a standard that was found: ``name, ra, dec``; ``detector, x, y``; ``magnitude``; ``instrumental_magnitude``
        (large aperture, of the flux in one second) and its error; ``residual``; ``used``. Meta: ``zero_point`` (magnitude of
        one electron a second), ``zero_point_error``, ``scatter``, ``n_used``, ``offset_ra`` and ``offset_dec`` (arcsec on
        the sky: where the stars are, minus where the WCS puts them; negated, the error of the pointing). None if the band
        has no standards, or they are not found.
    """
    import astropy.units as u
    from astropy.table import Table

    settings = settings or ZeroPointSettings()
    column = f"mag_{band.lower()}"
    if standards is None or column not in standards.colnames:
        return None
    known = standards[np.isfinite(np.asarray(standards[column], dtype=float))]
    sources = _sources(catalogs)
    if not len(known) or sources is None:
        return None
    center = (float(np.median(sources["ra"])), float(np.median(sources["dec"])))
    match = match_standards(
        _offsets(np.asarray(known["ra"], dtype=float), np.asarray(known["dec"], dtype=float), center),
        np.asarray(known[column], dtype=float),
        _offsets(np.asarray(sources["ra"]), np.asarray(sources["dec"]), center),
        np.asarray(sources["instrumental"]),
        max_offset=settings.max_offset,
        tolerance=settings.tolerance,
        magnitude_tolerance=settings.magnitude_tolerance,
        minimum=settings.minimum,
    )
    if match is None or len(match.standards) < settings.minimum:
        return None
    stars, found = known[match.standards], sources[match.sources]
    magnitudes = np.asarray(stars[column], dtype=float)
    fit = fit_zero_point(
        magnitudes, np.asarray(found["instrumental"]), np.asarray(found["error"]), floor=settings.floor
    )
    table = Table(
        {
            "name": [str(name) for name in stars["name"]],
            "ra": np.asarray(stars["ra"], dtype=float) * u.deg,
            "dec": np.asarray(stars["dec"], dtype=float) * u.deg,
            "detector": found["detector"],
            "x": np.asarray(found["x"]) * u.pix,
            "y": np.asarray(found["y"]) * u.pix,
            "magnitude": magnitudes * u.mag,
            "instrumental_magnitude": np.asarray(found["instrumental"]) * u.mag,
            "magnitude_error": np.asarray(found["error"]) * u.mag,
            "residual": fit.residuals * u.mag,
            "used": fit.used,
        }
    )
    set_formats(table)
    table.meta.update(
        {
            "zero_point": round(fit.value, 5),
            "zero_point_error": round(fit.error, 5),
            "scatter": round(fit.scatter, 5),
            "n_used": int(np.count_nonzero(fit.used)),
            "band": band,
            "offset_ra": round(match.dx, 3),
            "offset_dec": round(match.dy, 3),
        }
    )
    return table


def _sources(catalogs: Mapping[int, Any]) -> Any:
    from astropy.table import Table, vstack

    parts = []
    for detector, catalog in sorted(catalogs.items()):
        if "ra" not in catalog.colnames or not len(catalog):
            continue
        flux = np.asarray(catalog["large_flux"], dtype=float)
        good = ((np.asarray(catalog["flags"]) & _UNUSABLE) == 0) & (flux > 0)
        rate = flux[good] / float(catalog.meta["exposure_time"])
        part = {name: np.asarray(catalog[name], dtype=float)[good] for name in ("ra", "dec", "x", "y")}
        part["instrumental"] = -2.5 * np.log10(rate)
        part["error"] = 2.5 / np.log(10) * np.asarray(catalog["large_flux_error"], dtype=float)[good] / flux[good]
        part["detector"] = np.full(len(rate), detector)
        parts.append(Table(part))
    joined = vstack(parts, metadata_conflicts="silent") if parts else None
    return joined if joined is not None and len(joined) else None


def _offsets(ra: FloatArray, dec: FloatArray, center: tuple[float, float]) -> FloatArray:
    """Give offsets (n, 2) from a centre, east and north (arcsec)."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    east, north = SkyCoord(*center, unit=u.deg).spherical_offsets_to(SkyCoord(ra, dec, unit=u.deg))
    return np.column_stack([east.arcsec, north.arcsec])


def coadd_zero_point(registration: Any, zero_points: Mapping[int, Any], band: str) -> tuple[float, float, int]:
    """Give the zero point of coadds of a tract in a band from those of the visits in them.

    Parameters
    ----------
    registration : Table
        Tells the factor between each visit's fluxes and the coadd's.
    zero_points
        Visit -> table of `visit_zero_point`.
    band
        Only visits in it count.

    Returns
    -------
    zero_point, error : float
        mag; NaN without any.
    n_visits : int
    """
    values, errors = [], []
    for visit, table in sorted(zero_points.items()):
        rows = registration[(registration["visit"] == visit) & (registration["band"] == band)]
        if len(rows) and bool(rows["used"][0]) and str(table.meta["band"]) == band:
            values.append(float(table.meta["zero_point"]) + 2.5 * np.log10(float(rows["flux_scale"][0])))
            errors.append(float(table.meta["zero_point_error"]))
    if not values:
        return float("nan"), float("nan"), 0
    # The visits share their standards, so that the error of the mean is not smaller than that of one.
    return float(np.median(values)), float(np.median(errors)), len(values)
