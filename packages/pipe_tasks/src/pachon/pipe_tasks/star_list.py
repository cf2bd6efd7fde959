# SPDX-License-Identifier: BSD-3-Clause
"""From the catalogues of a visit to its stars in the pixels of a tract, and from a registration to a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pachon.pipe_tasks.projection import LinearWcs, correct_wcs, pixels_to_pixels, wcs_from_cards
from pachon.pipe_tasks.registration import StarList, VisitRegistration
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.table_format import set_formats

__all__ = ["find_registration", "make_star_list", "registration_table"]

_UNUSABLE = SourceFlag.SATURATED | SourceFlag.BAD | SourceFlag.NO_CENTER


def make_star_list(
    visit: int, band: str, catalogs: Mapping[int, Any], tract_wcs: Any, *, signal_to_noise: float = 7.0
) -> StarList:
    """Gather the stars of a visit's detectors.

    Parameters
    ----------
    visit, band
        Which visit.
    catalogs
        Detector -> source catalogue; one without a WCS has no stars to give.
    tract_wcs : WCS
        Projection of the common frame.
    signal_to_noise
        Fainter sources are left out; so are saturated, bad and extended ones.

    Returns
    -------
    StarList
    """
    parts: list[dict[str, Any]] = []
    limits = []
    for detector, catalog in sorted(catalogs.items()):
        if "wcs" not in catalog.meta or not len(catalog):
            continue
        flags = np.asarray(catalog["flags"])
        good = (flags & _UNUSABLE) == 0
        good &= np.asarray(catalog["signal_to_noise"]) >= signal_to_noise
        stellar = good & ((flags & SourceFlag.NOT_STELLAR) == 0)
        # A field of galaxies, or a width gone wrong, must not leave nothing to match.
        chosen = stellar if np.count_nonzero(stellar) >= 0.3 * np.count_nonzero(good) else good
        wcs = wcs_from_cards(catalog.meta["wcs"])
        pixels = np.column_stack([np.asarray(catalog[axis], dtype=float)[chosen] for axis in ("x", "y")])
        seconds = float(catalog.meta["exposure_time"])
        rows, columns = catalog.meta["image_shape"]
        corners = np.array([[columns / 2.0, rows / 2.0], [columns / 2.0 + 1.0, rows / 2.0]])
        step = float(np.hypot(*np.diff(pixels_to_pixels(wcs, tract_wcs, corners), axis=0)[0]))
        parts.append(
            {
                "positions": pixels_to_pixels(wcs, tract_wcs, pixels),
                "errors": np.asarray(catalog["position_error"], dtype=float)[chosen] * step,
                "flux": np.asarray(catalog["flux"], dtype=float)[chosen] / seconds,
                "flux_error": np.asarray(catalog["flux_error"], dtype=float)[chosen] / seconds,
                "detectors": np.full(len(pixels), detector, dtype=int),
            }
        )
        limits.append(float(catalog.meta["limiting_flux"]) / seconds)
    if not parts:
        empty = np.zeros(0)
        return StarList(
            visit=visit,
            band=band,
            positions=np.zeros((0, 2)),
            errors=empty,
            flux=empty,
            flux_error=empty,
            detectors=np.zeros(0, dtype=int),
            depth=0.0,
        )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    finite = np.isfinite(joined["positions"]).all(axis=1) & np.isfinite(joined["errors"])
    order = np.argsort(-joined["flux"], kind="stable")
    order = order[finite[order]]
    return StarList(
        visit=visit,
        band=band,
        depth=1.0 / float(np.median(limits)),
        **{name: values[order] for name, values in joined.items()},
    )


def registration_table(
    results: Sequence[VisitRegistration],
    bands: Mapping[int, str],
    catalogs: Mapping[int, Mapping[int, Any]],
    tract_wcs: Any,
) -> Any:
    """Make the table of a tract's registration, one row a visit and detector.

    Parameters
    ----------
    results
        From `register_visits`.
    bands
        Visit -> band.
    catalogs
        Visit -> detector -> catalogue, with the WCS of the pointing in the meta.
    tract_wcs : WCS
        In whose pixels the results are.

    Returns
    -------
    Table
        Columns with descriptions and units; ``crval1`` to ``cd2_2`` are the corrected WCS (`LinearWcs`), which replace
        those of the image; NaN of a visit that is not used.
    """
    import astropy.units as u
    from astropy.table import Table

    rows = []
    for result in results:
        for detector, catalog in sorted(catalogs[result.visit].items()):
            rms, matched = result.detector_rms.get(detector, (float("nan"), 0))
            row: dict[str, Any] = {
                "visit": result.visit,
                "detector": detector,
                "band": bands[result.visit],
                "group": result.group,
                "is_reference": result.is_reference,
                "is_anchored": result.is_anchored,
                "used": result.used and "wcs" in catalog.meta,
                "dx": result.transform.dx,
                "dy": result.transform.dy,
                "rotation": result.transform.rotation,
                "scale": result.transform.scale,
                "rms": result.rms,
                "n_matched": result.n_matched,
                "n_stars": result.n_stars,
                "detector_rms": rms,
                "detector_n_matched": matched,
                "flux_scale": result.flux_scale,
                "n_flux": result.n_flux,
            }
            numbers = dict.fromkeys(("crval1", "crval2", "cd1_1", "cd1_2", "cd2_1", "cd2_2"), float("nan"))
            if row["used"]:
                wcs = wcs_from_cards(catalog.meta["wcs"])
                corrected = correct_wcs(wcs, tract_wcs, result.transform, tuple(catalog.meta["image_shape"]))
                numbers = {name: getattr(corrected, name) for name in numbers}
            rows.append({**row, **numbers})
    table = Table(rows)
    for name, (unit, description) in _COLUMNS.items():
        table[name].unit = None if unit is None else u.Unit(unit)
        table[name].description = description
    set_formats(table)
    for name in ("crval1", "crval2", "cd1_1", "cd1_2", "cd2_1", "cd2_2", "scale", "rotation"):
        table[name].info.format = ".9g"
    return table


_COLUMNS: Mapping[str, tuple[str | None, str]] = {
    "group": (None, "visits of one group overlap and share a frame; -1: not registered"),
    "is_reference": (None, "the matching of the group began with this visit"),
    "is_anchored": (None, "catalogued stars say where the group is, not the pointing"),
    "used": (None, "whether the visit goes into coadds"),
    "dx": ("pix", "shift of the middle of the visit's stars, pixels of the tract"),
    "dy": ("pix", "shift of the middle of the visit's stars, pixels of the tract"),
    "rotation": ("deg", "counter-clockwise in the pixels of the tract"),
    "scale": (None, "factor on distances"),
    "rms": ("pix", "scatter of the visit's stars about their mean places, per axis, weighted; pixels of the tract"),
    "n_matched": (None, "stars that other visits have too"),
    "n_stars": (None, "stars that could be matched"),
    "detector_rms": ("pix", "rms of the stars of this detector"),
    "flux_scale": (None, "brings fluxes a second to those of the deepest visit of the band and group"),
    "n_flux": (None, "stars that this factor comes from"),
    "crval1": ("deg", "corrected WCS, ICRS"),
    "crval2": ("deg", "corrected WCS, ICRS"),
    "cd1_1": ("deg / pix", "corrected WCS"),
    "cd1_2": ("deg / pix", "corrected WCS"),
    "cd2_1": ("deg / pix", "corrected WCS"),
    "cd2_2": ("deg / pix", "corrected WCS"),
}


def find_registration(table: Any, visit: int, detector: int) -> tuple[LinearWcs, float] | None:
    """Give the corrected WCS and the flux scale of a visit and detector; None if it is not used."""
    rows = table[(table["visit"] == visit) & (table["detector"] == detector)]
    if not len(rows) or not bool(rows["used"][0]):
        return None
    row = rows[0]
    names = ("crval1", "crval2", "cd1_1", "cd1_2", "cd2_1", "cd2_2")
    return LinearWcs(**{name: float(row[name]) for name in names}), float(row["flux_scale"])
