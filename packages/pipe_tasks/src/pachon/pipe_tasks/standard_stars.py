# SPDX-License-Identifier: BSD-3-Clause
"""Tables of standard stars, whatever their spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pachon.base import FormatError
from pachon.pipe_tasks.arrays import FloatArray

__all__ = ["join_standard_stars", "read_standard_stars"]


def read_standard_stars(table: Any, *, columns: Mapping[str, str] | None = None) -> Any:
    """Bring a table of standard stars into one form.

    Parameters
    ----------
    table : Table
        With ``ra`` and ``dec``: degrees, quantities, or sexagesimal text (hours and degrees). Magnitudes by band are the
        columns ``mag_<band>`` or ``<band>`` (any case); colours ``<band1>_<band2>`` or ``<band1>-<band2>`` give a band
        that has no column of its own. ``name`` is kept; it is made if missing.
    columns
        Band -> column of its magnitudes, where the names are others.

    Returns
    -------
    Table
        ``name, ra, dec`` (ICRS, deg) and ``mag_<band>`` in lower case (mag; NaN where unknown).

    Raises
    ------
    FormatError
        If a position or all magnitudes are missing.
    """
    import astropy.units as u
    from astropy.table import Table

    missing = [name for name in ("ra", "dec") if name not in table.colnames]
    if missing:
        raise FormatError(f"The table of standard stars has no column {', '.join(missing)}; it has {table.colnames}.")
    result = Table()
    names = table["name"] if "name" in table.colnames else [str(i + 1) for i in range(len(table))]
    result["name"] = [str(name) for name in names]
    result["ra"], result["dec"] = _degrees(table["ra"], hours=True) * u.deg, _degrees(table["dec"]) * u.deg
    magnitudes = _magnitudes(table, columns or {})
    if not magnitudes:
        raise FormatError(
            f"The table of standard stars has no magnitudes: no column mag_<band> or <band> in {table.colnames}."
        )
    for band, values in sorted(magnitudes.items()):
        result[f"mag_{band}"] = values * u.mag
    return result


def join_standard_stars(tables: Iterable[Any], *, columns: Mapping[str, str] | None = None) -> Any:
    """Read several tables as one; a star that is in two of them (within 1 arcsec) is taken from the first."""
    from astropy.table import vstack

    read = [read_standard_stars(table, columns=columns) for table in tables]
    if not read:
        return None
    joined = vstack(read, join_type="outer", metadata_conflicts="silent")
    for name in joined.colnames:
        if name.startswith("mag_") and hasattr(joined[name], "filled"):
            joined[name] = joined[name].filled(np.nan)
    kept: list[int] = []
    ra, dec = np.asarray(joined["ra"]), np.asarray(joined["dec"])
    for i in range(len(joined)):
        east = (ra[kept] - ra[i] + 180.0) % 360.0 - 180.0
        if not np.any(np.hypot(east * np.cos(np.deg2rad(dec[i])), dec[kept] - dec[i]) < 1.0 / 3600.0):
            kept.append(i)
    return joined[kept]


def _degrees(column: Any, *, hours: bool = False) -> FloatArray:
    import astropy.units as u
    from astropy.coordinates import Angle

    if column.dtype.kind in "US" or column.dtype.kind == "O":
        text = [str(value) for value in column]
        sexagesimal = any(":" in value or " " in value.strip() or "h" in value for value in text)
        return np.asarray(Angle(text, unit=u.hourangle if hours and sexagesimal else u.deg).deg, dtype=float)
    unit = column.unit or u.deg
    return np.asarray((np.asarray(column, dtype=float) * unit).to_value(u.deg), dtype=float)


def _magnitudes(table: Any, columns: Mapping[str, str]) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    for band, name in columns.items():
        if name not in table.colnames:
            raise FormatError(f"The table of standard stars has no column {name!r} for band {band!r}.")
        found[band.lower()] = _numbers(table[name])
    colours: list[tuple[str, str, FloatArray]] = []
    for name in table.colnames:
        if table[name].dtype.kind not in "fiu":
            continue
        plain = name.lower().removeprefix("mag_")
        if len(plain) == 1 and plain.isalpha() and plain not in "xy":
            found.setdefault(plain, _numbers(table[name]))
        elif len(plain) == 3 and plain[1] in "_-" and plain[0].isalpha() and plain[2].isalpha():
            colours.append((plain[0], plain[2], _numbers(table[name])))
        elif name.lower().startswith("mag_"):
            found.setdefault(plain, _numbers(table[name]))
    for _ in colours:  # a chain of colours (U-B, B-V with V) needs as many rounds as it has links
        for blue, red, value in colours:
            if red in found and blue not in found:
                found[blue] = found[red] + value
            elif blue in found and red not in found:
                found[red] = found[blue] - value
    return found


def _numbers(column: Any) -> FloatArray:
    values = column.filled(np.nan) if hasattr(column, "filled") else column
    return np.asarray(values, dtype=float)
