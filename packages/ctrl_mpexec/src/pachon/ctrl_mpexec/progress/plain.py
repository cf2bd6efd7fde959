# SPDX-License-Identifier: BSD-3-Clause
"""Plain lines about a run, for files and for terminals that others write to as well."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence

from pachon.ctrl_mpexec.progress.reporter import SilentReporter
from pachon.ctrl_mpexec.progress.tally import Tally
from pachon.pipe_base.execution.outcome import QuantumOutcome

__all__ = ["PlainReporter"]


class PlainReporter(SilentReporter):
    """Writes a line to standard error now and then.

    Parameters
    ----------
    interval
        Seconds between two lines.
    """

    def __init__(self, interval: float = 10.0) -> None:
        self._interval = interval
        self._tally = Tally()
        self._next = 0.0

    def begin(self, counts: Mapping[str, int]) -> None:
        self._tally.begin(counts)
        self._next = time.monotonic() + self._interval

    def started(self, number: int, label: str) -> None:
        self._tally.started(number, label)

    def ended(self, number: int, outcome: QuantumOutcome) -> None:
        self._tally.ended(number, outcome)

    def blocked(self, count: int) -> None:
        self._tally.blocked += count

    def put_back(self, number: int, outcome: QuantumOutcome) -> None:
        self._tally.put_back(number)

    def tick(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._interval
            print(self._tally.line(), file=sys.stderr, flush=True)

    def end(self, outcomes: Sequence[QuantumOutcome], *, interrupted: bool) -> None:
        if self._tally.seconds >= self._interval:
            print(self._tally.line(), file=sys.stderr, flush=True)
