# SPDX-License-Identifier: BSD-3-Clause
"""A graph as lines of text with a drawn left margin.

Each line is a node; a lane in the margin leads from a node to all nodes that need it.
"""

from __future__ import annotations

from pachon.pipe_base.pipeline_graph.pictures.model import PictureKind, PictureModel, PictureNode

__all__ = ["draw_text"]

_SYMBOLS = {PictureKind.TASK: "■", PictureKind.DATASET_TYPE: "○", PictureKind.TASK_INIT: "▣"}
_MERGED = {PictureKind.TASK: "▥", PictureKind.DATASET_TYPE: "◍", PictureKind.TASK_INIT: "▤"}

# Up, down, left, right -> character.
_LINES = {
    (1, 1, 0, 0): "│", (0, 0, 1, 1): "─", (1, 0, 0, 1): "╰", (1, 0, 1, 0): "╯", (0, 1, 0, 1): "╭", (0, 1, 1, 0): "╮",
    (1, 1, 0, 1): "├", (1, 1, 1, 0): "┤", (1, 0, 1, 1): "┴", (0, 1, 1, 1): "┬", (1, 1, 1, 1): "┼", (0, 0, 0, 0): " ",
    (1, 0, 0, 0): "╵", (0, 1, 0, 0): "╷", (0, 0, 1, 0): "╴", (0, 0, 0, 1): "╶",
}  # fmt: skip


def draw_text(model: PictureModel) -> str:
    """Give a graph as text, one line a node, and lines between that lead to it."""
    sources: dict[str, list[str]] = {node.key: [] for node in model.nodes}
    pending: dict[str, int] = dict.fromkeys(sources, 0)
    for edge in model.edges:
        if edge.source not in sources[edge.target]:
            sources[edge.target].append(edge.source)
            pending[edge.source] += 1
    lanes: list[str | None] = []
    rows: list[tuple[str, str]] = []
    for node in model.nodes:
        joined = [index for index, owner in enumerate(lanes) if owner in sources[node.key]]
        for index in joined:
            pending[str(lanes[index])] -= 1
        ending = [index for index in joined if pending[str(lanes[index])] == 0]
        column = _column(lanes, ending)
        if joined:
            rows.append((_joining_row(lanes, joined, ending, column), ""))
        for index in ending:
            lanes[index] = None
        while len(lanes) <= column:
            lanes.append(None)
        rows.append((_node_row(lanes, column, node), _label(node)))
        lanes[column] = node.key if pending[node.key] else None
        while lanes and lanes[-1] is None:
            lanes.pop()
    width = max((len(margin) for margin, label in rows if label), default=0)
    return "".join(f"{margin.ljust(width) if label else margin}{label}".rstrip() + "\n" for margin, label in rows)


def _column(lanes: list[str | None], ending: list[int]) -> int:
    if ending:
        return ending[0]
    return lanes.index(None) if None in lanes else len(lanes)


def _joining_row(lanes: list[str | None], joined: list[int], ending: list[int], column: int) -> str:
    """Draw how the lanes of the inputs reach the column of a node."""
    first, last = min(*joined, column), max(*joined, column)
    cells: list[str] = []
    for index in range(max(len(lanes), column + 1)):
        owner = lanes[index] if index < len(lanes) else None
        involved = index in joined or index == column
        inside = first < index < last
        if owner is not None and not involved:
            character = "│"  # it passes over the horizontal line
        else:
            up = int(owner is not None)
            down = int(index == column or (index in joined and index not in ending))
            left = int(first < index <= last and (involved or inside))
            right = int(first <= index < last and (involved or inside))
            character = _LINES[up, down, left, right]
        cells.append(character + ("─" if first <= index < last else " "))
    return "".join(cells).rstrip()


def _node_row(lanes: list[str | None], column: int, node: PictureNode) -> str:
    symbol = (_MERGED if len(node.names) > 1 else _SYMBOLS)[node.kind]
    cells = (symbol if index == column else "│" if owner else " " for index, owner in enumerate(lanes))
    return " ".join(cells) + "  "


def _label(node: PictureNode) -> str:
    details = " ".join(node.details)
    problem = f" ({node.problem})" if node.problem else ""
    return f"{node.title}{f': {details}' if details else ''}{problem}"
