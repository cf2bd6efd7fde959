# SPDX-License-Identifier: BSD-3-Clause
"""Queries of many datasets with LSST's packages: the same content and names as ``query_workload.py``.

usage: peer_query_workload.py OUT.json [--exposures E] [--detectors D] [--visits V]   (through tools/bench --queries --peer)
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from lsst.daf.butler import Butler, CollectionType, DataCoordinate, DatasetRef, DatasetType, Timespan
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

HOUR = 3_600_000_000_000
START = 1_767_225_600_000_000_000
NIGHT = 24
WHERE = "instrument = 'Cam' AND day_obs = 20260101 AND exposure.seq_num < {few}"
REPEAT = 3
WIDTH = 0.2
"""Of a detector, in degrees."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--exposures", type=int, default=500)
    parser.add_argument("--detectors", type=int, default=200)
    parser.add_argument("--visits", type=int, default=50)
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

        def latest(*order: str) -> int:
            return len(butler.query_datasets("raw", collections="raw/all", order_by=order, limit=10, explain=False))

        acts = {
            "refs_objects": lambda: ("refs", len(refs())),
            "where_one_percent": lambda: ("one_percent", len(refs(WHERE.format(few=few)))),
            "where_detector": lambda: ("detector", len(refs("instrument = 'Cam' AND detector = 7"))),
            "where_one": lambda: ("one", len(refs("instrument = 'Cam' AND exposure = 3 AND detector = 7"))),
            "data_ids_with_datasets": lambda: ("exposures", with_raws(butler, "exposure")),
            "few_with_datasets": lambda: ("few_exposures", with_raws(butler, "exposure", WHERE.format(few=20))),
            "filters_with_datasets": lambda: ("filters", with_raws(butler, "physical_filter")),
            "detectors_with_datasets": lambda: ("detectors", with_raws(butler, "detector")),
            "exposures_with_bias": lambda: ("biased", with_bias(butler, ["exposure"])),
            "few_with_bias": lambda: ("few_biased", with_bias(butler, ["exposure"], WHERE.format(few=20))),
            "pairs_with_bias": lambda: (
                "biased_pairs",
                with_bias(butler, ["exposure", "detector"], WHERE.format(few=20)),
            ),
            "latest_by_key": lambda: ("latest", latest("-exposure", "detector")),
            "latest_by_ingest": lambda: ("latest", latest("-ingest_date")),
            "latest_by_time": lambda: ("latest", latest("-exposure.timespan.begin", "detector")),
        }
        measure(acts, seconds, counts)
    with tempfile.TemporaryDirectory(prefix="peer-sky-") as root:
        Butler.makeRepo(root)
        sky = Butler.from_config(root, writeable=True, run="any")
        counts["sky_regions"] = insert_sky(sky, options.visits, options.detectors)

        def pairs(where: str = "") -> Any:
            both = "instrument = 'Cam' AND skymap = 'sky'"
            return sky.query_data_ids(["visit", "detector", "patch"], where=both + where, limit=None, explain=False)

        acts = {
            "sky_join": lambda: ("sky_join", len(pairs())),
            "sky_join_tract": lambda: ("sky_join_tract", len(pairs(" AND tract = 1"))),
            "sky_join_visit": lambda: ("sky_join_visit", len(pairs(" AND visit = 1003"))),
        }
        measure(acts, seconds, counts)
    options.out.write_text(json.dumps({"T": seconds, "C": counts}, indent=1))


def measure(acts: dict[str, Callable[[], tuple[str, int]]], seconds: dict[str, float], counts: dict[str, int]) -> None:
    for name, act in acts.items():
        act()
        times = []
        for _ in range(REPEAT):
            start = time.process_time()
            key, counts[key] = act()
            times.append(time.process_time() - start)
        seconds[name] = median(times)
        print(f"  {name:28s} {seconds[name] * 1000:9.4f} ms each", flush=True)


def box(ra: float, dec: float, width: float) -> ConvexPolygon:
    cosine, half = math.cos(math.radians(dec)), width / 2
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    points = [((ra + x * half / cosine) % 360, dec + y * half) for x, y in corners]
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*point)) for point in points])


def insert_sky(butler: Any, visits: int, detectors: int) -> int:
    """Insert the visits and patches of ``workload.insert_dimensions``, without what a join on the sky does not look at."""
    insert = butler.registry.insertDimensionData
    insert("instrument", {"name": "Cam", "detector_max": detectors})
    insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(detectors)))
    insert("physical_filter", *({"instrument": "Cam", "name": f"Cam-{n}", "band": n} for n in "gr"))
    insert("day_obs", {"instrument": "Cam", "id": 20260101})
    insert("skymap", {"name": "sky", "hash": b"x", "tract_max": 100, "patch_nx_max": 20, "patch_ny_max": 20})
    insert("tract", *({"skymap": "sky", "id": t, "region": box(10 + 2 * t, 0, 2.0)} for t in range(4)))
    patches = [
        {"skymap": "sky", "tract": t, "id": 10 * j + i, "cell_x": i, "cell_y": j}
        | {"region": box(10 + 2 * t - 0.9 + 0.2 * i, -0.9 + 0.2 * j, 0.21)}
        for t in range(4)
        for j in range(10)
        for i in range(10)
    ]
    insert("patch", *patches)
    side = math.ceil(math.sqrt(detectors))
    rows, regions = [], []
    for n in range(visits):
        ra, dec = 10 + (n * 0.37) % 6, ((n * 0.23) % 1.2) - 0.6
        begin = START + 60 * n * 1_000_000_000
        rows.append(
            {"instrument": "Cam", "id": 1000 + n, "name": str(n), "physical_filter": "Cam-g" if n % 2 else "Cam-r"}
            | {"day_obs": 20260101, "region": box(ra, dec, WIDTH * side)}
            | {"timespan": Timespan(None, None, _nsec=(begin, begin + 30_000_000_000))}
        )
        for d in range(detectors):
            x, y = (WIDTH * (place - side / 2 + 0.5) for place in (d % side, d // side))
            regions.append(
                {"instrument": "Cam", "visit": 1000 + n, "detector": d, "region": box(ra + x, dec + y, WIDTH)}
            )
    insert("visit", *rows)
    insert("visit_detector_region", *regions)
    return len(regions)


def with_raws(butler: Any, dimension: str, where: str = "") -> int:
    """Count the values of a dimension for which there are raws."""
    with butler.query() as q:
        found = q.join_dataset_search("raw", ["raw/all"]).data_ids([dimension])
        return len(list(found.where(where) if where else found))


def with_bias(butler: Any, dimensions: list[str], where: str = "") -> int:
    """Count the data IDs for which there is a bias that is valid at their time."""
    with butler.query() as q:
        found = q.join_dataset_search("bias", ["calib"]).data_ids(dimensions)
        return len(list(found.where(where) if where else found))


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
    bias = DatasetType("bias", ["detector"], "StructuredDataDict", universe=butler.dimensions, isCalibration=True)
    butler.registry.registerDatasetType(bias)
    butler.collections.register("bias/all")
    butler.collections.register("calib", CollectionType.CALIBRATION)
    refs = [
        DatasetRef(
            bias,
            DataCoordinate.standardize(instrument="Cam", detector=d, dimensions=bias.dimensions),
            "bias/all",
        )
        for d in range(detectors)
    ]
    butler.registry._importDatasets(refs, expand=False)
    for first in range(0, exposures, NIGHT):
        span = Timespan(None, None, _nsec=(START + first * HOUR, START + (first + NIGHT) * HOUR))
        butler.registry.certify("calib", refs, span)


if __name__ == "__main__":
    main()
