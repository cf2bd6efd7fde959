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


_MOST_LANES = 24
"""Lanes that a terminal has room for, and an eye can follow."""


def draw_text(model: PictureModel, *, most_lanes: int = _MOST_LANES) -> str:
    """Give a graph as text, one line a node, and lines between that lead to it.

    Parameters
    ----------
    model
        What is shown.
    most_lanes
        Where more lanes would run side by side, those that run farthest are not drawn; their readers name them after ``<-``.
    """
    sources: dict[str, list[str]] = {node.key: [] for node in model.nodes}
    for edge in model.edges:
        if edge.source not in sources[edge.target]:
            sources[edge.target].append(edge.source)
    titles = {node.key: node.title for node in model.nodes}
    named = _without_lane(sources, most_lanes)
    told = {key: [titles[source] for source in found if source in named] for key, found in sources.items()}
    sources = {key: [source for source in found if source not in named] for key, found in sources.items()}
    pending: dict[str, int] = dict.fromkeys(sources, 0)
    for found in sources.values():
        for source in found:
            pending[source] += 1
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
        by_name = f" <- {', '.join(told[node.key])}" if told[node.key] else ""
        rows.append((_node_row(lanes, column, node), _label(node) + by_name))
        lanes[column] = node.key if pending[node.key] else None
        while lanes and lanes[-1] is None:
            lanes.pop()
    width = max((len(margin) for margin, label in rows if label), default=0)
    return "".join(f"{margin.ljust(width) if label else margin}{label}".rstrip() + "\n" for margin, label in rows)


def _without_lane(sources: dict[str, list[str]], most_lanes: int) -> set[str]:
    """Give the nodes that get no lane: of those that run side by side, the ones that run farthest."""
    last_use: dict[str, int] = {}
    for row, found in enumerate(sources.values()):
        last_use.update(dict.fromkeys(found, row))
    running: set[str] = set()
    without: set[str] = set()
    for row, key in enumerate(sources):
        running = {source for source in running if last_use[source] > row}
        if last_use.get(key, row) > row:
            running.add(key)
        if len(running) > most_lanes:
            farthest = max(running, key=lambda source: (last_use[source], source))
            running.remove(farthest)
            without.add(farthest)
    return without


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
    return f"{node.title}{f': {details}' if details else ''}"
