# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a large graph: tasks only, which name what they read and write in their boxes.

With more than a hundred nodes a picture of all dataset types is no picture any more. Here nothing is lost but lines: every
name stands in the boxes of its tasks, and an arrow is left out if others lead the same way round.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pachon.dimensions import DimensionUniverse
from pachon.pipe_base.pipeline_graph.nodes import GraphEdge, TaskNode
from pachon.pipe_base.pipeline_graph.pictures.model import (
    PictureEdge,
    PictureKind,
    PictureModel,
    PictureOptions,
    shown_edges,
    task_nodes,
)

__all__ = ["LARGE", "compact_model"]

LARGE = 100
"""Nodes from which a picture is compact, if nobody says otherwise."""
_WIDTH = 46
_MOST_LINES = 4


def compact_model(tasks: Mapping[str, TaskNode], universe: DimensionUniverse, options: PictureOptions) -> PictureModel:
    """Choose what is shown of a large graph.

    Parameters
    ----------
    tasks
        In topological order.
    universe
        The dimensions, for their concise form.
    options
        What is shown.
    """
    edges = shown_edges(tasks, options)
    reads: dict[str, list[str]] = {label: [] for label in tasks}
    writes: dict[str, list[str]] = {label: [] for label in tasks}
    for edge in edges:
        names = (reads if edge.is_input else writes)[edge.task_label]
        if edge.full_name not in names:
            names.append(edge.full_name)
    nodes = tuple(
        replace(
            node,
            notes=(*_listing("reads", reads[node.names[0]]), *_listing("writes", writes[node.names[0]])),
            doc="\n".join([f"reads {', '.join(reads[node.names[0]])}", f"writes {', '.join(writes[node.names[0]])}"]),
        )
        for node in task_nodes(tasks, universe, options)
    )
    return PictureModel(nodes=nodes, edges=tuple(_direct_links(tasks, edges)))


def _listing(word: str, names: list[str]) -> list[str]:
    if not names:
        return []
    lines = textwrap.wrap(f"{word} {', '.join(names)}", _WIDTH, break_long_words=False, break_on_hyphens=False)
    if len(lines) <= _MOST_LINES:
        return lines
    kept = lines[: _MOST_LINES - 1]
    left = len(names) - ", ".join(kept).count(",")
    return [*kept, f"and {max(left, 1)} more"]


def _direct_links(tasks: Mapping[str, TaskNode], edges: Iterable[GraphEdge]) -> list[PictureEdge]:
    """Give the arrows between tasks, without those that follow from others."""
    edges = list(edges)
    writers = {edge.dataset_type_name: edge.task_label for edge in edges if not edge.is_input}
    names: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        writer = writers.get(edge.dataset_type_name)
        if edge.is_input and writer is not None and writer != edge.task_label:
            names.setdefault((writer, edge.task_label), []).append(edge.full_name)
    targets: dict[str, list[str]] = {label: [] for label in tasks}
    for writer, reader in names:
        targets[writer].append(reader)
    rank = {label: number for number, label in enumerate(tasks)}
    # From the end: what a task leads to, with all that follows.
    below: dict[str, set[str]] = {}
    direct: list[PictureEdge] = []
    for label in reversed(list(tasks)):
        reached: set[str] = set()
        for target in sorted(targets[label], key=rank.__getitem__):
            if target not in reached:
                tooltip = ", ".join(dict.fromkeys(names[label, target]))
                direct.append(
                    PictureEdge(
                        source=f"{label}:{int(PictureKind.TASK)}",
                        target=f"{target}:{int(PictureKind.TASK)}",
                        tooltip=tooltip,
                    )
                )
            reached |= {target} | below[target]
        below[label] = reached
    return direct[::-1]
