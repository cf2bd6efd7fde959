# SPDX-License-Identifier: BSD-3-Clause
"""From a graph that was run to its provenance graph: every quantum is looked at, in graph order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from pachon.base import progress
from pachon.ctrl_mpexec.provenance_records import quantum_record
from pachon.pipe_base.outcomes import AttemptStatus
from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph
from pachon.quantum_butler.provenance_graph import ProvenanceGraph, QuantumRecord
from pachon.resources import ResourcePath

__all__ = ["Scan", "scan_graph"]

_SELF_DESCRIPTIONS = ("ButlerLogRecords", "TaskMetadata", "Config", "Packages")
"""Storage classes of the small files that runs keep about themselves."""
_BATCH = 5000

Read = Callable[[str, np.ndarray], list[Any]]
"""Gives what the files of datasets (a type, rows) hold, as plain data; `None` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found."""

    provenance: ProvenanceGraph
    counts: dict[str, int]
    """Number of quanta by status, in lower case."""

    @property
    def is_complete(self) -> bool:
        """Whether every quantum left metadata and log, or is known to be blocked."""
        return not (self.counts.get("unknown") or self.counts.get("aborted_success"))


def scan_graph(graph: QuantumGraph, *, processes: int = 1, read: Read | None = None) -> Scan:
    """Look at what the jobs of a graph left.

    Parameters
    ----------
    graph
        A whole graph, with the configuration of its datastore.
    processes
        How many files are read at once.
    read
        Reads logs, metadata and so on, if not from the files at their predicted places.
    """
    with QuantumBackedButler.from_graph(graph) as butler, ThreadPoolExecutor(max_workers=4 * processes) as threads:
        reader = read or _FileReader(graph, butler, threads).read
        made = {name: _made(graph, butler, name) for name in graph.dataset_types}
        contents: dict[str, Sequence[Any]] = {}
        kept = [n for n, e in graph.structure.datasets.items() if e.storage_class in _SELF_DESCRIPTIONS]
        with progress("Reading what quanta left", total=sum(len(made[name]) for name in kept)) as bar:
            for name in kept:
                items: list[Any] = []
                for start in range(0, len(made[name]), _BATCH):
                    rows = np.arange(start, min(start + _BATCH, len(made[name])))
                    items += reader(name, rows)
                    bar.advance(len(rows))
                contents[name] = items
                made[name] = np.array([item is not None for item in items], dtype=bool)
    records = _records(graph, contents)
    counts: dict[str, int] = {}
    for task_records in records.values():
        for record in task_records:
            status = AttemptStatus(record.status).name.lower()
            counts[status] = counts.get(status, 0) + 1
    return Scan(provenance=ProvenanceGraph.from_records(graph, records, made, contents), counts=counts)


def _made(graph: QuantumGraph, butler: QuantumBackedButler, name: str) -> np.ndarray:
    """Tell for each dataset of a type whether it is there; overall inputs are."""
    made = np.asarray(graph.dataset_states(name) == DatasetState.EXISTING)
    rows = np.flatnonzero(~made)
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        made[part] = butler.exists_many(graph.refs(name, part))
    return made


@dataclass(frozen=True, slots=True)
class _FileReader:
    """Reads files at their predicted places, several at once; most of the time goes into waiting for them."""

    graph: QuantumGraph
    butler: QuantumBackedButler
    threads: ThreadPoolExecutor

    def read(self, name: str, rows: np.ndarray) -> list[Any]:
        places = [self.butler.get_uri(ref) for ref in self.graph.refs(name, rows)]
        return list(self.threads.map(_read_plain, places))


def _read_plain(place: ResourcePath) -> Any:
    try:
        content = place.read()
    except FileNotFoundError:
        return None
    try:
        return yaml.safe_load(content) if place.extension == ".yaml" else json.loads(content)
    except (ValueError, yaml.YAMLError):
        return {"damaged": str(place)}


def _records(graph: QuantumGraph, contents: dict[str, Sequence[Any]]) -> dict[str, list[QuantumRecord]]:
    bad = np.zeros(len(graph), dtype=bool)
    upstream = graph.upstream_rows
    found: dict[str, list[QuantumRecord]] = {}
    number = 0
    for label, count in graph.task_counts().items():
        metadata = _by_quantum(graph, label, "_metadata", contents, count)
        logs = _by_quantum(graph, label, "_log", contents, count)
        keeps_log = any(edge.connection == "_log" for edge in graph.structure.edges_of(label))
        rows: list[QuantumRecord] = []
        for row in range(count):
            before = upstream.targets[upstream.offsets[number] : upstream.offsets[number + 1]]
            record = quantum_record(metadata[row], logs[row], keeps_log=keeps_log, upstream_bad=bool(bad[before].any()))
            bad[number] = record.status in (AttemptStatus.FAILED, AttemptStatus.BLOCKED)
            rows.append(record)
            number += 1
        found[label] = rows
    return found


def _by_quantum(
    graph: QuantumGraph, label: str, connection: str, contents: dict[str, Sequence[Any]], count: int
) -> list[Any]:
    edge = next((e for e in graph.structure.edges_of(label) if e.connection == connection), None)
    documents: list[Any] = [None] * count
    if edge is not None:
        quanta, datasets = graph.connection_rows(label, connection)
        for quantum, dataset in zip(quanta.tolist(), datasets.tolist(), strict=True):
            documents[quantum] = contents[edge.dataset_type][dataset]
    return documents
