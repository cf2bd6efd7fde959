# SPDX-License-Identifier: BSD-3-Clause
"""Task: sky, point sources and catalogue of a visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from pachon.pipe_tasks.tasks.settings import SourceConfig

__all__ = ["CharacterizeConfig", "CharacterizeConnections", "CharacterizeTask"]


class CharacterizeConnections(PipelineTaskConnections, dimensions=("instrument", "visit", "detector")):
    """The exposures of a visit, and what is known of it."""

    exposures = Input(
        name="isr_image",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        doc="Images in electrons of the visit's exposures (one, or several snaps that are added).",
    )
    image = Output(
        name="visit_image",
        storage_class="CCDData",
        dimensions=("instrument", "visit", "detector"),
        doc="Image in electrons without sky, with standard deviation, flags and the WCS of the pointing.",
    )
    catalog = Output(
        name="source_catalog",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit", "detector"),
        doc="Sources: pixels, sky positions by the WCS of the pointing, fluxes, flags; the image's numbers in the meta.",
    )


class CharacterizeConfig(PipelineTaskConfig, connections=CharacterizeConnections):
    """Configuration of `CharacterizeTask`."""

    background_box: int = Field(default=128, ge=8)
    """Side of the boxes in which the sky is measured (pixels)."""

    background_smooth: int = Field(default=3, ge=1)
    """Boxes that a median filter takes in each direction."""

    sources: SourceConfig = Field(default_factory=SourceConfig)
    """How sources are found and measured."""


class CharacterizeTask(PipelineTask):
    """Subtract the sky of a visit, measure its point sources and make a catalogue."""

    config_class = CharacterizeConfig
    default_name = "characterize"
    config: CharacterizeConfig

    def run(self, *, exposures: Sequence[Any], data_id: Any) -> Struct:
        """Process one detector of a visit."""
        from pachon.pipe_tasks.visit_image import add_snaps, characterize_image

        image, catalog = characterize_image(
            add_snaps(exposures),
            settings=self.config.sources.settings(),
            background_box=self.config.background_box,
            background_smooth=self.config.background_smooth,
        )
        self.log.info(
            "Visit %s, detector %s: %d sources, FWHM %.2f pixels, sky %.1f electrons",
            data_id["visit"],
            data_id["detector"],
            len(catalog),
            catalog.meta["fwhm"],
            catalog.meta["sky_level"],
        )
        self.metadata["n_sources"] = len(catalog)
        self.metadata["fwhm"] = float(catalog.meta["fwhm"])
        self.metadata["sky_level"] = float(catalog.meta["sky_level"])
        return Struct(image=image, catalog=catalog)
