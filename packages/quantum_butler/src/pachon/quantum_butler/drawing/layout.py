# SPDX-License-Identifier: BSD-3-Clause
"""Places for nodes and routes for edges: the geometry of a picture, without its paint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pachon.quantum_butler.drawing import styles
from pachon.quantum_butler.drawing.elements import Edge, Node
from pachon.quantum_butler.drawing.layering import assign_layers
from pachon.quantum_butler.drawing.ordering import ProperGraph, make_proper, reduce_crossings
from pachon.quantum_butler.drawing.placing import place_across
from pachon.quantum_butler.drawing.text import text_width

Direction: TypeAlias = Literal["down", "right"]
"""Where the edges lead."""

_DUMMY_EXTENT = 6.0
_GOOD_ASPECT = 1.5
_PORT_STEP = 13.0
_STRAIGHT_END = 9.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: centre and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's geometry; all coordinates are positive, y grows downwards."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    """One for each node, in the order of the nodes."""
    routes: tuple[tuple[tuple[float, float], ...], ...]
    """For each edge the points of a path: two ends of a straight run, then of the next, joined by curves."""
    direction: Direction


def node_size(node: Node) -> tuple[float, float]:
    """Return the width and height that a node's label needs."""
    widths = [text_width(line, styles.FONT_SIZE, bold=number == 0) for number, line in enumerate(node.lines)] or [0.0]
    width = max(widths) + 2 * styles.PADDING_X
    height = max(len(node.lines), 1) * styles.LINE_HEIGHT + 2 * styles.PADDING_Y
    return max(width, 1.6 * height), height


def lay_out(nodes: Sequence[Node], edges: Sequence[Edge], *, direction: Direction | None = None) -> Layout:
    """Place all nodes and route all edges.

    Parameters
    ----------
    nodes, edges
        What to place. Edges name nodes by their keys.
    direction
        Where edges lead; when omitted, whichever gives the better proportions.

    Raises
    ------
    InvalidInputError
        If the edges form a cycle.
    """
    numbers = {node.key: number for number, node in enumerate(nodes)}
    pairs = [(numbers[edge.source], numbers[edge.target]) for edge in edges]
    sizes = [node_size(node) for node in nodes]
    parts = [_Component.arrange(members, pairs) for members in _components(len(nodes), pairs)]
    if direction is not None:
        return _assemble(parts, sizes, len(pairs), direction)
    both = [_assemble(parts, sizes, len(pairs), choice) for choice in ("down", "right")]
    return min(both, key=lambda layout: abs(math.log(max(layout.width, 1.0) / max(layout.height, 1.0) / _GOOD_ASPECT)))


@dataclass(frozen=True, slots=True)
class _Component:
    """A connected part of the picture with its layers in their final order."""

    members: list[int]
    edges: list[int]
    graph: ProperGraph
    layer_of: list[int]

    @classmethod
    def arrange(cls, members: list[int], pairs: Sequence[tuple[int, int]]) -> _Component:
        local = {node: number for number, node in enumerate(members)}
        chosen = [number for number, (source, _) in enumerate(pairs) if source in local]
        inner = [(local[pairs[number][0]], local[pairs[number][1]]) for number in chosen]
        layer_of = assign_layers(len(members), inner)
        return cls(members, chosen, reduce_crossings(make_proper(layer_of, inner)), layer_of)


def _components(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    linked: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        linked[source].append(target)
        linked[target].append(source)
    seen = [False] * count
    found: list[list[int]] = []
    for start in range(count):
        if seen[start]:
            continue
        seen[start] = True
        part, stack = [], [start]
        while stack:
            node = stack.pop()
            part.append(node)
            for other in linked[node]:
                if not seen[other]:
                    seen[other] = True
                    stack.append(other)
        found.append(sorted(part))
    return found


@dataclass(frozen=True, slots=True)
class _Placed:
    """A component with coordinates along and across its layers, starting at zero."""

    along: float
    across: float
    boxes: dict[int, tuple[float, float]]
    routes: dict[int, list[tuple[float, float]]]


def _assemble(
    parts: Sequence[_Component], sizes: Sequence[tuple[float, float]], edge_count: int, direction: Direction
) -> Layout:
    """Place each component, then set the components side by side on shelves."""
    placed = [_place(part, sizes, direction) for part in parts]
    area = sum((part.along + styles.COMPONENT_GAP) * (part.across + styles.COMPONENT_GAP) for part in placed)
    goal = math.sqrt(area * (_GOOD_ASPECT if direction == "down" else 1 / _GOOD_ASPECT))
    shelf_limit = max([goal, *(part.across for part in placed)])
    boxes: dict[int, Box] = {}
    routes: list[tuple[tuple[float, float], ...]] = [()] * edge_count
    shelf, reach, thickness, extent = 0.0, 0.0, 0.0, 0.0
    for part in placed:
        if reach > 0 and reach + part.across > shelf_limit:
            shelf, reach, thickness = shelf + thickness + styles.COMPONENT_GAP, 0.0, 0.0
        for node, (across, along) in part.boxes.items():
            x, y = _turn(across + reach, along + shelf, direction)
            boxes[node] = Box(x, y, *sizes[node])
        for edge, points in part.routes.items():
            routes[edge] = tuple(_turn(across + reach, along + shelf, direction) for across, along in points)
        reach += part.across + styles.COMPONENT_GAP
        extent = max(extent, reach - styles.COMPONENT_GAP)
        thickness = max(thickness, part.along)
    width, height = _turn(extent, shelf + thickness, direction)
    return Layout(width, height, tuple(boxes[node] for node in range(len(sizes))), tuple(routes), direction)


def _turn(across: float, along: float, direction: Direction) -> tuple[float, float]:
    return (across, along) if direction == "down" else (along, across)


def _place(part: _Component, sizes: Sequence[tuple[float, float]], direction: Direction) -> _Placed:
    graph = part.graph
    turned = [sizes[node] if direction == "down" else sizes[node][::-1] for node in part.members]
    extents = [across for across, _ in turned] + [_DUMMY_EXTENT] * (len(graph.above) - graph.real)
    across = place_across(graph, extents, styles.NODE_GAP)
    bands = _layer_bands(graph, across, [along for _, along in turned])
    centre = {vertex: sum(bands[number]) / 2 for number, layer in enumerate(graph.layers) for vertex in layer}
    ports = _ports(graph, across, extents)
    routes: dict[int, list[tuple[float, float]]] = {}
    for number, chain in zip(part.edges, graph.chains, strict=True):
        source, target = chain[0], chain[-1]
        first = part.layer_of[source]
        points = [(ports[source, chain[1], True], centre[source] + turned[source][1] / 2)]
        points.append((points[0][0], bands[first][1]))
        for step, vertex in enumerate(chain[1:-1], start=1):
            points += [(across[vertex], bands[first + step][0]), (across[vertex], bands[first + step][1])]
        end = ports[target, chain[-2], False]
        # A short straight end: not every viewer turns an arrow head rightly at the end of a curve.
        points += [
            (end, bands[part.layer_of[target]][0] - _STRAIGHT_END),
            (end, centre[target] - turned[target][1] / 2),
        ]
        routes[number] = points
    boxes = {node: (across[local], centre[local]) for local, node in enumerate(part.members)}
    width = max(place + extent / 2 for place, extent in zip(across, extents, strict=True))
    return _Placed(bands[-1][1], width, boxes, routes)


def _layer_bands(graph: ProperGraph, across: Sequence[float], thickness: Sequence[float]) -> list[tuple[float, float]]:
    """Return where each layer begins and ends; layers stand further apart where edges lead far sideways."""
    bands: list[tuple[float, float]] = []
    begin = 0.0
    for layer in graph.layers:
        thick = max((thickness[vertex] for vertex in layer if vertex < graph.real), default=0.0)
        bands.append((begin, begin + thick))
        swing = max(
            (abs(across[vertex] - across[other]) for vertex in layer for other in graph.below[vertex]),
            default=0.0,
        )
        begin += thick + styles.LAYER_GAP + min(swing * 0.06, 90.0)
    return bands


def _ports(graph: ProperGraph, across: Sequence[float], extents: Sequence[float]) -> dict[tuple[int, int, bool], float]:
    """Spread the ends of a node's edges along its border, in the order of where they lead."""
    ports: dict[tuple[int, int, bool], float] = {}
    for vertex in range(graph.real):
        for outgoing, neighbours in ((True, graph.below[vertex]), (False, graph.above[vertex])):
            linked = sorted(neighbours, key=across.__getitem__)
            step = min(_PORT_STEP, 0.6 * extents[vertex] / max(len(linked), 1))
            for position, other in enumerate(linked):
                offset = (position - (len(linked) - 1) / 2) * step
                ports[vertex, other, outgoing] = across[vertex] + offset
    return ports
