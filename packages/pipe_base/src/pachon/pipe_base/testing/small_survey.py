# SPDX-License-Identifier: BSD-3-Clause
"""A small survey in memory for tests of graphs: 2 detectors, 3 visits, 1 tract of 2 x 2 patches."""

from __future__ import annotations

from typing import Any

from pachon.datasets import DatasetType
from pachon.dimensions import DimensionGroup, Region, Timespan
from pachon.dimensions.region import polygon
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, DatasetPlan, TaskPlan
from pachon.pipe_base.testing.fact_source import MemoryFactSource

__all__ = ["box", "make_plan", "make_repository"]

DAY = 20260101


def box(ra: float, dec: float, width: float) -> Region:
    """Make a square on the sky from its centre and width, in degrees."""
    half = width / 2
    return polygon([(ra - half, dec - half), (ra + half, dec - half), (ra + half, dec + half), (ra - half, dec + half)])


def make_repository() -> MemoryFactSource:
    """Visits 1-3, one exposure each, a minute apart; detector 0 west, 1 east; visit 3 lies outside the tract."""
    source = MemoryFactSource()
    source.insert("instrument", {"name": "Cam"})
    source.insert("physical_filter", {"instrument": "Cam", "name": "R", "band": "r"})
    source.insert("day_obs", {"instrument": "Cam", "id": DAY})
    source.insert("visit_system", {"instrument": "Cam", "id": 0, "name": "one-to-one"})
    source.insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(2)))
    source.insert("skymap", {"name": "sky", "hash": b"x"})
    source.insert("tract", {"skymap": "sky", "tract": 0, "region": box(10, 0, 0.4)})
    for i in range(4):
        x, y = i % 2, i // 2
        region = box(9.9 + 0.2 * x, -0.1 + 0.2 * y, 0.19)
        source.insert("patch", {"skymap": "sky", "tract": 0, "id": i, "cell_x": x, "cell_y": y, "region": region})
    for n, ra in ((1, 10.0), (2, 10.0), (3, 20.0)):
        span = Timespan(f"2026-01-01T00:0{n}:00", f"2026-01-01T00:0{n}:30")
        common = {"instrument": "Cam", "id": n, "physical_filter": "R", "day_obs": DAY, "timespan": span}
        source.insert("group", {"instrument": "Cam", "name": f"g{n}"})
        source.insert("exposure", {**common, "obs_id": f"o{n}", "group": f"g{n}"})
        source.insert("visit", {**common, "name": f"v{n}", "region": box(ra, 0, 0.2)})
        source.insert("visit_definition", {"instrument": "Cam", "exposure": n, "visit": n})
        source.insert("visit_system_membership", {"instrument": "Cam", "visit": n, "visit_system": 0})
        for d in range(2):
            region = box(ra - 0.05 + 0.1 * d, 0, 0.08)
            source.insert("visit_detector_region", {"instrument": "Cam", "visit": n, "detector": d, "region": region})
    for name, dimensions, calibration in (
        ("raw", ["exposure", "detector"], False),
        ("bias", ["detector"], True),
        ("refcat", ["htm7"], False),
        ("sky_map", ["skymap"], False),
    ):
        kind = DatasetType(name, dimensions, "StructuredDataDict", is_calibration=calibration, universe=source.universe)
        source.register(kind)
    source.add("raw", "raws", *({"instrument": "Cam", "exposure": n, "detector": d} for n in (1, 2, 3) for d in (0, 1)))
    biases = source.add("bias", "calib/run", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    source.certify("calib", biases, Timespan(None, None))
    return source


def make_plan(source: MemoryFactSource, **changes: Any) -> BuildPlan:
    """Isr (exposure, detector; bias) -> cal (visit, detector) -> warp (visit, tract, patch) -> coadd (patch, band)."""
    universe = source.universe

    def group(*names: str) -> DimensionGroup:
        return universe.conform(names)

    produced = {
        "isr_out": ("isr", group("exposure", "detector")),
        "cal_out": ("cal", group("visit", "detector")),
        "warp_out": ("warp", group("visit", "tract", "patch")),
        "coadd_out": ("coadd", group("tract", "patch", "band")),
    }
    tasks: dict[str, TaskPlan] = {}
    datasets: dict[str, DatasetPlan] = {}
    wiring = {
        "isr": ("raw", "isr_out", group("exposure", "detector"), False),
        "cal": ("isr_out", "cal_out", group("visit", "detector"), False),
        "warp": ("cal_out", "warp_out", group("visit", "tract", "patch"), True),
        "coadd": ("warp_out", "coadd_out", group("tract", "patch", "band"), True),
    }
    for label, (read, write, dimensions, many) in wiring.items():
        metadata = f"{label}_metadata"
        produced[metadata] = (label, dimensions)
        produced[f"{label}_log"] = (label, dimensions)
        tasks[label] = TaskPlan(
            label=label,
            dimensions=dimensions,
            inputs=(ConnectionPlan(name="input", dataset_type=read, multiple=many),),
            prerequisites=(ConnectionPlan(name="bias", dataset_type="bias", is_calibration=True),)
            if label == "isr"
            else (),
            outputs=(
                ConnectionPlan(name="output", dataset_type=write, minimum=0),
                ConnectionPlan(name="_log", dataset_type=f"{label}_log", minimum=0),
                ConnectionPlan(name="_metadata", dataset_type=metadata, minimum=0),
            ),
            metadata_type=metadata,
        )
    datasets["raw"] = DatasetPlan(dataset_type=source.types["raw"], producer=None, constrains=True)
    datasets["bias"] = DatasetPlan(dataset_type=source.types["bias"], producer=None, is_prerequisite=True)
    for name, (label, dimensions) in produced.items():
        kind = DatasetType(name, dimensions, "StructuredDataDict", universe=universe)
        datasets[name] = DatasetPlan(dataset_type=kind, producer=label)
    options: dict[str, Any] = {
        "universe": universe,
        "tasks": tasks,
        "datasets": datasets,
        "input_collections": source.flatten_collections(["raws", "calib"]),
        "output_run": "out/run",
    }
    return BuildPlan(**(options | changes))
