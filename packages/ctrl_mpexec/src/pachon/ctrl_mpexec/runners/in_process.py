# SPDX-License-Identifier: BSD-3-Clause
"""One quantum at a time, in this process."""

from __future__ import annotations

import uuid

from pachon.ctrl_mpexec.runners.runner import Finished
from pachon.ctrl_mpexec.worker import QuantumWorker

__all__ = ["InProcessRunner"]


class InProcessRunner:
    """Runs a quantum when its result is waited for."""

    def __init__(self, worker: QuantumWorker) -> None:
        self._worker = worker
        self._next: tuple[int, uuid.UUID] | None = None

    @property
    def free(self) -> int:
        """One, unless a quantum waits to be run."""
        return 1 if self._next is None else 0

    def start(self, number: int, quantum_id: uuid.UUID) -> None:
        """Take a quantum; `wait` runs it."""
        assert self._next is None
        self._next = (number, quantum_id)

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Run the quantum that was started."""
        if self._next is None:
            return []
        number, quantum_id = self._next
        self._next = None
        return [Finished(number=number, result=self._worker.run(quantum_id))]

    def kill(self) -> None:
        """Forget the quantum that waits."""
        self._next = None

    def close(self) -> None:
        """Nothing is held."""
