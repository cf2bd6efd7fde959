# SPDX-License-Identifier: BSD-3-Clause
"""A CCD that does to light what real ones do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray

__all__ = ["PixelRectangle", "SimulatedCamera", "SimulatedDetector"]


@dataclass(frozen=True, slots=True)
class PixelRectangle:
    """A box of pixels, half open."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDetector:
    """A detector with an overscan to the right of the data, whose bias and sensitivity have structure."""

    width: int = 300
    height: int = 320
    overscan: int = 24
    gain: float = 1.6
    read_noise: float = 6.0
    saturation: float = 60000.0
    bias_level: float = 1000.0
    """ADU, of a frame without drift."""

    seed: int = 1
    """Of the patterns; two detectors with one seed have the same."""

    efficiency: float = 1.0
    """Factor on all light, by which detectors of a camera differ."""

    x_offset: int = 0
    """First column of the data section in a raw frame: a prescan of so many columns is before it."""

    @property
    def data_section(self) -> PixelRectangle:
        """Pixels that see light."""
        return PixelRectangle(self.x_offset, 0, self.x_offset + self.width, self.height)

    @property
    def overscan_sections(self) -> tuple[PixelRectangle, ...]:
        """Pixels that do not."""
        begin = self.x_offset + self.width
        return (PixelRectangle(begin, 0, begin + self.overscan, self.height),) if self.overscan else ()

    def bias_structure(self) -> FloatArray:
        """Give what a dark frame has above the overscan (ADU)."""
        random = np.random.default_rng([self.seed, 1])
        columns = random.normal(5.0, 1.5, self.width)
        rows = 6.0 * np.exp(-np.arange(self.height) / 40.0)
        return np.asarray(columns[None, :] + rows[:, None])

    def response(self) -> FloatArray:
        """Give the relative sensitivity: vignetting, a gradient, and pixel to pixel 1 %; of median about 1."""
        random = np.random.default_rng([self.seed, 2])
        y, x = np.mgrid[-1.0 : 1.0 : self.height * 1j, -1.0 : 1.0 : self.width * 1j]
        smooth = 1.05 - 0.15 * (x**2 + y**2) + 0.04 * x
        return np.asarray(self.efficiency * smooth * random.normal(1.0, 0.01, smooth.shape))

    def expose(self, light: FloatArray | float, *, seed: int, drift: float = 0.0, noise: bool = True) -> Any:
        """Take a raw frame.

        Parameters
        ----------
        light
            Expected electrons in a pixel of mean sensitivity.
        seed
            Of the noise.
        drift
            Added to the bias level (ADU); it also rises by a tenth of this from the first row to the last.
        noise
            Without it the frame is not rounded either.

        Returns
        -------
        CCDData
            In ADU, unsigned 16 bit (float64 without noise), with ``EXPTIME`` 1 in the header.
        """
        from astropy.io.fits import Header
        from astropy.nddata import CCDData

        random = np.random.default_rng([self.seed, 3, seed])
        shape = (self.height, self.x_offset + self.width + self.overscan)
        level = self.bias_level + drift * (1.0 + 0.1 * np.linspace(0.0, 1.0, self.height))
        raw = np.zeros(shape) + level[:, None]
        expected = np.broadcast_to(np.asarray(light, dtype=float) * self.response(), (self.height, self.width))
        electrons = random.poisson(expected).astype(float) if noise else expected
        data = (slice(None), slice(self.x_offset, self.x_offset + self.width))
        raw[data] += electrons / self.gain + self.bias_structure()
        if noise:
            raw += random.normal(0.0, self.read_noise / self.gain, shape)
            raw = np.clip(np.round(raw), 0, 65535).astype(np.uint16)
        return CCDData(raw, unit="adu", meta=Header({"EXPTIME": 1.0}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCamera:
    """Detectors by id."""

    detectors: Mapping[int, SimulatedDetector] = field(default_factory=lambda: {0: SimulatedDetector()})

    def __getitem__(self, key: int) -> SimulatedDetector:
        return self.detectors[key]
