# SPDX-License-Identifier: BSD-3-Clause
"""Queries of many datasets: our side, and the same on LSST's (``peer_query_workload.py``), with the same names.

Times are those of the processor: on a machine that has other work to do they say more. With ``--database`` they are those of the clock: most
of the work is then the server's.

usage: query_workload.py OUT.json [--exposures E] [--detectors D] [--visits V] [--database URL]   (through tools/bench --queries)
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from phases import Phases, cost_of_process, peak_megabytes
from workload import insert_dimensions

HOUR = 3_600_000_000_000
START = 1_767_225_600_000_000_000
NIGHT = 24
"""Exposures for which a bias is valid."""
WHERE = "instrument = 'Cam' AND day_obs = 20260101 AND exposure.seq_num < {few}"
REPEAT = 5
COMMANDS = {
    "query-collections": [],
    "query-dataset-types": [],
    "query-datasets": ["raw", "--collections", "raw/all", "--limit", "20"],
    "query-datasets --where": [
        "--where",
        "instrument = 'Cam' AND exposure.timespan.begin < T'2026-01-01 12:00'",
        "--limit",
        "20",
    ],
    "query-data-ids": ["exposure", "--datasets", "raw", "--collections", "raw/all", "--limit", "20"],
    "query-dimension-records": ["detector"],
    "query-calibrations": ["raw"],
}
"""Each with a repository before its arguments."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--exposures", type=int, default=500)
    parser.add_argument("--detectors", type=int, default=200)
    parser.add_argument("--visits", type=int, default=50)
    parser.add_argument("--database", default=None)
    options = parser.parse_args()
    phases = Phases()
    with tempfile.TemporaryDirectory(prefix="pachon-queries-") as folder:
        run(phases, Path(folder), options)
    phases.seconds["total_peak_mb"] = peak_megabytes()
    options.out.write_text(json.dumps({"T": phases.seconds, "C": phases.counts}, indent=1))


def run(phases: Phases, folder: Path, options: argparse.Namespace) -> None:
    from pachon.butler import Butler

    butler = Butler.create(str(folder / "repo"), database=options.database)
    with phases.phase("fill"):
        fill(butler, options.exposures, options.detectors)
    few = max(options.exposures // 100, 1)
    one = "instrument = 'Cam' AND exposure = 3 AND detector = 7"

    def refs(where: str = "") -> Any:
        return butler.query_datasets("raw", collections="raw/all", where=where)

    def with_raws(dimension: str, where: str = "") -> Any:
        return butler.query_data_ids(dimension, datasets="raw", collections="raw/all", where=where)

    def with_bias(*dimensions: str, where: str = "") -> Any:
        return butler.query_data_ids(dimensions, datasets="bias", collections="calib", where=where)

    def bias(where: str) -> Any:
        return butler.query_datasets("bias", collections="calib", where=where)

    def latest(*order: str) -> Any:
        return refs().order_by(*order).limit(10)

    # The first query of a process loads the language.
    with phases.phase("first_query"):
        phases.counts["one"] = len(refs(one))
    acts = {
        "refs_columns": lambda _: note("refs", len(refs().columns()["id"])),
        "refs_objects": lambda _: note("refs", len(list(refs()))),
        "refs_streamed": lambda _: note("refs", sum(map(len, refs().batches()))),
        "refs_counted": lambda _: note("refs", refs().count()),
        "where_one_percent": lambda _: note("one_percent", len(refs(WHERE.format(few=few)))),
        "where_detector": lambda _: note("detector", len(refs("instrument = 'Cam' AND detector = 7"))),
        "where_one": lambda _: note("one", len(refs(one))),
        "data_ids_with_datasets": lambda _: note("exposures", len(with_raws("exposure"))),
        "few_with_datasets": lambda _: note("few_exposures", len(with_raws("exposure", WHERE.format(few=20)))),
        "filters_with_datasets": lambda _: note("filters", len(with_raws("physical_filter"))),
        "detectors_with_datasets": lambda _: note("detectors", len(with_raws("detector"))),
        "exposures_with_bias": lambda _: note("biased", len(with_bias("exposure"))),
        "few_with_bias": lambda _: note("few_biased", len(with_bias("exposure", where=WHERE.format(few=20)))),
        "pairs_with_bias": lambda _: note(
            "biased_pairs", len(with_bias("exposure", "detector", where=WHERE.format(few=20)))
        ),
        "bias_of_exposure": lambda _: note("biases", len(bias("instrument = 'Cam' AND exposure = 3"))),
        "latest_by_key": lambda _: note("latest", len(list(latest("-exposure", "detector")))),
        "latest_by_ingest": lambda _: note("latest", len(list(latest("-ingest_date")))),
        "latest_by_time": lambda _: note("latest", len(list(latest("-exposure.timespan.begin", "detector")))),
        "explain_empty": lambda _: note(
            "reasons", len(refs("instrument = 'Cam' AND exposure = 999999999").explain().reasons)
        ),
        "compile": lambda _: compile_expression(butler, known=False),
        "compile_again": lambda _: compile_expression(butler, known=True),
    }

    def note(name: str, count: int) -> None:
        phases.counts[name] = count

    measure(phases, acts, time.process_time if options.database is None else time.perf_counter)
    butler.close()
    join_on_the_sky(phases, folder, options)
    program = str(Path(sys.executable).parent / "butler")
    for name, words in COMMANDS.items():
        command = [program, name.split()[0], str(folder / "repo"), *words]
        phases.seconds[f"butler {name}"] = cost_of_process(command).processor


def measure(
    phases: Phases, acts: dict[str, Callable[[int], object]], clock: Callable[[], float] = time.process_time
) -> None:
    """Take the time of each act: the median, after one that is not counted."""
    for name, act in acts.items():
        act(0)
        times = []
        for number in range(REPEAT):
            start = clock()
            act(number)
            times.append(clock() - start)
        phases.seconds[name] = median(times)


def join_on_the_sky(phases: Phases, folder: Path, options: argparse.Namespace) -> None:
    """Join the detectors of visits with the patches that they overlap."""
    from pachon.butler import Butler

    butler = Butler.create(str(folder / "sky"))
    phases.counts["sky_regions"] = insert_dimensions(butler, options.visits, options.detectors)

    def pairs(where: str = "") -> Any:
        both = "instrument = 'Cam' AND skymap = 'sky'"
        return butler.query_data_ids(["visit", "detector", "patch"], where=both + where)

    def note(name: str, count: int) -> None:
        phases.counts[name] = count

    measure(
        phases,
        {
            "sky_join_columns": lambda _: note("sky_join", len(pairs().columns()["patch"])),
            "sky_join": lambda _: note("sky_join", len(list(pairs()))),
            "sky_join_tract": lambda _: note("sky_join_tract", len(list(pairs(" AND tract = 1")))),
            "sky_join_visit": lambda _: note("sky_join_visit", len(list(pairs(" AND visit = 1003")))),
        },
    )
    butler.close()


def compile_expression(butler: Any, *, known: bool) -> None:
    """Read an expression and make its statement, without running it; perhaps one that is known from other constants."""
    queries = butler._session.registry.query
    if not known:
        queries._state.statements.clear()
    queries.sql(queries.spec(["exposure", "detector"], where=WHERE.format(few=3) + " AND band IN ('g', 'r')"))


def fill(butler: Any, exposures: int, detectors: int) -> None:
    """Register exposures of one camera, a raw of each detector, and a bias of each detector that is valid for each night anew."""
    from pachon.datasets import CollectionType, DatasetTable, DatasetType, new_ids
    from pachon.dimensions import DataIdTable, Timespan

    insert = butler.dimension_records.insert
    insert("instrument", [{"name": "Cam", "detector_max": detectors}])
    insert("detector", [{"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(detectors)])
    insert("physical_filter", [{"instrument": "Cam", "name": n, "band": n} for n in "gr"])
    insert("day_obs", [{"instrument": "Cam", "id": 20260101}])
    insert("group", [{"instrument": "Cam", "name": str(i)} for i in range(exposures)])
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
            "timespan": Timespan.from_ns(START + i * HOUR, START + (i + 1) * HOUR),
        }
        for i in range(exposures)
    ]
    insert("exposure", rows)
    raw = DatasetType("raw", ["exposure", "detector"], "StructuredDataDict", universe=butler.universe)
    butler.dataset_types.register(raw)
    butler.collections.register("raw/all")
    for start in range(0, exposures, 500):
        count = min(500, exposures - start)
        length = count * detectors
        columns = {
            "instrument": np.full(length, "Cam", dtype=object),
            "exposure": np.repeat(np.arange(start, start + count), detectors),
            "detector": np.tile(np.arange(detectors), count),
        }
        table = DatasetTable(raw, DataIdTable.from_arrays(raw.dimensions, columns), new_ids(length), "raw/all")
        butler._session.registry.datasets.insert(table)
    bias = DatasetType("bias", ["detector"], "StructuredDataDict", is_calibration=True, universe=butler.universe)
    butler.dataset_types.register(bias)
    butler.collections.register("bias/all")
    butler.collections.register("calib", CollectionType.CALIBRATION)
    columns = {"instrument": np.full(detectors, "Cam", dtype=object), "detector": np.arange(detectors)}
    table = DatasetTable(bias, DataIdTable.from_arrays(bias.dimensions, columns), new_ids(detectors), "bias/all")
    butler._session.registry.datasets.insert(table)
    for first in range(0, exposures, NIGHT):
        span = Timespan.from_ns(START + first * HOUR, START + (first + NIGHT) * HOUR)
        butler._session.registry.collections.certify("calib", table, span)


if __name__ == "__main__":
    main()
