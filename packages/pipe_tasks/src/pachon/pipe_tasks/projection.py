# SPDX-License-Identifier: BSD-3-Clause
"""Between the pixels of an image and those of a tract, and a WCS that has learnt where it was wrong."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray
from pachon.pipe_tasks.similarity import Similarity

__all__ = [
    "LinearWcs",
    "correct_wcs",
    "pixel_scale",
    "pixels_to_pixels",
    "pixels_to_sky",
    "sky_to_pixels",
    "wcs_from_cards",
    "wcs_to_cards",
]


def pixels_to_sky(wcs: Any, points: FloatArray) -> FloatArray:
    """Give right ascension and declination (ICRS, deg; shape (n, 2)) of pixels counted from 0."""
    from astropy.wcs.utils import pixel_to_skycoord

    if not len(points):
        return np.zeros((0, 2))
    sky = pixel_to_skycoord(points[:, 0], points[:, 1], wcs, origin=0).icrs
    return np.column_stack([sky.ra.deg, sky.dec.deg])


def sky_to_pixels(wcs: Any, sky: FloatArray) -> FloatArray:
    """Give the pixels (n, 2), counted from 0, of directions (ICRS, deg)."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord
    from astropy.wcs.utils import skycoord_to_pixel

    if not len(sky):
        return np.zeros((0, 2))
    coordinates = SkyCoord(sky[:, 0] * u.deg, sky[:, 1] * u.deg, frame="icrs")
    return np.column_stack(skycoord_to_pixel(coordinates, wcs, origin=0))


def pixels_to_pixels(source: Any, target: Any, points: FloatArray) -> FloatArray:
    """Give the pixels of one image that lie where pixels of another do on the sky."""
    return sky_to_pixels(target, pixels_to_sky(source, points))


def pixel_scale(wcs: Any) -> float:
    """Give the side of a pixel (arcsec) at the reference point; the geometric mean if they differ."""
    from astropy.wcs.utils import proj_plane_pixel_area

    return float(np.sqrt(proj_plane_pixel_area(wcs)) * 3600.0)


def wcs_to_cards(wcs: Any) -> dict[str, Any]:
    """Give a WCS as plain keyword and value, distortions included."""
    return dict(wcs.to_header(relax=True))


def wcs_from_cards(cards: Mapping[str, Any]) -> Any:
    """Make a WCS of keywords and values: of `wcs_to_cards`, or a whole header."""
    from astropy.io.fits import Header
    from astropy.wcs import WCS

    header = cards if isinstance(cards, Header) else Header(dict(cards).items())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old spellings of keywords, which astropy mends
        return WCS(header)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWcs:
    """The part of a WCS that a registration corrects: reference point and matrix, ICRS and degrees."""

    crval1: float
    crval2: float
    cd1_1: float
    cd1_2: float
    cd2_1: float
    cd2_2: float

    def apply(self, wcs: Any) -> Any:
        """Give a copy of a WCS with these values; its reference pixel and distortion stay."""
        corrected = wcs.deepcopy()
        matrix = [[self.cd1_1, self.cd1_2], [self.cd2_1, self.cd2_2]]
        corrected.wcs.crval = [self.crval1, self.crval2]
        if corrected.wcs.has_cd():
            corrected.wcs.cd = matrix
        else:
            corrected.wcs.cdelt = [1.0, 1.0]
            corrected.wcs.pc = matrix
        corrected.wcs.radesys = "ICRS"
        corrected.wcs.set()
        return corrected


def correct_wcs(wcs: Any, tract_wcs: Any, transform: Similarity, shape: tuple[int, int]) -> LinearWcs:
    """Move a WCS by a transformation found in the pixels of a tract.

    Parameters
    ----------
    wcs : WCS
        Of an image.
    tract_wcs : WCS
        Of the tract in whose pixels the transformation is.
    transform
        Brings where ``wcs`` puts a star to where it is.
    shape
        Rows, columns of the image.

    Returns
    -------
    LinearWcs
        Least-squares fit over the image; exact but for the curvature of the sky over the shift.
    """
    rows, columns = np.mgrid[0 : shape[0] - 1 : 5j, 0 : shape[1] - 1 : 5j]
    pixels = np.column_stack([columns.ravel(), rows.ravel()])
    reference = np.asarray(wcs.wcs.crpix, dtype=float)[None, :] - 1.0
    points = np.concatenate([reference, pixels])
    there = transform.apply(pixels_to_pixels(wcs, tract_wcs, points))
    moved = pixels_to_sky(tract_wcs, there)
    # Where the distortion puts each pixel, seen from the reference pixel: the matrix acts on that.
    linear = _plane(wcs, np.asarray(wcs.wcs.crval), wcs.all_pix2world(points, 0))
    bent = linear @ np.linalg.inv(np.asarray(wcs.pixel_scale_matrix)).T
    target = _plane(wcs, moved[0], moved)
    matrix, *_ = np.linalg.lstsq(bent[1:], target[1:], rcond=None)
    return LinearWcs(
        crval1=float(moved[0, 0]),
        crval2=float(moved[0, 1]),
        cd1_1=float(matrix[0, 0]),
        cd1_2=float(matrix[1, 0]),
        cd2_1=float(matrix[0, 1]),
        cd2_2=float(matrix[1, 1]),
    )


def _plane(wcs: Any, center: FloatArray, sky: FloatArray) -> FloatArray:
    """Project directions (deg) on the plane of a WCS's projection (deg), centred elsewhere."""
    from astropy.wcs import WCS

    flat = WCS(naxis=2)
    flat.wcs.ctype = [ctype.removesuffix("-SIP") for ctype in wcs.wcs.ctype]
    flat.wcs.crval = list(center)
    flat.wcs.crpix = [1.0, 1.0]
    flat.wcs.cdelt = [1.0, 1.0]
    flat.wcs.set()
    return np.asarray(flat.wcs_world2pix(sky, 0))
