# SPDX-License-Identifier: BSD-3-Clause
"""Quanta and datasets of a graph as texts for other programs that draw: dot and Mermaid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pachon.datasets import DatasetRef
from pachon.quantum_butler import QuantumGraph

__all__ = ["graph_text"]


def graph_text(graph: QuantumGraph, kind: Literal["dot", "mermaid"]) -> str:
    """Give all quanta and datasets, without logs and metadata, as the text of a picture."""
    nodes: dict[str, tuple[str, str]] = {}
    edges: list[tuple[str, str]] = []
    for quantum in graph.iter_quanta():
        name = f"q{quantum.id.hex}"
        nodes[name] = ("quantum", f"{quantum.task_label} {_values(quantum.data_id.required)}")
        for ref in _refs(quantum.inputs):
            nodes.setdefault(f"d{ref.id.hex}", ("dataset", _label(ref)))
            edges.append((f"d{ref.id.hex}", name))
        for ref in _refs({key: refs for key, refs in quantum.outputs.items() if not key.startswith("_")}):
            nodes.setdefault(f"d{ref.id.hex}", ("dataset", _label(ref)))
            edges.append((name, f"d{ref.id.hex}"))
    lines = _dot(nodes, edges) if kind == "dot" else _mermaid(nodes, edges)
    return "\n".join(lines) + "\n"


def _refs(connections: Mapping[str, Sequence[DatasetRef]]) -> Iterator[DatasetRef]:
    seen = set()
    for refs in connections.values():
        for ref in refs:
            if ref.id not in seen:
                seen.add(ref.id)
                yield ref


def _label(ref: DatasetRef) -> str:
    return f"{ref.dataset_type.parent_name} {_values(ref.data_id.required)}"


def _values(data_id: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in data_id.items())


def _dot(nodes: dict[str, tuple[str, str]], edges: list[tuple[str, str]]) -> Iterator[str]:
    yield "digraph QuantumGraph {"
    for name, (kind, label) in nodes.items():
        shape = "box" if kind == "quantum" else "ellipse"
        yield f"  {name} [shape={shape}, label={json.dumps(label)}];"
    yield from (f"  {one} -> {other};" for one, other in edges)
    yield "}"


def _mermaid(nodes: dict[str, tuple[str, str]], edges: list[tuple[str, str]]) -> Iterator[str]:
    yield "flowchart TD"
    for name, (kind, label) in nodes.items():
        text = json.dumps(label)
        yield f"  {name}[{text}]" if kind == "quantum" else f"  {name}([{text}])"
    yield from (f"  {one} --> {other}" for one, other in edges)
