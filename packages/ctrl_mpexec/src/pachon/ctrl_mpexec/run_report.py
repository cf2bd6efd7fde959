# SPDX-License-Identifier: BSD-3-Clause
"""What came of a run, quantum by quantum."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pachon.base import PachonError
from pachon.base.counting import counted
from pachon.ctrl_mpexec.progress.tally import duration
from pachon.pipe_base.execution.outcome import QuantumOutcome, QuantumStatus
from pachon.pipe_base.outcomes import Caveats

__all__ = ["QuantaFailedError", "RunReport"]

_WORDS: Final = {"failure": "failed", "timeout": "timed out", "skipped": "not run", "done_before": "done before"}
_ORDER: Final = (
    QuantumStatus.SUCCESS,
    QuantumStatus.DONE_BEFORE,
    QuantumStatus.FAILURE,
    QuantumStatus.TIMEOUT,
    QuantumStatus.SKIPPED,
)
_SHOWN: Final = 5
_LONG_S: Final = 1.0


class QuantaFailedError(PachonError):
    """Some quanta of a run failed, timed out, or could not run; if none failed, it was interrupted."""

    kind = "quanta_failed"

    def __init__(
        self,
        failed: int,
        blocked: int,
        total: int,
        first: str,
        exit_code: int,
        interrupted: bool = False,
        go_on: str = "--extend-run",
    ) -> None:
        super().__init__(failed, blocked, total, first, exit_code, interrupted, go_on)
        self.failed, self.blocked, self.total = failed, blocked, total
        self.first, self.exit_code, self.interrupted, self.go_on = first, exit_code, interrupted, go_on

    def __str__(self) -> str:
        if not self.failed:
            return (
                f"The run was interrupted: {self.total - self.blocked} of {counted(self.total, 'quantum is', 'quanta are')} done; "
                f"{self.go_on} goes on with the others."
            )
        why = "did not run, also as the run was interrupted" if self.interrupted else "could not run because of that"
        blocked = f", {self.blocked} {why}" if self.blocked else ""
        return f"{self.failed} of {counted(self.total, 'quantum', 'quanta')} failed{blocked}; the first: {self.first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The outcomes of all quanta of a graph."""

    outcomes: tuple[QuantumOutcome, ...]
    """In the order in which they ended; quanta that could not run come last."""
    graph_summary: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted_by: signal.Signals | None = None
    """SIGINT (Ctrl-C) or SIGTERM, if one of them ended the run."""
    fail_fast: bool = False
    """Whether the first failure ended the run."""

    def with_status(self, *statuses: QuantumStatus) -> list[QuantumOutcome]:
        """Give the outcomes of some statuses."""
        return [outcome for outcome in self.outcomes if outcome.status in statuses]

    @property
    def failed(self) -> list[QuantumOutcome]:
        """Those that failed or ran out of time."""
        return self.with_status(QuantumStatus.FAILURE, QuantumStatus.TIMEOUT)

    @property
    def blocked(self) -> list[QuantumOutcome]:
        """Those that did not run: something upstream failed, or the run came to its end before."""
        return self.with_status(QuantumStatus.SKIPPED)

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended the run before its time."""
        return self.interrupted_by is not None

    @property
    def is_success(self) -> bool:
        """Whether nothing failed and nothing was left out."""
        return not self.failed and not self.blocked and not self.interrupted

    @property
    def exit_code(self) -> int:
        """What a program should exit with.

        0, 1, or the code that a task's exception asks for (20, 21); if nothing failed and a signal ended the run, 128 and its
        number, as shells and batch systems have it: 130 for Ctrl-C, 143 for SIGTERM.
        """
        deciding = [outcome for outcome in self.outcomes if outcome.fatal]
        if self.fail_fast:
            deciding += self.failed[:1]
        if deciding and deciding[0].exit_code in (20, 21):
            return deciding[0].exit_code
        if self.interrupted_by is not None and not self.failed:
            return 128 + self.interrupted_by
        return 0 if self.is_success else 1

    def raise_on_failure(self, *, go_on: str = "--extend-run") -> None:
        """Raise if anything failed.

        Parameters
        ----------
        go_on
            What goes on with an interrupted run: the beginning of a sentence.

        Raises
        ------
        QuantaFailedError
            It names the first failure.
        """
        if self.is_success:
            return
        if not self.failed:
            raise QuantaFailedError(
                0, len(self.blocked), len(self.outcomes), "the run was interrupted", self.exit_code, go_on=go_on
            )
        first = self.failed[0]
        why = f"{first.exception.type_name}: {first.exception.message}" if first.exception else first.status.value
        text = f"{first.name}: {why}"
        raise QuantaFailedError(
            len(self.failed), len(self.blocked), len(self.outcomes), text, self.exit_code, self.interrupted
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Give the number of quanta by task label and status, in one order whatever ended first."""
        found: dict[str, Counter[str]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.task_label, Counter())[outcome.status.value] += 1
        order = [status.value for status in _ORDER]
        return {label: {s: counter[s] for s in order if counter[s]} for label, counter in found.items()}

    def lines(self) -> list[str]:
        """Say for people what came of it: a line a task, the first failures, and the slowest quanta if any took long."""
        found: list[str] = []
        for label, counts in self.counts().items():
            parts = [f"{count} {_WORDS.get(status, status)}" for status, count in counts.items()]
            empty = sum(
                bool(o.caveats & Caveats.ALL_OUTPUTS_MISSING)
                for o in self.outcomes
                if o.task_label == label and o.status is QuantumStatus.SUCCESS
            )
            partial = sum(
                bool(o.caveats & Caveats.ANY_OUTPUTS_MISSING)
                for o in self.outcomes
                if o.task_label == label and o.status is QuantumStatus.SUCCESS
            )
            notes = [f"{empty} without any output"] if empty else []
            notes += [f"{partial - empty} without some outputs"] if partial > empty else []
            found.append(f"{label}: {', '.join(parts)}" + (f" ({', '.join(notes)})" if notes else ""))
        told = Counter((o.task_label, warning) for o in self.outcomes for warning in o.warnings)
        for (label, warning), count in told.most_common(_SHOWN):
            found.append(f"warning: {label}, {count} {'quanta' if count > 1 else 'quantum'}: {warning}")
        for outcome in self.failed[:_SHOWN]:
            why = outcome.exception
            text = outcome.status.value if why is None else f"{why.type_name}: {why.message}"
            found.append(f"failed: {outcome.name}: {text.splitlines()[0][:300]}")
        if len(self.failed) > _SHOWN:
            found.append(f"failed: {len(self.failed) - _SHOWN} more")
        ran = [outcome for outcome in self.outcomes if outcome.seconds > 0]
        slow = sorted(ran, key=lambda outcome: -outcome.seconds)[:3]
        if slow and slow[0].seconds >= _LONG_S:
            names = "; ".join(f"{o.name} {duration(o.seconds)}" for o in slow)
            found.append(f"slowest: {names}")
        return found

    def to_document(self, command: Sequence[str] | None = None) -> dict[str, Any]:
        """Give the JSON mapping of ``--summary``; fields that are not set are left out."""
        status = "success"
        if any(outcome.status is QuantumStatus.TIMEOUT for outcome in self.outcomes):
            status = "timeout"
        elif not self.is_success:
            status = "failure"
        document: dict[str, Any] = {
            "qgraphSummary": dict(self.graph_summary),
            "status": status,
            "cmdLine": list(sys.argv if command is None else command),
            "quantaReports": [_quantum_document(outcome) for outcome in self.outcomes],
        }
        if self.failed and self.failed[0].exception is not None:
            document["exceptionInfo"] = _exception_document(self.failed[0])
        return document


def _quantum_document(outcome: QuantumOutcome) -> dict[str, Any]:
    # A quantum that was done before counts as a success.
    status = "success" if outcome.status is QuantumStatus.DONE_BEFORE else outcome.status.value
    document: dict[str, Any] = {
        "status": status,
        "dataId": outcome.data_id,
        "taskLabel": outcome.task_label,
        "quantumId": str(outcome.quantum_id),
    }
    if outcome.exit_code:
        document["exitCode"] = outcome.exit_code
    if outcome.exception is not None:
        document["exceptionInfo"] = _exception_document(outcome)
    return document


def _exception_document(outcome: QuantumOutcome) -> dict[str, str]:
    assert outcome.exception is not None
    return {"className": outcome.exception.type_name, "message": outcome.exception.message}
