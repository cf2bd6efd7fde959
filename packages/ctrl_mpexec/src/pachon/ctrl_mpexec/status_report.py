# SPDX-License-Identifier: BSD-3-Clause
"""What became of one or more quantum graphs: the rules, and the report.

The rules (status of a quantum in one run, over several runs) are pure functions of flags; `status_facts` finds the flags.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pachon.base import FormatError

__all__ = [
    "DatasetSummary",
    "OverallStatus",
    "QuantumEntry",
    "RunStatus",
    "StatusReport",
    "TaskSummary",
    "aggregate_reports",
    "next_status",
    "run_status",
]


class RunStatus(enum.Enum):
    """What one run says of a quantum."""

    SUCCESSFUL = "successful"
    LOGS_MISSING = "logs_missing"
    FAILED = "failed"
    BLOCKED = "blocked"
    METADATA_MISSING = "metadata_missing"


class OverallStatus(enum.Enum):
    """What all runs together say of a quantum."""

    UNKNOWN = "unknown"
    SUCCESSFUL = "successful"
    BLOCKED = "blocked"
    FAILED = "failed"
    WONKY = "wonky"


def run_status(*, metadata: bool, log: bool, upstream_bad: bool) -> RunStatus:
    """Give the status of a quantum in one run."""
    if metadata:
        return RunStatus.SUCCESSFUL if log else RunStatus.LOGS_MISSING
    if log:
        return RunStatus.FAILED
    return RunStatus.BLOCKED if upstream_bad else RunStatus.METADATA_MISSING


def next_status(old: OverallStatus, new: RunStatus) -> OverallStatus:
    """Give the status over several runs after one more, oldest first."""
    if old is OverallStatus.WONKY or new is RunStatus.LOGS_MISSING:
        return OverallStatus.WONKY
    if new is RunStatus.SUCCESSFUL:
        return OverallStatus.SUCCESSFUL
    if old is OverallStatus.SUCCESSFUL:
        return OverallStatus.WONKY
    if new is RunStatus.BLOCKED:
        return OverallStatus.BLOCKED if old is OverallStatus.UNKNOWN else old
    return OverallStatus.FAILED if new is RunStatus.FAILED else OverallStatus.UNKNOWN


@dataclass(slots=True)
class QuantumEntry:
    """One quantum over all runs."""

    label: str
    data_id: dict[str, Any]
    status: OverallStatus = OverallStatus.UNKNOWN
    recovered: bool = False
    runs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    exception: tuple[str, str] | None = None
    """Class and message of what ended the last attempt that failed; `None` after a success."""
    caveats: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give plain data."""
        return {"data_id": self.data_id, "runs": self.runs, "messages": self.messages}


@dataclass(slots=True)
class TaskSummary:
    """All quanta of a task."""

    entries: list[QuantumEntry] = field(default_factory=list)

    @property
    def exceptions(self) -> dict[str, list[dict[str, Any]]]:
        """Data IDs and messages by class of exception; each quantum counts once, whatever runs it failed in."""
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in self.entries:
            if entry.exception is not None:
                name, message = entry.exception
                found.setdefault(name, []).append({"data_id": entry.data_id, "message": message})
        return found

    def count(self, status: OverallStatus) -> int:
        """Give the number of quanta of a status."""
        return sum(entry.status is status for entry in self.entries)

    def with_status(self, status: OverallStatus) -> list[QuantumEntry]:
        """Give the quanta of a status."""
        return [entry for entry in self.entries if entry.status is status]

    def to_document(self) -> dict[str, Any]:
        """Give plain data."""
        caveats: dict[str, list[dict[str, Any]]] = {}
        for entry in self.entries:
            if entry.caveats:
                caveats.setdefault(entry.caveats, []).append(entry.data_id)
        return {
            "n_successful": self.count(OverallStatus.SUCCESSFUL),
            "n_blocked": self.count(OverallStatus.BLOCKED),
            "n_unknown": self.count(OverallStatus.UNKNOWN),
            "n_expected": len(self.entries),
            "n_wonky": self.count(OverallStatus.WONKY),
            "n_failed": self.count(OverallStatus.FAILED),
            "caveats": caveats,
            "exceptions": self.exceptions,
            "failed_quanta": [e.to_document() for e in self.with_status(OverallStatus.FAILED)],
            "recovered_quanta": [e.data_id for e in self.entries if e.recovered],
            "interrupted_quanta": [e.to_document() for e in self.with_status(OverallStatus.UNKNOWN) if e.messages],
            "wonky_quanta": [e.to_document() for e in self.with_status(OverallStatus.WONKY)],
        }


@dataclass(slots=True)
class DatasetSummary:
    """All datasets of an output type."""

    producer: str
    n_visible: int = 0
    n_shadowed: int = 0
    n_predicted_only: int = 0
    n_expected: int = 0
    n_cursed: int = 0
    n_unsuccessful: int = 0
    cursed_datasets: list[dict[str, Any]] = field(default_factory=list)
    unsuccessful_datasets: list[dict[str, Any]] = field(default_factory=list)

    def to_document(self) -> dict[str, Any]:
        """Give plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The report of one or more graphs."""

    tasks: Mapping[str, TaskSummary]
    datasets: Mapping[str, DatasetSummary]

    def to_document(self) -> dict[str, Any]:
        """Give the JSON mapping: ``tasks`` and ``datasets``."""
        return {
            "tasks": {label: summary.to_document() for label, summary in self.tasks.items()},
            "datasets": {name: summary.to_document() for name, summary in self.datasets.items()},
        }

    def counts(self) -> Counter[OverallStatus]:
        """Give the number of quanta by status."""
        return Counter(entry.status for summary in self.tasks.values() for entry in summary.entries)


def aggregate_reports(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add reports (the documents of `StatusReport`) of graphs with the same tasks over data IDs that do not overlap.

    Raises
    ------
    FormatError
        If one is no report.
    """
    total: dict[str, Any] = {"tasks": {}, "datasets": {}}
    for number, document in enumerate(documents, start=1):
        for part, found in total.items():
            section = document.get(part)
            if not isinstance(section, Mapping):
                raise FormatError(f"Report {number} is no status report: it has no {part!r}.")
            for name, summary in section.items():
                found[name] = _added(found[name], summary, f"{part} {name}") if name in found else summary
    return total


def _added(one: Any, other: Any, what: str) -> Any:
    """Add counts, join lists, and do so with what mappings hold; names must agree."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {
            name: _added(one[name], other[name], what)
            if name in one and name in other
            else one.get(name, other.get(name))
            for name in dict.fromkeys((*one, *other))
        }
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    if type(one) is int and type(other) is int:
        return one + other
    if one != other:
        raise FormatError(f"The reports do not agree about {what}: {one!r} and {other!r}.")
    return one
