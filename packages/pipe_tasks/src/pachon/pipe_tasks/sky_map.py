# SPDX-License-Identifier: BSD-3-Clause
"""What the tasks ask of a sky map: any object of this shape will do, whoever made it."""

from __future__ import annotations

from typing import Any, Protocol

from pachon.pipe_tasks.camera import PixelBox

__all__ = ["Patch", "SkyMap", "Tract", "patch_wcs"]


class Patch(Protocol):
    """A part of a tract: boxes in pixels of the tract."""

    @property
    def inner_bbox(self) -> PixelBox:
        """Pixels that belong to this patch alone."""

    @property
    def outer_bbox(self) -> PixelBox:
        """Pixels of the patch's images: the inner ones and a border shared with the neighbours."""


class Tract(Protocol):
    """A projection of a part of the sky, cut into patches."""

    @property
    def wcs(self) -> Any:
        """Projection (`astropy.wcs.WCS`) of the tract's pixels, counted from 0."""

    def __getitem__(self, patch: int, /) -> Patch: ...


class SkyMap(Protocol):
    """Tracts by id."""

    def __getitem__(self, tract: int, /) -> Tract: ...


def patch_wcs(tract: Tract, box: PixelBox) -> Any:
    """Give the WCS of an image of a box of a tract: its pixel (0, 0) is the box's first."""
    wcs = tract.wcs.deepcopy()
    wcs.wcs.crpix = [tract.wcs.wcs.crpix[0] - box.x0, tract.wcs.wcs.crpix[1] - box.y0]
    wcs.pixel_shape = (box.x1 - box.x0, box.y1 - box.y0)
    wcs.wcs.set()
    return wcs
