# SPDX-License-Identifier: BSD-3-Clause
"""The camera model: detectors, their sections and electronics, and where they sit on the sky."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pachon.base import InvalidInputError
from pachon.obs_base.box import Box

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from astropy.wcs import WCS


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Detector(_Document):
    """One detector: boxes are half open and in pixels, electronics as measured."""

    id: int = Field(ge=0)
    """Value of the dimension ``detector``."""

    name: str
    """``detector.full_name``, unique in the camera."""

    serial: str = ""
    purpose: str = "SCIENCE"
    group: str | None = None
    """Raft, or whatever detectors are mounted in."""

    name_in_group: str | None = None

    raw_bbox: Box
    """The whole raw frame."""

    data_section: Box
    """Pixels of a raw frame that see light."""

    overscan_sections: tuple[Box, ...]
    """Pixels of a raw frame that hold the bias level, same rows as the data section."""

    gain: float = Field(gt=0)
    """Electrons for one unit of a raw frame (ADU)."""

    read_noise: float = Field(ge=0)
    """Electrons, rms."""

    saturation: float = Field(gt=0)
    """Raw value (ADU, bias included) from which a pixel is not to be trusted."""

    pixel_size: float = Field(gt=0)
    """Millimetres, of a pixel as it is read out."""

    offset: tuple[float, float] = (0.0, 0.0)
    """Where the reference point lies in the focal plane (mm)."""

    reference_point: tuple[float, float] | None = None
    """Pixel of the trimmed image that lies at ``offset``; its middle when None."""

    yaw: float = 0.0
    """Rotation in the focal plane (deg), counter-clockwise."""

    @model_validator(mode="after")
    def _sections_inside(self) -> Self:
        for section in (self.data_section, *self.overscan_sections):
            if section.is_empty or section.intersection(self.raw_bbox) != section:
                raise ValueError(f"section {section} of detector {self.name} is not inside {self.raw_bbox}")
        return self

    @property
    def bbox(self) -> Box:
        """Box of the image after trimming: it begins at (0, 0)."""
        return Box(0, 0, self.data_section.width, self.data_section.height)

    def to_focal_plane(self, x: float, y: float) -> tuple[float, float]:
        """Give the focal-plane position (mm) of a pixel of the trimmed image."""
        x_ref, y_ref = self.reference_point or self.bbox.center()
        cosine, sine = math.cos(math.radians(self.yaw)), math.sin(math.radians(self.yaw))
        dx, dy = (x - x_ref) * self.pixel_size, (y - y_ref) * self.pixel_size
        return (cosine * dx - sine * dy + self.offset[0], sine * dx + cosine * dy + self.offset[1])

    def from_focal_plane(self, x: float, y: float) -> tuple[float, float]:
        """Give the pixel of the trimmed image at a focal-plane position (mm)."""
        x_ref, y_ref = self.reference_point or self.bbox.center()
        cosine, sine = math.cos(math.radians(self.yaw)), math.sin(math.radians(self.yaw))
        dx, dy = (x - self.offset[0]) / self.pixel_size, (y - self.offset[1]) / self.pixel_size
        return (cosine * dx + sine * dy + x_ref, -sine * dx + cosine * dy + y_ref)


class Camera(_Document):
    """A camera: iterate over its detectors, or index it by detector id or name."""

    name: str
    plate_scale: float = Field(gt=0)
    """Arcseconds on the sky for a millimetre in the focal plane."""

    flipped_x: bool = False
    """At rotation 0 (+y to the north), +x points west; east if this is true."""

    detectors: tuple[Detector, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, values in (
            ("ids", [d.id for d in self.detectors]),
            ("names", [d.name for d in self.detectors]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"detector {what} of camera {self.name} are not unique: {values}")
        return self

    @classmethod
    def from_yaml(cls, path: Traversable | Path) -> Self:
        """Read a camera document.

        Raises
        ------
        InvalidInputError
            If the file is no camera document; the message names the first thing that is wrong.
        """
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise InvalidInputError(f"{path} is not a camera document: {reason}") from error

    def __len__(self) -> int:
        return len(self.detectors)

    def __iter__(self) -> Iterator[Detector]:  # type: ignore[override]  # a camera is its detectors, not its fields
        return iter(self.detectors)

    def __getitem__(self, key: int | str) -> Detector:
        for detector in self.detectors:
            if key in (detector.id, detector.name):
                return detector
        raise KeyError(f"Camera {self.name} has no detector {key!r}.")

    @property
    def detector_max(self) -> int:
        """One more than the highest detector id."""
        return max(detector.id for detector in self.detectors) + 1

    def pixel_scale(self, detector: int | str) -> float:
        """Give the size of a detector's pixel on the sky (arcsec)."""
        return self.plate_scale * self[detector].pixel_size

    def radius(self) -> float:
        """Give the largest distance of an image corner from the boresight (deg)."""
        farthest = max(
            math.hypot(*detector.to_focal_plane(x, y))
            for detector in self.detectors
            for x, y in detector.bbox.corners()
        )
        return farthest * self.plate_scale / 3600.0

    def wcs(self, detector: int | str, *, ra: float, dec: float, sky_angle: float) -> WCS:
        """Give the WCS of a detector's trimmed image for a pointing.

        Parameters
        ----------
        detector : int or str
            Detector id or name.
        ra, dec : float
            Boresight, ICRS (deg).
        sky_angle : float
            Position angle of the focal plane's +y axis, north through east (deg).

        Returns
        -------
        wcs : astropy.wcs.WCS
            A tangent-plane projection at the boresight (no distortion).
        """
        from astropy.wcs import WCS

        which = self[detector]
        angle = math.radians(sky_angle)
        cosine, sine = math.cos(angle), math.sin(angle)
        flip = 1.0 if self.flipped_x else -1.0
        scale = self.plate_scale / 3600.0 * which.pixel_size
        yaw_cosine, yaw_sine = math.cos(math.radians(which.yaw)), math.sin(math.radians(which.yaw))
        # Columns: where one pixel along focal-plane x and y goes in (east, north).
        x_axis, y_axis = (flip * cosine, -flip * sine), (sine, cosine)
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.crval = [ra, dec]
        x_origin, y_origin = which.from_focal_plane(0.0, 0.0)
        wcs.wcs.crpix = [x_origin + 1.0, y_origin + 1.0]
        wcs.wcs.cd = [
            [
                scale * (x_axis[i] * yaw_cosine + y_axis[i] * yaw_sine),
                scale * (-x_axis[i] * yaw_sine + y_axis[i] * yaw_cosine),
            ]
            for i in (0, 1)
        ]
        wcs.wcs.radesys = "ICRS"
        wcs.wcs.set()
        return wcs
