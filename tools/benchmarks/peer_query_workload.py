# SPDX-License-Identifier: BSD-3-Clause
"""Queries of many datasets with LSST's packages: the same content and names as ``query_workload.py``.

usage: peer_query_workload.py OUT.json [--exposures E] [--detectors D]   (through tools/bench --queries --peer)
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DatasetType, Timespan

HOUR = 3_600_000_000_000
START = 1_767_225_600_000_000_000
WHERE = "instrument = 'Cam' AND day_obs = 20260101 AND exposure.seq_num < {few}"
REPEAT = 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--exposures", type=int, default=500)
    parser.add_argument("--detectors", type=int, default=200)
    options = parser.parse_args()
    seconds: dict[str, float] = {}
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="peer-queries-") as root:
        Butler.makeRepo(root)
        butler = Butler.from_config(root, writeable=True, run="raw/all")
        start = time.perf_counter()
        fill(butler, options.exposures, options.detectors)
        seconds["fill"] = time.perf_counter() - start
        few = max(options.exposures // 100, 1)

        def refs(where: str = "") -> Any:
            return butler.query_datasets("raw", collections="raw/all", where=where, limit=None, explain=False)

        acts = {
            "refs_objects": lambda: ("refs", len(refs())),
            "where_one_percent": lambda: ("one_percent", len(refs(WHERE.format(few=few)))),
            "where_detector": lambda: ("detector", len(refs("instrument = 'Cam' AND detector = 7"))),
            "where_one": lambda: ("one", len(refs("instrument = 'Cam' AND exposure = 3 AND detector = 7"))),
            "data_ids_with_datasets": lambda: ("exposures", exposures_with_raws(butler)),
        }
        for name, act in acts.items():
            act()
            times = []
            for _ in range(REPEAT):
                start = time.process_time()
                key, counts[key] = act()
                times.append(time.process_time() - start)
            seconds[name] = median(times)
            print(f"  {name:28s} {seconds[name] * 1000:9.4f} ms each", flush=True)
    options.out.write_text(json.dumps({"T": seconds, "C": counts}, indent=1))


def exposures_with_raws(butler: Any) -> int:
    with butler.query() as q:
        return len(list(q.join_dataset_search("raw", ["raw/all"]).data_ids(["exposure"])))


def fill(butler: Any, exposures: int, detectors: int) -> None:
    insert = butler.registry.insertDimensionData
    insert("instrument", {"name": "Cam", "detector_max": detectors})
    insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(detectors)))
    insert("physical_filter", *({"instrument": "Cam", "name": n, "band": n} for n in "gr"))
    insert("day_obs", {"instrument": "Cam", "id": 20260101})
    insert("group", *({"instrument": "Cam", "name": str(i)} for i in range(exposures)))
    rows = [
        {
            "instrument": "Cam",
            "id": i,
            "obs_id": f"o{i}",
            "physical_filter": "gr"[i % 2],
            "day_obs": 20260101,
            "group": str(i),
            "seq_num": i,
            "exposure_time": 30.0,
            "timespan": Timespan(None, None, _nsec=(START + i * HOUR, START + (i + 1) * HOUR)),
        }
        for i in range(exposures)
    ]
    insert("exposure", *rows)
    raw = DatasetType("raw", ["exposure", "detector"], "StructuredDataDict", universe=butler.dimensions)
    butler.registry.registerDatasetType(raw)
    for start in range(0, exposures, 50):
        refs = [
            DatasetRef(
                raw,
                DataCoordinate.standardize(instrument="Cam", exposure=e, detector=d, dimensions=raw.dimensions),
                "raw/all",
            )
            for e in range(start, min(start + 50, exposures))
            for d in range(detectors)
        ]
        butler.registry._importDatasets(refs, expand=False)


if __name__ == "__main__":
    main()
