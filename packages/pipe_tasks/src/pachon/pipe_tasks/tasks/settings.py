# SPDX-License-Identifier: BSD-3-Clause
"""Parts of configurations that several tasks share."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pachon.pipe_base import Config
from pachon.pipe_tasks.overscan import OverscanModel
from pachon.pipe_tasks.source_catalog import SourceSettings

__all__ = ["FrameSelection", "OverscanConfig", "SourceConfig"]


class OverscanConfig(Config):
    """How the bias level is taken from the overscan."""

    model: OverscanModel = "smooth"
    """``constant`` (one level a frame), ``smooth`` (a polynomial along the columns), or ``rows`` (a level a row)."""

    order: int = Field(default=3, ge=0)
    """Degree of the polynomial of a smooth model."""

    skip: int = Field(default=4, ge=0)
    """Columns at either edge of the overscan that are left out."""

    def arguments(self) -> dict[str, Any]:
        """Give them as arguments of the functions that subtract an overscan."""
        return {"overscan_model": self.model, "overscan_order": self.order, "overscan_skip": self.skip}


class FrameSelection(Config):
    """Which exposures take part; the rest of what the query finds is left out."""

    observation_types: list[str] = Field(default_factory=list)
    """``exposure.observation_type`` is one of these; an empty list takes all."""

    excluded_reasons: list[str] = Field(default_factory=lambda: ["test"])
    """``exposure.observation_reason`` is none of these."""


class SourceConfig(Config):
    """How sources are found and measured."""

    threshold: float = Field(default=5.0, gt=0)
    """Signal to noise of a detection."""

    minimum_pixels: int = Field(default=3, ge=1)
    """Smaller groups of pixels are no source."""

    fwhm_guess: float = Field(default=5.0, gt=0)
    """Expected width of a star (pixels); it need not be good."""

    small_aperture: float = Field(default=1.0, gt=0)
    """Radius of the aperture for faint sources, in units of the FWHM."""

    large_aperture: float = Field(default=2.0, gt=0)
    """Radius of the aperture that fluxes are corrected to, in units of the FWHM."""

    def check(self) -> None:
        """The apertures must differ for a correction to be measured."""
        if self.small_aperture >= self.large_aperture:
            raise ValueError("small_aperture must be smaller than large_aperture")

    def settings(self) -> SourceSettings:
        """Give them as the value that the functions take."""
        return SourceSettings(
            threshold=self.threshold,
            minimum_pixels=self.minimum_pixels,
            fwhm_guess=self.fwhm_guess,
            small_aperture=self.small_aperture,
            large_aperture=self.large_aperture,
        )
