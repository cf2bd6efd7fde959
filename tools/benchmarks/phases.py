# SPDX-License-Identifier: BSD-3-Clause
"""Clocks of the benchmark."""

import os
import resource
import subprocess
import sys
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
    processor: float
    """Seconds of the processor, the median of several runs."""
    megabytes: float
    """The peak of resident memory, and not less than that of this process, which Linux counts too."""


def cost_of_process(command: Sequence[str], *, repeat: int = 7) -> ProcessCost:
    """Run a program several times, after once to warm the file cache."""
    seconds: list[float] = []
    processor: list[float] = []
    peak = 0.0
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    for _ in range(repeat):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - start)
        processor.append(usage.ru_utime + usage.ru_stime)
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = max(peak, usage.ru_maxrss / 1024)
    return ProcessCost(seconds=median(seconds), processor=median(processor), megabytes=peak)


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

    def each(self, count: int, **acts: Callable[[int], object]) -> None:
        """Time one of many equal acts: the median. Several acts take turns."""
        times: dict[str, list[float]] = {name: [] for name in acts}
        for number in range(count):
            for name, act in acts.items():
                start = time.perf_counter()
                act(number)
                times[name].append(time.perf_counter() - start)
        for name, values in times.items():
            self.seconds[name] = median(values)
            print(f"  {name:28s} {self.seconds[name] * 1000:9.4f} ms each", file=sys.stderr, flush=True)


def peak_megabytes() -> float:
    """Give the peak of resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class DeviceFloor:
    """What a put cannot avoid here: a file and its folder fsynced, and a full commit of SQLite in WAL mode.

    Disks change their mind from second to second, so take a step of this between the steps of what is compared with it.
    """

    def __init__(self, folder: Path, name: str = "floor") -> None:
        import sqlite3

        self._folder = folder / name
        self._folder.mkdir()
        self._database = sqlite3.connect(folder / f"{name}.sqlite3", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")

    def step(self, number: int) -> None:
        """Write one file and one row."""
        descriptor = os.open(self._folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, b"v: 1\n")
        os.fsync(descriptor)
        os.close(descriptor)
        descriptor = os.open(self._folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO t (b) VALUES (?)", (str(number) * 20,))
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._database.close()
