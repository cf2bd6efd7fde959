# SPDX-License-Identifier: BSD-3-Clause
"""What became of one or more quantum graphs, from what their runs hold.

The rules (status of a quantum in one run, of a quantum over several runs, of a dataset) are pure functions of flags;
`fetch_run_flags` asks the repository for the flags.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pachon.butler import Butler
from pachon.datasets import DatasetRef, id_keys
from pachon.dimensions import DataCoordinate, match_rows
from pachon.pipe_base.outcomes import Caveats
from pachon.quantum_butler import QuantumGraph

__all__ = [
    "DatasetSummary",
    "OverallStatus",
    "QuantumEntry",
    "RunStatus",
    "StatusReport",
    "TaskSummary",
    "make_status_report",
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
    caveats: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give plain data."""
        return {"data_id": self.data_id, "runs": self.runs, "messages": self.messages}


@dataclass(slots=True)
class TaskSummary:
    """All quanta of a task."""

    entries: list[QuantumEntry] = field(default_factory=list)
    exceptions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

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

    def task_table(self) -> dict[str, list[Any]]:
        """Give the table of tasks for people."""
        summaries = self.tasks.items()
        return {
            "Task": [label for label, _ in summaries],
            "Unknown": [s.count(OverallStatus.UNKNOWN) for _, s in summaries],
            "Successful": [s.count(OverallStatus.SUCCESSFUL) for _, s in summaries],
            "Caveats": [_caveat_text(s.entries) for _, s in summaries],
            "Blocked": [s.count(OverallStatus.BLOCKED) for _, s in summaries],
            "Failed": [s.count(OverallStatus.FAILED) for _, s in summaries],
            "Wonky": [s.count(OverallStatus.WONKY) for _, s in summaries],
            "TOTAL": [len(s.entries) for _, s in summaries],
            "EXPECTED": [len(s.entries) for _, s in summaries],
        }

    def dataset_table(self) -> dict[str, list[Any]]:
        """Give the table of dataset types for people."""
        items = self.datasets.items()
        return {
            "Dataset": [name for name, _ in items],
            "Visible": [s.n_visible for _, s in items],
            "Shadowed": [s.n_shadowed for _, s in items],
            "Predicted only": [s.n_predicted_only for _, s in items],
            "Unsuccessful": [s.n_unsuccessful for _, s in items],
            "Cursed": [s.n_cursed for _, s in items],
            "EXPECTED": [s.n_expected for _, s in items],
        }


def _caveat_text(entries: Iterable[QuantumEntry]) -> str:
    counts = Counter(entry.caveats for entry in entries if entry.caveats)
    return " ".join(f"{code}({count})" for code, count in sorted(counts.items()))


def make_status_report(
    butler: Butler, graphs: Sequence[QuantumGraph], *, collections: Sequence[str] = (), read_logs: bool = True
) -> StatusReport:
    """Compare graphs with what their runs hold.

    Parameters
    ----------
    butler
        The repository.
    graphs
        Oldest first.
    collections
        Where outputs are looked for, in search order; by default the runs of the graphs, newest first.
    read_logs
        Whether exceptions and error messages of failed quanta are read.
    """
    runs = [graph.header.output_run for graph in graphs]
    existing = butler.fetch_collections([*runs, *collections])
    search = [name for name in (collections or list(reversed(runs))) if name in existing]
    tasks: dict[str, TaskSummary] = {}
    entries: dict[tuple[str, DataCoordinate], QuantumEntry] = {}
    for graph in graphs:
        _add_graph(butler, graph, existing.keys(), tasks, entries, read_logs=read_logs)
    datasets = _dataset_summaries(butler, graphs, search, entries)
    return StatusReport(tasks=tasks, datasets=datasets)


def _add_graph(
    butler: Butler,
    graph: QuantumGraph,
    existing: Iterable[str],
    tasks: dict[str, TaskSummary],
    entries: dict[tuple[str, DataCoordinate], QuantumEntry],
    *,
    read_logs: bool,
) -> None:
    run = graph.header.output_run
    has_run = run in existing
    writers: dict[int, list[int]] = {}
    for writer, reader in graph.quantum_edges.tolist():
        writers.setdefault(reader, []).append(writer)
    bad: set[int] = set()
    number = 0
    for part in graph.quanta().parts:
        label = part.label
        metadata = _present(butler, graph, f"{label}_metadata", run if has_run else None, part.data_ids)
        logs = _present(butler, graph, f"{label}_log", run if has_run else None, part.data_ids)
        if f"{label}_log" not in graph.dataset_types:
            # The task keeps no log (saveLogOutput: false), so that none is missing.
            logs = metadata
        summary = tasks.setdefault(label, TaskSummary())
        for row, data_id in enumerate(part.data_ids):
            key = (label, data_id)
            entry = entries.get(key)
            if entry is None:
                entry = entries[key] = QuantumEntry(label=label, data_id=data_id.required)
                summary.entries.append(entry)
            upstream_bad = any(writer in bad for writer in writers.get(number, ()))
            status = run_status(metadata=bool(metadata[row]), log=bool(logs[row]), upstream_bad=upstream_bad)
            if status in (RunStatus.FAILED, RunStatus.BLOCKED):
                bad.add(number)
            before, entry.status = entry.status, next_status(entry.status, status)
            entry.recovered = status is RunStatus.SUCCESSFUL and before not in (
                OverallStatus.SUCCESSFUL,
                OverallStatus.UNKNOWN,
            )
            entry.runs[run] = status.value
            if status is RunStatus.FAILED and read_logs:
                _read_log(butler, run, label, data_id, entry, summary)
            if status is RunStatus.SUCCESSFUL:
                entry.caveats = _read_caveats(butler, run, label, data_id)
            number += 1


def _present(butler: Butler, graph: QuantumGraph, dataset_type: str, run: str | None, data_ids: Any) -> np.ndarray:
    known = graph.dataset_types.get(dataset_type)
    if known is None or run is None or not butler.fetch_dataset_types([dataset_type]):
        return np.zeros(len(data_ids), dtype=bool)
    found = butler.fetch_datasets(known, [run])
    present: np.ndarray = match_rows(data_ids, found.data_ids, data_ids.group.required) >= 0
    return present


def _find(butler: Butler, run: str, dataset_type: str, data_id: DataCoordinate) -> DatasetRef | None:
    return butler.find_dataset(dataset_type, data_id, collections=[run])


def _read_log(
    butler: Butler, run: str, label: str, data_id: DataCoordinate, entry: QuantumEntry, summary: TaskSummary
) -> None:
    ref = _find(butler, run, f"{label}_log", data_id)
    log = butler.get(ref) if ref is not None else None
    if not isinstance(log, Mapping):
        return
    entry.messages = [r["message"] for r in log.get("records", ()) if r.get("levelname") in ("ERROR", "CRITICAL")]
    exception = log.get("exception")
    if exception:
        item = {"data_id": data_id.required, "message": exception["message"]}
        summary.exceptions.setdefault(exception["type_name"], []).append(item)


def _read_caveats(butler: Butler, run: str, label: str, data_id: DataCoordinate) -> str:
    ref = _find(butler, run, f"{label}_metadata", data_id)
    document = butler.get(ref) if ref is not None else {}
    quantum = document.get("metadata", {}).get("quantum", {}) if isinstance(document, Mapping) else {}
    return Caveats(quantum.get("scalars", {}).get("caveats", 0)).code()


def _dataset_summaries(
    butler: Butler,
    graphs: Sequence[QuantumGraph],
    search: Sequence[str],
    entries: Mapping[tuple[str, DataCoordinate], QuantumEntry],
) -> dict[str, DatasetSummary]:
    found: dict[str, DatasetSummary] = {}
    for graph in graphs[-1:]:
        for edge in graph.structure.edges:
            if edge.kind != "output":
                continue
            summary = found.setdefault(edge.dataset_type, DatasetSummary(producer=edge.label))
            _count_datasets(butler, graph, edge.label, edge.dataset_type, search, entries, summary)
    return found


def _count_datasets(
    butler: Butler,
    graph: QuantumGraph,
    label: str,
    name: str,
    search: Sequence[str],
    entries: Mapping[tuple[str, DataCoordinate], QuantumEntry],
    summary: DatasetSummary,
) -> None:
    table = graph.datasets(name)
    registered = bool(butler.fetch_dataset_types([name]))
    visible = butler.fetch_datasets(table.dataset_type, search) if registered and search else None
    in_run = butler.fetch_datasets(table.dataset_type, [graph.header.output_run]) if visible is not None else None
    rows = None if visible is None else match_rows(table.data_ids, visible.data_ids, table.data_ids.group.required)
    produced_keys = set() if in_run is None else set(id_keys(in_run.ids).tolist())
    task_group = graph.quanta(label).parts[0].data_ids.group
    for row, (data_id, key) in enumerate(zip(table.data_ids, id_keys(table.ids).tolist(), strict=True)):
        summary.n_expected += 1
        entry = entries.get((label, data_id)) if data_id.group == task_group else None
        good = entry is None or entry.status is OverallStatus.SUCCESSFUL
        is_visible = rows is not None and rows[row] >= 0
        if not good:
            if is_visible and not name.endswith("_log"):
                summary.n_cursed += 1
                summary.cursed_datasets.append(data_id.required)
            else:
                summary.n_unsuccessful += 1
                summary.unsuccessful_datasets.append(data_id.required)
        elif is_visible:
            summary.n_visible += 1
        elif key in produced_keys:
            summary.n_shadowed += 1
        else:
            summary.n_predicted_only += 1
