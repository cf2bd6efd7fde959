# SPDX-License-Identifier: BSD-3-Clause
"""Task: sources of a coadd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from pachon.pipe_base import (
    Input,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    Struct,
)
from pachon.pipe_tasks.sky_map import SkyMap
from pachon.pipe_tasks.tasks.settings import SourceConfig

__all__ = ["DetectCoaddConfig", "DetectCoaddConnections", "DetectCoaddTask"]


class DetectCoaddConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch", "band")):
    """A coadd and what is known of its flux scale."""

    coadd = Input(
        name="coadd",
        storage_class="CCDData",
        dimensions=("skymap", "tract", "patch", "band"),
        doc="Coadd (electrons a second).",
    )
    n_images = Input(
        name="coadd_n_images",
        storage_class="NumpyArray",
        dimensions=("skymap", "tract", "patch", "band"),
        doc="Visits in each pixel.",
    )
    registrations = Input(
        name="registration",
        storage_class="AstropyTable",
        dimensions=("instrument", "skymap", "tract"),
        multiple=True,
        doc="Relative brightness of the visits.",
    )
    zero_points = Input(
        name="zero_point",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit"),
        multiple=True,
        minimum=0,
        doc="Zero points of the visits that have one.",
    )
    sky_map = PrerequisiteInput(
        name="skyMap", storage_class="SkyMap", dimensions=("skymap",), doc="Patches and their boxes."
    )
    catalog = Output(
        name="coadd_catalog",
        storage_class="AstropyTable",
        dimensions=("skymap", "tract", "patch", "band"),
        doc="Sources of the coadd: positions, fluxes, magnitudes where a zero point is known, flags.",
    )


class DetectCoaddConfig(PipelineTaskConfig, connections=DetectCoaddConnections):
    """Configuration of `DetectCoaddTask`."""

    background_box: int = Field(default=128, ge=8)
    """Side of the boxes in which the sky is measured (pixels)."""

    background_smooth: int = Field(default=3, ge=1)
    """Boxes that a median filter takes in each direction."""

    sources: SourceConfig = Field(default_factory=SourceConfig)
    """How sources are found and measured."""


class DetectCoaddTask(PipelineTask):
    """Find and measure the sources of a coadd."""

    config_class = DetectCoaddConfig
    default_name = "detect_coadd"
    config: DetectCoaddConfig

    def run(
        self,
        *,
        coadd: Any,
        n_images: Any,
        registrations: Sequence[Any],
        sky_map: SkyMap,
        data_id: Any,
        zero_points: Sequence[Any] = (),
    ) -> Struct:
        """Make the catalogue of a patch and band."""
        import numpy as np

        from pachon.pipe_tasks.coadd_catalog import catalog_coadd
        from pachon.pipe_tasks.photometric_calibration import coadd_zero_point

        patch = sky_map[int(data_id["tract"])][int(data_id["patch"])]
        by_visit = {int(table.meta["visit"]): table for table in zero_points}
        found = [coadd_zero_point(table, by_visit, str(data_id["band"])) for table in registrations]
        zero_point, error, count = max(found, key=lambda entry: entry[2], default=(np.nan, np.nan, 0))
        catalog = catalog_coadd(
            coadd,
            n_images,
            inner=patch.inner_bbox,
            outer=patch.outer_bbox,
            zero_point=zero_point,
            zero_point_error=error,
            settings=self.config.sources.settings(),
            background_box=self.config.background_box,
            background_smooth=self.config.background_smooth,
        )
        catalog.meta.update(
            {"tract": int(data_id["tract"]), "patch": int(data_id["patch"]), "band": str(data_id["band"])}
        )
        self.log.info(
            "Patch %s, band %s: %d sources, %d visits with a zero point",
            data_id["patch"],
            data_id["band"],
            len(catalog),
            count,
        )
        self.metadata["n_sources"] = len(catalog)
        return Struct(catalog=catalog)
