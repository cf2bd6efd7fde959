# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a quantum graph: its quanta and datasets, or one node a task and dataset type with counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from pachon.dimensions import DataCoordinate
from pachon.quantum_butler.column_source import ColumnSource
from pachon.quantum_butler.dataset_state import DatasetState
from pachon.quantum_butler.drawing import Edge, EdgeKind, Node, NodeKind, draw_layered
from pachon.quantum_butler.neighbours import edge_pairs
from pachon.quantum_butler.quantum_maker import QuantumMaker
from pachon.quantum_butler.structure import DatasetEntry, EdgeEntry, GraphStructure, TaskEntry

__all__ = ["draw_graph"]

_LOG_CONNECTIONS = frozenset({"_log", "_metadata"})
_LINE_LENGTH = 26


def draw_graph(
    structure: GraphStructure,
    columns: ColumnSource,
    maker: QuantumMaker,
    *,
    max_nodes: int,
    logs: bool,
    title: str | None,
) -> str:
    """Draw a graph and return the text of an SVG document; see `QuantumGraph.to_svg`."""
    edges = [edge for edge in structure.edges if logs or edge.connection not in _LOG_CONNECTIONS]
    drawn = {edge.dataset_type for edge in edges}
    datasets = {name: entry for name, entry in structure.datasets.items() if name in drawn and entry.rows}
    tasks = {label: entry for label, entry in structure.tasks.items() if entry.rows}
    edges = [edge for edge in edges if edge.label in tasks and edge.dataset_type in datasets]
    quanta = sum(entry.rows for entry in tasks.values())
    total = quanta + sum(entry.rows for entry in datasets.values())
    heading = title or f"Quantum graph: {_count(quanta, 'quantum', 'quanta')} of {_count(len(tasks), 'task', 'tasks')}"
    kinds = {name: _dataset_kind(entry, edges, columns) for name, entry in datasets.items()}
    if total > max_nodes:
        return draw_layered(*_collapsed(tasks, datasets, edges, kinds), title=heading)
    return draw_layered(*_in_full(tasks, datasets, edges, kinds, columns=columns, maker=maker), title=heading)


def _collapsed(
    tasks: Mapping[str, TaskEntry],
    datasets: Mapping[str, DatasetEntry],
    edges: Iterable[EdgeEntry],
    kinds: Mapping[str, NodeKind],
) -> tuple[list[Node], list[Edge]]:
    nodes = [
        Node(
            key=f"quanta/{label}",
            lines=(label, _count(task.rows, "quantum", "quanta")),
            tooltip=f"Task {label}\ndimensions: {', '.join(task.dimensions) or 'none'}",
            stacked=task.rows > 1,
        )
        for label, task in tasks.items()
    ]
    nodes += [
        Node(
            key=f"datasets/{name}",
            lines=(name, _count(entry.rows, "dataset", "datasets")),
            kind=kinds[name],
            tooltip=f"Dataset type {name}\ndimensions: {', '.join(entry.dimensions) or 'none'}\n"
            f"storage class: {entry.storage_class}",
            stacked=entry.rows > 1,
        )
        for name, entry in datasets.items()
    ]
    links = [_link(edge, f"quanta/{edge.label}", f"datasets/{edge.dataset_type}") for edge in edges if edge.count]
    return nodes, links


def _in_full(
    tasks: Mapping[str, TaskEntry],
    datasets: Mapping[str, DatasetEntry],
    edges: Iterable[EdgeEntry],
    kinds: Mapping[str, NodeKind],
    *,
    columns: ColumnSource,
    maker: QuantumMaker,
) -> tuple[list[Node], list[Edge]]:
    telling = _telling_dimensions((*tasks.values(), *datasets.values()), columns)
    nodes: list[Node] = []
    for label, task in tasks.items():
        for row, quantum in enumerate(maker.quanta(label, np.arange(task.rows))):
            nodes.append(
                Node(
                    key=f"quanta/{label}/{row}",
                    lines=(label, *_data_id_lines(quantum.data_id, telling)),
                    tooltip=f"Quantum of {label}\n{quantum.data_id}\n{quantum.id}",
                )
            )
    for name, entry in datasets.items():
        for row, ref in enumerate(maker.refs(name, np.arange(entry.rows))):
            nodes.append(
                Node(
                    key=f"datasets/{name}/{row}",
                    lines=(name, *_data_id_lines(ref.data_id, telling)),
                    kind=kinds[name],
                    tooltip=f"{name}\n{ref.data_id}\nin {ref.run}\n{ref.id}",
                )
            )
    links: list[Edge] = []
    for edge in edges:
        quanta, rows = edge_pairs(columns, edge)
        links += [
            _link(edge, f"quanta/{edge.label}/{quantum}", f"datasets/{edge.dataset_type}/{row}")
            for quantum, row in zip(quanta.tolist(), rows.tolist(), strict=True)
        ]
    return nodes, links


def _link(edge: EdgeEntry, quantum: str, dataset: str) -> Edge:
    component = f" ({edge.component})" if edge.component else ""
    text = f"{edge.connection}{component}"
    if edge.kind == "output":
        return Edge(source=quantum, target=dataset, tooltip=text)
    kind: EdgeKind = "prerequisite" if edge.kind == "prerequisite" else "flow"
    return Edge(source=dataset, target=quantum, kind=kind, tooltip=text)


def _dataset_kind(entry: DatasetEntry, edges: Iterable[EdgeEntry], columns: ColumnSource) -> NodeKind:
    roles = {edge.kind for edge in edges if edge.dataset_type == entry.name}
    if "output" in roles:
        return "dataset"
    if roles == {"prerequisite"}:
        return "prerequisite"
    return "input" if (columns.read(f"{entry.table}/state") == DatasetState.EXISTING).any() else "dataset"


def _telling_dimensions(entries: Iterable[TaskEntry | DatasetEntry], columns: ColumnSource) -> frozenset[str]:
    """Give the dimensions that have more than one value in the graph: the others tell nothing apart."""
    names = {name for entry in entries for name in entry.dimensions}
    return frozenset(name for name in names if columns.rows(f"dimension/{name}") > 1)


def _data_id_lines(data_id: DataCoordinate, telling: frozenset[str]) -> tuple[str, ...]:
    """Give the required values that tell data IDs apart, in short lines."""
    lines: list[str] = []
    for name, value in data_id.required.items():
        if name not in telling:
            continue
        text = f"{name} {value}"
        if lines and len(lines[-1]) + len(text) + 3 <= _LINE_LENGTH:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    return tuple(lines)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
