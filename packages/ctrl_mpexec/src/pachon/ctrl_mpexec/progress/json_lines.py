# SPDX-License-Identifier: BSD-3-Clause
"""Progress for programs: one JSON object a line, on standard output.

Every object has ``event`` and ``time`` (Unix time, s). The events are ``begin`` (``quanta``, ``tasks``), ``start`` (``number``,
``task``), ``end`` (``number``, ``task``, ``quantum``, ``data_id``, ``status``, ``seconds``, ``caveats``, ``exception``), ``retry``
(as ``end``), ``progress`` once a second while something changes (``done``, ``failed``, ``blocked``, ``running``, ``rate``,
``seconds_left``, ``tasks``), and ``finish`` (``interrupted``, ``tasks``: counts by status).
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pachon.ctrl_mpexec.progress.reporter import SilentReporter
from pachon.ctrl_mpexec.progress.tally import Tally
from pachon.pipe_base.execution.outcome import QuantumOutcome

__all__ = ["JsonReporter"]

_log = logging.getLogger("pachon.ctrl_mpexec")

_INTERVAL: Final = 1.0


class JsonReporter(SilentReporter):
    """Writes JSON lines to a file descriptor, which nothing else writes to."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._is_read = True
        self._tally = Tally()
        self._next = 0.0
        self._changed = False

    def begin(self, counts: Mapping[str, int]) -> None:
        self._tally.begin(counts)
        self._write("begin", quanta=self._tally.total, tasks=dict(counts))

    def started(self, number: int, label: str) -> None:
        self._tally.started(number, label)
        self._write("start", number=number, task=label)

    def ended(self, number: int, outcome: QuantumOutcome) -> None:
        self._tally.ended(number, outcome)
        self._changed = True
        self._write("end", **_document(number, outcome))

    def blocked(self, count: int) -> None:
        self._tally.blocked += count

    def put_back(self, number: int, outcome: QuantumOutcome) -> None:
        self._tally.put_back(number)
        self._write("retry", **_document(number, outcome))

    def tick(self) -> None:
        if not self._changed or time.monotonic() < self._next:
            return
        self._next, self._changed = time.monotonic() + _INTERVAL, False
        tally, left = self._tally, self._tally.seconds_left
        tasks = {
            label: {"total": t.total, "running": t.running, "done": t.done, "failed": t.failed}
            for label, t in tally.tasks.items()
        }
        self._write(
            "progress",
            done=tally.done,
            failed=tally.failed,
            blocked=tally.blocked,
            running=len(tally.running),
            rate=round(tally.rate, 3),
            seconds_left=None if left is None else round(left, 1),
            tasks=tasks,
        )

    def end(self, outcomes: Sequence[QuantumOutcome], *, interrupted: bool) -> None:
        tasks: dict[str, Counter[str]] = {}
        for outcome in outcomes:
            tasks.setdefault(outcome.task_label, Counter())[outcome.status.value] += 1
        self._write("finish", interrupted=interrupted, tasks={label: dict(count) for label, count in tasks.items()})

    def _write(self, event: str, **values: Any) -> None:
        if not self._is_read:
            return
        line = json.dumps({"event": event, "time": round(time.time(), 3), **values}, default=str)
        rest = line.encode() + b"\n"
        try:
            # A signal can cut a long line.
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            self._is_read = False
            _log.warning("Nobody reads the progress (--json-progress) any more; the run goes on.")


def _document(number: int, outcome: QuantumOutcome) -> dict[str, Any]:
    document: dict[str, Any] = {
        "number": number,
        "task": outcome.task_label,
        "quantum": str(outcome.quantum_id),
        "data_id": outcome.data_id,
        "status": outcome.status.value,
        "seconds": round(outcome.seconds, 4),
    }
    if outcome.caveats:
        document["caveats"] = outcome.caveats.code()
    if outcome.exception is not None:
        document["exception"] = {"type": outcome.exception.type_name, "message": outcome.exception.message}
    return document
