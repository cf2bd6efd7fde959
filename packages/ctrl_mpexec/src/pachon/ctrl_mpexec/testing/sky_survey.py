# SPDX-License-Identifier: BSD-3-Clause
"""A repository on disk with a small survey of the sky, and a pipeline from raws to coadds; parts of it can be left out.

Two exposures a visit, two detectors, one tract of 2 x 2 patches; detector 0 lies in the western patches, 1 in the eastern ones.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pachon.butler import Butler
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import Region, Timespan
from pachon.dimensions.region import polygon
from pachon.pipe_base import (
    InitInput,
    InitOutput,
    Input,
    NoWorkFound,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    Struct,
)

__all__ = ["PIPELINE", "box", "make_survey"]

PIPELINE = """\
description: from raws to coadds
tasks:
  isr: pachon.ctrl_mpexec.testing.sky_survey.IsrTask
  cal: pachon.ctrl_mpexec.testing.sky_survey.CalTask
  warp: pachon.ctrl_mpexec.testing.sky_survey.WarpTask
  coadd: pachon.ctrl_mpexec.testing.sky_survey.CoaddTask
"""

DAY = 20260101
_DATA = "StructuredDataDict"
_EXPOSURE = ("instrument", "exposure", "detector")
_VISIT = ("instrument", "visit", "detector")
_WARP = ("instrument", "visit", "skymap", "tract", "patch")


def box(ra: float, dec: float, width: float) -> Region:
    """Make a square on the sky from its centre and width, in degrees."""
    half = width / 2
    return polygon([(ra - half, dec - half), (ra + half, dec - half), (ra + half, dec + half), (ra - half, dec + half)])


def make_survey(
    root: Path,
    *,
    visits: int = 3,
    without: Collection[str] = (),
    centre: float = 10.0,
    biases: Timespan | None = None,
    raw_detectors: Collection[int] = (0, 1),
) -> None:
    """Create the repository with runs ``raws`` and ``refcats``, collection ``calib`` and the chain ``defaults``.

    Parameters
    ----------
    root
        Its folder.
    visits
        Number of visits, from 1; exposures are 10 v + 1 and 10 v + 2.
    without
        Elements without records, and dataset types without datasets (``type:`` before a name: not registered either).
    centre
        Right ascension of the visits, degrees; the tract is at 10.
    biases
        When the biases are valid; always by default.
    raw_detectors
        Detectors of which there are raws.
    """
    with Butler.create(str(root)) as butler:
        _insert_records(butler, visits, without, centre)
        _add_datasets(butler, visits, without, biases or Timespan(None, None), raw_detectors)


def _insert_records(butler: Butler, visits: int, without: Collection[str], centre: float) -> None:
    def insert(element: str, rows: list[dict[str, Any]]) -> None:
        if element not in without:
            butler.dimension_records.insert(element, rows)

    insert("instrument", [{"name": "Cam", "detector_max": 2, "class_name": "none"}])
    insert("physical_filter", [{"instrument": "Cam", "name": "R", "band": "r"}])
    insert("day_obs", [{"instrument": "Cam", "id": DAY}])
    insert("visit_system", [{"instrument": "Cam", "id": 0, "name": "all"}])
    insert("detector", [{"instrument": "Cam", "id": d, "full_name": f"D{d}"} for d in range(2)])
    insert("skymap", [{"name": "sky", "hash": b"x"}])
    if "skymap" not in without:
        insert("tract", [{"skymap": "sky", "id": 0, "region": box(10, 0, 0.4)}])
        cells = [(i, i % 2, i // 2) for i in range(4)]
        insert(
            "patch",
            [
                {
                    "skymap": "sky",
                    "tract": 0,
                    "id": i,
                    "cell_x": x,
                    "cell_y": y,
                    "region": box(9.9 + 0.2 * x, -0.1 + 0.2 * y, 0.19),
                }
                for i, x, y in cells
            ],
        )
    for n in range(1, visits + 1):
        shared = {"instrument": "Cam", "physical_filter": "R", "day_obs": DAY}
        spans = [Timespan(f"2026-01-01T00:{n:02d}:{s}0", f"2026-01-01T00:{n:02d}:{s + 2}0") for s in (0, 3)]
        insert("group", [{"instrument": "Cam", "name": f"g{n}"}])
        insert(
            "exposure",
            [
                {
                    **shared,
                    "id": 10 * n + i + 1,
                    "obs_id": f"o{n}{i}",
                    "group": f"g{n}",
                    "seq_num": 10 * n + i,
                    "observation_type": "science",
                    "timespan": None if "timespan" in without else spans[i],
                }
                for i in range(2)
            ],
        )
        if "visit" in without:
            continue
        span = Timespan(f"2026-01-01T00:{n:02d}:00", f"2026-01-01T00:{n:02d}:50")
        insert("visit", [{**shared, "id": n, "name": f"v{n}", "timespan": span, "region": box(centre, 0, 0.2)}])
        insert("visit_definition", [{"instrument": "Cam", "exposure": 10 * n + i, "visit": n} for i in (1, 2)])
        insert("visit_system_membership", [{"instrument": "Cam", "visit": n, "visit_system": 0}])
        regions = [(d, box(centre - 0.05 + 0.1 * d, 0, 0.08)) for d in range(2)]
        insert(
            "visit_detector_region",
            [{"instrument": "Cam", "visit": n, "detector": d, "region": region} for d, region in regions],
        )


def _add_datasets(
    butler: Butler, visits: int, without: Collection[str], biases: Timespan, raw_detectors: Collection[int]
) -> None:
    def register(name: str, dimensions: tuple[str, ...], *, calibration: bool = False) -> bool:
        if f"type:{name}" not in without:
            kind = DatasetType(name, dimensions, _DATA, is_calibration=calibration, universe=butler.universe)
            butler.dataset_types.register(kind)
        return name not in without and f"type:{name}" not in without

    butler.collections.register("raws", CollectionType.RUN)
    butler.collections.register("refcats", CollectionType.RUN)
    butler.collections.register("calib", CollectionType.CALIBRATION)
    if register("raw", _EXPOSURE) and "exposure" not in without:
        exposures = [10 * n + i for n in range(1, visits + 1) for i in (1, 2)]
        data_ids = [{"instrument": "Cam", "exposure": e, "detector": d} for e in exposures for d in raw_detectors]
        butler.put_many([({"value": 1}, "raw", data_id) for data_id in data_ids], run="raws")
    if register("bias", ("instrument", "detector"), calibration=True):
        objects = [({"value": 0}, "bias", {"instrument": "Cam", "detector": d}) for d in range(2)]
        refs: list[DatasetRef] = butler.put_many(objects, run="calib/run")
        butler.collections.certify("calib", refs, biases)
    if register("refcat", ("htm7",)):
        pixels = butler.universe.pixelization("htm7").envelope(box(10, 0, 0.6))
        data = [({"value": 0}, "refcat", {"htm7": i}) for begin, end in pixels for i in range(begin, end)]
        butler.put_many(data, run="refcats")
    if register("scales", ()):
        butler.put({"value": 2}, "scales", run="refcats")
    butler.collections.register("defaults", CollectionType.CHAINED)
    butler.collections.set_chain("defaults", ["raws", "calib", "refcats"])


class IsrConnections(PipelineTaskConnections, dimensions=_EXPOSURE):
    """A raw, and the bias that is valid for it."""

    raw = Input(name="raw", storage_class=_DATA, dimensions=_EXPOSURE)
    bias = PrerequisiteInput(
        name="bias", storage_class=_DATA, dimensions=("instrument", "detector"), is_calibration=True
    )
    image = Output(name="image", storage_class=_DATA, dimensions=_EXPOSURE)
    flags = InitOutput(name="flags", storage_class=_DATA)

    def adjust_quantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        """Find nothing to do for the exposures that the configuration names."""
        if self.config is not None and self.config.idle in ("all", str(data_id["exposure"])):
            raise NoWorkFound("the shutter was closed")
        return super().adjust_quantum(inputs, outputs, label, data_id)


class IsrConfig(PipelineTaskConfig, connections=IsrConnections):
    """For which exposures there is nothing to do."""

    idle: str = ""
    """Number of an exposure, or ``all``."""


class IsrTask(PipelineTask):
    """Subtract the bias."""

    config_class = IsrConfig
    default_name = "isr"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.flags = {"bad": 1}

    def run(self, *, raw: dict[str, Any], bias: dict[str, Any]) -> Struct:
        """Subtract."""
        return Struct(image={"value": raw["value"] - bias["value"]})


class CalConnections(PipelineTaskConnections, dimensions=_VISIT):
    """All exposures of a visit, and the stars below it."""

    images = Input(name="image", storage_class=_DATA, dimensions=_EXPOSURE, multiple=True)
    stars = PrerequisiteInput(name="refcat", storage_class=_DATA, dimensions=("htm7",), multiple=True)
    scales = InitInput(name="scales", storage_class=_DATA)
    flags = InitInput(name="flags", storage_class=_DATA)
    calibrated = Output(name="calibrated", storage_class=_DATA, dimensions=_VISIT)


class CalConfig(PipelineTaskConfig, connections=CalConnections):
    """Nothing to choose."""


class CalTask(PipelineTask):
    """Add the exposures."""

    config_class = CalConfig
    default_name = "cal"

    def __init__(self, *, init_inputs: Any = None, **arguments: Any) -> None:
        super().__init__(init_inputs=init_inputs, **arguments)
        self.scale = init_inputs["scales"]["value"]

    def run(self, *, images: list[dict[str, Any]], stars: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(calibrated={"value": self.scale * sum(image["value"] for image in images), "stars": len(stars)})


class WarpConnections(PipelineTaskConnections, dimensions=_WARP):
    """A join on the sky."""

    images = Input(name="calibrated", storage_class=_DATA, dimensions=_VISIT, multiple=True)
    warp = Output(name="warp", storage_class=_DATA, dimensions=_WARP)


class WarpConfig(PipelineTaskConfig, connections=WarpConnections):
    """Nothing to choose."""


class WarpTask(PipelineTask):
    """Add what overlaps a patch."""

    config_class = WarpConfig
    default_name = "warp"

    def run(self, *, images: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(warp={"value": sum(image["value"] for image in images)})


class CoaddConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch", "band")):
    """All visits of a patch."""

    warps = Input(name="warp", storage_class=_DATA, dimensions=_WARP, multiple=True)
    coadd = Output(name="coadd", storage_class=_DATA, dimensions=("skymap", "tract", "patch", "band"))


class CoaddConfig(PipelineTaskConfig, connections=CoaddConnections):
    """Nothing to choose."""


class CoaddTask(PipelineTask):
    """Add warps."""

    config_class = CoaddConfig
    default_name = "coadd"

    def run(self, *, warps: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(coadd={"value": sum(warp["value"] for warp in warps)})


class LenientIsrConnections(PipelineTaskConnections, dimensions=_EXPOSURE):
    """Calibrations may be missing."""

    raw = Input(name="raw", storage_class=_DATA, dimensions=_EXPOSURE)
    bias = PrerequisiteInput(
        name="bias", storage_class=_DATA, dimensions=("instrument", "detector"), is_calibration=True, minimum=0
    )
    dark = PrerequisiteInput(
        name="dark", storage_class=_DATA, dimensions=("instrument", "detector"), is_calibration=True, minimum=0
    )
    image = Output(name="image", storage_class=_DATA, dimensions=_EXPOSURE)


class LenientIsrConfig(PipelineTaskConfig, connections=LenientIsrConnections):
    """Nothing to choose."""


class LenientIsrTask(PipelineTask):
    """For graphs only."""

    config_class = LenientIsrConfig
    default_name = "isr"


class LenientCalConnections(PipelineTaskConnections, dimensions=_VISIT):
    """There may be no stars."""

    images = Input(name="image", storage_class=_DATA, dimensions=_EXPOSURE, multiple=True)
    stars = PrerequisiteInput(
        name="refcat", storage_class=_DATA, dimensions=("htm7",), multiple=True, minimum=0, defer_load=True
    )
    calibrated = Output(name="calibrated", storage_class=_DATA, dimensions=_VISIT)


class LenientCalConfig(PipelineTaskConfig, connections=LenientCalConnections):
    """Nothing to choose."""


class LenientCalTask(PipelineTask):
    """For graphs only."""

    config_class = LenientCalConfig
    default_name = "cal"


class SummaryConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """A gather that needs two detectors."""

    images = Input(name="calibrated", storage_class=_DATA, dimensions=_VISIT, multiple=True, minimum=2)
    summary = Output(name="summary", storage_class=_DATA, dimensions=("instrument", "visit"))


class SummaryConfig(PipelineTaskConfig, connections=SummaryConnections):
    """Nothing to choose."""


class SummaryTask(PipelineTask):
    """For graphs only."""

    config_class = SummaryConfig
    default_name = "summary"


class SummarizedWarpConnections(PipelineTaskConnections, dimensions=_WARP):
    """A join on the sky, and what is known of the visit."""

    images = Input(name="calibrated", storage_class=_DATA, dimensions=_VISIT, multiple=True)
    summary = Input(name="summary", storage_class=_DATA, dimensions=("instrument", "visit"))
    warp = Output(name="warp", storage_class=_DATA, dimensions=_WARP)


class SummarizedWarpConfig(PipelineTaskConfig, connections=SummarizedWarpConnections):
    """Nothing to choose."""


class SummarizedWarpTask(PipelineTask):
    """For graphs only."""

    config_class = SummarizedWarpConfig
    default_name = "warp"
