# SPDX-License-Identifier: BSD-3-Clause
"""A butler and an in-memory model do the same operations, as hypothesis chooses them, and are compared after each."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from faults.checking import check_one_of, clear
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
from pachon.base import ConflictError


class ButlerMachine(RuleBasedStateMachine):
    """The repository is used by one example after the other, which each begin with an empty one."""

    repository: ClassVar[Repository]
    numbers: ClassVar[itertools.count[int]]

    def __init__(self) -> None:
        super().__init__()
        self.butler = self.repository.open()
        self.state = State()

    @initialize()
    def begin(self) -> None:
        clear(self.repository, self.butler)

    def do(self, operation: Operation) -> None:
        operation.prepare(self.repository.folder)
        operation.apply(self.butler, self.repository.folder)
        self.state = operation.states(self.state)[-1]

    def number(self) -> int:
        return next(self.numbers)

    def some(self, data: st.DataObject, keys: list[Key], most: int = 3) -> tuple[Key, ...]:
        return tuple(data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=most, unique=True)))

    def values(self, data: st.DataObject, state: State, *, tables: bool = True) -> dict[Key, int]:
        """Choose data IDs of one run that are free."""
        free = [key for key in state.free() if tables or key.type != "table"]
        run = data.draw(st.sampled_from(sorted({key.run for key in free})))
        return {key: self.number() for key in self.some(data, [key for key in free if key.run == run])}

    @rule(data=st.data())
    def put(self, data: st.DataObject) -> None:
        self.do(Put(key=data.draw(st.sampled_from(self.state.free())), number=self.number()))

    @rule(data=st.data())
    def put_many(self, data: st.DataObject) -> None:
        self.do(PutMany(values=self.values(data, self.state)))

    @rule(data=st.data(), mode=st.sampled_from(MODES))
    def ingest(self, data: st.DataObject, mode: str) -> None:
        self.do(Ingest(values=self.values(data, self.state, tables=False), mode=mode))

    @rule(data=st.data(), fails=st.booleans(), inner_fails=st.booleans())
    def transaction(self, data: st.DataObject, fails: bool, inner_fails: bool) -> None:
        outer = Put(key=data.draw(st.sampled_from(self.state.free())), number=self.number())
        inside = outer.states(self.state)[-1]
        inner = PutMany(values=self.values(data, inside))
        parts: list[Operation] = [outer, Transaction(parts=(inner,), fails=inner_fails)]
        if stored := self.state.stored():
            parts.append(Prune(keys=self.some(data, stored), purge=True))
        self.do(Transaction(parts=tuple(parts), fails=fails))

    @precondition(lambda self: self.state.stored())
    @rule(data=st.data(), purge=st.booleans())
    def prune(self, data: st.DataObject, purge: bool) -> None:
        self.do(Prune(keys=self.some(data, self.state.stored(), 4), purge=purge))

    @precondition(lambda self: self.state.stored())
    @rule(data=st.data())
    def trash(self, data: st.DataObject) -> None:
        self.do(Trash(keys=self.some(data, self.state.stored())))

    @rule()
    def empty_trash(self) -> None:
        self.do(EmptyTrash())
        assert self.butler.empty_trash() == []

    @precondition(lambda self: None in self.state.datasets.values())
    @rule(data=st.data())
    def put_again(self, data: st.DataObject) -> None:
        unstored = sorted(key for key, number in self.state.datasets.items() if number is None)
        self.do(PutAgain(key=data.draw(st.sampled_from(unstored)), number=self.number()))

    @precondition(lambda self: self.state.datasets)
    @rule(data=st.data())
    def put_what_is_there(self, data: st.DataObject) -> None:
        """A conflict, alone or as one of several: nothing changes."""
        known = data.draw(st.sampled_from(sorted(self.state.datasets)))
        self.do(PutTwice(key=known, number=self.number()))
        free = [key for key in self.state.free() if key.run == known.run]
        if free:
            with pytest.raises(ConflictError):
                PutMany(values={free[0]: self.number(), known: self.number()}).apply(
                    self.butler, self.repository.folder
                )

    @precondition(lambda self: self.state.datasets)
    @rule(data=st.data())
    def remove_run(self, data: st.DataObject) -> None:
        self.do(RemoveRun(run=data.draw(st.sampled_from(sorted({key.run for key in self.state.datasets})))))

    @precondition(lambda self: self.state.datasets)
    @rule(data=st.data())
    def associate(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.state.datasets)))
        operation = Associate(keys=(key,))
        if {(key.type, key.detector)} & {(held.type, held.detector) for held in self.state.tagged - {key}}:
            with pytest.raises(ConflictError):
                operation.apply(self.butler, self.repository.folder)
        else:
            self.do(operation)

    @precondition(lambda self: self.state.tagged)
    @rule(data=st.data())
    def disassociate(self, data: st.DataObject) -> None:
        self.do(Associate(keys=self.some(data, sorted(self.state.tagged)), undo=True))

    @precondition(lambda self: any(key.type == "bias" for key in self.state.datasets))
    @rule(data=st.data())
    def certify(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(key for key in self.state.datasets if key.type == "bias")))
        operation = Certify(keys=(key,))
        if key.detector in {held.detector for held in self.state.certified}:
            with pytest.raises(ConflictError):
                operation.apply(self.butler, self.repository.folder)
        else:
            self.do(operation)

    @rule()
    def reopen(self) -> None:
        self.butler.close()
        self.butler = self.repository.open()

    @invariant()
    def agrees(self) -> None:
        if self.state.datasets or self.butler.collections.query("r/*"):
            check_one_of(self.butler, [self.state], "state machine")

    def teardown(self) -> None:
        self.butler.close()


def test_butler_and_model_agree(repository: Repository, tmp_path: Path) -> None:
    machine = type("Machine", (ButlerMachine,), {"repository": repository, "numbers": itertools.count(1)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=200 if NIGHTLY else 8,
            stateful_step_count=40 if NIGHTLY else 15,
            derandomize=not NIGHTLY,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with repository.open() as butler:
        assert butler.fsck(repair=True, min_age=0.0, verify="checksum").clean
