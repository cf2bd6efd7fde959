# SPDX-License-Identifier: BSD-3-Clause
"""A process is killed at each named step of each operation: at the first, a middle and the last time it is reached."""

from __future__ import annotations

import pytest

from faults.checking import check_one_of, clear, finish, mend
from faults.child import die_at, note_points, spots_of
from faults.conftest import NIGHTLY
from faults.operations import (
    Associate,
    Certify,
    EmptyTrash,
    Ingest,
    Operation,
    Prune,
    Put,
    PutAgain,
    PutMany,
    PutTwice,
    RemoveRun,
    Transaction,
    Trash,
)
from faults.repositories import Repository
from faults.sequences import MODES
from faults.state import Key, State
from faults.zygote import Zygote
from pachon.butler import Butler, write_protocol
from pachon.datastore import faults

GAINS = tuple(Key("r/0", "gain", n) for n in range(4))
BIASES = tuple(Key("r/0", "bias", n) for n in range(4))
TABLES = tuple(Key("r/0", "table", n) for n in range(4))
OLD = PutMany(values={key: 50 + n for n, key in enumerate((*GAINS[:2], *BIASES[:2], TABLES[0]))})
"""What is there before, where something must be."""
MANY = tuple(
    PutMany(values={Key(f"r/{run}", kind, n): 4 * run + n for kind in ("gain", "bias", "table") for n in range(4)})
    for run in range(3)
)
"""So many that their files are removed by several threads."""
VALUES = {GAINS[2]: 1, BIASES[2]: 2, BIASES[3]: 3}

CASES: dict[str, tuple[tuple[Operation, ...], Operation]] = {
    "put": ((), Put(key=GAINS[0], number=1)),
    "put of a table": ((), Put(key=TABLES[0], number=1)),
    "put that conflicts": ((OLD,), PutTwice(key=GAINS[0], number=1)),
    "put_many": ((OLD,), PutMany(values={**VALUES, TABLES[1]: 4, TABLES[2]: 5})),
    "put_many by threads": ((), PutMany(values={key: n for n, key in enumerate((*GAINS, *BIASES, *TABLES))})),
    **{f"ingest {mode}": ((OLD,), Ingest(values=VALUES, mode=mode)) for mode in MODES},
    "prune": ((OLD,), Prune(keys=tuple(OLD.values), purge=False)),
    "put again": ((OLD, Prune(keys=GAINS[:1], purge=False)), PutAgain(key=GAINS[0], number=1)),
    "purge": ((OLD, Associate(keys=GAINS[:1]), Certify(keys=BIASES[:1])), Prune(keys=tuple(OLD.values), purge=True)),
    "trash": ((OLD,), Trash(keys=GAINS[:2])),
    "empty_trash": ((OLD, Trash(keys=tuple(OLD.values))), EmptyTrash()),
    "empty_trash of many": ((*MANY, Trash(keys=tuple(key for put in MANY for key in put.values))), EmptyTrash()),
    "remove_runs": ((OLD,), RemoveRun(run="r/0")),
    "certify": ((OLD,), Certify(keys=BIASES[:2])),
    "associate": ((OLD,), Associate(keys=(GAINS[0], BIASES[0]))),
    "transaction": (
        (OLD,),
        Transaction(
            parts=(
                Put(key=GAINS[2], number=1),
                Transaction(parts=(PutMany(values={TABLES[1]: 2, TABLES[2]: 3}),)),
                Transaction(parts=(Put(key=GAINS[3], number=4),), fails=True),
                Ingest(values={BIASES[2]: 5, BIASES[3]: 6}, mode="move"),
                Prune(keys=GAINS[:2], purge=True),
            )
        ),
    ),
    "transaction that fails": (
        (OLD,),
        Transaction(
            parts=(Put(key=GAINS[2], number=1), Ingest(values={BIASES[2]: 5, BIASES[3]: 6}, mode="move")), fails=True
        ),
    ),
}  # fmt: skip


def begin(butler: Butler, operations: tuple[Operation, ...], repository: Repository) -> State:
    """Do what comes before."""
    state = State()
    for operation in operations:
        operation.apply(butler, repository.folder)
        state = operation.states(state)[-1]
    return state


ALIKE = ("ingest link", "ingest hardlink", "ingest symlink", "ingest relsymlink", "put of a table", "associate")
"""To a database they are the same as ``ingest copy``, ``put`` and ``certify``: on PostgreSQL they are for the nightly form."""


@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_each_step(repository: Repository, zygote: Zygote, case: str, request: pytest.FixtureRequest) -> None:
    if not NIGHTLY and case in ALIKE and "postgresql" in request.node.name:
        pytest.skip(
            "Only in the nightly form: to PostgreSQL it is the same as another operation (docs/fault-tests.md)."
        )
    first, operation = CASES[case]
    kills = 0
    found_kinds: dict[str, int] = {}
    with repository.open() as butler:
        before = begin(butler, first, repository)
        operation.prepare(repository.folder)
        points = zygote.check(note_points, repository.root, str(repository.folder), operation)
        assert set(points) <= {*faults.FAULT_POINTS, *write_protocol.FAULT_POINTS}
        assert (
            "commit.done" in points or case in ("put that conflicts", "transaction that fails") or "empty_trash" in case
        )
        for spot in spots_of(points):
            clear(repository, butler)
            begin(butler, first, repository)
            operation.prepare(repository.folder)
            what = f"{case}, killed at {spot.point} the {spot.occurrence}. time"
            ended = zygote.call(die_at, repository.root, str(repository.folder), operation, spot)
            assert ended.killed, f"{what}: {ended}"
            kills += 1
            butler.refresh()
            found = check_one_of(butler, operation.states(before), what)
            for kind, count in mend(butler, found, what).items():
                found_kinds[kind] = found_kinds.get(kind, 0) + count
            finish(butler, operation, before, found, repository.folder, what)
    print(f"{case}: {kills} kills at {len(set(points))} points, lost 0, wrong 0; fsck found {found_kinds or 'nothing'}")


def test_every_step_is_among_these(sqlite_repository: Repository, zygote: Zygote) -> None:
    """Steps of outputs of quantum graphs are in ``test_graph_outputs``, those of fsck in ``test_fsck_killed``."""
    reached: set[str] = set()
    with sqlite_repository.open() as butler:
        for first, operation in CASES.values():
            clear(sqlite_repository, butler)
            begin(butler, first, sqlite_repository)
            operation.prepare(sqlite_repository.folder)
            reached.update(zygote.check(note_points, sqlite_repository.root, str(sqlite_repository.folder), operation))
    known = {*faults.FAULT_POINTS, *write_protocol.FAULT_POINTS}
    assert known - reached == {"write.renamed", "write.folders_synced"}
