# SPDX-License-Identifier: BSD-3-Clause
"""Tracts and patches: pixel boxes in the projection of a tract."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pachon.base import NotFoundError
from pachon.obs_base.box import Box
from pachon.obs_base.skymap import sphere
from pachon.obs_base.skymap.patch_grid import PatchGrid

if TYPE_CHECKING:
    from astropy.wcs import WCS


def make_wcs(
    ra: float, dec: float, *, pixel_scale: float, projection: str, rotation: float, crpix: tuple[float, float]
) -> WCS:
    """Give a tract's WCS; at rotation 0 x grows to the west and y to the north.

    Parameters
    ----------
    ra, dec : float
        Reference point, ICRS (deg).
    pixel_scale : float
        Arcseconds.
    projection : str
        FITS code of three letters.
    rotation : float
        Position angle of +y (deg, north through east).
    crpix : tuple of float
        Pixel of the reference point, counted from 0.
    """
    from astropy.wcs import WCS

    scale = pixel_scale / 3600.0
    cosine, sine = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [crpix[0] + 1.0, crpix[1] + 1.0]
    wcs.wcs.cd = [[-scale * cosine, scale * sine], [scale * sine, scale * cosine]]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a patch."""

    x: int
    y: int
    inner_bbox: Box
    outer_bbox: Box


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """A patch: its inner box belongs to it alone, its outer box overlaps the neighbours.

    Boxes are in pixels of the tract, whose WCS is ``wcs``.
    """

    tract: int
    id: int
    """Value of the dimension ``patch``: columns times row plus column."""

    x: int
    y: int
    inner_bbox: Box
    outer_bbox: Box
    wcs: WCS
    grid: PatchGrid

    @property
    def outer_wcs(self) -> WCS:
        """WCS of an image of the outer box: its pixel (0, 0) is the box's first."""
        return _shifted(self.wcs, self.outer_bbox)

    def __len__(self) -> int:
        return self.grid.cells_per_side**2

    def cell(self, x: int, y: int) -> Cell:
        """Give a cell by column and row; cell 0 is the first of the border."""
        n = self.grid.cells_per_side
        if not (0 <= x < n and 0 <= y < n):
            raise NotFoundError(f"Patch {self.id} of tract {self.tract} has no cell ({x}, {y}).")
        size, before = self.grid.cell_size, self.grid.cells_in_border
        inner = Box(self.inner_bbox.x0 + (x - before) * size, self.inner_bbox.y0 + (y - before) * size, size, size)
        return Cell(x=x, y=y, inner_bbox=inner, outer_bbox=inner.grown(self.grid.cell_border))


def _shifted(wcs: WCS, box: Box) -> WCS:
    moved = wcs.deepcopy()
    moved.wcs.crpix = [wcs.wcs.crpix[0] - box.x0, wcs.wcs.crpix[1] - box.y0]
    moved.pixel_shape = (box.width, box.height)
    moved.wcs.set()
    return moved


class Tract:
    """A tract: a projection of a part of the sky, cut into patches.

    Iterating gives its patches, x fastest; ``tract[i]`` takes a patch id or a pair (x, y).

    Parameters
    ----------
    id : int
        Value of the dimension ``tract``.
    wcs : astropy.wcs.WCS
        Projection with the reference point at any pixel; it is moved so that the tract's box
        begins at (0, 0).
    points : sequence of pairs
        Directions (ra, dec in deg) that the tract must hold.
    grid : PatchGrid
        Sizes of patches.
    center : pair of float
        Direction of the middle (deg).
    """

    def __init__(
        self,
        id: int,
        *,
        wcs: WCS,
        points: Sequence[tuple[float, float]],
        grid: PatchGrid,
        center: tuple[float, float],
    ) -> None:
        ra, dec = np.asarray(points, dtype=float).T
        x, y = wcs.wcs_world2pix(ra, dec, 0)
        box = Box.from_floats(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        nx, ny, grown = grid.fit(box)
        self.id = id
        self.center = center
        self.grid = grid
        self.bbox = Box(0, 0, grown.width, grown.height)
        """Pixels of the whole tract; it begins at (0, 0)."""
        self.wcs = _shifted(wcs, grown)
        """Projection of the tract's pixels, which are counted from 0."""
        self.patch_shape = (nx, ny)
        """Number of patches in x and y."""

    def __repr__(self) -> str:
        nx, ny = self.patch_shape
        return f"<Tract {self.id} at ({self.center[0]:.4f}, {self.center[1]:.4f}): {nx} x {ny} patches>"

    def __len__(self) -> int:
        return self.patch_shape[0] * self.patch_shape[1]

    def __iter__(self) -> Iterator[Patch]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, patch: int | tuple[int, int]) -> Patch:
        nx, ny = self.patch_shape
        x, y = patch if isinstance(patch, tuple) else (int(patch) % nx, int(patch) // nx)
        if not (0 <= x < nx and 0 <= y < ny):
            raise NotFoundError(f"Tract {self.id} has {nx} x {ny} patches, and no patch {patch}.")
        return Patch(
            tract=self.id,
            id=nx * y + x,
            x=x,
            y=y,
            inner_bbox=self.grid.inner_box(x, y),
            outer_bbox=self.grid.outer_box(x, y, self.bbox),
            wcs=self.wcs,
            grid=self.grid,
        )

    def to_sky(self, x: sphere.Floats, y: sphere.Floats) -> tuple[sphere.Floats, sphere.Floats]:
        """Give right ascension and declination (deg) of pixels."""
        ra, dec = self.wcs.wcs_pix2world(x, y, 0)
        return np.asarray(ra), np.asarray(dec)

    def to_pixels(self, ra: sphere.Floats, dec: sphere.Floats) -> tuple[sphere.Floats, sphere.Floats]:
        """Give pixels of directions (deg); NaN where the projection does not reach."""
        x, y = self.wcs.wcs_world2pix(ra, dec, 0)
        return np.asarray(x), np.asarray(y)

    def contains(self, ra: float, dec: float) -> bool:
        """Tell whether a direction lies on a pixel of the tract."""
        x, y = self.to_pixels(np.asarray([ra]), np.asarray([dec]))
        return bool(np.isfinite(x[0])) and self.bbox.contains(float(x[0]), float(y[0]))

    def find_patch(self, ra: float, dec: float) -> Patch:
        """Give the patch whose inner box holds a direction (deg).

        Raises
        ------
        NotFoundError
            If the direction is outside the tract.
        """
        x, y = self.to_pixels(np.asarray([ra]), np.asarray([dec]))
        if not (np.isfinite(x[0]) and self.bbox.contains(float(x[0]), float(y[0]))):
            raise NotFoundError(f"({ra}, {dec}) is outside tract {self.id}.")
        column, row = math.floor(x[0] + 0.5), math.floor(y[0] + 0.5)
        return self[column // self.grid.inner_width, row // self.grid.inner_height]

    def find_patches(self, ra: sphere.Floats, dec: sphere.Floats) -> list[Patch]:
        """Give the patches whose outer boxes meet the bounding box of directions.

        Some of them may hold none of the directions themselves.
        """
        x, y = self.to_pixels(np.asarray(ra, dtype=float), np.asarray(dec, dtype=float))
        reached = np.isfinite(x) & np.isfinite(y)
        if not reached.any():
            return []
        x, y = x[reached], y[reached]
        box = Box.from_floats(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        box = box.grown(self.grid.border).intersection(self.bbox)
        if box.is_empty:
            return []
        columns = range(box.x0 // self.grid.inner_width, (box.x1 - 1) // self.grid.inner_width + 1)
        rows = range(box.y0 // self.grid.inner_height, (box.y1 - 1) // self.grid.inner_height + 1)
        return [self[column, row] for row in rows for column in columns]

    def vertices(self, boxes: Sequence[Box]) -> sphere.Floats:
        """Give unit vectors, shape (n, 4, 3), of the corners of pixel boxes."""
        corners = np.asarray([box.corners() for box in boxes])
        ra, dec = self.to_sky(corners[..., 0].ravel(), corners[..., 1].ravel())
        return sphere.unit_vectors(ra, dec).reshape(len(boxes), 4, 3)
