# SPDX-License-Identifier: BSD-3-Clause
"""One quantum at a time, in this process."""

from __future__ import annotations

from pachon.base.cli.collector import collect_for_others
from pachon.ctrl_mpexec.runners.runner import Finished, Job
from pachon.ctrl_mpexec.worker import QuantumWorker

__all__ = ["InProcessRunner"]


class InProcessRunner:
    """Runs a quantum when its result is waited for. It cannot limit time or memory."""

    def __init__(self, worker: QuantumWorker) -> None:
        self._worker = worker
        self._next: Job | None = None
        collect_for_others()  # of tasks

    @property
    def free(self) -> int:
        """One, unless a quantum waits to be run."""
        return 1 if self._next is None else 0

    def start(self, job: Job) -> None:
        """Take a quantum; `wait` runs it."""
        assert self._next is None
        self._next = job

    @property
    def wants_more(self) -> bool:
        """Never: there is nobody else who could hand over the next one."""
        return False

    def start_ahead(self, job: Job) -> bool:
        """Refuse: see `wants_more`."""
        return False

    def take_back(self, *, everything: bool = False) -> list[Job]:
        """Give nothing, as nothing was handed over ahead."""
        return []

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Run the quantum that was started."""
        if self._next is None:
            return []
        job, self._next = self._next, None
        result = self._worker.run(job.quantum_id, max_mem=job.max_mem, again=job.again)
        return [Finished(number=job.number, result=result, out_of_memory=result.outcome.is_out_of_memory)]

    def kill(self) -> None:
        """Forget the quantum that waits."""
        self._next = None

    def close(self) -> None:
        """Give back what the worker holds."""
        self._worker.close()
