# SPDX-License-Identifier: BSD-3-Clause
"""Our side of the workload: the same content, phases and names as LSST's side, so that the two can be put side by side.

usage: workload.py OUT.json [--visits N] [--detectors D] [--files F]
"""

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bulk import ingest_in_place, put_in_bulk
from phases import DeviceFloor, Phases, peak_megabytes

SECOND = 1_000_000_000
DETECTOR_WIDTH = 0.2  # degrees
CALLS = 200


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--detectors", type=int, default=30)
    parser.add_argument("--files", type=int, default=10_000)
    options = parser.parse_args()
    phases = Phases()
    with tempfile.TemporaryDirectory(prefix="pachon-bench-") as name:
        run(phases, Path(name), options.visits, options.detectors, options.files)
    phases.seconds["total_peak_mb"] = peak_megabytes()
    options.out.write_text(json.dumps({"T": phases.seconds, "C": phases.counts}, indent=1))


def run(phases: Phases, root: Path, visits: int, detectors: int, files: int) -> None:
    """Go through all phases in a new repository."""
    with phases.phase("import"):
        from pachon.butler import Butler
    with phases.phase("create_repo"):
        butler = Butler.create(str(root / "repo"))
    with phases.phase("insert_dimensions"):
        phases.counts["regions"] = insert_dimensions(butler, visits, detectors)
    ingest(phases, butler, root, visits, detectors)
    query(phases, butler)
    find_and_get(phases, butler, visits, detectors)
    build_graph(phases, butler, root)
    put_in_bulk(phases, butler, root, detectors)
    ingest_in_place(phases, butler, root, files, detectors)
    butler.close()


def box(ra: float, dec: float, width: float) -> Any:
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    cosine, half = math.cos(math.radians(dec)), width / 2
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    points = [((ra + x * half / cosine) % 360, dec + y * half) for x, y in corners]
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*point)) for point in points])


def insert_dimensions(butler: Any, visits: int, detectors: int) -> int:
    """Insert a camera, a sky map of four tracts of a hundred patches, and a night of dithered visits."""
    from pachon.dimensions import Timespan

    insert = butler.dimension_records.insert
    insert(
        "instrument",
        [
            {
                "name": "Cam",
                "visit_max": 10**7,
                "exposure_max": 10**7,
                "detector_max": detectors,
                "visit_system": 0,
                "class_name": "x",
            }
        ],
    )
    insert("physical_filter", [{"instrument": "Cam", "name": f"Cam-{band}", "band": band} for band in "gr"])
    insert(
        "detector",
        [
            {
                "instrument": "Cam",
                "id": i,
                "full_name": f"D{i:03d}",
                "name_in_raft": f"{i % 9}",
                "raft": f"R{i // 9}",
                "purpose": "SCIENCE",
            }
            for i in range(detectors)
        ],
    )
    insert("day_obs", [{"instrument": "Cam", "id": 20260101}])
    insert("visit_system", [{"instrument": "Cam", "id": 0, "name": "one-to-one"}])
    insert("skymap", [{"name": "sky", "hash": b"\x01" * 20, "tract_max": 100, "patch_nx_max": 20, "patch_ny_max": 20}])
    insert("tract", [{"skymap": "sky", "id": t, "region": box(10 + 2 * t, 0, 2.0)} for t in range(4)])
    insert(
        "patch",
        [
            {
                "skymap": "sky",
                "tract": t,
                "id": 10 * j + i,
                "cell_x": i,
                "cell_y": j,
                "region": box(10 + 2 * t - 0.9 + 0.2 * i, -0.9 + 0.2 * j, 0.21),
            }
            for t in range(4)
            for j in range(10)
            for i in range(10)
        ],
    )
    start = Timespan("2026-01-01T00:00:00", None).begin_ns
    rows: dict[str, list[dict[str, Any]]] = {
        name: []
        for name in (
            "group",
            "exposure",
            "visit",
            "visit_definition",
            "visit_system_membership",
            "visit_detector_region",
        )
    }
    side = math.ceil(math.sqrt(detectors))
    for n in range(visits):
        number, ra, dec = 1000 + n, 10 + (n * 0.37) % 6, ((n * 0.23) % 1.2) - 0.6
        shared = {
            "instrument": "Cam",
            "id": number,
            "physical_filter": "Cam-g" if n % 2 else "Cam-r",
            "day_obs": 20260101,
            "seq_num": n,
            "exposure_time": 30.0,
            "target_name": "t",
            "observation_reason": "s",
            "science_program": "p",
            "azimuth": 0.0,
            "zenith_angle": 10.0,
            "timespan": Timespan.from_ns(start + 60 * n * SECOND, start + (60 * n + 30) * SECOND),
        }
        rows["group"].append({"instrument": "Cam", "name": str(number)})
        rows["exposure"].append(
            shared
            | {
                "group": str(number),
                "obs_id": f"o{number}",
                "dark_time": 30.0,
                "observation_type": "science",
                "seq_start": n,
            }
            | {
                "seq_end": n,
                "tracking_ra": ra,
                "tracking_dec": dec,
                "sky_angle": 0.0,
                "has_simulated": False,
                "can_see_sky": True,
            }
        )
        rows["visit"].append(shared | {"name": str(number), "region": box(ra, dec, DETECTOR_WIDTH * side)})
        rows["visit_definition"].append({"instrument": "Cam", "visit": number, "exposure": number})
        rows["visit_system_membership"].append({"instrument": "Cam", "visit": number, "visit_system": 0})
        for d in range(detectors):
            x = ra + DETECTOR_WIDTH * (d % side - side / 2 + 0.5)
            y = dec + DETECTOR_WIDTH * (d // side - side / 2 + 0.5)
            region = box(x, y, DETECTOR_WIDTH)
            rows["visit_detector_region"].append(
                {"instrument": "Cam", "visit": number, "detector": d, "region": region}
            )
    for name, table in rows.items():
        insert(name, table)
    return len(rows["visit_detector_region"])


def ingest(phases: Phases, butler: Any, root: Path, visits: int, detectors: int) -> None:
    """Ingest a raw of every detector in place, put a bias for each detector, certify them for all time."""
    from pachon.datasets import CollectionType, DatasetType, FileDataset
    from pachon.dimensions import Timespan

    for name, dimensions, calibration in (
        ("raw", ("instrument", "exposure", "detector"), False),
        ("bias", ("instrument", "detector"), True),
    ):
        butler.dataset_types.register(
            DatasetType(name, dimensions, "StructuredDataDict", is_calibration=calibration, universe=butler.universe)
        )
    source = root / "source.yaml"
    source.write_text("v: 1\n")
    (root / "in").mkdir()
    with phases.phase("ingest_raws"):
        files: list[Any] = []
        for n in range(visits):
            for d in range(detectors):
                path = root / "in" / f"r{n}_{d}.yaml"
                os.link(source, path)
                data_id = {"instrument": "Cam", "exposure": 1000 + n, "detector": d}
                files.append(FileDataset(str(path), dataset_type="raw", data_ids=[data_id]))
        butler.ingest(files, run="raw/all", transfer="direct")
    phases.counts["raws"] = len(files)
    refs: list[Any] = []
    floor = DeviceFloor(root)
    phases.each(
        detectors,
        device_floor=floor.step,
        put_one=lambda d: refs.append(butler.put({"v": 1}, "bias", instrument="Cam", detector=d, run="calib/run")),
    )
    floor.close()
    butler.collections.register("calib", CollectionType.CALIBRATION)
    with phases.phase("certify"):
        butler.collections.certify("calib", refs, Timespan(None, None))
    butler.collections.register("defaults", CollectionType.CHAINED)
    butler.collections.set_chain("defaults", ["raw/all", "calib"])


def query(phases: Phases, butler: Any) -> None:
    """Query datasets with and without a condition, and data IDs by overlap on the sky."""
    counts = phases.counts
    # The language is loaded by the first query of a process; LSST's packages load theirs when they are imported.
    with phases.phase("first_query"):
        butler.query_datasets("raw", collections="raw/all", where="instrument='Cam' and detector=1").first()
    with phases.phase("query_datasets_all"):
        counts["query_datasets_all"] = len(list(butler.query_datasets("raw", collections="raw/all")))
    where = "instrument='Cam' and band='r' and detector.raft='R1' and exposure.seq_num > 3"
    with phases.phase("query_datasets_where"):
        counts["query_datasets_where"] = len(list(butler.query_datasets("raw", collections="raw/all", where=where)))
    with phases.phase("query_spatial"):
        where = "instrument='Cam' and skymap='sky' and tract=1"
        counts["query_spatial"] = len(list(butler.query_data_ids(["visit", "detector", "patch"], where=where)))


def find_and_get(phases: Phases, butler: Any, visits: int, detectors: int) -> None:
    """Find and read single datasets, warm."""

    def data_id(number: int) -> dict[str, Any]:
        return {"instrument": "Cam", "exposure": 1000 + number % visits, "detector": number % detectors}

    butler.get("raw", data_id(0), collections="defaults")
    phases.each(CALLS, find_dataset=lambda i: butler.find_dataset("raw", data_id(i), collections="defaults"))
    phases.each(CALLS, get_one=lambda i: butler.get("raw", data_id(i), collections="defaults"))


def build_graph(phases: Phases, butler: Any, root: Path) -> None:
    """Build the graph of five tasks, write it, and read all or one quantum of it."""
    from pachon.pipe_base import Pipeline, build_quantum_graph
    from pachon.quantum_butler import QuantumGraph

    file = root / "pipeline.yaml"
    tasks = {"isr": "Isr", "cal": "Cal", "visit_summary": "Visit", "warp": "Warp", "coadd": "Coadd"}
    lines = [f"  {label}: benchmark_tasks.{name}Task" for label, name in tasks.items()]
    file.write_text("\n".join(["description: bench", "tasks:", *lines, ""]))
    phases.seconds["qg_before_mb"] = peak_megabytes()
    with phases.phase("qg_build"):
        graph = build_quantum_graph(
            Pipeline.read(str(file)),
            butler,
            where="instrument='Cam' and skymap='sky'",
            input_collections=["defaults"],
            output_run="u/out/1",
        )
    phases.seconds["qg_peak_mb"] = peak_megabytes()
    phases.counts |= {"quanta": len(graph), "quanta_by_task": dict(graph.task_counts())}
    path = root / "graph.qg"
    with phases.phase("qg_save"):
        graph.write(str(path))
    phases.counts["qg_bytes"] = path.stat().st_size
    with phases.phase("qg_open"):
        opened = QuantumGraph.open(str(path))
    with phases.phase("qg_load"):
        for label in opened.task_counts():
            opened.quanta(label)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
