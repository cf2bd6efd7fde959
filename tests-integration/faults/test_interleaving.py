# SPDX-License-Identifier: BSD-3-Clause
"""A removal and a put of the same data ID, stopped at pairs of their steps: they never meet.

The nightly form goes through all pairs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from faults.checking import check_one_of, clear, mend
from faults.conftest import NIGHTLY
from faults.operations import Operation, Prune, Put, PutAgain, Trash
from faults.repositories import Repository
from faults.state import Key, State
from pachon.base import ConflictError
from pachon.datastore import faults

KEY = Key("r/0", "gain", 1)
OTHER = Put(key=Key("r/0", "gain", 2), number=9)
FIRST = Put(key=KEY, number=1)
LOCKED = (
    "commit.begin", "commit.counted", "commit.rows_written", "commit.done", "commit.followed",
    "remove.begin", "remove.looked", "remove.removed", "remove.end", "fsck.looked", "fsck.removed", "fsck.set_aside",
)  # fmt: skip
"""Steps at which a transaction may be open, or files being removed, so that the other may have to wait."""
BLOCKED_S = 0.3
"""How long who may be waiting is waited for."""


class Actor:
    """Somebody who does an operation in a thread and stops at one of its steps."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self.stop_at: int | None = None
        self.steps: list[str] = []
        self.error: BaseException | None = None
        self._stopped, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001 (judged by the test)
            self.error = error
        finally:
            self._stopped.set()

    def reach(self, point: str) -> None:
        """Stop here, if it is the step to stop at."""
        self.steps.append(point)
        if len(self.steps) - 1 == self.stop_at:
            self._stopped.set()
            assert self._go_on.wait(60)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether it is in its thread that this is asked. (The number of a thread that has ended may be another's.)"""
        return threading.current_thread() is self._thread

    def stopped(self, seconds: float) -> bool:
        """Wait until it stops or is done."""
        return self._stopped.wait(seconds)

    @property
    def may_block(self) -> bool:
        """Whether it has stopped in a transaction."""
        return self.steps[-1:] != [] and self.steps[-1] in LOCKED

    def go_on(self) -> None:
        self._go_on.set()

    def finished(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def wait(has_come: Callable[[float], bool], other: Actor) -> None:
    """Wait for one, unless the other has stopped in a transaction that the one may be waiting for."""
    held, deadline = 0.0, time.monotonic() + 60
    while not has_come(0.02) and held < BLOCKED_S:
        held = held + 0.02 if other.may_block else 0.0
        assert time.monotonic() < deadline


@contextmanager
def stepping(*actors: Actor) -> Iterator[None]:
    """Tell each actor of its own steps."""

    def hook(point: str) -> None:
        for actor in actors:
            if actor.is_here:
                actor.reach(point)

    with faults.install(hook):
        yield


class Stage:
    """Two butlers on one repository, who do two operations again and again."""

    def __init__(self, repository: Repository, first: Operation, second: Operation) -> None:
        self._repository = repository
        self._one, self._two = repository.open(), repository.open()
        self._first, self._second = first, second

    def close(self) -> None:
        self._one.close()
        self._two.close()

    def begin(self) -> State:
        clear(self._repository, self._one)
        state = State()
        for operation in (FIRST, OTHER, *((Trash(keys=(KEY,)),) if isinstance(self._second, PutAgain) else ())):
            operation.apply(self._one, self._repository.folder)
            state = operation.states(state)[-1]
        self._two.refresh()
        return state

    def play(self, first_stop: int | None, second_stop: int | None) -> tuple[Actor, Actor]:
        """Let the first come to a step, the second to another, the first to its end, and the second to its end."""
        first = Actor(lambda: self._first.apply(self._one, self._repository.folder))
        second = Actor(lambda: self._second.apply(self._two, self._repository.folder))
        first.stop_at, second.stop_at = first_stop, second_stop
        with stepping(first, second):
            first.start()
            assert first.stopped(60)
            second.start()
            wait(second.stopped, first)
            first.go_on()
            wait(first.finished, second)
            second.go_on()
            assert first.finished(60)
            assert second.finished(60)
        return first, second

    def check(self, before: State, first: Actor, second: Actor, what: str) -> None:
        for actor in (first, second):
            assert actor.error is None or isinstance(actor.error, (ConflictError, AssertionError)), (what, actor.error)
        after = self._first.states(before)[-1] if first.error is None else before
        if second.error is None:
            after = self._second.states(after)[-1]
        others = [after]
        if first.error is None and second.error is None:
            # Who came last, wins.
            others.append(self._first.states(self._second.states(before)[-1])[-1])
        self._one.refresh()
        found = check_one_of(self._one, others, what)
        assert mend(self._one, found, what) == {}, what


PLAYS: dict[str, tuple[Operation, Operation]] = {
    "purge, put": (Prune(keys=(KEY,), purge=True), Put(key=KEY, number=2)),
    "put, purge": (Put(key=KEY, number=2), Prune(keys=(KEY,), purge=True)),
    "prune, put again": (Prune(keys=(KEY,), purge=False), PutAgain(key=KEY, number=2)),
}


EACH = 1 if NIGHTLY else 5
"""Of the steps of the second, each one in so many is tried for each step of the first: another one for the next."""


@pytest.mark.parametrize("play", PLAYS)
def test_pairs_of_steps(repository: Repository, play: str) -> None:
    stage = Stage(repository, *PLAYS[play])
    try:
        before = stage.begin()
        first, second = stage.play(None, None)
        stage.check(before, first, second, f"{play}, one after the other")
        pairs, went_through = 0, 0
        for one in range(len(first.steps)):
            for two in range(one % EACH, 24, EACH):
                before = stage.begin()
                mine, other = stage.play(one, two)
                stage.check(
                    before, mine, other, f"{play}, stopped at {mine.steps[one : one + 1]}, {other.steps[two : two + 1]}"
                )
                pairs += 1
                went_through += other.error is None
                if two >= len(other.steps):
                    break
    finally:
        stage.close()
    print(f"{play}: {pairs} pairs of steps, the second went through {went_through} times; lost 0, wrong 0")
