# SPDX-License-Identifier: BSD-3-Clause
"""Task: master dark."""

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
from pachon.pipe_tasks.observation import exposure_seconds, is_wanted, select_inputs
from pachon.pipe_tasks.tasks.settings import FrameSelection, OverscanConfig

__all__ = ["DarkConfig", "DarkConnections", "DarkTask"]


class DarkConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Dark frames of a detector, and what they make."""

    raws = Input(
        name="raw",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        defer_load=True,
        doc="Raw dark frames (ADU).",
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
    dark = Output(
        name="dark",
        storage_class="CCDData",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="Master dark: charge that gathers without light (electrons a second).",
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


class DarkConfig(PipelineTaskConfig, connections=DarkConnections):
    """Configuration of `DarkTask`."""

    frames: FrameSelection = Field(default_factory=lambda: FrameSelection(observation_types=["dark"]))
    """Which exposures take part."""

    certified_bias: bool = False
    """Take the bias by its validity range, from a CALIBRATION collection, instead of one made in the same run."""

    overscan: OverscanConfig = Field(default_factory=OverscanConfig)
    """How each frame's own level is subtracted."""

    clip: float = Field(default=5.0, gt=0)
    """Values further from the median than this many standard deviations are left out."""


class DarkTask(PipelineTask):
    """Combine dark frames of a detector."""

    config_class = DarkConfig
    default_name = "dark"
    config: DarkConfig

    def run(self, *, raws: Sequence[Any], camera: Camera, bias: Any, data_id: Any) -> Struct:
        """Combine them; ``raws`` are handles, read one after the other."""
        from pachon.pipe_tasks.master_calibrations import NoUsableFramesError, master_dark

        frames = self.config.frames
        wanted = [raw for raw in raws if is_wanted(raw.data_id, frames.observation_types, frames.excluded_reasons)]
        times = [exposure_seconds(raw.data_id, raw.get(component="header")) for raw in wanted]
        try:
            dark = master_dark(
                (raw.get() for raw in wanted),
                times,
                camera[int(data_id["detector"])],
                bias=bias,
                clip=self.config.clip,
                **self.config.overscan.arguments(),
            )
        except NoUsableFramesError as error:
            raise NoWorkFound(str(error)) from error
        self.log.info("Combined %d dark frames of detector %s", dark.header["NCOMBINE"], data_id["detector"])
        return Struct(dark=dark)


def certified(connection: Any) -> PrerequisiteInput:
    """Give the prerequisite that stands for an input that is looked up by validity range."""
    return PrerequisiteInput(
        name=connection.name,
        storage_class=connection.storage_class,
        dimensions=connection.dimensions,
        is_calibration=True,
        doc=connection.doc,
    )
