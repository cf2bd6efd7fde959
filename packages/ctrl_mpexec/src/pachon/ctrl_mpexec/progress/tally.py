# SPDX-License-Identifier: BSD-3-Clause
"""How far a run has come: counts by task, the rate, the time that is left, the slowest and the failed quanta."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pachon.pipe_base.execution.outcome import QuantumOutcome

__all__ = ["Tally", "TaskTally", "duration"]

_RATE_SECONDS: Final = 60.0
_SHOWN: Final = 5


@dataclass(slots=True)
class TaskTally:
    """The quanta of one task."""

    total: int
    running: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    """All that ended took, together."""

    @property
    def ended(self) -> int:
        """Those that need no more work."""
        return self.done + self.failed


@dataclass(slots=True)
class Tally:
    """All quanta of a run; times are those of a monotonic clock, in seconds."""

    tasks: dict[str, TaskTally] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    running: dict[int, tuple[str, float]] = field(default_factory=dict)
    """By number: label, and when it began."""
    blocked: int = 0
    """Quanta that will not run, since something upstream failed."""
    slowest: list[tuple[float, str]] = field(default_factory=list)
    """Seconds and name of the slowest quanta that ended, as a heap."""
    failures: deque[str] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    """The last failures."""
    _recent: deque[float] = field(default_factory=deque)

    def begin(self, counts: Mapping[str, int]) -> None:
        """Take the number of quanta of each task."""
        self.tasks = {label: TaskTally(total) for label, total in counts.items()}
        self.begun = time.monotonic()

    def started(self, number: int, label: str) -> None:
        """Count a quantum that was started."""
        self.running[number] = (label, time.monotonic())
        self.tasks[label].running += 1

    def ended(self, number: int, outcome: QuantumOutcome) -> None:
        """Count a quantum that ended."""
        self.put_back(number)
        task = self.tasks[outcome.task_label]
        task.seconds += outcome.seconds
        name = f"{outcome.task_label} {_short(outcome.data_id)}"
        if outcome.status.is_success:
            task.done += 1
        else:
            task.failed += 1
            why = outcome.exception.message if outcome.exception is not None else outcome.status.value
            self.failures.append(f"{name}: {why.splitlines()[0] if why else ''}")
        now = time.monotonic()
        self._recent.append(now)
        while self._recent and now - self._recent[0] > _RATE_SECONDS:
            self._recent.popleft()
        heapq.heappush(self.slowest, (outcome.seconds, name))
        if len(self.slowest) > _SHOWN:
            heapq.heappop(self.slowest)

    def put_back(self, number: int) -> None:
        """Count a quantum as not running any more."""
        label, _ = self.running.pop(number, ("", 0.0))
        if label:
            self.tasks[label].running -= 1

    @property
    def total(self) -> int:
        """All quanta."""
        return sum(task.total for task in self.tasks.values())

    @property
    def done(self) -> int:
        """Those that succeeded."""
        return sum(task.done for task in self.tasks.values())

    @property
    def failed(self) -> int:
        """Those that failed."""
        return sum(task.failed for task in self.tasks.values())

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.monotonic() - self.begun

    @property
    def rate(self) -> float:
        """Quanta a second, in the last minute."""
        if not self._recent:
            return 0.0
        span = max(time.monotonic() - max(self._recent[0], self.begun), 1e-3)
        if len(self._recent) == self.done + self.failed:
            span = max(self.seconds, 1e-3)
        return len(self._recent) / span

    @property
    def seconds_left(self) -> float | None:
        """An estimate from what quanta of each task took so far; `None` as long as nothing is known."""
        left = self.total - self.done - self.failed - self.blocked
        rate = self.rate
        return left / rate if rate > 0 else None

    def line(self) -> str:
        """Give the state in one line."""
        parts = [f"{self.done}/{self.total} quanta done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.blocked} blocked"] if self.blocked else []
        parts += [f"{len(self.running)} running"] if self.running else []
        left = self.seconds_left
        more = f"; {self.rate:.3g}/s" + (f", {duration(left)} left" if left else "")
        tasks = " ".join(
            f"{label} {task.done}/{task.total}" + (f" ({task.failed} failed)" if task.failed else "")
            for label, task in self.tasks.items()
            if task.ended or task.running
        )
        return f"[{duration(self.seconds)}] {', '.join(parts)}{more} | {tasks}"


def _short(data_id: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in data_id.items())


def duration(seconds: float) -> str:
    """Give a time for people: ``7.3 s``, ``4 min 05 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
