# SPDX-License-Identifier: BSD-3-Clause
"""Task: master bias."""

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
from pachon.pipe_tasks.tasks.settings import FrameSelection, OverscanConfig

__all__ = ["BiasConfig", "BiasConnections", "BiasTask"]


class BiasConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Bias frames of a detector, and what they make."""

    raws = Input(
        name="raw",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        defer_load=True,
        doc="Raw bias frames (ADU).",
    )
    camera = PrerequisiteInput(
        name="camera",
        storage_class="Camera",
        dimensions=("instrument",),
        is_calibration=True,
        doc="Sections and electronics of the detectors.",
    )
    bias = Output(
        name="bias",
        storage_class="CCDData",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="Master bias: what a frame of no light has above its own overscan (ADU).",
    )

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


class BiasConfig(PipelineTaskConfig, connections=BiasConnections):
    """Configuration of `BiasTask`."""

    frames: FrameSelection = Field(default_factory=lambda: FrameSelection(observation_types=["bias", "zero"]))
    """Which exposures take part."""

    overscan: OverscanConfig = Field(default_factory=OverscanConfig)
    """How each frame's own level is subtracted."""

    clip: float = Field(default=5.0, gt=0)
    """Values further from the median than this many standard deviations are left out."""


class BiasTask(PipelineTask):
    """Combine bias frames of a detector."""

    config_class = BiasConfig
    default_name = "bias"
    config: BiasConfig

    def run(self, *, raws: Sequence[Any], camera: Camera, data_id: Any) -> Struct:
        """Combine them; ``raws`` are handles, read one after the other."""
        from pachon.pipe_tasks.master_calibrations import master_bias

        frames = self.config.frames
        wanted = [raw for raw in raws if is_wanted(raw.data_id, frames.observation_types, frames.excluded_reasons)]
        if not wanted:
            raise NoWorkFound(f"None of the {len(raws)} exposures is a bias frame.")
        bias = master_bias(
            (raw.get() for raw in wanted),
            camera[int(data_id["detector"])],
            clip=self.config.clip,
            **self.config.overscan.arguments(),
        )
        self.log.info(
            "Combined %d bias frames of detector %s; scatter over stated noise %.3f",
            len(wanted),
            data_id["detector"],
            bias.header.get("NOISRATI", float("nan")),
        )
        return Struct(bias=bias)
