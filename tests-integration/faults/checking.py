# SPDX-License-Identifier: BSD-3-Clause
"""The invariants, checked after each fault: what was acknowledged is there and right, all else is invisible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faults.operations import Operation
from faults.repositories import Repository
from faults.state import CALIBRATIONS, TAG, Key, State, number_of
from pachon.butler import Butler
from pachon.butler.fsck.report import FindingKind
from pachon.datasets import CollectionType, DatasetRef
from pachon.datastore.file_store import checksum_of_file

OF_A_CUT_OFF_WRITE = frozenset(
    {
        FindingKind.DEAD_WRITER,
        FindingKind.LEFTOVER_FILE,
        FindingKind.TRASH,
        FindingKind.FOREIGN_FILE,  # a file that was to be ingested where it lies
    }
)
"""All that a check may find after a fault: nothing that is registered is damaged or missing."""


def key_of(ref: DatasetRef) -> Key:
    """Name a dataset."""
    return Key(ref.run, ref.dataset_type.name, int(ref.data_id["detector"]))


def observe(butler: Butler) -> State:
    """Give what a repository holds. All that is stored is read, and its size and checksum are compared with the records."""
    runs = butler.collections.query("*", {CollectionType.RUN})
    refs = list(butler.query_all_datasets(runs)) if runs else []
    rows = {row.dataset_id: row for row in butler.datastore_records(refs).rows()}
    places = butler.get_uris([ref for ref in refs if ref.id in rows])
    for ref, uris in places.items():
        row, place = rows[ref.id], uris.primary
        assert place is not None
        assert place.size() == row.size, row.path
        if row.checksum:
            assert checksum_of_file(place.ospath if place.is_local else place) == row.checksum, row.path
    datasets: dict[Key, int | None] = {}
    for ref in refs:
        key = key_of(ref)
        assert key not in datasets, f"{key} is there twice"
        datasets[key] = number_of(key, butler.get(ref)) if ref.id in rows else None
    certified = butler.query_datasets("bias", collections=CALIBRATIONS, find_first=False)
    return State(
        datasets=datasets,
        tagged=frozenset(map(key_of, butler.query_all_datasets([TAG], find_first=False))),
        certified=frozenset(map(key_of, certified)),
    )


def check_one_of(butler: Butler, allowed: Sequence[State], what: str) -> State:
    """Check that the repository is in one of these states, and give it."""
    found = observe(butler)
    if found not in allowed:
        nearest = min(allowed, key=lambda state: len(_difference(state, found)))
        raise AssertionError(f"{what}: wrong are {_difference(nearest, found)}")
    return found


def _difference(expected: State, found: State) -> list[str]:
    names = expected.datasets.keys() | found.datasets.keys()
    wrong = [
        f"{key}: {expected.datasets.get(key, 'absent')} expected, {found.datasets.get(key, 'absent')} found"
        for key in sorted(names)
        if expected.datasets.get(key, "absent") != found.datasets.get(key, "absent")
    ]
    wrong += [f"tag of {key}" for key in expected.tagged ^ found.tagged]
    return wrong + [f"certification of {key}" for key in expected.certified ^ found.certified]


def mend(butler: Butler, expected: State, what: str) -> dict[str, int]:
    """Repair, check that nothing is left to be repaired and that no dataset changed; count the findings by kind."""
    _check_references(butler, what)
    report = butler.fsck(repair=True, min_age=0.0, verify="checksum")
    assert report.clean, f"{what}: not mended: {[str(finding) for finding in report.remaining]}"
    kinds: dict[str, int] = {}
    for finding in report.findings:
        assert finding.explanation, finding
        assert finding.kind in OF_A_CUT_OFF_WRITE, f"{what}: {finding}"
        kinds[finding.kind.value] = kinds.get(finding.kind.value, 0) + 1
    if not report.findings:
        return kinds
    again = butler.fsck(min_age=0.0, verify="checksum")
    assert not again.findings, f"{what}: found after the repair: {[str(finding) for finding in again.findings]}"
    check_one_of(butler, [expected], f"{what}, after fsck --repair")
    return kinds


def _check_references(butler: Butler, what: str) -> None:
    """Check that no row of SQLite refers to nothing: a transaction of many rows looks that up by itself."""
    database = butler._session.registry._state.database
    if database.dialect == "sqlite":
        with database.read() as connection:
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert not lost, f"{what}: {lost}"


def finish(butler: Butler, operation: Operation, before: State, found: State, folder: Path, what: str) -> State:
    """Do an operation that was cut off again, if it was not done, and check that it is done then."""
    done = operation.states(before)[-1]
    operation.check_sources(folder, done=found == done)
    if found == done:
        return found
    operation.apply(butler, folder)
    check_one_of(butler, [done], f"{what}, done again")
    operation.check_sources(folder, done=True)
    return done


def clear(repository: Repository, butler: Butler) -> State:
    """Remove all datasets; nothing but links and sources outside stays."""
    present = butler.collections.query("r/*")
    if present:
        butler.remove_runs(present)
    butler.empty_trash()
    state = State()
    check_one_of(butler, [state], "after the removal of all runs")
    left = [path for path in (Path(repository.root) / "r").rglob("*") if not path.is_dir()]
    assert not left, f"files are left of removed runs: {left}"
    return state
