# SPDX-License-Identifier: BSD-3-Clause
"""LSST's packages and pachon build graphs of the same random surveys, and must give the same quanta with the same inputs.

LSST's packages are in an environment of their own: see `test_peer_queries`. ``PACHON_TEST_VOLUME=5`` makes five times as many surveys.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peer_asking import PEER, ask_peer

from pachon.base import PachonError
from pachon.ctrl_mpexec.testing import sky_survey
from pachon.ctrl_mpexec.testing.sky_survey import DAY, box
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import Timespan
from pachon.dimensions.testing.volume import VARIABLE
from pachon.pipe_base import (
    Input,
    NoWorkFound,
    Output,
    Pipeline,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    build_quantum_graph,
)
from pachon.registry import SqlRegistry
from pachon.registry.testing.random_world import read_world

TOP = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("peer_graphs.py")
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
SURVEYS = round(2 * (VOLUME or 1))
TASKS: dict[str, type[PipelineTask]] = {
    "isr": sky_survey.LenientIsrTask,
    "cal": sky_survey.LenientCalTask,
    "summary": sky_survey.SummaryTask,
    "warp": sky_survey.SummarizedWarpTask,
    "coadd": sky_survey.CoaddTask,
}
_KIND = "StructuredDataDict"
_VISIT = ("instrument", "visit", "detector")
_WARP = ("instrument", "visit", "skymap", "tract", "patch")
_STACK = ("instrument", "detector", "physical_filter")
_COADD = ("skymap", "tract", "patch", "band")


class StackConnections(PipelineTaskConnections, dimensions=_STACK):
    """A gather over exposures of a filter, of two at least."""

    images = Input(
        name="image", storage_class=_KIND, dimensions=("instrument", "exposure", "detector"), multiple=True, minimum=2
    )
    stack = Output(name="stack", storage_class=_KIND, dimensions=_STACK)


class PickyConnections(PipelineTaskConnections, dimensions=_VISIT):
    """A hook that has no work for odd visits."""

    images = Input(name="calibrated", storage_class=_KIND, dimensions=_VISIT)
    picked = Output(name="picked", storage_class=_KIND, dimensions=_VISIT)

    def adjust_quantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        """Refuse odd visits."""
        if data_id["visit"] % 2:
            raise NoWorkFound("odd")
        return super().adjust_quantum(inputs, outputs, label, data_id)


class NightConnections(PipelineTaskConnections, dimensions=("instrument", "day_obs")):
    """A gather over an implied dimension, with an input that may be missing."""

    picked = Input(name="picked", storage_class=_KIND, dimensions=_VISIT, multiple=True)
    summaries = Input(name="summary", storage_class=_KIND, dimensions=("instrument", "visit"), multiple=True, minimum=0)
    night = Output(name="night", storage_class=_KIND, dimensions=("instrument", "day_obs"))


class RefineConnections(PipelineTaskConnections, dimensions=_WARP):
    """A scatter: what was gathered goes back to each visit."""

    warp = Input(name="warp", storage_class=_KIND, dimensions=_WARP)
    coadd = Input(name="coadd", storage_class=_KIND, dimensions=_COADD)
    refined = Output(name="refined", storage_class=_KIND, dimensions=_WARP)


class TractConnections(PipelineTaskConnections, dimensions=("skymap", "tract")):
    """Two gathers at once."""

    refined = Input(name="refined", storage_class=_KIND, dimensions=_WARP, multiple=True)
    coadds = Input(name="coadd", storage_class=_KIND, dimensions=_COADD, multiple=True)
    table = Output(name="table", storage_class=_KIND, dimensions=("skymap", "tract"))


def _task(label: str, connections: type[PipelineTaskConnections]) -> type[PipelineTask]:
    config = type(f"{label}_config", (PipelineTaskConfig,), {"__module__": __name__}, connections=connections)
    return type(
        f"{label}_task", (PipelineTask,), {"config_class": config, "default_name": label, "__module__": __name__}
    )


MORE = {
    "stack": StackConnections,
    "picky": PickyConnections,
    "night": NightConnections,
    "refine": RefineConnections,
    "tracts": TractConnections,
}
for _label, _connections in MORE.items():
    TASKS[_label] = _task(_label, _connections)
    for _made in (TASKS[_label], TASKS[_label].config_class):
        globals()[_made.__name__] = _made
SKY = "instrument = 'Cam' AND skymap = 'sky'"
START = Timespan("2026-01-01T00:00:00", None).begin_ns
MINUTE = 60_000_000_000
_DATA = "StructuredDataDict"


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
def test_equal_graphs(tmp_path: Path) -> None:
    repositories, ours = [], []
    for number in range(SURVEYS):
        rng = random.Random(f"{number} {os.urandom(8).hex() if VOLUME else 7}")
        with SqlRegistry.create(f"sqlite:///{tmp_path}/{number}.sqlite3") as registry:
            fill(registry, rng)
            builds = list(random_builds(rng))
            world = read_world(registry)
            storage_classes = {n: registry.dataset_types.get(n).storage_class for n in world.types}
            repositories.append(
                {"world": world.document(), "storage_classes": storage_classes, "builds": [dict(b) for b in builds]}
            )
            ours.append([build(registry, asked) for asked in builds])
    theirs = ask_peer(SCRIPT, repositories, tmp_path)
    outcomes: Counter[str] = Counter()
    for repository, own_answers, peer_answers in zip(repositories, ours, theirs, strict=True):
        for asked, own, peer in zip(repository["builds"], own_answers, peer_answers, strict=True):
            if "error" in peer:
                outcomes["refused by both" if "error" in own else f"built here only ({peer['error']})"] += 1
                continue
            assert "error" not in own, f"{asked}\n{own}\n{ {n: len(q) for n, q in peer['quanta'].items()} }"
            for label in asked["tasks"]:
                assert own["quanta"][label] == peer["quanta"][label], f"{asked} {label}"
            outcomes["quanta"] += sum(map(len, own["quanta"].values()))
            outcomes["graphs" if any(own["quanta"].values()) else "empty graphs"] += 1
    print(dict(outcomes))
    assert outcomes["graphs"] >= SURVEYS


def random_builds(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Make up what is asked for."""
    inputs = ["defaults"]
    everything, images = ["isr", "cal", "summary", "warp", "coadd"], ["isr", "cal"]
    for where in (
        SKY,
        f"{SKY} AND visit < {rng.randint(2, 6)}",
        f"{SKY} AND tract = {rng.randint(0, 1)}",
        f"{SKY} AND band = 'r'",
    ):
        yield {"tasks": everything, "where": where, "constraint": "all", "inputs": inputs, "skip": []}
    yield {"tasks": everything, "where": SKY, "constraint": "off", "inputs": inputs, "skip": []}
    yield {"tasks": images, "where": "instrument = 'Cam'", "constraint": "all", "inputs": inputs, "skip": []}
    yield {"tasks": images, "where": "instrument = 'Cam'", "constraint": "off", "inputs": ["raws/1"], "skip": []}
    yield {"tasks": everything, "where": SKY, "constraint": "all", "inputs": inputs, "skip": ["done"]}
    yield {"tasks": everything, "where": SKY, "constraint": "raw", "inputs": ["raws/2", "calib/a"], "skip": ["done"]}
    camera = "instrument = 'Cam'"
    yield {"tasks": [*images, "stack", "picky"], "where": camera, "constraint": "all", "inputs": inputs, "skip": []}
    yield {"tasks": ["isr", "stack"], "where": camera, "constraint": "off", "inputs": ["nested"], "skip": ["done"]}
    nights = [*images, "summary", "picky", "night"]
    yield {"tasks": nights, "where": camera, "constraint": "all", "inputs": ["best", "calib/b"], "skip": []}
    yield {"tasks": nights, "where": f"{camera} AND visit > 2", "constraint": "all", "inputs": inputs, "skip": ["done"]}
    for skip in ([], ["done"]):
        yield {
            "tasks": [*everything, "refine", "tracts"],
            "where": SKY,
            "constraint": "all",
            "inputs": inputs,
            "skip": skip,
        }
    yield {
        "tasks": list(TASKS),
        "where": f"{SKY} AND band = 'g'",
        "constraint": "all",
        "inputs": ["nested"],
        "skip": [],
    }
    # Outputs of an earlier run are overall inputs of the rest.
    yield {"tasks": ["cal", "picky"], "where": camera, "constraint": "all", "inputs": ["done", "refcats"], "skip": []}
    yield {"tasks": ["stack"], "where": camera, "constraint": "all", "inputs": ["done"], "skip": []}


def fill(registry: SqlRegistry, rng: random.Random) -> None:
    """Make up a survey: dithered visits of one to three exposures, missing raws, calibrations with gaps, two sky tracts."""
    detectors, visits = range(rng.randint(2, 4)), range(1, rng.randint(4, 9))
    with registry.write():
        exposures = _insert_records(registry, rng, detectors, visits)
        for name in ("raws/1", "raws/2", "calibs", "refcats", "done"):
            registry.collections.register(name, CollectionType.RUN)
        for name in ("calib/a", "calib/b"):
            registry.collections.register(name, CollectionType.CALIBRATION)
        registry.collections.register("defaults", CollectionType.CHAINED)
        chain = ["raws/1", "raws/2", "calib/a", "calib/b", "refcats"]
        rng.shuffle(chain)
        registry.collections.set_chain("defaults", chain)
        registry.collections.register("best", CollectionType.TAGGED)
        registry.collections.register("nested", CollectionType.CHAINED)
        registry.collections.set_chain("nested", ["best", "defaults"])
        _add_datasets(registry, rng, detectors, exposures, visits)


def _insert_records(registry: SqlRegistry, rng: random.Random, detectors: range, visits: range) -> dict[int, int]:
    insert = registry.dimension_records.insert
    insert(
        "instrument",
        [{"name": "Cam", "detector_max": 10, "class_name": "none", "visit_max": 100, "exposure_max": 1000}],
    )
    insert("physical_filter", [{"instrument": "Cam", "name": name, "band": name.lower()} for name in "RG"])
    insert("day_obs", [{"instrument": "Cam", "id": DAY}])
    insert("visit_system", [{"instrument": "Cam", "id": 0, "name": "all"}])
    insert("detector", [{"instrument": "Cam", "id": d, "full_name": f"D{d}"} for d in detectors])
    insert("skymap", [{"name": "sky", "hash": b"x", "tract_max": 2, "patch_nx_max": 3, "patch_ny_max": 3}])
    for tract in range(2):
        centre = 10 + 0.5 * tract
        insert("tract", [{"skymap": "sky", "id": tract, "region": box(centre, 0, 0.62)}])
        cells = [(3 * y + x, x, y) for y in range(3) for x in range(3)]
        insert(
            "patch",
            [
                {"skymap": "sky", "tract": tract, "id": i, "cell_x": x, "cell_y": y}
                | {"region": box(centre - 0.2 + 0.2 * x, -0.2 + 0.2 * y, 0.22)}
                for i, x, y in cells
            ],
        )
    exposures: dict[int, int] = {}
    for n in visits:
        shared = {"instrument": "Cam", "physical_filter": rng.choice("RG"), "day_obs": DAY}
        ra, dec = rng.uniform(9.7, 10.9), rng.uniform(-0.35, 0.35)
        insert("group", [{"instrument": "Cam", "name": f"g{n}"}])
        count = rng.randint(1, 3)
        for i in range(count):
            begin = START + (10 * n + i) * MINUTE
            exposures[10 * n + i] = n
            row = {"id": 10 * n + i, "obs_id": f"o{n}{i}", "group": f"g{n}", "seq_num": i}
            insert("exposure", [{**shared, **row, "timespan": Timespan.from_ns(begin, begin + MINUTE)}])
        span = Timespan.from_ns(START + 10 * n * MINUTE, START + (10 * n + count) * MINUTE)
        insert("visit", [{**shared, "id": n, "name": f"v{n}", "timespan": span, "region": box(ra, dec, 0.3)}])
        insert("visit_definition", [{"instrument": "Cam", "exposure": 10 * n + i, "visit": n} for i in range(count)])
        insert("visit_system_membership", [{"instrument": "Cam", "visit": n, "visit_system": 0}])
        insert(
            "visit_detector_region",
            [
                {"instrument": "Cam", "visit": n, "detector": d}
                | {"region": box(ra - 0.1 + 0.11 * (d % 2), dec - 0.1 + 0.11 * (d // 2), 0.1)}
                for d in detectors
            ],
        )
    return exposures


def _add_datasets(
    registry: SqlRegistry, rng: random.Random, detectors: range, exposures: dict[int, int], visits: range
) -> None:
    def register(name: str, dimensions: list[str], *, calibration: bool = False, kind: str = _DATA) -> DatasetType:
        dataset_type = DatasetType(name, dimensions, kind, is_calibration=calibration, universe=registry.universe)
        registry.dataset_types.register(dataset_type)
        return dataset_type

    def add(dataset_type: DatasetType, run: str, **data_id: Any) -> DatasetRef:
        ref = DatasetRef(dataset_type, data_id, run)
        registry.datasets.import_([ref])
        return ref

    raw = register("raw", ["exposure", "detector"])
    for exposure in exposures:
        for detector in detectors:
            for run in ("raws/1", "raws/2"):
                if rng.random() < 0.7:
                    ref = add(raw, run, instrument="Cam", exposure=exposure, detector=detector)
                    if run == "raws/2" and rng.random() < 0.5:
                        registry.collections.associate("best", [ref])
    for name in ("bias", "dark"):
        calibration = register(name, ["detector"], calibration=True)
        for detector in detectors:
            for collection in ("calib/a", "calib/b"):
                # Ranges that touch no exposure in its middle: what overlaps two of them is refused by both.
                edges = sorted(rng.sample(range(len(visits) + 2), 2))
                begin, end = (START + 10 * edge * MINUTE - MINUTE for edge in edges)
                if rng.random() < 0.8:
                    run = f"calibs/{name}/{collection}/{detector}"
                    registry.collections.register(run, CollectionType.RUN)
                    ref = add(calibration, run, instrument="Cam", detector=detector)
                    registry.collections.certify(collection, [ref], Timespan.from_ns(begin, end))
    refcat = register("refcat", ["htm7"])
    pixels = registry.universe.pixelization("htm7").envelope(box(10.25, 0, 1.4))
    for begin, end in pixels:
        for pixel in range(begin, end):
            if rng.random() < 0.8:
                add(refcat, "refcats", htm7=pixel)
    image = register("image", ["exposure", "detector"])
    calibrated = register("calibrated", ["visit", "detector"])
    isr = register("isr_metadata", ["exposure", "detector"], kind="TaskMetadata")
    cal = register("cal_metadata", ["visit", "detector"], kind="TaskMetadata")
    for label in TASKS:
        add(register(f"{label}_config", [], kind="Config"), "done")
    for exposure, visit in exposures.items():
        for detector in detectors:
            if rng.random() < 0.4:
                add(isr, "done", instrument="Cam", exposure=exposure, detector=detector)
                if rng.random() < 0.8:
                    add(image, "done", instrument="Cam", exposure=exposure, detector=detector)
            if exposure % 10 == 0 and rng.random() < 0.3:
                add(cal, "done", instrument="Cam", visit=visit, detector=detector)
                if rng.random() < 0.8:
                    add(calibrated, "done", instrument="Cam", visit=visit, detector=detector)


def build(registry: SqlRegistry, asked: dict[str, Any]) -> dict[str, Any]:
    """Build one graph."""
    pipeline = Pipeline.empty()
    for label in asked["tasks"]:
        pipeline = pipeline.with_task(label, TASKS[label])
    try:
        graph = build_quantum_graph(
            pipeline,
            registry.facts(),
            where=asked["where"],
            input_collections=asked["inputs"],
            output_run="out/run",
            skip_existing_in=asked["skip"],
            dataset_query_constraint=asked["constraint"],
            attach_datastore_records=False,
        )
    except PachonError as error:
        return {"error": str(error)}
    quanta: dict[str, list[Any]] = {label: [] for label in asked["tasks"]}
    for quantum in graph.iter_quanta():
        inputs: dict[str, list[Any]] = {}
        for refs in quantum.inputs.values():
            for ref in refs:
                inputs.setdefault(ref.dataset_type.name, []).append([_items(ref.data_id.required), ref.run])
        own = sorted([name, sorted(rows)] for name, rows in inputs.items())
        quanta[quantum.task_label].append([_items(quantum.data_id.required), own])
    return {"quanta": {label: sorted(rows) for label, rows in quanta.items()}}


def _items(data_id: Any) -> list[list[Any]]:
    return sorted([name, value] for name, value in data_id.items())
