# SPDX-License-Identifier: BSD-3-Clause
"""Where a visit looks: regions of a visit and of its detectors, from the pointing alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pachon.base import InvalidInputError
from pachon.obs_base.camera import Camera

if TYPE_CHECKING:
    from pachon.dimensions import Region

__all__ = ["BoresightRegion", "CircleRegion", "VisitRegionPolicy", "VisitRegions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRegions:
    """The region of a visit and that of each detector, by id."""

    visit: Region
    detectors: Mapping[int, Region]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleRegion:
    """A circle round the pointing: for exposures that lack a rotation or an exact WCS.

    Every detector gets the whole circle, since nobody knows better.
    """

    padding: float
    """Arcseconds beyond the farthest corner: how far the pointing may be off."""

    needs_rotation = False

    def compute(self, camera: Camera, *, ra: float, dec: float, sky_angle: float | None) -> VisitRegions:
        """Give the regions of a pointing (deg, ICRS); the rotation is not looked at."""
        # lsst-sphgeom is wanted here only.
        from pachon.dimensions.region import circle

        del sky_angle
        region = circle(ra, dec, camera.radius() + self.padding / 3600.0)
        return VisitRegions(visit=region, detectors={detector.id: region for detector in camera})


@dataclass(frozen=True, slots=True, kw_only=True)
class BoresightRegion:
    """Polygons of the detectors' padded boxes, projected from the boresight and the rotation."""

    padding: int = 250
    """Pixels by which each detector's box is grown on each side."""

    needs_rotation = True

    def compute(self, camera: Camera, *, ra: float, dec: float, sky_angle: float | None) -> VisitRegions:
        """Give the regions of a pointing (deg, ICRS).

        Raises
        ------
        InvalidInputError
            If the rotation is not known.
        """
        import numpy as np

        from pachon.dimensions.region import polygon

        if sky_angle is None:
            raise InvalidInputError(f"A region of {camera.name} cannot be made without its rotation on the sky.")
        corners = {}
        for detector in camera:
            wcs = camera.wcs(detector.id, ra=ra, dec=dec, sky_angle=sky_angle)
            pixels = np.asarray(detector.bbox.grown(self.padding).corners())
            corners[detector.id] = np.column_stack(wcs.wcs_pix2world(pixels[:, 0], pixels[:, 1], 0))
        return VisitRegions(
            visit=polygon(np.concatenate(list(corners.values()))),
            detectors={detector: polygon(points) for detector, points in corners.items()},
        )


VisitRegionPolicy: TypeAlias = CircleRegion | BoresightRegion
