# SPDX-License-Identifier: BSD-3-Clause
"""LSST's registry with the operations that its interface shares with ours; run in the environment `peer`.

usage: registry_peer.py OUT.json FOLDER [--datasets N] [--runs R]   (through tools/bench --registry --peer)
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from lsst import sphgeom
from lsst.daf.butler import Butler, CollectionType, DatasetType

DETECTORS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure LSST's registry.")
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--datasets", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=500)
    options = parser.parse_args()
    root = str(options.folder / "peer")
    Butler.makeRepo(root)
    butler = Butler.from_config(root, writeable=True)
    registry = butler.registry
    times: dict[str, float] = {}
    rates: dict[str, float] = {}

    def rate(name: str, rows: int, work: Any) -> None:
        start = time.perf_counter()
        work()
        rates[name] = rows / (time.perf_counter() - start)
        print(f"  {name:44s} {rates[name]:12,.0f} /s", flush=True)

    def median(name: str, items: list[Any], work: Any) -> None:
        seconds = []
        for item in items:
            start = time.perf_counter()
            work(item)
            seconds.append(time.perf_counter() - start)
        times[name] = statistics.median(seconds[len(seconds) // 10 :])
        print(f"  {name:44s} {times[name] * 1000:12.3f} ms", flush=True)

    insert = registry.insertDimensionData
    fixed = {"instrument": "Cam", "physical_filter": "r", "day_obs": 20260101}
    insert("instrument", {"name": "Cam", "detector_max": DETECTORS, "visit_max": 10**6, "exposure_max": 10**6})
    insert("physical_filter", {"instrument": "Cam", "name": "r", "band": "r"})
    insert("day_obs", {"instrument": "Cam", "id": 20260101})
    insert("group", {"instrument": "Cam", "name": "g"})
    insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(DETECTORS)))
    exposures = -(-options.datasets // DETECTORS)
    rows = [{**fixed, "id": i, "obs_id": f"e{i}", "group": "g"} for i in range(exposures)]
    rate("insert exposure records", len(rows), lambda: insert("exposure", *rows))
    insert("visit", *({**fixed, "id": i, "name": f"v{i}"} for i in range(20)))
    regions = [
        {
            "instrument": "Cam",
            "visit": v,
            "detector": d,
            "region": sphgeom.Circle(
                sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(10 + 0.9 * v, v - 60 + 0.2 * (d // 10))),
                sphgeom.Angle.fromDegrees(0.1),
            ),
        }
        for v in range(20)
        for d in range(DETECTORS)
    ]
    rate("insert records with regions", len(regions), lambda: insert("visit_detector_region", *regions))
    runs = [f"u/run/{number:05d}" for number in range(options.runs)]
    rate("register runs", len(runs), lambda: [registry.registerRun(run) for run in runs])
    registry.registerCollection("long", CollectionType.CHAINED)
    registry.setCollectionChain("long", runs)
    registry.registerCollection("short", CollectionType.CHAINED)
    registry.setCollectionChain("short", runs[-5:])
    raw = DatasetType("type_0", {"exposure", "detector"}, "StructuredDataDict", universe=butler.dimensions)
    registry.registerDatasetType(raw)
    a_run = -(-options.datasets // options.runs)

    def data_id(number: int) -> dict[str, Any]:
        return {"instrument": "Cam", "exposure": number // DETECTORS, "detector": number % DETECTORS}

    def insert_all() -> None:
        for place, run in enumerate(runs):
            numbers = range(place * a_run, min((place + 1) * a_run, options.datasets))
            if numbers:
                registry.insertDatasets(raw, [data_id(number) for number in numbers], run=run)

    rate(f"insert datasets, to {options.datasets:,}", options.datasets, insert_all)
    some = [data_id(number) for number in range(0, options.datasets, max(1, options.datasets // 200))]
    last = [data_id(number) for number in range(max(0, options.datasets - 5 * a_run), options.datasets)][:200]
    size = f"{options.datasets:,} datasets"
    median(
        f"find in a chain of {len(runs):,}, {size}", some, lambda i: registry.findDataset(raw, i, collections="long")
    )
    median(f"find in a chain of 5, {size}", last, lambda i: registry.findDataset(raw, i, collections="short"))
    median(f"find in a run, {size}", last[-a_run:], lambda i: registry.findDataset(raw, i, collections=runs[-1]))
    median("open, full", list(range(5)), lambda _: Butler.from_config(root))
    counts = {"datasets": options.datasets, "runs": options.runs}
    options.out.write_text(json.dumps({"T": times, "R": rates, "C": counts}, indent=1))


if __name__ == "__main__":
    main()
