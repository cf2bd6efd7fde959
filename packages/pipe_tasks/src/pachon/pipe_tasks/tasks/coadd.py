# SPDX-License-Identifier: BSD-3-Clause
"""Task: coadd of a patch and band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

__all__ = ["CoaddConfig", "CoaddConnections", "CoaddTask"]


class CoaddConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch", "band")):
    """The visits on a patch in one band."""

    warps = Input(
        name="warp",
        storage_class="CCDData",
        dimensions=("instrument", "visit", "skymap", "tract", "patch"),
        multiple=True,
        defer_load=True,
        doc="Visits on the pixels of the patch.",
    )
    coadd = Output(
        name="coadd",
        storage_class="CCDData",
        dimensions=("skymap", "tract", "patch", "band"),
        doc="Weighted mean (electrons a second), with standard deviation and flags.",
    )
    n_images = Output(
        name="coadd_n_images",
        storage_class="NumpyArray",
        dimensions=("skymap", "tract", "patch", "band"),
        doc="How many visits are in each pixel.",
    )


class CoaddConfig(PipelineTaskConfig, connections=CoaddConnections):
    """Configuration of `CoaddTask`."""

    weighting: Literal["variance", "equal"] = "variance"
    """Weights of the visits: by the inverse of their sky's variance, or equal."""

    clip: float | None = Field(default=5.0, gt=0)
    """Values further from the median than this many standard deviations are left out; None keeps all."""

    star_tolerance: float = Field(default=0.5, ge=0)
    """So large a part of a value counts as noise in clipping, since stars change with the seeing."""


class CoaddTask(PipelineTask):
    """Add up the visits of a patch."""

    config_class = CoaddConfig
    default_name = "coadd"
    config: CoaddConfig

    def run(self, *, warps: Sequence[Any], data_id: Any) -> Struct:
        """Stack them in the order of visits; ``warps`` are handles."""
        from pachon.pipe_tasks.stacking import stack_warps

        handles = sorted(warps, key=lambda handle: int(handle.data_id["visit"]))
        stack = stack_warps(
            [handle.get() for handle in handles],
            clip=self.config.clip,
            star_tolerance=self.config.star_tolerance,
            weighting=self.config.weighting,
        )
        for number, (handle, weight) in enumerate(zip(handles, stack.weights, strict=True)):
            if number < 100:
                stack.image.header[f"VISIT{number:02d}"] = (int(handle.data_id["visit"]), f"weight {weight:.5f}")
        self.log.info("Patch %s, band %s: %d visits", data_id["patch"], data_id["band"], len(handles))
        self.metadata["n_visits"] = len(handles)
        return Struct(coadd=stack.image, n_images=stack.n_images)
