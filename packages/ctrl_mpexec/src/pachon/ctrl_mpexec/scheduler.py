# SPDX-License-Identifier: BSD-3-Clause
"""Which quantum may run next: state in, quanta out, no clock and no process."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from pachon.base import InvalidInputError

__all__ = ["Schedule"]

_WAITING, _RUNNING, _SUCCEEDED, _FAILED, _BLOCKED = range(5)


class Schedule:
    """The progress of a run over quanta numbered in topological order.

    Parameters
    ----------
    count
        The number of quanta.
    upstream, downstream
        Arrays of the same length: quantum ``downstream[i]`` waits for ``upstream[i]``.

    Raises
    ------
    InvalidInputError
        If an edge does not lead from a smaller to a greater number: the order is not topological.

    Notes
    -----
    Of the quanta that are ready, that with the smallest number comes first, so that equal runs go the same way.
    Each operation costs the logarithm of the number of quanta that are ready, plus the edges of the quantum.
    """

    def __init__(self, count: int, upstream: np.ndarray, downstream: np.ndarray) -> None:
        if len(upstream) and not bool((upstream < downstream).all()):
            raise InvalidInputError("The quanta are not in topological order.")
        order = np.argsort(upstream, kind="stable")
        self._targets = np.asarray(downstream)[order]
        self._offsets = np.searchsorted(np.asarray(upstream)[order], np.arange(count + 1))
        self._missing = np.bincount(downstream, minlength=count).astype(np.int64)
        self._state = np.full(count, _WAITING, dtype=np.int8)
        self._ready = np.flatnonzero(self._missing == 0).tolist()
        self._stopped = False

    def take(self, limit: int = 1) -> list[int]:
        """Give up to ``limit`` quanta that may start now; they count as running."""
        taken: list[int] = []
        while self._ready and len(taken) < limit and not self._stopped:
            quantum = heapq.heappop(self._ready)
            self._state[quantum] = _RUNNING
            taken.append(quantum)
        return taken

    def succeed(self, quantum: int) -> None:
        """Say that a running quantum is done; quanta downstream may become ready."""
        self._end(quantum, _SUCCEEDED)
        for target in self._after(quantum):
            self._missing[target] -= 1
            if self._missing[target] == 0 and self._state[target] == _WAITING:
                heapq.heappush(self._ready, target)

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

    def put_back(self, quantum: int) -> None:
        """Let a running quantum wait again, for another attempt."""
        if self._state[quantum] != _RUNNING:
            raise InvalidInputError(f"Quantum {quantum} does not run.")
        self._state[quantum] = _WAITING
        heapq.heappush(self._ready, quantum)

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped = True

    @property
    def is_finished(self) -> bool:
        """Whether nothing runs and nothing can be started any more."""
        return not self.running and (self._stopped or not self._ready)

    @property
    def running(self) -> list[int]:
        """The quanta that run, ascending."""
        return self._with(_RUNNING)

    @property
    def blocked(self) -> list[int]:
        """The quanta that cannot run because something upstream failed, ascending."""
        return self._with(_BLOCKED)

    @property
    def not_started(self) -> list[int]:
        """The quanta that wait, ascending."""
        return self._with(_WAITING)

    def _with(self, state: int) -> list[int]:
        return [int(i) for i in np.flatnonzero(self._state == state)]

    def _after(self, quantum: int) -> list[int]:
        targets: Iterable[int] = self._targets[self._offsets[quantum] : self._offsets[quantum + 1]].tolist()
        return list(targets)

    def _end(self, quantum: int, state: int) -> None:
        if self._state[quantum] != _RUNNING:
            raise InvalidInputError(f"Quantum {quantum} does not run.")
        self._state[quantum] = state
