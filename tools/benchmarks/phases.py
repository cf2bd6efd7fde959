# SPDX-License-Identifier: BSD-3-Clause
"""Clocks of the benchmark."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCost:
    """What a process took."""

    seconds: float
    """The median of several runs."""
    megabytes: float
    """The peak of resident memory."""


def cost_of_process(command: Sequence[str], *, repeat: int = 7) -> ProcessCost:
    """Run a program several times, after once to warm the file cache."""
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    seconds: list[float] = []
    peak = 0.0
    for _ in range(repeat):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = max(peak, usage.ru_maxrss / 1024)
    return ProcessCost(seconds=median(seconds), megabytes=peak)


class Phases:
    """Named times and counts, in the order in which they were taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, object] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        print(f"  {name:28s} {self.seconds[name]:9.4f} s", file=sys.stderr, flush=True)

    def each(self, name: str, count: int, act: Callable[[int], object]) -> None:
        """Time one of many equal acts: the median."""
        times: list[float] = []
        for number in range(count):
            start = time.perf_counter()
            act(number)
            times.append(time.perf_counter() - start)
        self.seconds[name] = median(times)
        print(f"  {name:28s} {self.seconds[name] * 1000:9.4f} ms each", file=sys.stderr, flush=True)


def peak_megabytes() -> float:
    """Give the peak of resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def device_floor(folder: Path, *, repeat: int = 100) -> dict[str, float]:
    """Time what a put cannot avoid here: a file and its folder fsynced, and a full commit of SQLite in WAL mode."""
    import sqlite3

    times: dict[str, list[float]] = {"file": [], "commit": []}
    with tempfile.TemporaryDirectory(dir=folder) as name:
        database = sqlite3.connect(os.path.join(name, "floor.sqlite3"), isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
        for number in range(repeat):
            start = time.perf_counter()
            descriptor = os.open(os.path.join(name, str(number)), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.write(descriptor, b"v: 1\n")
            os.fsync(descriptor)
            os.close(descriptor)
            descriptor = os.open(name, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            middle = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO t (b) VALUES (?)", (str(number) * 20,))
            database.execute("COMMIT")
            times["file"].append(middle - start)
            times["commit"].append(time.perf_counter() - middle)
        database.close()
    return {key: median(values) for key, values in times.items()}
