# SPDX-License-Identifier: BSD-3-Clause
"""Each call that changes a file fails in turn, be it of Python or of SQLite: ENOSPC and EIO at the Nth, for every N."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faults.checking import check_one_of, clear, finish, mend
from faults.conftest import NIGHTLY
from faults.repositories import Repository
from faults.state import State
from faults.storage_child import die_at_call, fail_at
from faults.test_kill_at_points import CASES, begin
from faults.write_shim import Event, Op, read_log
from faults.zygote import Zygote
from pachon.butler import Butler

WRITES = (
    "put",
    "put of a table",
    "put_many",
    "put_many by threads",
    "ingest copy",
    "ingest move",
    "purge",
    "transaction",
)
if NIGHTLY:
    WRITES = tuple(CASES)
KILLED = WRITES if NIGHTLY else ("put_many", "put_many by threads", "ingest move", "purge", "remove_runs")
ERRORS = (errno.ENOSPC, errno.EIO)


class Runner:
    """Does a case again and again in one repository, each time with another call that fails."""

    def __init__(self, repository: Repository, butler: Butler, zygote: Zygote, case: str) -> None:
        self.repository, self.butler, self.zygote, self.case = repository, butler, zygote, case
        self.first, self.operation = CASES[case]
        self.where = (repository.root, str(repository.folder))
        self._ready: State | None = None
        self._turn = 0

    def begin(self) -> State:
        """Bring the repository to what comes before, if it is not there."""
        if self._ready is not None:
            return self._ready
        clear(self.repository, self.butler)
        state = begin(self.butler, self.first, self.repository)
        self.operation.prepare(self.repository.folder)
        return state

    def end(self, before: State, *, acknowledged: bool, what: str) -> bool:
        """Check all that must hold; tell whether the operation took place.

        Where it did not, the next fault has the same start, so that it is not done again each time.
        """
        self.butler.refresh()
        states = self.operation.states(before)
        found = check_one_of(self.butler, states[-1:] if acknowledged else states, what)
        self.operation.check_sources(self.repository.folder, done=found == states[-1])
        mend(self.butler, found, what)
        self._turn += 1
        self._ready = before if found == before != states[-1] and self._turn % 4 else None
        if self._ready is None:
            finish(self.butler, self.operation, before, found, self.repository.folder, what)
        return found == states[-1]


@pytest.mark.parametrize("case", WRITES)
def test_the_nth_call_fails(sqlite_repository: Repository, shim_zygote: Zygote, case: str) -> None:
    with sqlite_repository.open() as butler:
        runner = Runner(sqlite_repository, butler, shim_zygote, case)
        number, refused, in_spite = 0, 0, 0
        while True:
            number += 1
            before = runner.begin()
            code = ERRORS[number % 2]
            what = f"{case}, {errno.errorcode[code]} at call {number}"
            outcome = shim_zygote.check(_fail, *runner.where, runner.operation, number, code)
            assert outcome.ours, f"{what}: {outcome.error}"
            took_place = runner.end(before, acknowledged=not outcome.error, what=what)
            refused += bool(outcome.error)
            in_spite += bool(outcome.error) and took_place
            if outcome.calls < number:
                assert not outcome.error, what
                break
    assert refused > 0
    print(f"{case}: {number - 1} calls failed, {refused} seen by the caller ({in_spite} took place); lost 0, wrong 0")


def _fail(root: str, folder: str, operation: object, number: int, code: int) -> object:
    return fail_at(root, folder, operation, number, code, syncs_only=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", KILLED)
def test_a_kill_before_the_nth_call(sqlite_repository: Repository, shim_zygote: Zygote, case: str) -> None:
    """Between the named points: in the middle of SQLite's commit, too."""
    with sqlite_repository.open() as butler:
        runner = Runner(sqlite_repository, butler, shim_zygote, case)
        number = 0
        while True:
            number += 1
            before = runner.begin()
            ended = shim_zygote.call(die_at_call, *runner.where, runner.operation, number)
            what = f"{case}, killed before call {number}"
            assert ended.killed or ended.code == 0, f"{what}: {ended.error}"
            runner.end(before, acknowledged=not ended.killed, what=what)
            if not ended.killed:
                break
    print(f"{case}: {number - 1} kills, lost 0, wrong 0")


@pytest.mark.parametrize(
    "case", ["put", "put of a table", "put_many", "put_many by threads", "ingest copy", "ingest move", "transaction"]
)
def test_an_fsync_fails_once(sqlite_repository: Repository, shim_zygote: Zygote, tmp_path: Path, case: str) -> None:
    """What was not safe is never taken for safe because a second fsync says so: the kernel forgets the error."""
    with sqlite_repository.open() as butler:
        runner = Runner(sqlite_repository, butler, shim_zygote, case)
        number = 0
        while True:
            number += 1
            before = runner.begin()
            log = tmp_path / f"log{number}"
            outcome = shim_zygote.check(_fail_sync, *runner.where, runner.operation, number, str(log))
            what = f"{case}, fsync {number} failed"
            assert outcome.ours, f"{what}: {outcome.error}"
            if outcome.calls < number:
                assert not outcome.error, what
                break
            events = read_log(log)
            assert outcome.error or _is_sqlites_own(events), f"{what} and nobody was told"
            _check_not_repeated(events, what)
            runner.end(before, acknowledged=False, what=what)
    assert number > 3
    print(f"{case}: {number - 1} failed fsyncs, none tried again")


def _fail_sync(root: str, folder: str, operation: object, number: int, log: str) -> object:
    return fail_at(root, folder, operation, number, errno.EIO, syncs_only=True, log=log)  # type: ignore[arg-type]


def _is_sqlites_own(events: list[Event]) -> bool:
    """Whether what failed does not matter to SQLite: the folder of a log that is there already, and checkpoints."""
    syncs = [event for event in events if event.op is Op.SYNC]
    (failed,) = [n for n, event in enumerate(syncs) if event.failed]
    in_checkpoint = syncs[failed].path.endswith("registry.sqlite3")
    return in_checkpoint or (failed > 0 and syncs[failed - 1].path.endswith("registry.sqlite3-wal"))


def _check_not_repeated(events: list[Event], what: str) -> None:
    """SQLite writes the frames of its log anew before it syncs them again, so its files and folder are not looked at."""
    failed: set[int] = set()
    for event in events:
        if event.op is Op.SYNC and not Path(event.path).name.startswith(("registry.sqlite3", "repo")):
            if event.failed:
                failed.add(event.inode)
            else:
                assert event.inode not in failed, f"{what}: {event.path} was synced again"
