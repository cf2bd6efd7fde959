# SPDX-License-Identifier: BSD-3-Clause
"""Task: the flats of all detectors on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pachon.pipe_base import (
    Input,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    QuantumRefs,
    Struct,
)

__all__ = ["ScaleFlatsConfig", "ScaleFlatsConnections", "ScaleFlatsTask"]


class ScaleFlatsConnections(PipelineTaskConnections, dimensions=("instrument", "physical_filter")):
    """Flats of all detectors in a filter."""

    detector_flats = Input(
        name="detector_flat",
        storage_class="CCDData",
        dimensions=("instrument", "detector", "physical_filter"),
        multiple=True,
        doc="Relative sensitivity within each detector; the header tells the level of light.",
    )
    flats = Output(
        name="flat",
        storage_class="CCDData",
        dimensions=("instrument", "detector", "physical_filter"),
        multiple=True,
        is_calibration=True,
        doc="Relative sensitivity of pixels within the camera, mean of the detectors' medians 1.",
    )


class ScaleFlatsConfig(PipelineTaskConfig, connections=ScaleFlatsConnections):
    """Configuration of `ScaleFlatsTask`."""

    by_level: bool = True
    """Give detectors the ratio of their levels of light, as if the screen were evenly bright; else all a median of 1."""


class ScaleFlatsTask(PipelineTask):
    """Scale the flats of a camera's detectors so that a star has the same flux on each."""

    config_class = ScaleFlatsConfig
    default_name = "scale_flats"
    config: ScaleFlatsConfig

    def run_quantum(self, context: QuantumContext, inputs: QuantumRefs, outputs: QuantumRefs) -> None:
        """Read and write by detector: one that has no flat has no output."""
        refs = list(inputs.detector_flats)  # type: ignore[attr-defined]  # named after the connection
        targets = {ref.data_id["detector"]: ref for ref in outputs.flats}  # type: ignore[attr-defined]  # same
        scaled = self.run(detector_flats=[context.get(ref) for ref in refs]).flats
        for ref, flat in zip(refs, scaled, strict=True):
            context.put(flat, targets[ref.data_id["detector"]])

    def run(self, *, detector_flats: Sequence[Any]) -> Struct:
        """Scale flats; the outputs are in their order."""
        from pachon.pipe_tasks.master_calibrations import scale_flats

        flats = scale_flats(detector_flats, by_level=self.config.by_level)
        for flat in flats:
            self.log.info("Scaled a flat by %.4f", flat.header["FLATSCAL"])
        return Struct(flats=flats)
