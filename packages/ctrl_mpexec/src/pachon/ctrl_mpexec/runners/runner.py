# SPDX-License-Identifier: BSD-3-Clause
"""What the executor needs of a runner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from pachon.ctrl_mpexec.worker import QuantumResult

__all__ = ["Finished", "Job", "Runner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt at one quantum."""

    number: int
    """Its number in the graph."""
    quantum_id: uuid.UUID
    label: str = ""
    places: int = 1
    """How many of the places of the runner it takes."""
    timeout: float | None = None
    """Seconds after which it is ended."""
    memory_limit: int | None = None
    """Bytes of resident memory, with all processes that it starts, at which it is ended."""
    max_mem: int | None = None
    """Bytes that the task is told it may use."""
    fresh: bool = False
    """Whether it gets a process of its own."""
    again: bool = False
    """Whether there was an attempt before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A quantum that ended."""

    number: int
    """Its number in the graph."""
    result: QuantumResult
    lost: bool = False
    """Whether its process ended before it could say anything, and left no log."""
    out_of_memory: bool = False
    """Whether more memory might have saved it."""
    following: int | None = None
    """Number of the quantum with which its process goes on, if it was handed over before."""


class Runner(Protocol):
    """Runs quanta; a context manager."""

    @property
    def free(self) -> int:
        """How many places are free now."""
        ...

    def start(self, job: Job) -> None:
        """Start a quantum."""
        ...

    @property
    def wants_more(self) -> bool:
        """Whether quanta can be handed over before there is a free place."""
        ...

    def start_ahead(self, job: Job) -> bool:
        """Hand over a quantum that is to start as soon as another one ends; false if it must wait for a free place."""
        ...

    def take_back(self, *, everything: bool = False) -> list[Job]:
        """Give quanta that were handed over and will not be started, as it would take too long; or all that have not started."""
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
