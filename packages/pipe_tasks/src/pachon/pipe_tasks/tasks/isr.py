# SPDX-License-Identifier: BSD-3-Clause
"""Task: instrument signature removal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from pachon.pipe_tasks.observation import exposure_seconds, is_wanted
from pachon.pipe_tasks.tasks.settings import FrameSelection, OverscanConfig

__all__ = ["IsrConfig", "IsrConnections", "IsrTask"]


class IsrConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A raw frame, the calibrations that are valid for it, and what they make."""

    raw = Input(
        name="raw",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        doc="Raw frame (ADU).",
    )
    camera = PrerequisiteInput(
        name="camera",
        storage_class="Camera",
        dimensions=("instrument",),
        is_calibration=True,
        doc="Sections and electronics of the detectors.",
    )
    bias = PrerequisiteInput(
        name="bias",
        storage_class="CCDData",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="Master bias (ADU).",
    )
    dark = PrerequisiteInput(
        name="dark",
        storage_class="CCDData",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="Master dark (electrons a second).",
    )
    flat = PrerequisiteInput(
        name="flat",
        storage_class="CCDData",
        dimensions=("instrument", "detector", "physical_filter"),
        is_calibration=True,
        doc="Master flat: relative sensitivity.",
    )
    defects = PrerequisiteInput(
        name="defects",
        storage_class="Defects",
        dimensions=("instrument", "detector"),
        is_calibration=True,
        minimum=0,
        doc="Boxes of bad pixels.",
    )
    image = Output(
        name="isr_image",
        storage_class="CCDData",
        dimensions=("instrument", "exposure", "detector"),
        doc="Image in electrons with standard deviation and flags, sky included.",
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        for name in ("bias", "dark", "flat", "defects"):
            if config is not None and not getattr(config, f"do_{name}"):
                self.remove_connection(name)

    def adjust_quantum(
        self,
        inputs: Mapping[str, tuple[Any, Collection[Any]]],
        outputs: Mapping[str, tuple[Any, Collection[Any]]],
        label: str,
        data_id: Any,
    ) -> tuple[Mapping[str, tuple[Any, Collection[Any]]], Mapping[str, tuple[Any, Collection[Any]]]]:
        """Leave out exposures of other types."""
        frames = self.config.frames
        if not is_wanted(data_id, frames.observation_types, frames.excluded_reasons):
            raise NoWorkFound(f"Task {label!r}: exposure {data_id} is of another type.")
        return super().adjust_quantum(inputs, outputs, label, data_id)


class IsrConfig(PipelineTaskConfig, connections=IsrConnections):
    """Configuration of `IsrTask`."""

    frames: FrameSelection = Field(default_factory=lambda: FrameSelection(observation_types=["science", "standard"]))
    """Which exposures are processed."""

    overscan: OverscanConfig = Field(default_factory=OverscanConfig)
    """How the frame's own level is subtracted."""

    measure_read_noise: bool = True
    """Take the read noise from the scatter of each frame's overscan, instead of the camera's value."""

    do_bias: bool = True
    """Subtract a master bias."""

    do_dark: bool = False
    """Subtract a master dark, scaled by the exposure time."""

    do_flat: bool = True
    """Divide by a master flat."""

    do_defects: bool = True
    """Mark known defects, if there is a table of them."""

    cosmic_ray_time: float | None = Field(default=None, ge=0)
    """Exposures of at least so many seconds are searched for particle hits; None: none is. Stars must be sampled well."""

    flat_minimum: float = Field(default=0.1, gt=0)
    """Pixels whose flat is below this are bad."""


class IsrTask(PipelineTask):
    """Turn a raw frame into an image in electrons with known noise."""

    config_class = IsrConfig
    default_name = "isr"
    config: IsrConfig

    def run(
        self,
        *,
        raw: Any,
        camera: Camera,
        data_id: Any,
        bias: Any = None,
        dark: Any = None,
        flat: Any = None,
        defects: Any = None,
    ) -> Struct:
        """Process one frame."""
        from pachon.pipe_tasks.cosmic_rays import mask_cosmic_rays
        from pachon.pipe_tasks.instrument_signature import raw_to_electrons, remove_signature

        seconds = exposure_seconds(data_id, raw.header)
        image = raw_to_electrons(
            raw,
            camera[int(data_id["detector"])],
            bias=bias,
            measure_read_noise=self.config.measure_read_noise,
            **self.config.overscan.arguments(),
        )
        image = remove_signature(
            image,
            dark=dark,
            exposure_time=seconds,
            flat=flat,
            defects=defects,
            flat_minimum=self.config.flat_minimum,
        )
        if self.config.cosmic_ray_time is not None and seconds >= self.config.cosmic_ray_time:
            self.metadata["cosmic_ray_pixels"] = mask_cosmic_rays(image)
        image.header["EXPTIME"] = (seconds, "exposure time (s)")
        self.metadata["overscan_level"] = float(image.header.get("OSLEVEL", 0.0))
        self.metadata["read_noise"] = float(image.header["RDNOISE"])
        self.metadata["masked_fraction"] = float(image.mask.mean())
        return Struct(image=image)
