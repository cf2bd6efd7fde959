# SPDX-License-Identifier: BSD-3-Clause
"""Which quantum may run next: state in, quanta out, no clock and no process."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from pachon.base import InvalidInputError

__all__ = ["CyclicGraphError", "Schedule"]

_WAITING, _RUNNING, _SUCCEEDED, _FAILED, _BLOCKED = range(5)


class CyclicGraphError(InvalidInputError):
    """Some quanta wait for each other; ``quanta`` has the numbers of some that do."""

    kind = "cyclic_graph"

    def __init__(self, quanta: tuple[int, ...]) -> None:
        super().__init__(quanta)
        self.quanta = quanta

    def __str__(self) -> str:
        return f"Quanta wait for each other: {' -> '.join(map(str, self.quanta))}."


class Schedule:
    """The progress of a run over numbered quanta.

    Parameters
    ----------
    count
        The number of quanta.
    upstream, downstream
        Arrays of the same length: quantum ``downstream[i]`` waits for ``upstream[i]``. Pairs may be repeated.
    rank
        Array of numbers: of the quanta that are ready, those with the smallest come first. Default: all equal.

    Raises
    ------
    CyclicGraphError
        If quanta wait for each other.

    Notes
    -----
    Among equals the smallest number comes first, so that equal runs go the same way. A quantum takes one place; one that
    was put back may take more, and then waits at the head of the queue until so many are free: what is behind it would
    keep it waiting for ever. Each operation costs the logarithm of the number of ready quanta, plus the edges of the quantum.
    """

    def __init__(
        self, count: int, upstream: np.ndarray, downstream: np.ndarray, *, rank: np.ndarray | None = None
    ) -> None:
        sources, self._targets = _distinct_pairs(upstream, downstream, count)
        self._offsets = np.searchsorted(sources, np.arange(count + 1))
        self._missing = np.bincount(self._targets, minlength=count).astype(np.int64)
        self._state = np.full(count, _WAITING, dtype=np.int8)
        self._rank = np.zeros(count) if rank is None else np.asarray(rank, dtype=np.float64)
        self._places: dict[int, int] = {}
        self._running: set[int] = set()
        self._stopped = False
        if not bool((sources < self._targets).all()):
            self._check_acyclic()
        self._ready = [(float(self._rank[number]), int(number)) for number in np.flatnonzero(self._missing == 0)]
        heapq.heapify(self._ready)

    def take(self, free: int = 1) -> list[int]:
        """Give quanta that may start now in so many free places; they count as running."""
        taken: list[int] = []
        while self._ready and not self._stopped:
            quantum = self._ready[0][1]
            places = self._places.get(quantum, 1)
            if places > free:
                break
            heapq.heappop(self._ready)
            free -= places
            self._state[quantum] = _RUNNING
            self._running.add(quantum)
            taken.append(quantum)
        return taken

    def succeed(self, quantum: int) -> None:
        """Say that a running quantum is done; quanta downstream may become ready."""
        self._end(quantum, _SUCCEEDED)
        for target in self._after(quantum):
            self._missing[target] -= 1
            if self._missing[target] == 0 and self._state[target] == _WAITING:
                self._push(target)

    def fail(self, quantum: int) -> list[int]:
        """Say that a running quantum failed; give the quanta downstream that are blocked by it, ascending."""
        self._end(quantum, _FAILED)
        blocked: list[int] = []
        pending = self._after(quantum)
        while pending:
            target = pending.pop()
            if self._state[target] == _WAITING:
                self._state[target] = _BLOCKED
                blocked.append(target)
                pending.extend(self._after(target))
        return sorted(blocked)

    def put_back(self, quantum: int, *, places: int = 1) -> None:
        """Let a running quantum wait again, for another attempt that takes so many places."""
        self._end(quantum, _WAITING)
        self._places[quantum] = places
        self._push(quantum)

    def places(self, quantum: int) -> int:
        """Give the number of places that a quantum takes."""
        return self._places.get(quantum, 1)

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped = True

    @property
    def is_finished(self) -> bool:
        """Whether nothing runs and nothing can be started any more."""
        return not self._running and (self._stopped or not self._ready)

    @property
    def running(self) -> list[int]:
        """The quanta that run, ascending."""
        return sorted(self._running)

    @property
    def blocked(self) -> list[int]:
        """The quanta that cannot run because something upstream failed, ascending."""
        return self._with(_BLOCKED)

    @property
    def not_started(self) -> list[int]:
        """The quanta that wait, ascending."""
        return self._with(_WAITING)

    def _push(self, quantum: int) -> None:
        heapq.heappush(self._ready, (float(self._rank[quantum]), quantum))

    def _with(self, state: int) -> list[int]:
        return [int(i) for i in np.flatnonzero(self._state == state)]

    def _after(self, quantum: int) -> list[int]:
        targets: Iterable[int] = self._targets[self._offsets[quantum] : self._offsets[quantum + 1]].tolist()
        return list(targets)

    def _end(self, quantum: int, state: int) -> None:
        if self._state[quantum] != _RUNNING:
            raise InvalidInputError(f"Quantum {quantum} does not run.")
        self._state[quantum] = state
        self._running.discard(quantum)

    def _check_acyclic(self) -> None:
        missing = self._missing.copy()
        pending = np.flatnonzero(missing == 0).tolist()
        while pending:
            for target in self._after(pending.pop()):
                missing[target] -= 1
                if missing[target] == 0:
                    pending.append(target)
        left = set(np.flatnonzero(missing > 0).tolist())
        if not left:
            return
        # Each that is left waits for another one that is left: going backwards leads into a circle.
        before = {t: number for number in left for t in self._after(number) if t in left}
        path = [min(left)]
        while path[-1] not in path[:-1]:
            path.append(before[path[-1]])
        raise CyclicGraphError(tuple(reversed(path[path.index(path[-1]) :])))


def _distinct_pairs(upstream: np.ndarray, downstream: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair once, sorted."""
    # numpy.unique would load numpy.ma, which takes longer than most graphs.
    keys = np.sort(np.asarray(upstream, dtype=np.int64) * max(count, 1) + np.asarray(downstream, dtype=np.int64))
    if len(keys):
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    sources, targets = np.divmod(keys, max(count, 1))
    return sources, targets
