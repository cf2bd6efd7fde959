# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs at several sizes: a table of times and memory, ours and LSST's, and a chart.

usage: graph_report.py CHECKOUT [--peer PEER.py --peer-python PYTHON] [--sizes VxD,...] [--peer-sizes VxD,...] [--postgresql] [--transfer]
[--folder F] [--chart FILE.png] [--json FILE]   (through tools/bench --graph)

What is timed is alike on both sides: the imports of the packages are made before; within the time are the import of the five tasks, the
pipeline, all queries, and the graph in memory. LSST's process has filled and queried the same repository before it builds. Ours is a new
one that has just opened it ("build"), and for small graphs builds a second time ("again"), which is the state of LSST's. Ratios are of
the first of the two, by the time of the processor, which other work on the machine disturbs less than the clock.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

SIZES = "20x30,60x60,100x100,1000x100,3350x100"
PEER_SIZES = "20x30,60x60,100x100"
"""Visits by detectors. LSST's packages need about a millisecond and 23 kB a quantum."""
SAME = ("quanta", "quanta_by_task", "inputs")
COMPARED = 10_000
"""Quanta from which on the ratios to LSST's packages have a budget."""
MILLION = 900_000
"""Quanta from which on a graph counts as one of a million."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench --graph", description=__doc__)
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--peer-sizes", default=PEER_SIZES)
    parser.add_argument("--postgresql", action="store_true", help="measure the builds from PostgreSQL too")
    parser.add_argument(
        "--transfer", action="store_true", help="also measure how all outputs are registered afterwards"
    )
    parser.add_argument("--folder", type=Path, help="where repositories are made; by default that of temporary files")
    parser.add_argument("--chart", type=Path, help="draw times and memory into this file (.png)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="pachon-graph-", dir=options.folder) as name:
        folder = Path(name)
        compared = _sizes(options.peer_sizes) if options.peer is not None else []
        for size in _sizes(options.sizes):
            acts = ["fill", "build", "read"]
            acts += ["inputs"] if size in compared else []
            rows.append(
                {"side": "pachon", **_ours(folder, size, None, [*acts, *_TRANSFER] if options.transfer else acts)}
            )
            if options.postgresql:
                with _server() as url:
                    rows.append({"side": "pachon, PostgreSQL", **_ours(folder, size, url, acts)})
        if options.peer is not None:
            peers = [_peer(folder, size, options.peer, options.peer_python) for size in _sizes(options.peer_sizes)]
            rows += [{"side": "LSST", **row} for row in peers]
    _show(rows)
    _show_budgets(rows)
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


_TRANSFER = ("outputs", "transfer")


def _ours(folder: Path, size: tuple[int, int], url: str | None, acts: list[str]) -> dict[str, Any]:
    """Fill a repository, build, and read, each in a process of its own."""
    print(
        f"bench: {size[0]} visits x {size[1]} detectors{' on PostgreSQL' if url else ''}", file=sys.stderr, flush=True
    )
    place = folder / "ours"
    place.mkdir()
    script = Path(__file__).parent / "graph_workload.py"
    found: dict[str, Any] = {"T": {}, "CPU": {}, "C": {}, "MB": {}}
    inputs: dict[str, Any] | None = None
    extra = ["--visits", str(size[0]), "--detectors", str(size[1]), *(["--db", url] if url else [])]
    try:
        for act in acts:
            out = folder / "out.json"
            subprocess.run([sys.executable, str(script), act, str(place), str(out), *extra], check=True)
            document = json.loads(out.read_text())
            inputs = document.pop("inputs", inputs)
            for kind, values in document.items():
                if act != "fill":
                    found[kind] |= values
    finally:
        shutil.rmtree(place)
    times, cpu, counts, megabytes = found["T"], found["CPU"], found["C"], found["MB"]
    row = {
        "size": size,
        "quanta": counts["quanta"],
        "quanta_by_task": counts["quanta_by_task"],
        "build": times["build"],
        "build_cpu": cpu["build"],
        "peak_mb": megabytes["write"],
        "build_mb": megabytes["write"] - megabytes["before"],
        "write": times["write"],
        "write_cpu": cpu["write"],
        "bytes": counts["bytes"],
        "open": times["open"],
        "open_cpu": cpu["open"],
        "one": times["one_quantum"],
        "one_cpu": cpu["one_quantum"],
        "cluster": times["cluster"],
        "cluster_cpu": cpu["cluster"],
        "load": times["load"],
        "load_cpu": cpu["load"],
    }
    if "build_again" in cpu:
        row |= {"again": times["build_again"], "again_cpu": cpu["build_again"]}
    if "transfer" in cpu:
        row |= {"transfer": times["transfer"], "transfer_cpu": cpu["transfer"], "transfer_mb": megabytes["transfer"]}
        row |= {"transfer_again": times["transfer_again"], "outputs": counts["transferred"]}
    return row if inputs is None else {**row, "inputs": digest(inputs)}


def digest(inputs: dict[str, Any]) -> dict[str, str]:
    """Give for each task a hash of all of its quanta with all of their inputs, and how many inputs these are."""
    found = {}
    for label, quanta in sorted(inputs.items()):
        number = sum(len(refs) for _, by_type in quanta for _, refs in by_type)
        found[label] = f"{number} {blake2b(json.dumps(quanta).encode(), digest_size=12).hexdigest()}"
    return found


def _peer(folder: Path, size: tuple[int, int], script: Path, python: Path) -> dict[str, Any]:
    """Let LSST's packages do the same."""
    print(f"bench: LSST, {size[0]} visits x {size[1]} detectors", file=sys.stderr, flush=True)
    out, place, here = folder / "peer.json", folder / "peer", Path(__file__).parent
    arguments = ["--visits", str(size[0]), "--detectors", str(size[1]), "--keep", str(place)]
    clock = [str(python), str(here / "peer_clock.py"), str(script), str(out), *arguments]
    asked = [str(python), str(here / "peer_graph_inputs.py"), str(place / "graph.qg"), str(folder / "inputs.json")]
    try:
        subprocess.run(clock, check=True, stdout=sys.stderr)
        subprocess.run([*asked, str(script.parent)], check=True, stdout=sys.stderr)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    found = json.loads(out.read_text())
    times, cpu, counts = found["T"], found["CPU"], found["C"]
    return {
        "size": size,
        "quanta": counts["quanta"],
        "quanta_by_task": counts["quanta_by_task"],
        "inputs": digest(json.loads((folder / "inputs.json").read_text())),
        "build": times["qg_build"],
        "build_cpu": cpu["qg_build"],
        "peak_mb": times["qg_peak_mb"],
        "build_mb": times["qg_peak_mb"] - times["qg_before_mb"],
        "write": times["qg_save"],
        "write_cpu": cpu["qg_save"],
        "bytes": counts["qg_bytes"],
        "one": times["qg_load_one_quantum"],
        "load": times["qg_load"],
        "load_cpu": cpu["qg_load"],
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from pachon.base.cli import print_table

    def seconds(name: str) -> list[str]:
        return [f"{row[name]:.3f}" if name in row else "" for row in rows]

    columns = {
        "side": [row["side"] for row in rows],
        "visits x detectors": ["x".join(map(str, row["size"])) for row in rows],
        "quanta": [f"{row['quanta']:,}" for row in rows],
        "build s": seconds("build"),
        "CPU s": seconds("build_cpu"),
        "again, CPU s": seconds("again_cpu"),
        "peak MB": [f"{row['peak_mb']:.0f}" for row in rows],
        "of the build": [f"{row['build_mb']:.0f}" for row in rows],
        "write s": seconds("write"),
        "file MB": [f"{row['bytes'] / 1e6:.1f}" for row in rows],
        "open s": seconds("open"),
        "one quantum s": seconds("one"),
        "1,000 quanta s": seconds("cluster"),
        "load s": seconds("load"),
    }
    if any("transfer" in row for row in rows):
        columns["outputs"] = [f"{row['outputs']:,}" if "outputs" in row else "" for row in rows]
        columns["transfer s"] = seconds("transfer")
    print_table(columns)


def _show_budgets(rows: list[dict[str, Any]]) -> None:
    """Put the figures beside what we allow ourselves."""
    from pachon.base.cli import print_table

    lines = list(_against_peer(rows))
    million = [row for row in rows if row["side"] != "LSST" and row["quanta"] >= MILLION]
    for row in million:
        if row["quanta"] < 2 * MILLION:
            lines += _of_a_million(row)
    own = sorted((row for row in million if row["side"] == "pachon"), key=lambda row: row["quanta"])
    if len(own) > 1:
        ratio = own[-1]["quanta"] / own[0]["quanta"]
        slower = own[-1]["build_cpu"] / own[0]["build_cpu"]
        lines.append(
            (
                f"build of {ratio:.1f} times as many quanta, CPU",
                f"{slower:.1f} times",
                "4 times for 3",
                slower <= 4 / 3 * ratio,
            )
        )
    for row in rows:
        if row.get("outputs", 0) >= MILLION:
            allowed = 600 * row["outputs"] / 4e6
            what = f"transfer of {row['outputs']:,} outputs"
            seen = f"{row['transfer']:.0f} s, CPU {row['transfer_cpu']:.0f} s"
            lines.append((what, seen, f"{allowed:.0f} s", _verdict(row["transfer"], row["transfer_cpu"], allowed)))
            lines.append((f"{what}, memory", f"{row['transfer_mb']:.0f} MB", "4000 MB", row["transfer_mb"] <= 4000))
    if not lines:
        return
    print_table(
        {
            "what": [line[0] for line in lines],
            "seen": [line[1] for line in lines],
            "budget": [line[2] for line in lines],
            "": [line[3] if isinstance(line[3], str) else _WORDS[line[3]] for line in lines],
        }
    )


Line = tuple[str, str, str, bool | str | None]
"""What, what was seen, what is allowed, and whether it is kept; None where the budget is for larger graphs."""
_WORDS = {True: "kept", False: "MISSED", None: ""}


def _against_peer(rows: list[dict[str, Any]]) -> Iterator[Line]:
    ours = {tuple(row["size"]): row for row in rows if row["side"] == "pachon"}
    for row in rows:
        mine = ours.get(tuple(row["size"]))
        if row["side"] == "pachon" or mine is None:
            continue
        what = f"{row['quanta']:,} quanta"
        for name in SAME:
            if name in row and name in mine:
                equal = mine[name] == row[name]
                yield (
                    f"{what}, {row['side']}: {name.replace('_', ' ')}",
                    "equal" if equal else f"{mine[name]} and {row[name]}",
                    "equal",
                    equal,
                )
        if row["side"] == "LSST":
            large = row["quanta"] >= COMPARED
            faster = row["build_cpu"] / mine["build_cpu"]
            yield f"{what}: build, CPU", f"{faster:.0f} times faster", "50 times", faster >= 50 if large else None
            if "again_cpu" in mine:
                faster = row["build_cpu"] / mine["again_cpu"]
                yield (
                    f"{what}: build by a process that has worked, CPU",
                    f"{faster:.0f} times faster",
                    "50 times",
                    faster >= 50 if large else None,
                )
            smaller = row["build_mb"] / max(mine["build_mb"], 1)
            yield (
                f"{what}: memory of the build",
                f"{smaller:.1f} times less",
                "10 times",
                smaller >= 10 if large else None,
            )
            loaded = (row["load_cpu"] / row["quanta"]) / (mine["load_cpu"] / mine["quanta"])
            yield f"{what}: load all columns, CPU", f"{loaded:.0f} times faster", "200 times for a million", None


def _of_a_million(row: dict[str, Any]) -> Iterator[Line]:
    what = f"{row['quanta']:,} quanta, {row['side']}"
    for text, name, budget in (
        ("build", "build", 20.0),
        ("write", "write", 3.0),
        ("open", "open", 0.005),
        ("one quantum", "one", 0.010),
        ("1,000 quanta that are neighbours", "cluster", 1.0),
    ):
        clock, cpu = row[name], row[f"{name}_cpu"]
        yield f"{what}: {text}", f"{clock:.3f} s, CPU {cpu:.3f} s", f"{budget:g} s", _verdict(clock, cpu, budget)
    yield f"{what}: memory", f"{row['peak_mb']:.0f} MB", "1500 MB", row["peak_mb"] <= 1500
    yield f"{what}: file", f"{row['bytes'] / 1e6:.1f} MB", "100 MB", row["bytes"] <= 100e6


def _verdict(clock: float, cpu: float, budget: float) -> bool | str:
    """Judge by the clock, and say so where only other work on the machine can be the reason."""
    return True if clock <= budget else "kept by CPU" if cpu <= budget else False


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw processor time and memory of the build against the number of quanta."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    plain = FuncFormatter(lambda value, _: f"{value:,.12g}")
    for axes, name, label in zip(
        figure.subplots(1, 2),
        ("build_cpu", "build_mb"),
        ("processor time of the build / s", "memory of the build / MB"),
        strict=True,
    ):
        for side in dict.fromkeys(row["side"] for row in rows):
            points = sorted((row["quanta"], row[name]) for row in rows if row["side"] == side)
            axes.loglog([x for x, _ in points], [y for _, y in points], "o-", label=side)
        axes.set_xlabel("quanta")
        axes.set_ylabel(label)
        axes.grid(visible=True, which="major", alpha=0.4)
        axes.legend()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(plain)
            axis.set_minor_formatter(NullFormatter())
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
