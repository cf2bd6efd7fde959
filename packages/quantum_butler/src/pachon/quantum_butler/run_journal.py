# SPDX-License-Identifier: BSD-3-Clause
"""Which quanta run at this moment, written behind the name of the process in the file that locks a run.

What is written survives a kill of the process, though not a failure of the machine: it says what was interrupted, and no more. Each
write waits for the journal of the file system, which workers that sync their outputs keep busy; so whoever runs many short quanta
writes once for many, and quanta that began and ended in between leave no trace.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

__all__ = ["LockContent", "RunJournal", "read_lock_content"]

_STARTED: Final = "+"
_ENDED: Final = "-"


class RunJournal:
    """Notes the beginning and the end of quanta, and writes what was noted when it is told to.

    Parameters
    ----------
    descriptor
        Of the open file; `None` notes nothing.
    holder
        The first line: who holds the lock.
    """

    def __init__(self, descriptor: int | None, holder: str = "") -> None:
        self._descriptor = descriptor
        self._end = 0
        self._running: set[uuid.UUID] = set()
        self._waiting: dict[tuple[str, uuid.UUID], str] = {}
        """Lines that are not written yet."""
        self._written_at = 0.0
        self._before: bytes | None = b""
        """What was there, as long as nothing was started or written."""
        if descriptor is not None:
            self._before = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            os.ftruncate(descriptor, 0)
            self._append(f"{holder}\n")

    def wrote(self) -> None:
        """Note that something was written that has no rows yet: an error from now on leaves work behind."""
        self._before = None

    def started(self, quantum_id: uuid.UUID) -> None:
        """Note that a quantum runs."""
        self._before = None
        self._running.add(quantum_id)
        self._waiting[_STARTED, quantum_id] = f"{_STARTED} {quantum_id} {time.time():.3f}\n"

    def ended(self, quantum_id: uuid.UUID) -> None:
        """Note that it has ended, in whatever way."""
        self._running.discard(quantum_id)
        if self._waiting.pop((_STARTED, quantum_id), None) is None:
            self._waiting[_ENDED, quantum_id] = f"{_ENDED} {quantum_id}\n"

    def write(self, *, patience: float = 0.0) -> None:
        """Write what was noted, unless the last time is less than ``patience`` (s) ago: then it waits for the next call."""
        if not self._waiting or (patience and time.monotonic() - self._written_at < patience):
            return
        lines = "".join(self._waiting.values())
        self._waiting.clear()
        self._append(lines)
        self._written_at = time.monotonic()

    def close(self) -> None:
        """Empty the file, unless quanta were dropped while they ran: who finds something there knows what was interrupted."""
        if self._running:
            self.write()
        elif self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)

    def give_up(self) -> None:
        """Put back what was there if an error came before anything was written: it may say what an execution before was cut off from."""
        if self._before is None:
            self.write()
        elif self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, self._before, 0)

    def _append(self, lines: str) -> None:
        if self._descriptor is not None:
            self._end += os.pwrite(self._descriptor, lines.encode(), self._end)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockContent:
    """What the file says."""

    holder: str
    """Who holds the lock, or held it last."""
    running: dict[uuid.UUID, float] = field(default_factory=dict)
    """Quanta that had started and not ended, with the time (s since 1970, UTC) of their start."""


def read_lock_content(text: str) -> LockContent | None:
    """Read the content of the file; `None` if it is empty. A line that was cut short counts for nothing."""
    holder, *lines = text.split("\n")
    if not holder:
        return None
    running: dict[uuid.UUID, float] = {}
    for line in lines[:-1]:
        try:
            kind, number, *moment = line.split()
            quantum_id = uuid.UUID(number)
            if kind == _STARTED:
                running[quantum_id] = float(moment[0])
            else:
                running.pop(quantum_id, None)
        except (ValueError, IndexError):
            continue
    return LockContent(holder=holder, running=running)
