# SPDX-License-Identifier: BSD-3-Clause
"""Finding out what became of graphs: from the repository, and from files that are not registered there."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from pachon.butler import Butler
from pachon.ctrl_mpexec.status_report import (
    DatasetSummary,
    OverallStatus,
    QuantumEntry,
    RunStatus,
    StatusReport,
    TaskSummary,
    next_status,
    run_status,
)
from pachon.datasets import DatasetRef, uuids_from_ids
from pachon.dimensions import match_rows
from pachon.pipe_base.outcomes import Caveats
from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph
from pachon.quantum_butler.run_journal import LockContent
from pachon.quantum_butler.run_lock import interrupted_quanta

__all__ = ["CaveatReading", "make_status_report"]

CaveatReading: TypeAlias = Literal["exhaustive", "lazy", "none"]
"""Of which quanta the metadata is read for caveats: of all that succeeded, of those that lack an output, of none."""

_DataId: TypeAlias = tuple[Any, ...]
"""Values of the required dimensions."""


def make_status_report(
    butler: Butler,
    graphs: Sequence[QuantumGraph],
    *,
    collections: Sequence[str] = (),
    where: str = "",
    read_logs: bool = True,
    read_caveats: CaveatReading = "lazy",
    curse_failed_logs: bool = False,
    use_files: bool = True,
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
    where
        Expression that outputs must satisfy to count as visible.
    read_logs
        Whether exceptions and error messages of failed quanta are read.
    read_caveats
        Of which quanta caveats are read.
    curse_failed_logs
        Whether the visible log of a failed quantum is cursed, as its other outputs are.
    use_files
        Whether files count that have no rows in the repository, as those of jobs that were not merged.
    """
    state = _State(butler, where=where)
    for graph in graphs:
        _GraphReader(state, graph, read_logs=read_logs, read_caveats=read_caveats, use_files=use_files).read()
    runs = list(dict.fromkeys(graph.header.output_run for graph in reversed(graphs)))
    wanted = collections or runs
    existing = butler.fetch_collections(list(wanted))
    state.judge_datasets([name for name in wanted if name in existing], curse_failed_logs=curse_failed_logs)
    return StatusReport(tasks=state.tasks, datasets=state.summaries)


@dataclass(slots=True)
class _Dataset:
    """One output over all runs."""

    entry: QuantumEntry
    data_id: dict[str, Any]
    produced: bool = False
    visible_in: str | None = None


@dataclass(slots=True)
class _State:
    butler: Butler
    where: str
    tasks: dict[str, TaskSummary] = field(default_factory=dict)
    entries: dict[tuple[str, _DataId], QuantumEntry] = field(default_factory=dict)
    datasets: dict[str, dict[_DataId, _Dataset]] = field(default_factory=dict)
    summaries: dict[str, DatasetSummary] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)

    def judge_datasets(self, search: Sequence[str], *, curse_failed_logs: bool) -> None:
        for name, datasets in self.datasets.items():
            self._find_visible(name, datasets, search)
        self._find_mixtures()
        for name, datasets in self.datasets.items():
            summary = self.summaries[name]
            for dataset in datasets.values():
                _count(summary, dataset, may_curse=curse_failed_logs or not name.endswith("_log"))

    def _find_visible(self, name: str, datasets: Mapping[_DataId, _Dataset], search: Sequence[str]) -> None:
        known = self.butler.fetch_dataset_types([name]).get(name)
        if known is None or not search:
            return
        table = self.butler.fetch_datasets(known, list(search), where=self.where)
        runs = table.runs.decode().tolist()
        found = zip((data_id.required_values for data_id in table.data_ids), runs, strict=True)
        for values, run in found:
            if values in datasets:
                datasets[values].visible_in = run

    def _find_mixtures(self) -> None:
        """Mark quanta whose outputs are visible from several runs: nobody can tell which belong together."""
        runs: dict[int, set[str]] = {}
        entries: dict[int, QuantumEntry] = {}
        for datasets in self.datasets.values():
            for dataset in datasets.values():
                if dataset.visible_in is not None:
                    runs.setdefault(id(dataset.entry), set()).add(dataset.visible_in)
                    entries[id(dataset.entry)] = dataset.entry
        for key, found in runs.items():
            if len(found) > 1:
                entries[key].status = OverallStatus.WONKY
                entries[key].messages.append(f"Its outputs are visible from several runs: {', '.join(sorted(found))}.")


def _interruption(cut_off: LockContent, quantum_id: uuid.UUID) -> list[str]:
    """Say of a quantum that left nothing what is known: that it ran when the execution was cut off."""
    since = cut_off.running.get(quantum_id)
    if since is None:
        return []
    start = datetime.datetime.fromtimestamp(since, datetime.UTC).isoformat(timespec="seconds")
    return [f"It ran since {start} when the execution was cut off: {cut_off.holder}"]


def _count(summary: DatasetSummary, dataset: _Dataset, *, may_curse: bool) -> None:
    summary.n_expected += 1
    visible = dataset.visible_in is not None
    if dataset.entry.status is not OverallStatus.SUCCESSFUL:
        if visible and may_curse:
            summary.n_cursed += 1
            summary.cursed_datasets.append(dataset.data_id)
        else:
            summary.n_unsuccessful += 1
            summary.unsuccessful_datasets.append(dataset.data_id)
    elif visible:
        summary.n_visible += 1
    elif dataset.produced:
        summary.n_shadowed += 1
    else:
        summary.n_predicted_only += 1


class _GraphReader:
    """Adds one graph, and what its run holds, to the state."""

    def __init__(
        self, state: _State, graph: QuantumGraph, *, read_logs: bool, read_caveats: CaveatReading, use_files: bool
    ) -> None:
        self._state, self._graph = state, graph
        self._read_logs, self._read_caveats = read_logs, read_caveats
        self._run = graph.header.output_run
        self._files = None
        if use_files and graph.datastore is not None:
            self._files = QuantumBackedButler.from_graph(graph)

    def read(self) -> None:
        graph = self._graph
        produced = {edge.dataset_type: self._produced(edge.dataset_type) for edge in self._output_edges()}
        bad = np.zeros(len(graph), dtype=bool)
        upstream = graph.upstream_rows
        lacking = self._lacking(produced)
        number = 0
        cut_off = interrupted_quanta(str(self._state.butler.datastore_document()["root"]), self._run)
        for part in graph.quanta().parts:
            ids = () if cut_off is None else uuids_from_ids(part.ids)
            metadata = self._made(part.label, "_metadata", produced, len(part.data_ids))
            logs = self._made(part.label, "_log", produced, len(part.data_ids))
            if metadata is None:
                metadata = np.zeros(len(part.data_ids), dtype=bool)
            if logs is None:
                # The task keeps no log (saveLogOutput: false), so that none is missing.
                logs = metadata
            summary = self._state.tasks.setdefault(part.label, TaskSummary())
            for row, data_id in enumerate(part.data_ids):
                entry = self._entry(part.label, data_id.required_values, data_id.required, summary)
                before = upstream.targets[upstream.offsets[number] : upstream.offsets[number + 1]]
                status = run_status(
                    metadata=bool(metadata[row]), log=bool(logs[row]), upstream_bad=bool(bad[before].any())
                )
                bad[number] = status in (RunStatus.FAILED, RunStatus.BLOCKED)
                self._note(entry, status, part.label, row, lacks_outputs=bool(lacking[number]))
                if cut_off is not None and entry.status is OverallStatus.UNKNOWN:
                    entry.messages = _interruption(cut_off, ids[row])
                number += 1
        self._add_datasets(produced)
        if self._files is not None:
            self._files.close()

    def _entry(self, label: str, values: _DataId, data_id: dict[str, Any], summary: TaskSummary) -> QuantumEntry:
        entry = self._state.entries.get((label, values))
        if entry is None:
            entry = self._state.entries[label, values] = QuantumEntry(label=label, data_id=data_id)
            summary.entries.append(entry)
        return entry

    def _note(self, entry: QuantumEntry, status: RunStatus, label: str, row: int, *, lacks_outputs: bool) -> None:
        before, entry.status = entry.status, next_status(entry.status, status)
        entry.runs[self._run] = status.value
        if status is RunStatus.SUCCESSFUL:
            entry.messages, entry.exception = [], None
            entry.recovered = before not in (OverallStatus.SUCCESSFUL, OverallStatus.UNKNOWN) or entry.recovered
            if self._read_caveats == "exhaustive" or (self._read_caveats == "lazy" and lacks_outputs):
                entry.caveats = self._caveats(label, row)
        elif status is RunStatus.FAILED and self._read_logs:
            self._read_log(label, row, entry)

    # What is there -----------------------------------------------------------------------------------------------

    def _output_edges(self) -> list[Any]:
        return [edge for edge in self._graph.structure.edges if edge.kind == "output"]

    def _produced(self, name: str) -> np.ndarray:
        """Tell for each dataset of a type whether it was made: whether the run has it, or its file is there."""
        graph = self._graph
        table = graph.datasets(name)
        made = np.zeros(len(table), dtype=bool)
        butler = self._state.butler
        known = butler.fetch_dataset_types([name]).get(name)
        if known is not None and self._run in butler.fetch_collections([self._run]):
            registered = butler.fetch_datasets(known, [self._run])
            # By data ID: what another graph of the same run made under another id is what this run has of it.
            made = match_rows(table.data_ids, registered.data_ids, table.data_ids.group.required) >= 0
        candidates = np.flatnonzero(~made & (graph.dataset_states(name) != DatasetState.EXISTING))
        if self._files is not None and len(candidates):
            made[candidates] = self._files.exists_many(graph.refs(name, candidates))
        return made

    def _made(self, label: str, connection: str, produced: Mapping[str, np.ndarray], count: int) -> np.ndarray | None:
        edge = next((e for e in self._graph.structure.edges_of(label) if e.connection == connection), None)
        if edge is None:
            return None
        quanta, datasets = self._graph.connection_rows(label, connection)
        made = np.zeros(count, dtype=bool)
        made[quanta] = produced[edge.dataset_type][datasets]
        return made

    def _lacking(self, produced: Mapping[str, np.ndarray]) -> np.ndarray:
        """Tell for each quantum whether an output is missing."""
        lacking = np.zeros(len(self._graph), dtype=bool)
        offset = 0
        for label, count in self._graph.task_counts().items():
            for edge in self._graph.structure.edges_of(label):
                if edge.kind == "output" and edge.connection != "_log":
                    quanta, datasets = self._graph.connection_rows(label, edge.connection)
                    lacking[offset + quanta[~produced[edge.dataset_type][datasets]]] = True
            offset += count
        return lacking

    def _add_datasets(self, produced: Mapping[str, np.ndarray]) -> None:
        graph = self._graph
        for edge in self._output_edges():
            name = edge.dataset_type
            self._state.summaries.setdefault(name, DatasetSummary(producer=edge.label))
            known = self._state.datasets.setdefault(name, {})
            writers = graph.quanta(edge.label).parts[0].data_ids
            data_ids = graph.datasets(name).data_ids
            quanta, datasets = graph.connection_rows(edge.label, edge.connection)
            for quantum, row in zip(quanta.tolist(), datasets.tolist(), strict=True):
                data_id = data_ids[row]
                dataset = known.get(data_id.required_values)
                if dataset is None:
                    entry = self._state.entries[edge.label, writers[quantum].required_values]
                    dataset = known[data_id.required_values] = _Dataset(entry, data_id.required)
                dataset.produced = dataset.produced or bool(produced[name][row])

    # Reading -----------------------------------------------------------------------------------------------------

    def _get(self, label: str, connection: str, row: int) -> Any:
        edge = next((e for e in self._graph.structure.edges_of(label) if e.connection == connection), None)
        if edge is None:
            return None
        quanta, datasets = self._graph.connection_rows(label, connection)
        rows = datasets[quanta == row]
        if not len(rows):
            return None
        (ref,) = self._graph.refs(edge.dataset_type, rows[:1])
        return self._read(ref)

    def _read(self, ref: DatasetRef) -> Any:
        try:
            butler, name = self._state.butler, ref.dataset_type.name
            known = butler.fetch_dataset_types([name]) and butler.fetch_collections([self._run])
            registered = butler.find_dataset(name, ref.data_id, collections=[self._run]) if known else None
            if registered is not None:
                return self._state.butler.get(registered)
            return None if self._files is None else self._files.get(ref)
        except Exception as error:  # noqa: BLE001  # a log that cannot be read must not hide the other quanta
            return {"records": [{"levelname": "ERROR", "message": f"{ref} cannot be read: {error}"}]}

    def _read_log(self, label: str, row: int, entry: QuantumEntry) -> None:
        log = self._get(label, "_log", row)
        if not isinstance(log, Mapping):
            return
        records = log.get("records", ())
        entry.messages = [one["message"] for one in records if one.get("levelname") in ("ERROR", "CRITICAL")]
        exception = log.get("exception")
        if exception:
            entry.messages = entry.messages or [f"{exception['type_name']}: {exception['message']}"]
            entry.exception = (exception["type_name"], exception["message"])

    def _caveats(self, label: str, row: int) -> str:
        document = self._get(label, "_metadata", row)
        quantum = document.get("metadata", {}).get("quantum", {}) if isinstance(document, Mapping) else {}
        return Caveats(quantum.get("scalars", {}).get("caveats", 0)).code()
