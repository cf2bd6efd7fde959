# SPDX-License-Identifier: BSD-3-Clause
"""A graph as text of the DOT language."""

from __future__ import annotations

import html

from pachon.pipe_base.pipeline_graph.pictures.model import PictureKind, PictureModel, PictureNode

__all__ = ["draw_dot"]

_COLORS = {PictureKind.TASK: "#B1F2EF", PictureKind.DATASET_TYPE: "#F5F5F5", PictureKind.TASK_INIT: "#F4DEFA"}
_BORDERS = {PictureKind.TASK: "#000000", PictureKind.DATASET_TYPE: "#00BABC", PictureKind.TASK_INIT: "#000000"}


def draw_dot(model: PictureModel) -> str:
    """Give a graph as text of the DOT language (``digraph Pipeline``)."""
    lines = ["digraph Pipeline {", 'node [shape=plain fontname="Helvetica"];']
    lines += [f'"{node.key}" [label=<{_table(node)}>];' for node in model.nodes]
    for edge in model.edges:
        style = ["style=dashed"] if edge.is_prerequisite else []
        style += [f'label=".{edge.component}"'] if edge.component else []
        attributes = f" [{' '.join(style)}]" if style else ""
        lines.append(f'"{edge.source}" -> "{edge.target}"{attributes};')
    return "\n".join([*lines, "}"]) + "\n"


def _table(node: PictureNode) -> str:
    rows = [f"<b>{html.escape(name)}</b>" for name in node.names] + [html.escape(line) for line in node.details]
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    style = ' style="rounded"' if node.kind is PictureKind.DATASET_TYPE else ""
    colors = f'bgcolor="{_COLORS[node.kind]}" color="{_BORDERS[node.kind]}"'
    return f'<table border="1" cellborder="0" {colors}{style}>{cells}</table>'
