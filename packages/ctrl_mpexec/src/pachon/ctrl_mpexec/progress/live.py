# SPDX-License-Identifier: BSD-3-Clause
"""A table of the tasks that is drawn anew while a run goes, for a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pachon.base.log_configuration import logging_settings
from pachon.ctrl_mpexec.progress.reporter import SilentReporter
from pachon.ctrl_mpexec.progress.tally import Tally, duration
from pachon.pipe_base.execution.outcome import QuantumOutcome

__all__ = ["LiveReporter", "render"]

_INTERVAL: Final = 0.25


class LiveReporter(SilentReporter):
    """Draws on standard error; what else is written there by this process appears above."""

    def __init__(self, console: Console | None = None) -> None:
        self._tally = Tally()
        self._live = Live(console=console or Console(stderr=True), auto_refresh=False, transient=False)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(None, None, None)

    def begin(self, counts: Mapping[str, int]) -> None:
        self._tally.begin(counts)
        self._draw()

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
            self._draw()

    def end(self, outcomes: Sequence[QuantumOutcome], *, interrupted: bool) -> None:
        self._draw()

    def worker_logging(self) -> dict[str, Any]:
        # Lines of other processes would tear the table.
        settings = logging_settings()
        return {} if settings is None else {"logging": {**settings, "tty": False}}

    def _draw(self) -> None:
        self._next = time.monotonic() + _INTERVAL
        self._live.update(render(self._tally), refresh=True)


def render(tally: Tally) -> Group:
    """Give the table of tasks with the slowest and the last failed quanta."""
    table = Table(box=None, pad_edge=False)
    for name in ("task", "done", "running", "failed", "of", "s each"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for label, task in tally.tasks.items():
        each = f"{task.seconds / task.ended:.3g}" if task.ended else ""
        failed = Text(str(task.failed), style="bold red" if task.failed else "dim")
        table.add_row(label, str(task.done), str(task.running), failed, str(task.total), each)
    left = tally.seconds_left
    blocked = f" ({tally.blocked} blocked)" if tally.blocked else ""
    total = Text(
        f"{tally.done + tally.failed}/{tally.total}{blocked} in {duration(tally.seconds)}, {tally.rate:.3g}/s"
        + (f", {duration(left)} left" if left else "")
    )
    rows: list[Any] = [table, total]
    now = time.monotonic()
    running = sorted(((now - begun, label) for label, begun in tally.running.values()), reverse=True)
    if running and running[0][0] > 5:
        rows.append(Text(f"running longest: {running[0][1]}, {duration(running[0][0])}", style="dim"))
    if tally.slowest:
        slowest = "; ".join(f"{name} {duration(seconds)}" for seconds, name in sorted(tally.slowest, reverse=True)[:2])
        rows.append(Text(f"slowest: {slowest}", style="dim", no_wrap=True, overflow="ellipsis"))
    rows += [Text(f"failed: {text}", style="red", no_wrap=True, overflow="ellipsis") for text in tally.failures]
    return Group(*rows)
