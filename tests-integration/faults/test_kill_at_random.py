# SPDX-License-Identifier: BSD-3-Clause
"""Processes are killed at random moments of a sequence of random operations, on one repository that goes on.

``PACHON_FAULTS_SEED`` repeats the operations and the moments (as fractions of what an operation takes) of a run;
``PACHON_FAULTS=nightly`` kills 5,000 times instead of 300.
"""

from __future__ import annotations

import os
import random
import select
import time
from collections import Counter
from pathlib import Path

import pytest

from faults.checking import check_one_of, clear, finish, mend
from faults.child import run_operations
from faults.conftest import NIGHTLY, SEED
from faults.operations import Operation
from faults.repositories import Repository
from faults.sequences import draw_operations
from faults.state import State
from faults.zygote import Zygote

KILLS = 2500 if NIGHTLY else 150
"""On each database."""
OPERATIONS = 6
"""That a process would do if it were not killed."""
PATIENCE_S = 60.0


class Told:
    """What a child has told so far, on a pipe with a name."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._rest = b""
        self.lines: list[str] = []

    def wait_for(self, line: str) -> bool:
        """Wait until a line is told; False if the child ended before."""
        deadline = time.monotonic() + PATIENCE_S
        while line not in self.lines:
            assert time.monotonic() < deadline, f"{line!r} is not told; told is {self.lines}"
            if not self.read(1.0) and self.lines and self.lines[-1] == "closed":
                return False
        return True

    def read(self, seconds: float) -> bool:
        """Read what there is, waiting so long for it."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        data = os.read(self._descriptor, 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode() for line in lines]
        return bool(data)

    def read_all(self) -> list[str]:
        """Read what is left when the child has ended."""
        while self.read(0):
            pass
        os.close(self._descriptor)
        return self.lines


class Durations:
    """How long operations of each kind take, learned as they are done: a moment is drawn over the whole of one."""

    def __init__(self) -> None:
        self._mean: dict[str, float] = {}

    def expected(self, operation: Operation) -> float:
        return self._mean.get(operation.name, 0.02)

    def learn(self, operation: Operation, seconds: float) -> None:
        self._mean[operation.name] = 0.7 * self.expected(operation) + 0.3 * seconds


def kill_once(
    repository: Repository, zygote: Zygote, operations: list[Operation], chance: random.Random, durations: Durations
) -> tuple[list[float], Operation | None]:
    """Start the operations and kill the process; give how long each took that is acknowledged, and the one in flight."""
    fifo = repository.folder / f"told-{chance.getrandbits(48):x}"
    told = Told(fifo)
    try:
        zygote.start(run_operations, repository.root, str(repository.folder), str(fifo), operations)
        victim = chance.randrange(len(operations))
        fraction = chance.uniform(0.0, 1.2)
        if told.wait_for(f"begin {victim}"):
            # Sleeping is too coarse for a few milliseconds of which each matters.
            moment = time.perf_counter() + fraction * durations.expected(operations[victim])
            while time.perf_counter() < moment:
                pass
        zygote.kill()
        ended = zygote.wait()
        assert ended.killed or ended.code == 0, ended
        lines = told.read_all()
    finally:
        fifo.unlink()
    seconds = [float(line.split()[2]) for line in lines if line.startswith("done")]
    begun = sum(line.startswith("begin") for line in lines)
    return seconds, operations[len(seconds)] if begun > len(seconds) else None


@pytest.mark.parametrize("part", range(10 if NIGHTLY else 1))
def test_kills_at_random_moments(repository: Repository, zygote: Zygote, part: int) -> None:
    seed = f"{SEED}-{part}"
    kills = KILLS // (10 if NIGHTLY else 1)
    print(f"PACHON_FAULTS_SEED={SEED} (part {part}) repeats this")
    state = State()
    durations = Durations()
    victims: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    acknowledged = 0
    butler = repository.open()
    try:
        for number in range(kills):
            what = f"seed {seed}, kill {number}"
            chance = random.Random(f"{seed}-{number}")
            operations = draw_operations(f"{seed}-{number}", state, OPERATIONS, first_number=1 + number * 1000)
            for operation in operations:
                operation.prepare(repository.folder)
            seconds, in_flight = kill_once(repository, zygote, operations, chance, durations)
            done = len(seconds)
            for operation, took in zip(operations[:done], seconds, strict=True):
                durations.learn(operation, took)
                state = operation.states(state)[-1]
            acknowledged += done
            victims[in_flight.name if in_flight else "between two"] += 1
            if number % 5 == 4:
                butler.close()
                butler = repository.open()
            butler.refresh()
            what = f"{what}, in {in_flight}"
            allowed = [state] if in_flight is None else in_flight.states(state)
            found = check_one_of(butler, allowed, what)
            for operation in operations[:done]:
                operation.check_sources(repository.folder, done=True)
            kinds.update(mend(butler, found, what))
            if in_flight is not None:
                found = finish(butler, in_flight, state, found, repository.folder, what)
            state = found
        clear(repository, butler)
    finally:
        butler.close()
    print(
        f"{kills} kills, {acknowledged} operations acknowledged, lost 0, wrong 0\n"
        f"killed in: {dict(victims.most_common())}\nfsck found: {dict(kinds.most_common()) or 'nothing'}"
    )
