# SPDX-License-Identifier: BSD-3-Clause
"""One table that tells how a tract went: a row a visit, a row a coadd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pachon.pipe_tasks.table_format import set_formats

__all__ = ["summarize_tract"]


def summarize_tract(
    catalogs: Mapping[int, Mapping[int, Any]],
    registration: Any,
    zero_points: Mapping[int, Any],
    coadd_catalogs: Mapping[tuple[int, str], Any],
) -> Any:
    """Gather what was measured in a tract.

    Parameters
    ----------
    catalogs
        Visit -> detector -> source catalogue.
    registration : Table
        Of the tract.
    zero_points
        Visit -> table of `visit_zero_point`, where there is one.
    coadd_catalogs
        (patch, band) -> catalogue.

    Returns
    -------
    Table
        Sorted by kind (``visit`` before ``coadd``), band and number. ``limiting_magnitude`` is that of a point source at five
        times its noise: calibrated where ``zero_point`` is known (``is_calibrated``), else instrumental. Numbers that do
        not apply are NaN or 0. Meta: ``n_visits, n_used, n_coadds``, the median and largest ``rms``.
    """
    import astropy.units as u
    from astropy.table import Table

    rows = [_visit_row(visit, catalogs[visit], registration, zero_points.get(visit)) for visit in catalogs]
    rows += [_coadd_row(patch, band, catalog) for (patch, band), catalog in coadd_catalogs.items()]
    rows.sort(key=lambda row: (row["kind"] == "coadd", row["band"], row["visit"], row["patch"]))
    table = Table(rows=rows, names=list(_UNITS)) if rows else Table(names=list(_UNITS))
    for name, unit in _UNITS.items():
        if unit:
            table[name].unit = u.Unit(unit)
    set_formats(table)
    rms = np.array([row["rms"] for row in rows if row["kind"] == "visit" and np.isfinite(row["rms"])])
    table.meta.update(
        {
            "n_visits": len(catalogs),
            "n_used": sum(bool(row["used"]) for row in rows if row["kind"] == "visit"),
            "n_coadds": len(coadd_catalogs),
            "median_rms": round(float(np.median(rms)), 4) if len(rms) else float("nan"),
            "largest_rms": round(float(rms.max()), 4) if len(rms) else float("nan"),
        }
    )
    return table


_UNITS: Mapping[str, str] = {
    "kind": "",
    "band": "",
    "visit": "",
    "patch": "",
    "n_images": "",
    "exposure_time": "s",
    "fwhm": "arcsec",
    "sky_level": "electron / (pix s)",
    "n_sources": "",
    "limiting_magnitude": "mag",
    "is_calibrated": "",
    "used": "",
    "dx": "pix",
    "dy": "pix",
    "rms": "pix",
    "n_matched": "",
    "flux_scale": "",
    "zero_point": "mag",
    "zero_point_error": "mag",
    "n_standards": "",
}


def _visit_row(visit: int, catalogs: Mapping[int, Any], registration: Any, zero_point: Any) -> dict[str, Any]:
    metas = [catalog.meta for _, catalog in sorted(catalogs.items())]
    seconds = float(metas[0]["exposure_time"])
    found = registration[registration["visit"] == visit]
    value, error = float("nan"), float("nan")
    if zero_point is not None:
        value, error = float(zero_point.meta["zero_point"]), float(zero_point.meta["zero_point_error"])
    depth = float(np.median([meta["limiting_magnitude"] for meta in metas]))
    row = dict.fromkeys(_UNITS, float("nan")) | {
        "kind": "visit",
        "band": str(found["band"][0]) if len(found) else "",
        "visit": visit,
        "patch": -1,
        "n_images": len(metas),
        "exposure_time": seconds,
        "fwhm": float(np.median([meta.get("fwhm_arcsec", np.nan) for meta in metas])),
        "sky_level": float(np.median([meta["sky_level"] for meta in metas])) / seconds,
        "n_sources": sum(len(catalog) for catalog in catalogs.values()),
        "limiting_magnitude": depth + value if np.isfinite(value) else depth,
        "is_calibrated": bool(np.isfinite(value)),
        "used": bool(np.any(found["used"])) if len(found) else False,
        "n_matched": int(found["n_matched"][0]) if len(found) else 0,
        "zero_point": value,
        "zero_point_error": error,
        "n_standards": 0 if zero_point is None else int(zero_point.meta["n_used"]),
    }
    if len(found):
        row |= {name: float(found[name][0]) for name in ("dx", "dy", "rms", "flux_scale")}
    return row


def _coadd_row(patch: int, band: str, catalog: Any) -> dict[str, Any]:
    meta = catalog.meta
    value = float(meta["zero_point"])
    depth = float(meta["limiting_magnitude"])
    return dict.fromkeys(_UNITS, float("nan")) | {
        "kind": "coadd",
        "band": band,
        "visit": 0,
        "patch": patch,
        "n_images": int(meta["n_visits"]),
        "exposure_time": float(meta["total_exposure_time"]),
        "fwhm": float(meta["fwhm_arcsec"]),
        "n_sources": int(np.count_nonzero(catalog["is_primary"])),
        "limiting_magnitude": depth + value if np.isfinite(value) else depth,
        "is_calibrated": bool(np.isfinite(value)),
        "used": True,
        "n_matched": 0,
        "zero_point": value,
        "zero_point_error": float(meta["zero_point_error"]),
        "n_standards": 0,
    }
