# SPDX-License-Identifier: BSD-3-Clause
"""Measure the registry alone, large, on SQLite and on a PostgreSQL server of our own; print a table, and the plan of a find.

usage: registry_report.py CHECKOUT [--sqlite N] [--postgresql N] [--runs R] [--chain C] [--types T] [--folder DIR] [--json FILE]
           [--peer-python PYTHON --peer ...] [--peer-datasets N]   (through tools/bench --registry)

A size of 0 leaves a database out. LSST's side does what its interface has of the same, with fewer datasets.
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

BUDGETS = {
    ("open", "sqlite"): "20 ms",
    ("open", "postgresql"): "20 ms",
    ("insert datasets", "sqlite"): "60,000 /s",
    ("insert datasets", "postgresql"): "100,000 /s",
    ("insert records with regions", "sqlite"): "20,000 /s",
    ("insert records with regions", "postgresql"): "20,000 /s",
    ("find in a chain", "sqlite"): "0.15 ms",
    ("find in a chain", "postgresql"): "0.5 ms",
    ("find in a run", "sqlite"): "0.15 ms",
    ("find in a run", "postgresql"): "0.5 ms",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench --registry", description="Measure a large registry.")
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sqlite", type=int, default=1_000_000, metavar="N", help="datasets on SQLite")
    parser.add_argument("--postgresql", type=int, default=10_000_000, metavar="N", help="datasets on PostgreSQL")
    parser.add_argument("--peer-datasets", type=int, default=20_000, metavar="N", help="datasets of LSST's registry")
    parser.add_argument("--peer-runs", type=int, default=500, metavar="N", help="runs of LSST's registry")
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--chain", type=int, default=5_000)
    parser.add_argument("--types", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: a temporary folder")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    sizes = ["--runs", str(options.runs), "--chain", str(options.chain), "--types", str(options.types)]
    workload = Path(__file__).parent / "registry_workload.py"
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.sqlite:
            url = f"sqlite:///{folder}/registry.sqlite3"
            found["sqlite"] = run(sys.executable, workload, url, ["--datasets", str(options.sqlite), *sizes])
        if options.postgresql:
            from pachon.registry.testing.postgresql import PostgresServer

            # Settings of a small server; what is committed is synced.
            memory = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
            place = options.folder or Path(tempfile.gettempdir())
            with PostgresServer(durable=True, settings=memory, folder=place) as server:
                url = server.new_url()
                found["postgresql"] = run(
                    sys.executable, workload, url, ["--datasets", str(options.postgresql), *sizes]
                )
        if options.peer_python is not None:
            peer = Path(__file__).parent / "registry_peer.py"
            few = ["--datasets", str(options.peer_datasets), "--runs", str(options.peer_runs)]
            found["LSST, sqlite"] = run(str(options.peer_python), peer, folder, few)
    show(found)
    if options.json:
        machine = {"python": platform.python_version(), "processors": os.cpu_count(), "system": platform.platform()}
        options.json.write_text(json.dumps({"machine": machine, **found}, indent=1))


def run(python: str, workload: Path, where: str, arguments: list[str]) -> dict[str, Any]:
    """Run a workload in a process of its own."""
    print(
        f"bench: {workload.name} {' '.join(arguments)}: {where.split(':', maxsplit=1)[0]}", file=sys.stderr, flush=True
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run([python, str(workload), str(out), where, *arguments], check=True, stdout=sys.stderr)
        result: dict[str, Any] = json.loads(out.read_text())
        return result


def show(found: dict[str, Any]) -> None:
    """Print one row a piece of work and database."""
    from pachon.base.cli import print_table

    rows = []
    for side, result in found.items():
        cpu = result.get("CPU", {})
        for name, rate in result["R"].items():
            rows.append(
                (side, name, f"{rate:,.0f} /s", f"{cpu[name]:,.0f} /s" if name in cpu else "", budget(name, side))
            )
        for name, seconds in result["T"].items():
            rows.append((side, name, clock(seconds), clock(cpu[name]) if name in cpu else "", budget(name, side)))
    heads = ("database", "work", "measured", "by this process's CPU", "budget")
    print_table({head: [row[place] for row in rows] for place, head in enumerate(heads)})
    for side, result in found.items():
        times = result["T"]
        long = {
            name: value
            for name, value in times.items()
            if name.startswith("find in a chain of") and "of 5," not in name
        }
        for name, value in long.items():
            short = times.get(f"find in a chain of 5, {name.split(', ', 1)[1].split(', ')[-1]}")
            if short:
                print(f"{side}: {name}: {value / short:.2f} times a chain of 5 (budget 1.5)")
    for line in found.get("postgresql", {}).get("explain", []):
        print(line)


def budget(name: str, side: str) -> str:
    """Give what we allow ourselves."""
    return next((text for (start, where), text in BUDGETS.items() if name.startswith(start) and where == side), "")


def clock(seconds: float) -> str:
    """Give a time in a fitting unit."""
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1000:.3f} ms"


if __name__ == "__main__":
    main()
