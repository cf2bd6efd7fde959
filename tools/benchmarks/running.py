# SPDX-License-Identifier: BSD-3-Clause
"""Measure the running of trivial quanta: CPU a quantum in one process and in workers, and what one quantum of a large graph costs.

usage: running.py CHECKOUT [--quanta N] [--many M [--single]] [--peer PEER.py --peer-python PYTHON]   (through tools/bench --running)

CPU is that of the whole tree of processes, user and system. Of each quantum the device's own part is told apart: creating, syncing and
renaming its three files, and syncing their folders, measured in the same run.
"""

import argparse
import ctypes
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TASKS_PER_EXPOSURE = 5
"""Quanta of an exposure in the pipeline of `pachon.ctrl_mpexec.testing.repository`."""
_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Cost:
    """What a tree of processes took."""

    cpu: float
    seconds: float
    megabytes: float
    """Peak of the largest process."""


def cost_of(command: list[str], *, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program and wait for all that it started, also for what outlives it for a moment."""
    # What is installed has its bytecode; without this each process would compile all our modules anew.
    chosen = {name: value for name, value in (environment or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, env=chosen
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ... failed:\n{done.stderr[-3000:]}")
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, seconds, after.ru_maxrss / 1024)


def device_cpu(folder: Path, count: int = 300) -> float:
    """Give the CPU that writing the three files of a quantum takes by itself."""
    folder.mkdir()
    begin = time.process_time()
    for number in range(3 * count):
        descriptor = os.open(folder / f"new{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, b"x" * 2000)
        os.fsync(descriptor)
        os.close(descriptor)
        os.rename(folder / f"new{number}", folder / str(number))
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return (time.process_time() - begin) / count


def pipetask(*arguments: object) -> list[str]:
    return [
        str(Path(sys.executable).parent / "pipetask"),
        "--no-progress",
        "--log-level",
        "WARNING",
        *map(str, arguments),
    ]


def _cpu(cost: Cost) -> float:
    return cost.cpu


def measure(quanta: int, many: int, *, single_only: bool = False) -> None:
    from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
    from pachon.quantum_butler import QuantumGraph

    with tempfile.TemporaryDirectory(prefix="pachon-bench-") as name:
        folder = Path(name)
        exposures = -(-quanta // TASKS_PER_EXPOSURE)
        make_repository(folder / "repo", exposures=exposures)
        (folder / "p.yaml").write_text(PIPELINE)
        common = ("-b", folder / "repo", "-p", folder / "p.yaml", "-i", "defaults", "--register-dataset-types")
        first = ("-d", "instrument='Cam' AND exposure=1 AND visit=1")
        few, few_2 = (
            min((cost_of(pipetask("run", *common, "-o", f"few{j}/{k}", "-j", j, *first)) for k in range(3)), key=_cpu)
            for j in (1, 2)
        )
        device = device_cpu(folder / "device")
        one = cost_of(pipetask("run", *common, "-o", "one"))
        two = cost_of(pipetask("run", *common, "-o", "two", "-j", 2))
        extra = TASKS_PER_EXPOSURE * exposures - TASKS_PER_EXPOSURE
        show("device's own part", f"{1e3 * device:.2f} ms of CPU a quantum")
        show("one process", f"{1e3 * (one.cpu - few.cpu) / extra:.2f} ms of CPU a quantum", "3 ms + device")
        show("-j 2", f"{1e3 * (two.cpu - few_2.cpu) / extra:.2f} ms of CPU a quantum", "5 ms")
        show("start of two workers", f"{(few_2.cpu - few.cpu) / 2:.2f} s of CPU each", "0.4 s")
        if many:
            shutil.rmtree(folder / "repo")
            make_repository(folder / "repo", exposures=-(-many // TASKS_PER_EXPOSURE))
            graph = folder / "many.qg"
            cost_of(pipetask("qgraph", *common[:6], "-o", "many", "-q", graph))
            total = len(QuantumGraph.open(str(graph)))
            nodes = itertools.islice(QuantumGraph.open(str(graph)), 3)
            qbb = [pipetask("run-qbb", folder / "repo", graph, "--qgraph-node-id", node) for node in nodes]
            single = min((cost_of(command) for command in qbb), key=_cpu)
            show(f"run-qbb of one of {total:,}", f"{single.cpu:.2f} s of CPU, {single.seconds:.2f} s", "0.6 s")
            if single_only:
                return
            shutil.rmtree(folder / "repo/many", ignore_errors=True)
            whole = cost_of(pipetask("run", "-b", folder / "repo", "-g", graph, "-j", 2, "--register-dataset-types"))
            show(
                f"{total:,} quanta, -j 2",
                f"{whole.seconds:.0f} s, {whole.cpu:.0f} s of CPU, largest process {whole.megabytes:.0f} MB",
                "100,000 in 300 s, 500 MB",
            )


def measure_peer(python: Path, script: Path) -> None:
    """Measure LSST's pipetask on 30 trivial quanta, and on one."""
    with tempfile.TemporaryDirectory(prefix="pachon-bench-") as name:
        out = Path(name) / "out.json"
        subprocess.run([python, script, out, "--visits", "20", "--detectors", "30"], check=True, stdout=sys.stderr)
        root = Path(json.loads(out.read_text())["C"]["root"])
        command = [
            str(python.parent / "pipetask"), "run", "-b", str(root), "-p", f"{root}/pipe.yaml#isr", "-i", "defaults",
            "--register-dataset-types",
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(script.parent)}
        where = "instrument='Cam' and exposure=1001"
        one = cost_of([*command, "-o", "p/one", "-d", f"{where} and detector=1"], environment=environment)
        some = cost_of([*command, "-o", "p/some", "-d", where], environment=environment)
        show("LSST, one process", f"{1e3 * (some.cpu - one.cpu) / 29:.1f} ms of CPU a quantum")
        few = cost_of([*command, "-o", "p/few", "-j", "2", "-d", f"{where} and detector < 5"], environment=environment)
        show("LSST, -j 2", f"{(few.cpu - one.cpu) / 4:.2f} s of CPU a quantum")
        shutil.rmtree(root, ignore_errors=True)


def show(what: str, figure: str, budget: str = "") -> None:
    print(f"{what:32s} {figure:60s} {'budget ' + budget if budget else ''}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench --running", description="Measure the running of trivial quanta.")
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quanta", type=int, default=1000)
    parser.add_argument("--many", type=int, default=0, help="quanta of a large graph, such as 100000; 0 leaves it out")
    parser.add_argument(
        "--single", action="store_true", help="of the large graph run one quantum alone, for graphs of a million"
    )
    parser.add_argument("--peer-python", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    measure(options.quanta, options.many, single_only=options.single)
    if options.peer is not None:
        measure_peer(options.peer_python, options.peer)


if __name__ == "__main__":
    main()
