# SPDX-License-Identifier: BSD-3-Clause
"""What forked processes do in fault tests: operations one after the other, told of outside of the repository."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.operations import Operation
from faults.repositories import Repository
from faults.sequences import draw_operations
from faults.state import State
from pachon.butler import Butler, ingest
from pachon.datastore import faults
from pachon.resources import threaded_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A fault point, when it is reached for the nth time."""

    point: str
    occurrence: int


class Journal:
    """Says on a file outside of the repository what is begun and what is done; a killed process cannot take it back."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def tell(self, line: str) -> None:
        """Write one line, at once."""
        os.write(self._descriptor, f"{line}\n".encode())


def warm_up() -> None:
    """Use a scratch repository once and close it, so that what is made at the first use is there in every fork.

    The forks write files by threads, however quick they are: the files of these tests are mostly in memory. An ingest of two files is
    one of many for them.
    """
    threaded_calls.QUICK_S = 0.0
    ingest.BULK = 2
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository.make(Path(folder))
        state = State()
        with repository.open() as butler:
            for operation in draw_operations("warm", state, 12):
                operation.prepare(repository.folder)
                operation.apply(butler, repository.folder)


def run_operations(root: str, folder: str, journal: str, operations: Sequence[Operation]) -> None:
    """Do operations, telling of each before and after, then with the seconds that it took."""
    told = Journal(journal)
    with Butler.open(root, writeable=True) as butler:
        told.tell("open")
        for number, operation in enumerate(operations):
            told.tell(f"begin {number}")
            began = time.perf_counter()
            operation.apply(butler, Path(folder))
            told.tell(f"done {number} {time.perf_counter() - began:.6f}")
    told.tell("closed")


def note_points(root: str, folder: str, operation: Operation) -> list[str]:
    """Do an operation and give the fault points that it reached."""
    return note_points_of(root, lambda butler: operation.apply(butler, Path(folder)))


def note_points_of(root: str, act: Callable[[Butler], Any]) -> list[str]:
    """Give the fault points that an action reaches."""
    reached: list[str] = []
    with Butler.open(root, writeable=True) as butler, faults.install(reached.append):
        act(butler)
    return reached


def die_at(root: str, folder: str, operation: Operation, spot: Spot) -> None:
    """Do an operation until a fault point, and be killed there."""
    with ExitStack() as stack:
        butler = stack.enter_context(Butler.open(root, writeable=True))
        stack.enter_context(faults.install(killing_at(spot)))
        operation.apply(butler, Path(folder))
    raise AssertionError(f"{operation.name} did not reach {spot}")


def killing_at(spot: Spot) -> Callable[[str], None]:
    """Give a hook that kills this process."""
    left = spot.occurrence

    def hook(reached: str) -> None:
        nonlocal left
        if reached == spot.point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def spots_of(points: Sequence[str]) -> list[Spot]:
    """Give the first, middle and last occurrence of each point."""
    spots = []
    for point in dict.fromkeys(points):
        count = points.count(point)
        spots += [Spot(point=point, occurrence=n) for n in sorted({1, (count + 1) // 2, count})]
    return spots
