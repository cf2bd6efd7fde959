# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs at several sizes: a table of times and memory, ours and LSST's, and a chart.

usage: graph_report.py CHECKOUT [--peer PEER.py --peer-python PYTHON] [--sizes VxD,...] [--peer-sizes VxD,...] [--postgresql] [--folder F]
[--chart FILE.png] [--json FILE]   (through tools/bench --graph)
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIZES = "20x30,60x60,100x100,1000x100,3350x100"
PEER_SIZES = "20x30,60x60,100x100"
"""Visits by detectors. LSST's packages need about a millisecond and 23 kB a quantum."""
SAME = ("quanta", "quanta_by_task")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench --graph", description=__doc__)
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--peer-sizes", default=PEER_SIZES)
    parser.add_argument("--postgresql", action="store_true", help="measure the builds from PostgreSQL too")
    parser.add_argument("--folder", type=Path, help="where repositories are made; by default that of temporary files")
    parser.add_argument("--chart", type=Path, help="draw times and memory into this file (.png)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="pachon-graph-", dir=options.folder) as name:
        folder = Path(name)
        for size in _sizes(options.sizes):
            rows.append({"side": "pachon", **_ours(folder, size, None)})
            if options.postgresql:
                with _server() as url:
                    rows.append({"side": "pachon, PostgreSQL", **_ours(folder, size, url)})
        if options.peer is not None:
            peers = [_peer(folder, size, options.peer, options.peer_python) for size in _sizes(options.peer_sizes)]
            rows += [{"side": "LSST", **row} for row in peers]
    _show(rows)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))
    if options.chart is not None:
        draw(rows, options.chart)


def _sizes(text: str) -> list[tuple[int, int]]:
    pairs = (part.split("x") for part in text.split(",") if part)
    return [(int(visits), int(detectors)) for visits, detectors in pairs]


@contextmanager
def _server() -> Iterator[str]:
    from pachon.registry.testing.postgresql import PostgresServer

    with PostgresServer() as server, server.database() as url:
        yield url


def _ours(folder: Path, size: tuple[int, int], url: str | None) -> dict[str, Any]:
    """Fill a repository, build, and read, each in a process of its own."""
    print(
        f"bench: {size[0]} visits x {size[1]} detectors{' on PostgreSQL' if url else ''}", file=sys.stderr, flush=True
    )
    place = folder / "ours"
    place.mkdir()
    script = Path(__file__).parent / "graph_workload.py"
    found: dict[str, dict[str, Any]] = {"T": {}, "CPU": {}, "C": {}, "MB": {}}
    extra = ["--visits", str(size[0]), "--detectors", str(size[1]), *(["--db", url] if url else [])]
    try:
        for act in ("fill", "build", "read"):
            out = folder / "out.json"
            subprocess.run([sys.executable, str(script), act, str(place), str(out), *extra], check=True)
            for kind, values in json.loads(out.read_text()).items():
                if act != "fill":
                    found[kind] |= values
    finally:
        shutil.rmtree(place)
    times, cpu, counts, megabytes = found["T"], found["CPU"], found["C"], found["MB"]
    return {
        "size": size,
        "quanta": counts["quanta"],
        "quanta_by_task": counts["quanta_by_task"],
        "warp_inputs": counts["warp_inputs"],
        "build": times["build"],
        "build_cpu": cpu["build"],
        "peak_mb": megabytes["write"],
        "build_mb": megabytes["write"] - megabytes["before"],
        "write": times["write"],
        "bytes": counts["bytes"],
        "open": times["open"],
        "one": times["one_quantum"],
        "cluster": times["cluster"],
        "load": times["load"],
    }


def _peer(folder: Path, size: tuple[int, int], script: Path, python: Path) -> dict[str, Any]:
    """Let LSST's packages do the same."""
    print(f"bench: LSST, {size[0]} visits x {size[1]} detectors", file=sys.stderr, flush=True)
    out, place = folder / "peer.json", folder / "peer"
    command = [str(python), str(script), str(out), "--visits", str(size[0]), "--detectors", str(size[1])]
    try:
        subprocess.run([*command, "--keep", str(place)], check=True, stdout=sys.stderr)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    found = json.loads(out.read_text())
    times, counts = found["T"], found["C"]
    return {
        "size": size,
        "quanta": counts["quanta"],
        "quanta_by_task": counts["quanta_by_task"],
        "build": times["qg_build"],
        "peak_mb": times["qg_peak_mb"],
        "build_mb": times["qg_peak_mb"] - times["qg_before_mb"],
        "write": times["qg_save"],
        "bytes": counts["qg_bytes"],
        "one": times["qg_load_one_quantum"],
        "load": times["qg_load"],
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from pachon.base.cli import print_table

    def seconds(name: str) -> list[str]:
        return [f"{row[name]:.3f}" if name in row else "" for row in rows]

    print_table(
        {
            "side": [row["side"] for row in rows],
            "visits x detectors": ["x".join(map(str, row["size"])) for row in rows],
            "quanta": [f"{row['quanta']:,}" for row in rows],
            "build s": seconds("build"),
            "CPU s": seconds("build_cpu"),
            "peak MB": [f"{row['peak_mb']:.0f}" for row in rows],
            "of the build": [f"{row['build_mb']:.0f}" for row in rows],
            "write s": seconds("write"),
            "file MB": [f"{row['bytes'] / 1e6:.1f}" for row in rows],
            "open s": seconds("open"),
            "one quantum s": seconds("one"),
            "1,000 quanta s": seconds("cluster"),
            "load s": seconds("load"),
        }
    )
    ours = {tuple(row["size"]): row for row in rows if row["side"] == "pachon"}
    for row in rows:
        mine = ours.get(tuple(row["size"]))
        if row["side"] == "pachon" or mine is None:
            continue
        for name in SAME:
            if mine[name] != row[name]:
                print(f"the two sides differ in {name} of {row['size']}: {mine[name]} here, {row[name]} there")
        if row["side"] == "LSST":
            faster, smaller = row["build"] / mine["build"], row["build_mb"] / max(mine["build_mb"], 1)
            print(
                f"{row['quanta']:,} quanta: {faster:.0f} times faster, {smaller:.1f} times less memory than LSST's packages"
            )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw time and memory of the build against the number of quanta."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for axes, name, label in zip(
        figure.subplots(1, 2), ("build", "build_mb"), ("time of the build / s", "memory of the build / MB"), strict=True
    ):
        for side in dict.fromkeys(row["side"] for row in rows):
            points = sorted((row["quanta"], row[name]) for row in rows if row["side"] == side)
            axes.loglog([x for x, _ in points], [y for _, y in points], "o-", label=side)
        axes.set_xlabel("quanta")
        axes.set_ylabel(label)
        axes.grid(visible=True, which="major", alpha=0.4)
        axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
