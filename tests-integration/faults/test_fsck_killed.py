# SPDX-License-Identifier: BSD-3-Clause
"""``fsck --repair`` is killed at each of its steps, and done again; it may have done some of its work, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults.checking import check_one_of, clear, mend
from faults.child import Spot, die_at, killing_at, note_points_of, spots_of
from faults.operations import PutMany, Trash
from faults.repositories import Repository
from faults.state import Key, State
from faults.test_kill_at_points import CASES, OLD, begin
from faults.zygote import Zygote
from pachon.butler import Butler
from pachon.butler.fsck import mending
from pachon.datastore import faults

UNWRITTEN = PutMany(values={Key("r/1", "gain", n): 100 + n for n in range(4)})


def repair(butler: Butler) -> None:
    butler.fsck(repair=True, min_age=0.0, unstore_damaged=True)


def note_repair(root: str) -> list[str]:
    return note_points_of(root, repair)


def die_in_repair(root: str, spot: Spot) -> None:
    with Butler.open(root, writeable=True) as butler, faults.install(killing_at(spot)):
        repair(butler)


def damage(repository: Repository, butler: Butler, zygote: Zygote) -> State:
    """Leave something of each kind that is mended; give what the repository holds afterwards."""
    clear(repository, butler)
    begin(butler, (OLD,), repository)
    trash = Trash(keys=tuple(OLD.values)[:2])
    trash.apply(butler, repository.folder)
    lost = tuple(OLD.values)[2]
    ref = butler.find_dataset(lost.type, detector=lost.detector, instrument="Cam", collections=lost.run)
    assert ref is not None
    os.unlink(butler.get_uri(ref).ospath)
    # A record without a dataset, as a fault of the database could leave it.
    with repository.open() as other:
        orphan = other.put({"n": 0}, "gain", detector=3, instrument="Cam", run="r/2")
        records = other.datastore_records([orphan])
        other.prune([orphan], purge=True)
        (Path(repository.root) / records.path[0]).write_text("n: 0\n")
        with other._session.registry.write():
            other._session.records.add(records)
        # Files of a writer that ended well, and could not remove what it did not register.
        other._session.datastore.write_many([({"n": 0}, orphan)])
    (Path(repository.root) / "r" / "notes.txt").write_text("somebody's")
    spot = Spot(point="write.all_written", occurrence=1)
    assert zygote.call(die_at, repository.root, str(repository.folder), UNWRITTEN, spot).killed
    before = OLD.states(State())[-1]
    return before.with_datasets(dict.fromkeys((*trash.keys, lost)))


def test_a_kill_at_each_step_of_a_repair(repository: Repository, zygote: Zygote) -> None:
    with repository.open() as butler:
        damage(repository, butler, zygote)
        points = zygote.check(note_repair, repository.root)
        assert set(mending.FAULT_POINTS) <= set(points)
        kills = 0
        for spot in spots_of(points):
            expected = damage(repository, butler, zygote)
            what = f"fsck killed at {spot}"
            ended = zygote.call(die_in_repair, repository.root, spot)
            assert ended.killed, f"{what}: {ended}"
            kills += 1
            report = butler.fsck(repair=True, min_age=0.0, verify="checksum", unstore_damaged=True)
            assert report.clean, f"{what}: {report.remaining}"
            check_one_of(butler, [expected], what)
            assert mend(butler, expected, what) == {}
    print(f"fsck --repair: {kills} kills at {len(set(points))} points, lost 0, wrong 0")


@pytest.mark.parametrize("case", ["put_many", "transaction"])
def test_a_repair_takes_nothing_from_a_writer_at_work(
    repository: Repository, zygote: Zygote, case: str, tmp_path: Path
) -> None:
    """At each step of a write that is going on, a repair that minds no age leaves the files to their writer."""
    first, operation = CASES[case]
    with repository.open() as butler, repository.open() as other:
        before = begin(butler, first, repository)
        operation.prepare(repository.folder)
        looked: list[str] = []

        def look(point: str) -> None:
            # While the rows are being written, the database is locked.
            if point not in ("commit.counted", "commit.rows_written"):
                looked.append(point)
                with faults.install(lambda _: None):
                    other.fsck(repair=True, min_age=0.0)

        with faults.install(look):
            operation.apply(butler, repository.folder)
        done = check_one_of(butler, [operation.states(before)[-1]], f"{case} beside fsck")
        assert mend(butler, done, case) == {}
        assert len(looked) > 5
