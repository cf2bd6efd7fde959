# SPDX-License-Identifier: BSD-3-Clause
"""From a graph that was run to its provenance graph: every quantum is looked at, in graph order.

Of the small files that quanta leave, only those of a batch are in memory; what is kept of them waits in a temporary file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import yaml

from pachon.base import progress
from pachon.base.progress_bar import ProgressBar
from pachon.ctrl_mpexec.provenance_records import quantum_record
from pachon.datasets import id_keys
from pachon.datastore import Datastore, FileRecords
from pachon.pipe_base.outcomes import AttemptStatus
from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph
from pachon.quantum_butler.column_file.spooled_column import SpooledColumn
from pachon.quantum_butler.provenance_graph import ProvenanceGraph, QuantumRecord, packed_content
from pachon.resources import ResourcePath

__all__ = ["Scan", "scan_graph"]

_SELF_DESCRIPTIONS: Final = ("ButlerLogRecords", "TaskMetadata", "Config", "Packages")
"""Storage classes of the small files that runs keep about themselves."""
_LOOKED_FOR: Final = 5000
"""Files that are looked for together."""
_READ: Final = 250
"""Quanta whose metadata and logs are in memory together: a log may have megabytes."""


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


def scan_graph(graph: QuantumGraph, *, processes: int = 1) -> Scan:
    """Look at what the jobs of a graph left.

    Parameters
    ----------
    graph
        A whole graph, with the configuration of its datastore.
    processes
        How many files are read at once.
    """
    with (
        # Only the datastore is wanted: the quanta are read here, batch by batch.
        QuantumBackedButler.from_graph(graph, quanta=()) as butler,
        ThreadPoolExecutor(max_workers=4 * processes) as threads,
    ):
        files = _Files(graph, butler.datastore, threads)
        made = {name: files.made(name) for name in graph.dataset_types}
        kept = [n for n, e in graph.structure.datasets.items() if e.storage_class in _SELF_DESCRIPTIONS]
        contents = {name: SpooledColumn(len(made[name])) for name in kept}
        with progress("Reading what quanta left", total=sum(len(made[name]) for name in kept)) as bar:
            reader = _Reader(files, contents, bar)
            records = _records(graph, reader)
            reader.read_the_rest()
        made |= {name: np.array(column.filled) for name, column in contents.items()}
    counts: dict[str, int] = {}
    for task_records in records.values():
        for record in task_records:
            status = AttemptStatus(record.status).name.lower()
            counts[status] = counts.get(status, 0) + 1
    return Scan(provenance=ProvenanceGraph.from_records(graph, records, made, contents), counts=counts)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a graph's datasets."""

    graph: QuantumGraph
    datastore: Datastore
    threads: ThreadPoolExecutor

    def made(self, name: str) -> np.ndarray:
        """Tell for each dataset of a type whether it is there; overall inputs are."""
        made = np.asarray(self.graph.dataset_states(name) == DatasetState.EXISTING)
        rows = np.flatnonzero(~made)
        keys = id_keys(self.graph.datasets(name).ids)
        for start in range(0, len(rows), _LOOKED_FOR):
            part = rows[start : start + _LOOKED_FOR]
            records = self.datastore.predicted_records(self.graph.refs(name, part))
            # Of one that is taken apart, components that were None have no file.
            made[part] = np.isin(keys[part], id_keys(records.dataset_id)[self.datastore.exists(records)])
        return made

    def read(self, name: str, rows: np.ndarray) -> list[tuple[Any, bytes] | None]:
        """Give what files hold, as plain data and as the text of it; `None` where there is none. Several are read at once."""
        existing = self.graph.dataset_states(name)[rows] == DatasetState.EXISTING
        refs = self.graph.refs(name, rows)
        records = self.datastore.predicted_records([ref for ref, old in zip(refs, existing, strict=True) if not old])
        if existing.any():
            records = FileRecords.concat([records, self.graph.file_records()])
        places = {row.dataset_id: self.datastore.uri(row) for row in records.rows()}
        return list(self.threads.map(_read_plain, [places.get(ref.id) for ref in refs]))


def _read_plain(place: ResourcePath | None) -> tuple[Any, bytes] | None:
    """Read a file; most of the time goes into waiting for it."""
    if place is None:
        return None
    try:
        text = place.read()
    except FileNotFoundError:
        return None
    try:
        if place.extension != ".yaml":
            return json.loads(text), text
        content = yaml.safe_load(text)
        return content, json.dumps(content).encode()
    except (ValueError, TypeError, yaml.YAMLError):  # a date, say, is no plain data
        content = {"damaged": str(place)}
    return content, json.dumps(content).encode()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what quanta left, and keeps it."""

    files: _Files
    contents: Mapping[str, SpooledColumn]
    bar: ProgressBar

    def read(self, name: str, rows: np.ndarray) -> list[Any]:
        """Give what files hold as plain data; `None` where there is none."""
        column = self.contents[name]
        found = self.files.read(name, rows)
        for row, item in zip(rows.tolist(), found, strict=True):
            column[row] = None if item is None else packed_content(item[1])
        self.bar.advance(len(rows))
        return [None if item is None else item[0] for item in found]

    def read_the_rest(self) -> None:
        """Read what is not of single quanta: configurations, versions."""
        for name, column in self.contents.items():
            rows = np.flatnonzero(~column.filled)
            for start in range(0, len(rows), _READ):
                self.read(name, rows[start : start + _READ])


def _records(graph: QuantumGraph, reader: _Reader) -> dict[str, list[QuantumRecord]]:
    bad = np.zeros(len(graph), dtype=bool)
    upstream = graph.upstream_rows
    found: dict[str, list[QuantumRecord]] = {}
    number = 0
    for label, count in graph.task_counts().items():
        keeps_log = any(edge.connection == "_log" for edge in graph.structure.edges_of(label))
        rows: list[QuantumRecord] = []
        for metadata, log in _documents(graph, label, count, reader):
            before = upstream.targets[upstream.offsets[number] : upstream.offsets[number + 1]]
            record = quantum_record(metadata, log, keeps_log=keeps_log, upstream_bad=bool(bad[before].any()))
            bad[number] = record.status in (AttemptStatus.FAILED, AttemptStatus.BLOCKED)
            rows.append(record)
            number += 1
        found[label] = rows
    return found


def _documents(graph: QuantumGraph, label: str, count: int, reader: _Reader) -> Iterator[tuple[Any, Any]]:
    """Give metadata and log of each quantum of a task."""
    places = [_rows_by_quantum(graph, label, connection, count) for connection in ("_metadata", "_log")]
    for start in range(0, count, _READ):
        stop = min(start + _READ, count)
        columns: list[list[Any]] = []
        for name, rows in places:
            wanted = np.flatnonzero(rows[start:stop] >= 0)
            documents: list[Any] = [None] * (stop - start)
            # Without rows there may be no dataset type either: tasks need not keep logs.
            found = reader.read(name, rows[start + wanted]) if len(wanted) else ()
            for position, document in zip(wanted.tolist(), found, strict=True):
                documents[position] = document
            columns.append(documents)
        yield from zip(*columns, strict=True)


def _rows_by_quantum(graph: QuantumGraph, label: str, connection: str, count: int) -> tuple[str, np.ndarray]:
    """Give the dataset type of a connection with one dataset a quantum, and the row of each quantum's; -1 for none."""
    rows = np.full(count, -1, dtype=np.int64)
    edge = next((e for e in graph.structure.edges_of(label) if e.connection == connection), None)
    if edge is None:
        return "", rows
    quanta, datasets = graph.connection_rows(label, connection)
    rows[quanta] = datasets
    return edge.dataset_type, rows
