# SPDX-License-Identifier: BSD-3-Clause
"""Task: master flat of each detector and filter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import Field

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
from pachon.pipe_tasks.camera import Camera
from pachon.pipe_tasks.observation import is_wanted, select_inputs
from pachon.pipe_tasks.tasks.dark import certified
from pachon.pipe_tasks.tasks.settings import FrameSelection, OverscanConfig

__all__ = ["FlatConfig", "FlatConnections", "FlatTask"]


class FlatConnections(PipelineTaskConnections, dimensions=("instrument", "detector", "physical_filter")):
    """Flat frames of a detector and filter, and what they make."""

    raws = Input(
        name="raw",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        defer_load=True,
        doc="Raw flat frames (ADU).",
    )
    camera = PrerequisiteInput(
        name="camera",
        storage_class="Camera",
        dimensions=("instrument",),
        is_calibration=True,
        doc="Sections and electronics of the detectors.",
    )
    bias = Input(
        name="bias",
        storage_class="CCDData",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="Master bias (ADU), made in the same run.",
    )
    flat = Output(
        name="detector_flat",
        storage_class="CCDData",
        dimensions=("instrument", "detector", "physical_filter"),
        doc="Relative sensitivity within the detector, median 1.",
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if config is not None and config.certified_bias:
            self.bias = certified(self.bias)

    def temporal_bounds_connections(self) -> tuple[str, ...]:
        """The bias is the one that was valid when the frames were taken."""
        return ("raws",)

    def adjust_quantum(
        self,
        inputs: Mapping[str, tuple[Any, Collection[Any]]],
        outputs: Mapping[str, tuple[Any, Collection[Any]]],
        label: str,
        data_id: Any,
    ) -> tuple[Mapping[str, tuple[Any, Collection[Any]]], Mapping[str, tuple[Any, Collection[Any]]]]:
        """Leave out exposures of other types."""
        frames = self.config.frames
        changed = select_inputs(inputs, "raws", frames.observation_types, frames.excluded_reasons)
        super().adjust_quantum({**inputs, **changed}, outputs, label, data_id)
        return changed, {}


class FlatConfig(PipelineTaskConfig, connections=FlatConnections):
    """Configuration of `FlatTask`."""

    frames: FrameSelection = Field(default_factory=lambda: FrameSelection(observation_types=["flat"]))
    """Which exposures take part."""

    certified_bias: bool = False
    """Take the bias by its validity range, from a CALIBRATION collection, instead of one made in the same run."""

    overscan: OverscanConfig = Field(default_factory=OverscanConfig)
    """How each frame's own level is subtracted."""

    clip: float = Field(default=5.0, gt=0)
    """Values further from the median than this many standard deviations are left out."""

    minimum_level: float = Field(default=2000.0, ge=0)
    """A frame with a lower median (electrons) is left out."""

    maximum_saturated: float = Field(default=0.01, ge=0, le=1)
    """A frame with a larger part of its pixels saturated is left out."""


class FlatTask(PipelineTask):
    """Combine the flats of a detector and filter."""

    config_class = FlatConfig
    default_name = "flat"
    config: FlatConfig

    def run(self, *, raws: Sequence[Any], camera: Camera, bias: Any, data_id: Any) -> Struct:
        """Combine them; ``raws`` are handles, read one after the other."""
        from pachon.pipe_tasks.master_calibrations import NoUsableFramesError, master_flat

        frames = self.config.frames
        wanted = [raw for raw in raws if is_wanted(raw.data_id, frames.observation_types, frames.excluded_reasons)]
        if not wanted:
            raise NoWorkFound(f"None of the {len(raws)} exposures is a flat.")
        try:
            flat = master_flat(
                (raw.get() for raw in wanted),
                camera[int(data_id["detector"])],
                bias=bias,
                clip=self.config.clip,
                minimum_level=self.config.minimum_level,
                maximum_saturated=self.config.maximum_saturated,
                **self.config.overscan.arguments(),
            )
        except NoUsableFramesError as error:
            raise NoWorkFound(str(error)) from error
        self.log.info(
            "Combined %d flats of detector %s in %s (%d left out); mean level %.0f electrons",
            flat.header["NCOMBINE"],
            data_id["detector"],
            data_id["physical_filter"],
            flat.header["NREJECT"],
            flat.header["FLATLVL"],
        )
        return Struct(flat=flat)
