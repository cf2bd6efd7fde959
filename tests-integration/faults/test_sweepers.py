# SPDX-License-Identifier: BSD-3-Clause
"""Sweepers at once, and an ingest of the very file that they are about to remove: stopped at pairs of their steps.

A file that is ingested where it lies is the one kind whose path can come back: somebody writes it again after it was removed. The
nightly form goes through all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from faults.checking import check_one_of, clear, mend
from faults.conftest import NIGHTLY
from faults.operations import EmptyTrash, Ingest, Operation, Prune, Repair, Trash
from faults.repositories import Repository
from faults.state import Key, State, content
from faults.test_interleaving import Actor, stepping, wait
from pachon.base import ConflictError, NotFoundError

OLD = Ingest(values={Key("r/0", "gain", 1): 1}, mode="inside")
AGAIN = Ingest(values={Key("r/1", "gain", 1): 1}, mode="inside")
"""Another dataset of the same file, which is written first if it is not there."""
KEYS = tuple(OLD.values)
EACH = 1 if NIGHTLY else 5


@dataclass(frozen=True, kw_only=True)
class Play:
    """A sweeper that is stopped, what happens meanwhile, and what was before."""

    before: tuple[Operation, ...]
    sweep: Operation
    meanwhile: tuple[Operation, ...]
    has_file: bool = False
    """Whether the file lies there, and no dataset has it."""


PLAYS = {
    "empty_trash, empty_trash": Play(
        before=(OLD, Trash(keys=KEYS)), sweep=EmptyTrash(), meanwhile=(EmptyTrash(),)
    ),
    "empty_trash, fsck": Play(before=(OLD, Trash(keys=KEYS)), sweep=EmptyTrash(), meanwhile=(Repair(),)),
    "fsck, empty_trash": Play(before=(OLD, Trash(keys=KEYS)), sweep=Repair(), meanwhile=(EmptyTrash(),)),
    "purge, empty_trash": Play(before=(OLD,), sweep=Prune(keys=KEYS, purge=True), meanwhile=(EmptyTrash(),)),
    "prune, fsck": Play(before=(OLD,), sweep=Prune(keys=KEYS, purge=False), meanwhile=(Repair(),)),
    "fsck of a file without a dataset": Play(before=(), sweep=Repair(), meanwhile=(), has_file=True),
}  # fmt: skip


class Stage:
    """Three butlers on one repository: two that sweep, and one that ingests."""

    def __init__(self, repository: Repository, play: Play) -> None:
        self._repository, self._play = repository, play
        self._one, self._two, self._three = (repository.open() for _ in range(3))
        self._file = Path(repository.root) / "inside" / "1.yaml"

    def close(self) -> None:
        for butler in (self._one, self._two, self._three):
            butler.close()

    def begin(self) -> State:
        clear(self._repository, self._one)
        self._file.unlink(missing_ok=True)
        state = State()
        for operation in self._play.before:
            operation.apply(self._one, self._repository.folder)
            state = operation.states(state)[-1]
        if self._play.has_file:
            self._file.parent.mkdir(exist_ok=True)
            self._file.write_text(yaml.safe_dump(content(1)))
        for butler in (self._two, self._three):
            butler.refresh()
        return state

    def play(self, first_stop: int | None, second_stop: int | None) -> tuple[Actor, Actor]:
        """Let the sweeper come to a step, the other one sweep, the ingest come to a step; then let them end, one by one."""
        folder = self._repository.folder
        sweeper = Actor(lambda: self._play.sweep.apply(self._one, folder))
        taker = Actor(lambda: AGAIN.apply(self._three, folder))
        sweeper.stop_at, taker.stop_at = first_stop, second_stop
        with stepping(sweeper, taker):
            sweeper.start()
            assert sweeper.stopped(60)
            other = Actor(lambda: self._sweep_too(folder))
            other.start()
            wait(other.stopped, sweeper)
            taker.start()
            wait(taker.stopped, sweeper)
            sweeper.go_on()
            wait(sweeper.finished, taker)
            taker.go_on()
            assert all(actor.finished(60) for actor in (sweeper, other, taker))
        assert sweeper.error is None, sweeper.error
        assert other.error is None, other.error
        return sweeper, taker

    def _sweep_too(self, folder: Path) -> None:
        for operation in self._play.meanwhile:
            operation.apply(self._two, folder)

    def check(self, before: State, taker: Actor, what: str) -> None:
        assert taker.error is None or isinstance(taker.error, (ConflictError, NotFoundError)), (what, taker.error)
        after = self._play.sweep.states(before)[-1]
        if taker.error is None:
            after = AGAIN.states(after)[-1]
        self._one.refresh()
        found = check_one_of(self._one, [after], what)
        assert mend(self._one, found, what).keys() <= {"foreign file"}, what


def _stops(count: int, shift: int) -> Sequence[int]:
    return range(shift % EACH, count + 1, EACH)


@pytest.mark.parametrize("play", PLAYS)
def test_an_ingest_among_sweepers(repository: Repository, play: str) -> None:
    stage = Stage(repository, PLAYS[play])
    try:
        before = stage.begin()
        sweeper, taker = stage.play(None, None)
        stage.check(before, taker, f"{play}, one after the other")
        assert taker.error is None
        pairs, taken = 0, 0
        for one in range(len(sweeper.steps)):
            for two in _stops(len(taker.steps), one):
                before = stage.begin()
                mine, other = stage.play(one, two)
                stage.check(
                    before, other, f"{play}, stopped at {mine.steps[one : one + 1]}, {other.steps[two : two + 1]}"
                )
                pairs += 1
                taken += other.error is None
    finally:
        stage.close()
    assert taken > 0
    print(f"{play}: {pairs} pairs of steps, the ingest went through {taken} times; lost 0, wrong 0")
