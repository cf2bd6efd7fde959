# SPDX-License-Identifier: BSD-3-Clause
"""Bring a table of reference stars into a repository: one dataset a pixel of the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import FormatError, NotFoundError
from pachon.datasets import CollectionType, DatasetType
from pachon.obs_base.collection_names import reference_catalogue_collection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pachon.butler import Butler

__all__ = ["STANDARD_STARS_TYPE", "ingest_reference_stars", "read_star_table", "star_positions"]

STANDARD_STARS_TYPE = "standard_stars"
"""Dataset type of standard stars: {htm7} (the common pixels of the universe), storage class ``AstropyTable``."""


def read_star_table(path: str) -> Any:
    """Read a table of stars in any form that astropy knows by its file name or content.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError
        If it is no table.
    """
    from astropy.io.registry import IORegistryError
    from astropy.table import Table

    try:
        return Table.read(path)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except (IORegistryError, OSError, ValueError) as error:
        raise FormatError(f"{path} is no table that can be read: {str(error).splitlines()[0]}") from error


def star_positions(table: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give right ascension and declination (deg) of the rows.

    Columns are ``ra`` and ``dec``: numbers are degrees unless they have a unit; text with colons
    or blanks is hours and degrees.

    Raises
    ------
    FormatError
        If a column is missing or cannot be read.
    """
    import astropy.units as u

    missing = [name for name in ("ra", "dec") if name not in table.colnames]
    if missing:
        raise FormatError(f"The table of stars has no column {missing[0]!r}; it has {', '.join(table.colnames)}.")
    return _degrees(table["ra"], u.hourangle), _degrees(table["dec"], u.deg)


def ingest_reference_stars(
    butler: Butler, table: Any, *, label: str, dataset_type: str = STANDARD_STARS_TYPE
) -> tuple[str, int]:
    """Store the stars of a table, all or none.

    Parameters
    ----------
    butler
        A writeable butler.
    table : astropy.table.Table
        Rows with ``ra`` and ``dec``; all other columns are kept as they are.
    label
        The RUN is ``refcats/<label>``.
    dataset_type
        Name of the dataset type.

    Returns
    -------
    run : str
        The RUN.
    datasets : int
        How many pixels of the sky have stars.

    Raises
    ------
    FormatError
        If positions are missing.
    ConflictError
        If the RUN has stars of one of the pixels already.
    """
    skypix = butler.universe.common_skypix
    pixels = _pixels(butler, skypix, table)
    run = reference_catalogue_collection(label)
    kind = DatasetType(dataset_type, (skypix,), "AstropyTable", universe=butler.universe)
    butler.dataset_types.register(kind)
    butler.collections.register(run, CollectionType.RUN)
    items = [(table[pixels == pixel], kind, {skypix: int(pixel)}) for pixel in sorted(set(pixels.tolist()))]
    butler.put_many(items, run=run)
    return run, len(items)


def _pixels(butler: Butler, skypix: str, table: Any) -> NDArray[np.int64]:
    from lsst.sphgeom import UnitVector3d

    from pachon.obs_base.skymap import sphere

    pixelization = butler.universe.pixelization(skypix)
    vectors = sphere.unit_vectors(*star_positions(table))
    return np.asarray([pixelization.index(UnitVector3d(*vector)) for vector in vectors], dtype=np.int64)


def _degrees(column: Any, sexagesimal_unit: Any) -> NDArray[np.float64]:
    import astropy.units as u
    from astropy.coordinates import Angle

    try:
        if column.dtype.kind in "USO":
            text = [str(value) for value in column]
            is_sexagesimal = any(":" in value or " " in value.strip() for value in text)
            return np.asarray(Angle(text, unit=sexagesimal_unit if is_sexagesimal else u.deg).deg)
        return np.asarray((np.asarray(column, dtype=float) * (column.unit or u.deg)).to_value(u.deg))
    except (ValueError, u.UnitConversionError) as error:
        raise FormatError(f"Column {column.name!r} of the table of stars holds no angles: {error}") from error
