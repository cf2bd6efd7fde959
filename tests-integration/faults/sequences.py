# SPDX-License-Identifier: BSD-3-Clause
"""Operations drawn by a seed. The same seed and state give the same operations, in every process."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

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
from faults.state import Key, State

MODES = ("copy", "move", "link", "hardlink", "symlink", "relsymlink", "direct", "inside")
MOST = 16
"""Datasets above which more are removed than made, so that a check stays short."""


def draw_operations(seed: str, state: State, count: int, *, first_number: int = 1) -> list[Operation]:
    """Draw operations that can be done one after the other from this state."""
    drawing = _Drawing(random.Random(seed), first_number)
    drawn: list[Operation] = []
    while len(drawn) < count:
        operation = drawing.draw(state)
        if operation is not None:
            drawn.append(operation)
            state = operation.states(state)[-1]
    return drawn


class _Drawing:
    def __init__(self, chance: random.Random, first_number: int) -> None:
        self._chance = chance
        self._numbers: Iterator[int] = itertools.count(first_number)
        self._kinds: dict[Callable[[State], Operation | None], int] = {
            self._put: 6, self._put_many: 5, self._ingest: 8, self._transaction: 6, self._prune: 4, self._trash: 1,
            self._again: 2, self._twice: 1, self._empty_trash: 1, self._remove_run: 2, self._associate: 2,
            self._certify: 2,
        }  # fmt: skip

    def draw(self, state: State) -> Operation | None:
        """Draw an operation; None if this kind cannot be done now."""
        if len(state.datasets) > MOST:
            return self._chance.choice([self._prune, self._remove_run])(state)
        return self._chance.choices(list(self._kinds), list(self._kinds.values()))[0](state)

    def _some(self, keys: list[Key], most: int) -> tuple[Key, ...]:
        return tuple(sorted(self._chance.sample(keys, min(len(keys), self._chance.randint(1, most)))))

    def _number(self) -> int:
        return next(self._numbers)

    def _free_in_run(self, state: State, *, tables: bool, most: int = 4) -> dict[Key, int]:
        free = [key for key in state.free() if tables or key.type != "table"]
        if not free:
            return {}
        run = self._chance.choice(free).run
        return {key: self._number() for key in self._some([key for key in free if key.run == run], most)}

    def _put(self, state: State) -> Operation | None:
        free = state.free()
        return Put(key=self._chance.choice(free), number=self._number()) if free else None

    def _put_many(self, state: State) -> Operation | None:
        # From five on their files are written by several threads.
        values = self._free_in_run(state, tables=True, most=9)
        return PutMany(values=values) if values else None

    def _ingest(self, state: State) -> Operation | None:
        values = self._free_in_run(state, tables=False)
        return Ingest(values=values, mode=self._chance.choice(MODES)) if values else None

    def _transaction(self, state: State) -> Operation | None:
        parts: list[Operation] = []
        inside = state
        removable = state.stored()
        for _ in range(self._chance.randint(1, 3)):
            part = self._chance.choice([self._put, self._put_many, self._ingest])(inside)
            if part is None:
                continue
            kind = self._chance.random()
            if kind < 0.4:
                part = Transaction(parts=(part,), fails=kind < 0.2)
            parts.append(part)
            inside = part.states(inside)[-1]
        if removable and self._chance.random() < 0.4:
            parts.append(Prune(keys=self._some(removable, 2), purge=True))
        return Transaction(parts=tuple(parts), fails=self._chance.random() < 0.15) if parts else None

    def _prune(self, state: State) -> Operation | None:
        stored = state.stored()
        return Prune(keys=self._some(stored, 5), purge=self._chance.random() < 0.6) if stored else None

    def _trash(self, state: State) -> Operation | None:
        stored = state.stored()
        return Trash(keys=self._some(stored, 2)) if stored else None

    def _empty_trash(self, state: State) -> Operation | None:
        return EmptyTrash()

    def _again(self, state: State) -> Operation | None:
        unstored = sorted(key for key, number in state.datasets.items() if number is None)
        return PutAgain(key=self._chance.choice(unstored), number=self._number()) if unstored else None

    def _twice(self, state: State) -> Operation | None:
        stored = state.stored()
        return PutTwice(key=self._chance.choice(stored), number=self._number()) if stored else None

    def _remove_run(self, state: State) -> Operation | None:
        runs = sorted({key.run for key in state.datasets})
        return RemoveRun(run=self._chance.choice(runs)) if runs else None

    def _associate(self, state: State) -> Operation | None:
        if state.tagged and self._chance.random() < 0.3:
            return Associate(keys=self._some(sorted(state.tagged), 2), undo=True)
        held = {(key.type, key.detector) for key in state.tagged}
        free = {(key.type, key.detector): key for key in state.stored() if (key.type, key.detector) not in held}
        return Associate(keys=self._some(sorted(free.values()), 3)) if free else None

    def _certify(self, state: State) -> Operation | None:
        held = {key.detector for key in state.certified}
        free = {key.detector: key for key in state.stored() if key.type == "bias" and key.detector not in held}
        return Certify(keys=self._some(sorted(free.values()), 2)) if free else None
