# SPDX-License-Identifier: BSD-3-Clause
"""Run the benchmark and print a table: ours, LSST's, the ratio, and what we allow ourselves.

usage: report.py CHECKOUT [--peer-python PYTHON --peer PEER.py] [--visits N] [--detectors D] [--json FILE]   (through tools/bench)
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from phases import cost_of_process

PROGRAMS = {
    "butler --help": ["butler", "--help"],
    "pipetask --help": ["pipetask", "--help"],
}
IMPORTS = {
    "python": "pass",
    "import pachon.base": "import pachon.base",
    "from pachon.butler import Butler": "from pachon.butler import Butler",
    "from pachon.quantum_butler import QuantumGraph": "from pachon.quantum_butler import QuantumGraph",
    "from pachon.pipe_base import PipelineTask": "from pachon.pipe_base import PipelineTask",
}
PEER_PROGRAMS = {"butler --help": ["butler", "--help"], "pipetask --help": ["pipetask", "--help"]}
PEER_IMPORTS = {
    "from pachon.butler import Butler": "from lsst.daf.butler import Butler",
    "from pachon.pipe_base import PipelineTask": "from lsst.pipe.base import PipelineTask",
}
BUDGETS = {
    "butler --help": "0.12 s, 25 MB",
    "pipetask --help": "0.12 s, 25 MB",
    "from pachon.butler import Butler": "0.1 s",
    "find_dataset": "0.15 ms",
    "get_one": "0.4 ms",
    "put_one": "device + 0.5 ms",
    "qg_build": "50 times faster",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure times and memory, beside LSST's packages if wanted."
    )
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--detectors", type=int, default=30)
    parser.add_argument("--files", type=int, default=10_000, help="files that are ingested where they lie")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    size = ["--visits", str(options.visits), "--detectors", str(options.detectors)]
    here = Path(__file__).parent
    files = ["--files", str(options.files)]
    ours = measure(Path(sys.executable), PROGRAMS, IMPORTS, here / "workload.py", [*size, *files])
    peer: dict[str, Any] | None = None
    if options.peer is not None:
        peer = measure(options.peer_python, PEER_PROGRAMS, PEER_IMPORTS, options.peer, size)
        writes = ["--detectors", str(options.detectors), *files]
        add_figures(peer, run_workload(options.peer_python, here / "peer_writes.py", writes))
    show(ours, peer)
    if options.json:
        machine = {"python": platform.python_version(), "processors": os.cpu_count(), "system": platform.platform()}
        figures = {
            "machine": machine,
            "visits": options.visits,
            "detectors": options.detectors,
            "ours": ours,
            "peer": peer,
        }
        options.json.write_text(json.dumps(figures, indent=1))


def measure(
    python: Path, programs: dict[str, list[str]], imports: dict[str, str], workload: Path, size: list[str]
) -> dict[str, Any]:
    """Measure start-up, imports and the workload with the packages of one environment."""
    print(f"bench: {python.parent.parent.name}", file=sys.stderr, flush=True)
    found: dict[str, Any] = {"seconds": {}, "megabytes": {}, "counts": {}}
    commands = {name: [str(python.parent / words[0]), *words[1:]] for name, words in programs.items()}
    commands |= {name: [str(python), "-c", code] for name, code in imports.items()}
    for name, command in commands.items():
        cost = cost_of_process(command)
        found["seconds"][name], found["megabytes"][name] = cost.seconds, cost.megabytes
        print(f"  {name:48s} {cost.seconds:7.3f} s {cost.megabytes:6.1f} MB", file=sys.stderr, flush=True)
    add_figures(found, run_workload(python, workload, size))
    return found


def run_workload(python: Path, workload: Path, size: list[str]) -> dict[str, Any]:
    """Run a workload in a process of its own, and give its times ("T") and counts ("C")."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run([str(python), str(workload), str(out), *size], check=True, stdout=sys.stderr)
        result: dict[str, Any] = json.loads(out.read_text())
        return result


def add_figures(found: dict[str, Any], result: dict[str, Any]) -> None:
    """Add what a workload found to the figures of its side."""
    for name, value in result["T"].items():
        found["megabytes" if name.endswith("_mb") else "seconds"][name] = value
    found["counts"] |= result["C"]


def show(ours: dict[str, Any], peer: dict[str, Any] | None) -> None:
    """Print the table, and say where the two sides did not do the same work."""
    from pachon.base.cli import print_table

    names = list(ours["seconds"])
    there = peer["seconds"] if peer else {}
    columns = {
        "work": names,
        "pachon": [clock(ours["seconds"][name]) for name in names],
        "MB": [f"{ours['megabytes'][name]:.0f}" if name in ours["megabytes"] else "" for name in names],
        "LSST": [clock(there.get(name)) for name in names],
        "times faster": [f"{there[name] / ours['seconds'][name]:.1f}" if name in there else "" for name in names],
        "budget": [BUDGETS.get(name, "") for name in names],
    }
    print_table(columns)
    seconds = ours["seconds"]
    first = clock(seconds["put_one"] - seconds["device_floor"])
    beyond = clock((seconds["put_1000_single"] - seconds["floor_1000_single"]) / 1000)
    print(f"\nput beyond the device: {beyond} (budget 0.5 ms); the first ones, which make folders, {first}")
    ratio = seconds["put_1000_single"] / seconds["put_many_1000"]
    print(f"put_many of 1,000 small objects: {ratio:.1f} times faster than 1,000 puts (budget 5)")
    alone = clock(seconds["floor_1000_files"])
    print(f"of its {clock(seconds['put_many_1000'])} the creation of 1,000 files takes {alone} if nothing else is done")
    count = ours["counts"]["ingest_in_place"]
    for words, budget in (("plain", 60_000), ("sums", 40_000)):
        rates = ", ".join(
            f"{form} {count / seconds[f'ingest_{form}_{words}']:,.0f}" for form in ("inside", "direct", "table")
        )
        print(f"files ingested a second, {words}: {rates} (budget {budget:,})")
    if peer:
        for words in ("plain", "sums"):
            rates = ", ".join(f"{form} {count / there[f'ingest_{form}_{words}']:,.0f}" for form in ("inside", "direct"))
            print(f"LSST's packages ingest files a second, {words}: {rates}")
        ratio = there["put_1000_single"] / there["put_many_1000"]
        print(f"LSST's puts of 1,000 small objects in one transaction: {ratio:.1f} times faster than 1,000 puts")
    memory = f"{ours['megabytes']['ingest_peak_mb']:.0f} MB"
    memory += f", LSST's {peer['megabytes']['ingest_peak_mb']:.0f} MB," if peer else ""
    print(f"memory at the end of the ingests: {memory} for {count:,} files")
    before, after = ours["megabytes"]["qg_before_mb"], ours["megabytes"]["qg_peak_mb"]
    print(f"memory of the graph build: {after - before:.0f} MB for {ours['counts']['quanta']} quanta")
    for name, value in (peer["counts"] if peer else {}).items():
        mine = ours["counts"].get(name, value)
        if mine != value and name not in ("qg_bytes", "root", "datasets_in_graph"):
            print(f"the two sides differ in {name}: {mine} here, {value} there")


def clock(seconds: float | None) -> str:
    """Give a time in a fitting unit."""
    if seconds is None:
        return ""
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1000:.3f} ms"


if __name__ == "__main__":
    main()
