# SPDX-License-Identifier: BSD-3-Clause
"""Five trivial tasks, of the shape that LSST's side of the benchmark has: a join by calibration, by gather and by sky."""

from typing import Any

from pachon.pipe_base import (
    Input,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    Struct,
)

KIND = "StructuredDataDict"
DETECTOR_EXPOSURE = ("instrument", "exposure", "detector")
DETECTOR_VISIT = ("instrument", "visit", "detector")
PATCH_VISIT = ("instrument", "visit", "skymap", "tract", "patch")
PATCH_BAND = ("skymap", "tract", "patch", "band")


class IsrConnections(PipelineTaskConnections, dimensions=DETECTOR_EXPOSURE):
    """A raw and the bias that is valid for it."""

    raw = Input(name="raw", doc="raw", storage_class=KIND, dimensions=DETECTOR_EXPOSURE)
    bias = PrerequisiteInput(
        name="bias", doc="bias", storage_class=KIND, dimensions=("instrument", "detector"), is_calibration=True
    )
    out = Output(name="post_isr", doc="out", storage_class=KIND, dimensions=DETECTOR_EXPOSURE)


class IsrConfig(PipelineTaskConfig, connections=IsrConnections):
    """Nothing to choose."""


class IsrTask(PipelineTask):
    """Add two numbers."""

    config_class = IsrConfig
    default_name = "isr"

    def run(self, *, raw: dict[str, Any], bias: dict[str, Any]) -> Struct:
        return Struct(out={"v": raw["v"] + bias["v"]})


class CalConnections(PipelineTaskConnections, dimensions=DETECTOR_VISIT):
    """The exposures of a visit."""

    exp = Input(name="post_isr", doc="in", storage_class=KIND, dimensions=DETECTOR_EXPOSURE, multiple=True)
    out = Output(name="pvi", doc="out", storage_class=KIND, dimensions=DETECTOR_VISIT)
    cat = Output(name="src", doc="out", storage_class=KIND, dimensions=DETECTOR_VISIT)


class CalConfig(PipelineTaskConfig, connections=CalConnections):
    """Nothing to choose."""


class CalTask(PipelineTask):
    """Add the exposures of a visit."""

    config_class = CalConfig
    default_name = "cal"

    def run(self, *, exp: list[dict[str, Any]]) -> Struct:
        return Struct(out={"v": sum(one["v"] for one in exp)}, cat={"n": 1})


class VisitConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """A gather over detectors."""

    cats = Input(name="src", doc="in", storage_class=KIND, dimensions=DETECTOR_VISIT, multiple=True)
    out = Output(name="visit_summary", doc="out", storage_class=KIND, dimensions=("instrument", "visit"))


class VisitConfig(PipelineTaskConfig, connections=VisitConnections):
    """Nothing to choose."""


class VisitTask(PipelineTask):
    """Count the detectors of a visit."""

    config_class = VisitConfig
    default_name = "visit_summary"

    def run(self, *, cats: list[dict[str, Any]]) -> Struct:
        return Struct(out={"n": sum(one["n"] for one in cats)})


class WarpConnections(PipelineTaskConnections, dimensions=PATCH_VISIT):
    """A join on the sky."""

    pvis = Input(name="pvi", doc="in", storage_class=KIND, dimensions=DETECTOR_VISIT, multiple=True, defer_load=True)
    summary = Input(name="visit_summary", doc="in", storage_class=KIND, dimensions=("instrument", "visit"))
    out = Output(name="warp", doc="out", storage_class=KIND, dimensions=PATCH_VISIT)


class WarpConfig(PipelineTaskConfig, connections=WarpConnections):
    """Nothing to choose."""


class WarpTask(PipelineTask):
    """Add what overlaps a patch."""

    config_class = WarpConfig
    default_name = "warp"

    def run(self, *, pvis: list[Any], summary: dict[str, Any]) -> Struct:
        return Struct(out={"v": sum(one.get()["v"] for one in pvis)})


class CoaddConnections(PipelineTaskConnections, dimensions=PATCH_BAND):
    """The warps of a patch."""

    warps = Input(name="warp", doc="in", storage_class=KIND, dimensions=PATCH_VISIT, multiple=True, defer_load=True)
    out = Output(name="coadd", doc="out", storage_class=KIND, dimensions=PATCH_BAND)


class CoaddConfig(PipelineTaskConfig, connections=CoaddConnections):
    """Nothing to choose."""


class CoaddTask(PipelineTask):
    """Count warps."""

    config_class = CoaddConfig
    default_name = "coadd"

    def run(self, *, warps: list[Any]) -> Struct:
        return Struct(out={"n": len(warps)})
