# SPDX-License-Identifier: BSD-3-Clause
"""Where a dataset or quantum comes from, and what came of it: lineage across runs, by ids from graph to graph."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from pachon.base import NotFoundError
from pachon.butler import Butler
from pachon.ctrl_mpexec.graph_merging import find_run_provenance
from pachon.ctrl_mpexec.graph_store import graph_files
from pachon.ctrl_mpexec.provenance_records import quantum_record
from pachon.datasets import CollectionType, DatasetRef, Quantum, ids_from_uuids
from pachon.pipe_base.outcomes import AttemptStatus
from pachon.quantum_butler import DatasetState, QuantumGraph, find_receipts_of_run
from pachon.quantum_butler.provenance_graph import QuantumRecord
from pachon.resources import ResourcePath

__all__ = ["Lineage", "ProvenanceFinder", "lineage_document", "lineage_lines"]

Direction = Literal["up", "down"]


@dataclass(slots=True)
class Lineage:
    """A quantum or dataset with what is next to it in one direction."""

    kind: Literal["quantum", "dataset"]
    id: uuid.UUID
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    role: str = ""
    """The connection by which it is next to the one above."""
    next: list[Lineage] = field(default_factory=list)
    seen_before: bool = False
    """Whether what is next to it stands elsewhere already."""


class ProvenanceFinder:
    """Looks into the graphs that runs keep.

    Parameters
    ----------
    butler
        The repository.
    graphs
        Further graph files.
    """

    def __init__(self, butler: Butler, graphs: Sequence[str] = ()) -> None:
        self._butler = butler
        self._extra = [QuantumGraph.open(uri) for uri in graphs]
        self._by_run: dict[str, list[QuantumGraph]] = {}
        self._records: dict[uuid.UUID, QuantumRecord] = {}
        self._registered: dict[tuple[str, str], uuid.UUID | None] = {}

    def lineage(self, any_id: uuid.UUID, direction: Direction, *, depth: int | None = None) -> Lineage:
        """Follow a quantum or dataset upstream or downstream.

        Parameters
        ----------
        any_id
            Of a quantum or a dataset.
        direction
            ``up``: what it was made of; ``down``: what was made of it.
        depth
            How many quanta are gone through; all if left out.

        Raises
        ------
        NotFoundError
            If neither the repository nor a graph knows the id.
        """
        seen: set[uuid.UUID] = set()
        found = self._find_quantum(any_id)
        if found is not None:
            return self._quantum(*found, direction, depth, seen, "")
        ref = self._butler.get_dataset(any_id) or self._predicted(any_id)
        if ref is None:
            raise NotFoundError(
                f"Neither the repository nor a graph of its runs knows {any_id}; name a graph file with --graph."
            )
        return self._dataset(ref, direction, depth, seen, "")

    # Graphs ------------------------------------------------------------------------------------------------------

    @cached_property
    def _all_graphs(self) -> list[QuantumGraph]:
        runs = [info.name for info in self._butler.collections.query_info("*") if info.type is CollectionType.RUN]
        return [*self._extra, *(graph for run in runs for graph in self._graphs_of(run))]

    def _graphs_of(self, run: str) -> list[QuantumGraph]:
        """Give the graphs of a run; of one whose provenance was ingested that one."""
        if run not in self._by_run:
            ref = find_run_provenance(self._butler, run)
            graphs = [] if ref is None else [self._butler.get(ref).graph]
            known = {graph.header.graph_id for graph in graphs}
            for path in graph_files(self._butler, run):
                graph = QuantumGraph.open(path)
                if graph.header.graph_id not in known:
                    known.add(graph.header.graph_id)
                    graphs.append(graph)
            self._by_run[run] = graphs
        return self._by_run[run]

    def _find_quantum(self, any_id: uuid.UUID) -> tuple[QuantumGraph, uuid.UUID] | None:
        return next(((graph, any_id) for graph in self._all_graphs if any_id in graph), None)

    def _predicted(self, dataset_id: uuid.UUID) -> DatasetRef | None:
        for graph in self._all_graphs:
            place = _place(graph, dataset_id)
            if place is not None:
                return graph.refs(place[0], np.array([place[1]]))[0]
        return None

    # Steps -------------------------------------------------------------------------------------------------------

    def _dataset(
        self, ref: DatasetRef, direction: Direction, depth: int | None, seen: set[uuid.UUID], role: str
    ) -> Lineage:
        title = f"{ref.dataset_type.parent_name} {_values(ref.data_id.required)} in {ref.run}"
        node = Lineage("dataset", ref.id, title, {"run": ref.run}, role)
        if ref.id in seen:
            node.seen_before = True
            return node
        seen.add(ref.id)
        if depth == 0:
            return node
        quanta = self._producers(ref) if direction == "up" else self._consumers(ref)
        node.next = [self._quantum(graph, quantum, direction, depth, seen, "") for graph, quantum in quanta]
        if direction == "up" and not node.next and self._lacks_graph(ref.run):
            node.facts["hint"] = (
                "jobs made it, of a graph that the run does not keep: name the file of the graph with --graph, or run "
                "'butler aggregate-graph' with it"
            )
        return node

    def _lacks_graph(self, run: str) -> bool:
        """Tell whether jobs wrote to a run, and none of their graphs is here."""
        if self._graphs_of(run):
            return False
        root = ResourcePath(str(self._butler.datastore_document()["root"]), force_directory=True)
        return bool(find_receipts_of_run(root, run))

    def _quantum(
        self,
        graph: QuantumGraph,
        quantum_id: uuid.UUID,
        direction: Direction,
        depth: int | None,
        seen: set[uuid.UUID],
        role: str,
    ) -> Lineage:
        quantum = graph.quantum(quantum_id)
        title = f"{quantum.task_label} {_values(quantum.data_id.required)}"
        node = Lineage("quantum", quantum_id, title, self._facts(graph, quantum), role)
        if quantum_id in seen:
            node.seen_before = True
            return node
        seen.add(quantum_id)
        left = None if depth is None else depth - 1
        sides: Mapping[str, Sequence[DatasetRef]]
        if direction == "up":
            sides = {**{name: (ref,) for name, ref in quantum.init_inputs.items()}, **quantum.inputs}
        else:
            sides = {name: refs for name, refs in quantum.outputs.items() if not name.startswith("_")}
        for name, refs in sides.items():
            node.next += [self._dataset(ref, direction, left, seen, name) for ref in refs]
        return node

    def _producers(self, ref: DatasetRef) -> Iterator[tuple[QuantumGraph, uuid.UUID]]:
        for graph in (*self._extra, *self._graphs_of(ref.run)):
            place = _place(graph, ref.id)
            if place is None or graph.dataset_states(place[0])[place[1]] == DatasetState.EXISTING:
                continue
            yield from ((graph, quantum) for quantum in _quanta_at(graph, place, "output"))
            return

    def _consumers(self, ref: DatasetRef) -> Iterator[tuple[QuantumGraph, uuid.UUID]]:
        found: set[uuid.UUID] = set()
        for graph in self._all_graphs:
            place = _place(graph, ref.id)
            for quantum in () if place is None else _quanta_at(graph, place, "input", "prerequisite"):
                if quantum not in found:
                    found.add(quantum)
                    yield graph, quantum

    def _facts(self, graph: QuantumGraph, quantum: Quantum) -> dict[str, Any]:
        header = graph.header
        record = self._record(graph, quantum)
        facts = record.to_document()
        facts["status"] = AttemptStatus(record.status).name.lower()
        facts |= {"run": header.output_run, "graph": str(header.graph_id), "user": header.user}
        facts |= {"graph_built": header.created, "command": header.command}
        init = graph.init_quantum(quantum.task_label).init_outputs if quantum.task_label in graph.init_labels else {}
        if "_config" in init:
            facts["config"] = str(self._registered_id(init["_config"]))
        if "" in graph.init_labels:
            (packages,) = graph.init_quantum("").init_outputs.values()
            facts["packages"] = str(self._registered_id(packages))
        facts["task"] = graph.pipeline["tasks"][quantum.task_label]["class"] if _has_class(graph, quantum) else None
        return {name: value for name, value in facts.items() if value not in (None, "")}

    def _registered_id(self, ref: DatasetRef) -> uuid.UUID:
        """Give the id of an init-output as the run has it: of several graphs of one run the first has registered its own."""
        key = (ref.run, ref.dataset_type.name)
        if key not in self._registered:
            known = self._butler.fetch_dataset_types([key[1]]) and self._butler.fetch_collections([key[0]])
            found = self._butler.find_dataset(key[1], collections=[key[0]]) if known else None
            self._registered[key] = None if found is None else found.id
        return self._registered[key] or ref.id

    def _record(self, graph: QuantumGraph, quantum: Quantum) -> QuantumRecord:
        found = self._records.get(quantum.id)
        if found is None:
            metadata, log = (self._content(quantum, name) for name in ("_metadata", "_log"))
            found = quantum_record(
                metadata,
                log,
                keeps_log="_log" in quantum.outputs,
                upstream_bad=metadata is None and log is None and self._waits_for_failure(graph, quantum),
            )
            self._records[quantum.id] = found
        return found

    def _waits_for_failure(self, graph: QuantumGraph, quantum: Quantum) -> bool:
        """Tell whether a quantum of the same graph that makes an input failed, or was blocked itself."""
        places = (_place(graph, ref.id) for refs in quantum.inputs.values() for ref in refs)
        makers = {maker for place in places if place is not None for maker in _quanta_at(graph, place, "output")}
        states = (AttemptStatus(self._record(graph, graph.quantum(maker)).status) for maker in makers)
        return any(state in (AttemptStatus.FAILED, AttemptStatus.BLOCKED) for state in states)

    def _content(self, quantum: Quantum, connection: str) -> Any:
        refs = quantum.outputs.get(connection, ())
        known = self._butler.get_dataset(refs[0].id) if refs else None
        try:
            return None if known is None else self._butler.get(known)
        except Exception:  # noqa: BLE001  # lineage must not depend on each small file
            return None


def _has_class(graph: QuantumGraph, quantum: Quantum) -> bool:
    tasks = graph.pipeline.get("tasks")
    return isinstance(tasks, Mapping) and "class" in tasks.get(quantum.task_label, {})


def _place(graph: QuantumGraph, dataset_id: uuid.UUID) -> tuple[str, int] | None:
    types, rows = graph.dataset_index.find(ids_from_uuids([dataset_id]))
    return None if types[0] < 0 else (graph.dataset_index.names[types[0]], int(rows[0]))


def _quanta_at(graph: QuantumGraph, place: tuple[str, int], *kinds: str) -> Iterator[uuid.UUID]:
    from pachon.datasets import uuids_from_ids
    from pachon.quantum_butler.neighbours import follow

    for edge in graph.structure.edges_with(place[0]):
        if edge.kind in kinds:
            _, rows = follow(graph.columns, edge, "back", np.array([place[1]]))
            yield from uuids_from_ids(graph.columns.take(f"quanta/{edge.label}/id", rows))


def _values(data_id: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in data_id.items()) or "(no data ID)"


def lineage_document(node: Lineage) -> dict[str, Any]:
    """Give a lineage as plain data."""
    document: dict[str, Any] = {"kind": node.kind, "id": str(node.id), "title": node.title, **node.facts}
    if node.role:
        document["connection"] = node.role
    if node.seen_before:
        document["seen_before"] = True
    if node.next:
        document["next"] = [lineage_document(one) for one in node.next]
    return document


def lineage_lines(node: Lineage, indent: str = "") -> Iterator[str]:
    """Give a lineage as an indented list for people."""
    facts = node.facts
    notes = []
    if node.kind == "quantum":
        notes.append(facts["status"])
        if "run_time" in facts:
            notes.append(f"{facts['run_time']:.2f} s")
        if "memory" in facts:
            notes.append(f"{facts['memory'] / 1e6:.0f} MB")
        notes += [f"on {facts['node']}"] if "node" in facts else []
        notes.append(f"by {facts.get('user', 'unknown')}, graph of {facts['graph_built']}")
        if "exception" in facts:
            notes.append(f"{facts['exception']}: {facts.get('message', '')}")
    notes += [facts["hint"]] if "hint" in facts else []
    role = f"{node.role}: " if node.role else ""
    again = " (see above)" if node.seen_before else ""
    mark = "■" if node.kind == "quantum" else "○"
    yield f"{indent}{mark} {role}{node.title}  {node.id}{again}" + (f"  [{'; '.join(notes)}]" if notes else "")
    if node.kind == "quantum" and not node.seen_before and "config" in facts:
        packages = f", packages {facts['packages']}" if "packages" in facts else ""
        yield f"{indent}    config {facts['config']}{packages}"
    for one in node.next:
        yield from lineage_lines(one, indent + "  ")
