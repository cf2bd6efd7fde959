# SPDX-License-Identifier: BSD-3-Clause
"""A graph as SVG or PNG, laid out here: no system program is needed."""

from __future__ import annotations

import textwrap

from pachon.pipe_base.pipeline_graph.pictures.model import PictureKind, PictureModel, PictureNode
from pachon.quantum_butler.drawing import Edge, Node, NodeKind, draw_layered, draw_layered_png

__all__ = ["draw_png", "draw_svg", "drawing_of"]


def draw_svg(model: PictureModel, *, title: str = "") -> str:
    """Give the text of an SVG document."""
    nodes, edges = drawing_of(model)
    return draw_layered(nodes, edges, title=_short(title))


def draw_png(model: PictureModel, *, title: str = "", scale: float = 2.0) -> bytes:
    """Give the bytes of a PNG image; ``scale`` is the number of pixels for a unit of the SVG picture."""
    nodes, edges = drawing_of(model)
    return draw_layered_png(nodes, edges, title=_short(title), scale=scale)


def _short(title: str) -> str | None:
    # A long one would make the picture wide.
    return textwrap.shorten(title, 90, placeholder=" ...") or None


def drawing_of(model: PictureModel) -> tuple[list[Node], list[Edge]]:
    """Give the boxes and arrows of a picture."""
    written = {edge.target for edge in model.edges}
    nodes = [_node(node, is_input=node.key not in written) for node in model.nodes]
    edges = [
        Edge(
            source=edge.source,
            target=edge.target,
            kind="prerequisite" if edge.is_prerequisite else "flow",
            tooltip=f".{edge.component}" if edge.component else edge.tooltip,
        )
        for edge in model.edges
    ]
    return nodes, edges


def _node(node: PictureNode, *, is_input: bool) -> Node:
    kind: NodeKind = "task"
    if node.kind is PictureKind.DATASET_TYPE:
        kind = (
            "prerequisite" if node.is_prerequisite else "init" if node.is_init else "input" if is_input else "dataset"
        )
    elif node.kind is PictureKind.TASK_INIT:
        kind = "init"
    elif node.problem:
        kind = "dropped"
    return Node(
        key=node.key,
        lines=(*node.names, *node.details),
        kind=kind,
        tooltip="\n".join(part for part in (*node.details, node.doc, node.problem) if part),
        stacked=len(node.names) > 1,
    )
