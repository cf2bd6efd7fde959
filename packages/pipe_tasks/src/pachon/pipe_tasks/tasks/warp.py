# SPDX-License-Identifier: BSD-3-Clause
"""Task: a visit on the pixels of a patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pachon.pipe_base import (
    Input,
    NoWorkFound,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    Struct,
)
from pachon.pipe_tasks.resampling import ResamplingKernel
from pachon.pipe_tasks.sky_map import SkyMap, patch_wcs

__all__ = ["WarpConfig", "WarpConnections", "WarpTask"]


class WarpConnections(PipelineTaskConnections, dimensions=("instrument", "visit", "skymap", "tract", "patch")):
    """The images of a visit that overlap a patch."""

    images = Input(
        name="visit_image",
        storage_class="CCDData",
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
        defer_load=True,
        doc="Images without sky (electrons).",
    )
    registration = Input(
        name="registration",
        storage_class="AstropyTable",
        dimensions=("instrument", "skymap", "tract"),
        doc="Corrected WCS and relative brightness.",
    )
    sky_map = PrerequisiteInput(
        name="skyMap", storage_class="SkyMap", dimensions=("skymap",), doc="Patches and their projections."
    )
    warp = Output(
        name="warp",
        storage_class="CCDData",
        dimensions=("instrument", "visit", "skymap", "tract", "patch"),
        doc="The visit on the patch's outer box: electrons a second of the band's deepest visit.",
    )


class WarpConfig(PipelineTaskConfig, connections=WarpConnections):
    """Configuration of `WarpTask`."""

    kernel: ResamplingKernel = "bicubic"
    """``bilinear`` (smooths) or ``bicubic`` (a cubic spline: keeps the shape of stars)."""

    scale_flux: bool = True
    """Bring visits to one flux scale by their common stars; else only to one second."""


class WarpTask(PipelineTask):
    """Resample a visit to a patch, with propagated noise."""

    config_class = WarpConfig
    default_name = "warp"
    config: WarpConfig

    def run(self, *, images: Sequence[Any], registration: Any, sky_map: SkyMap, data_id: Any) -> Struct:
        """Resample the detectors of a visit; ``images`` are handles."""
        from pachon.pipe_tasks.resampling import merge_warps, resample, to_rate
        from pachon.pipe_tasks.star_list import find_registration

        tract = sky_map[int(data_id["tract"])]
        box = tract[int(data_id["patch"])].outer_bbox
        target, shape = patch_wcs(tract, box), (box.y1 - box.y0, box.x1 - box.x0)
        warp = None
        for handle in sorted(images, key=lambda handle: int(handle.data_id["detector"])):
            found = find_registration(registration, int(data_id["visit"]), int(handle.data_id["detector"]))
            if found is None:
                continue
            corrected, flux_scale = found
            image = to_rate(handle.get())
            one = resample(
                image,
                corrected.apply(image.wcs),
                target,
                shape,
                kernel=self.config.kernel,
                scale=flux_scale if self.config.scale_flux else 1.0,
            )
            if one is not None:
                warp = one if warp is None else merge_warps(warp, one)
        if warp is None:
            raise NoWorkFound(
                f"Visit {data_id['visit']} does not reach patch {data_id['patch']}, or is not registered."
            )
        return Struct(warp=warp)
