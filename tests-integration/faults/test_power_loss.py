# SPDX-License-Identifier: BSD-3-Clause
"""The power is cut at many moments, and what was not fsynced is lost: all that was acknowledged is there all the same."""

from __future__ import annotations

import copy
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from faults.checking import check_one_of, finish, mend
from faults.conftest import NIGHTLY, SEED
from faults.operations import Operation
from faults.power_loss import Disk, Loss, cuts_of
from faults.repositories import Repository
from faults.sequences import draw_operations
from faults.state import State
from faults.storage_child import record
from faults.test_kill_at_points import CASES
from faults.write_shim import Event, Op, read_log
from faults.zygote import Zygote
from pachon.base import PachonError

CUTS = 600 if NIGHTLY else 60


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Operations that were done, what they changed below a folder, and the folder as it was before."""

    before: Disk
    operations: list[Operation]
    events: list[Event]

    def states_at(self, cut: int) -> tuple[State, Operation | None]:
        """Give what was acknowledged when the power was cut, and the operation that was being done."""
        state, begun, done = State(), 0, 0
        for event in self.events[:cut]:
            if event.op is Op.MARK and event.path.startswith("done"):
                state = self.operations[done].states(state)[-1]
                done += 1
            begun += event.op is Op.MARK and event.path.startswith("begin")
        return state, self.operations[done] if begun > done else None


def record_operations(folder: Path, operations: list[Operation], zygote: Zygote) -> Recording:
    """Do operations in a new repository."""
    top = folder.resolve() / "disk"
    top.mkdir()
    repository = Repository.make(top)
    for operation in operations:
        operation.prepare(repository.folder)
    before = Disk(top)
    log = folder / "log"
    zygote.check(record, str(top), repository.root, str(repository.folder), operations, str(log))
    return Recording(before=before, operations=operations, events=read_log(log))


def check_cut(
    recording: Recording, disk: Disk, cut: int, loss: Loss, folder: Path, chance: random.Random
) -> Counter[str]:
    """Rebuild the folder after a cut, and check it."""
    state, in_flight = recording.states_at(cut)
    what = f"power cut after {cut} of {len(recording.events)} events ({loss.value}), in {in_flight}"
    place = folder / f"cut{cut}{loss.name}"
    disk.write_to(place, loss, chance)
    rebuilt = Repository(root=str(place / "repo"), folder=place / "sources")
    with rebuilt.open() as butler:
        found = check_one_of(butler, [state] if in_flight is None else in_flight.states(state), what)
        kinds = Counter(mend(butler, found, what))
        if in_flight is not None:
            finish(butler, in_flight, state, found, rebuilt.folder, what)
    shutil.rmtree(place)
    return kinds


def check_cuts(recording: Recording, cuts: list[tuple[int, Loss]], folder: Path, seed: str) -> Counter[str]:
    """Go through the log once, checking at each cut."""
    disk = copy.deepcopy(recording.before)
    applied = 0
    kinds: Counter[str] = Counter()
    for number, (cut, loss) in enumerate(cuts):
        for event in recording.events[applied:cut]:
            disk.apply(event)
        applied = cut
        kinds += check_cut(recording, disk, cut, loss, folder, random.Random(f"{seed}-{number}"))
    return kinds


SEQUENCES: dict[str, Callable[[], list[Operation]]] = {
    "writes": lambda: [*CASES["put_many"][0], CASES["put_many"][1]],
    "writes by threads": lambda: [CASES["put_many by threads"][1]],
    "move": lambda: [*CASES["ingest move"][0], CASES["ingest move"][1]],
    "transaction": lambda: [*CASES["transaction"][0], CASES["transaction"][1]],
    "removal": lambda: [*CASES["purge"][0], CASES["purge"][1]],
    **{f"drawn {n}": partial(draw_operations, f"{SEED}-power-{n}", State(), 10) for n in range(20 if NIGHTLY else 2)},
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_power_is_cut(tmp_path: Path, shim_zygote: Zygote, name: str) -> None:
    recording = record_operations(tmp_path, SEQUENCES[name](), shim_zygote)
    seed = f"{SEED}-{name}"
    cuts = cuts_of(recording.events, CUTS, random.Random(seed))
    kinds = check_cuts(recording, cuts, tmp_path, seed)
    syncs = sum(event.op is Op.SYNC for event in recording.events)
    print(
        f"{name} (PACHON_FAULTS_SEED={SEED}): {len(cuts)} cuts in {len(recording.events)} events with {syncs} fsyncs; "
        f"lost 0, wrong 0; fsck found {dict(kinds) or 'nothing'}"
    )


@pytest.mark.parametrize("forgotten", ["file", "folder", "database"])
def test_a_missing_fsync_would_be_found(tmp_path: Path, shim_zygote: Zygote, forgotten: str) -> None:
    """The check has teeth: if one kind of fsync had no effect, a dataset would be lost."""
    recording = record_operations(tmp_path, [CASES["put"][1]], shim_zygote)
    is_kind = {
        "file": lambda path: path.endswith(".yaml"),
        "folder": lambda path: path.endswith("/gain"),
        "database": lambda path: path.endswith("-wal"),
    }[forgotten]
    disk = copy.deepcopy(recording.before)
    disk.ignore_sync = is_kind
    for event in recording.events:
        if event.op is Op.MARK and event.path == "done 0":
            break
        disk.apply(event)
    end = recording.events.index(event) + 1
    with pytest.raises((AssertionError, PachonError)):
        check_cut(recording, disk, end, Loss.LEAST, tmp_path, random.Random(1))
