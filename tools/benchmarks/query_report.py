# SPDX-License-Identifier: BSD-3-Clause
"""Run the queries of many datasets on both sides and print them (time of the processor) beside the budgets."""

import argparse
import sys
from pathlib import Path
from typing import Any

from report import add_figures, clock, run_workload

MILLION = 1_000_000
BUDGETS = {
    "refs_columns": "2 s a million",
    "refs_objects": "4 s a million",
    "where_one_percent": "50 ms at a million",
    "where_detector": "50 ms at a million (1 in 100 or more)",
    "few_with_datasets": "the same with twice the detectors",
    "filters_with_datasets": "the same with twice the exposures or detectors",
    "detectors_with_datasets": "the same with twice the exposures",
    "few_with_bias": "the same with twice the detectors",
    "pairs_with_bias": "twice with twice the detectors",
    "bias_of_exposure": "twice with twice the detectors",
    "explain_empty": "1 s at a million",
    "sky_join": "10 times faster",
    "compile": "1 ms",
    "butler query-datasets": "0.8 s, each of these commands",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench --queries", description="Measure queries of many datasets.")
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--exposures", type=int, default=500, help="5000 with 200 detectors are a million datasets")
    parser.add_argument("--detectors", type=int, default=200)
    parser.add_argument("--visits", type=int, default=50, help="whose detectors are joined with patches on the sky")
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; SQLite without it")
    options = parser.parse_args()
    here = Path(__file__).parent
    size = [
        "--exposures",
        str(options.exposures),
        "--detectors",
        str(options.detectors),
        "--visits",
        str(options.visits),
    ]
    place = ["--database", options.database] if options.database else []
    ours = _run(Path(sys.executable), here / "query_workload.py", [*size, *place])
    peer = None
    if options.peer is not None:
        peer = _run(options.peer_python, here / "peer_query_workload.py", size)
    show(ours, peer, options.exposures * options.detectors)


def _run(python: Path, workload: Path, words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"seconds": {}, "megabytes": {}, "counts": {}}
    add_figures(found, run_workload(python, workload, words))
    return found


def show(ours: dict[str, Any], peer: dict[str, Any] | None, datasets: int) -> None:
    """Print the table, and say where the two sides found different numbers of rows."""
    from pachon.base.cli import print_table

    seconds = ours["seconds"]
    there = peer["seconds"] if peer else {}
    print_table(
        {
            "work": list(seconds),
            "pachon": [clock(value) for value in seconds.values()],
            "LSST": [clock(there.get(name)) for name in seconds],
            "times faster": [f"{there[n] / seconds[n]:.1f}" if n in there else "" for n in seconds],
            "budget": [BUDGETS.get(name, "") for name in seconds],
        }
    )
    for name in ("refs_columns", "refs_objects"):
        print(f"{name}: {seconds[name] / datasets * MILLION:.2f} s a million")
    print(f"memory: {ours['megabytes']['total_peak_mb']:.0f} MB for {datasets:,} datasets")
    for name, value in (peer["counts"] if peer else {}).items():
        if ours["counts"].get(name, value) != value:
            print(f"the two sides differ in {name}: {ours['counts'][name]} here, {value} there")


if __name__ == "__main__":
    main()
