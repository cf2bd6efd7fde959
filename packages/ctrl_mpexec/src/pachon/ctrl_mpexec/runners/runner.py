# SPDX-License-Identifier: BSD-3-Clause
"""What the executor needs of a runner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from pachon.ctrl_mpexec.worker import QuantumResult

__all__ = ["Finished", "Runner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A quantum that ended."""

    number: int
    """Its number in the graph."""
    result: QuantumResult


class Runner(Protocol):
    """Runs quanta; a context manager."""

    @property
    def free(self) -> int:
        """How many more quanta can be started now."""
        ...

    def start(self, number: int, quantum_id: uuid.UUID) -> None:
        """Start a quantum."""
        ...

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Wait until at least one quantum ended, or the time (s) is over; give those that ended."""
        ...

    def kill(self) -> None:
        """End everything that runs, now."""
        ...

    def close(self) -> None:
        """Give back what the runner holds."""
        ...
