# SPDX-License-Identifier: BSD-3-Clause
"""Give the vertices of an ordered layered graph their place across the layers.

References
----------
Brandes & Köpf (2002), "Fast and simple horizontal coordinate assignment", with widths as in the block graph of
the dagre library: four extreme alignments are made and the mean of the two middle places is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pachon.quantum_butler.drawing.ordering import ProperGraph


def place_across(graph: ProperGraph, extents: Sequence[float], gap: float) -> list[float]:
    """Return the centre of each vertex across the layers; neighbours are at least ``gap`` apart.

    Parameters
    ----------
    graph
        Layers in their final order.
    extents
        Size of each vertex across the layers; that of dummies is small.
    gap
        Least free space between neighbours.
    """
    if not extents:
        return []
    conflicts = _mark_conflicts(graph)
    alignments: list[list[float]] = []
    for downward in (True, False):
        neighbours = graph.above if downward else graph.below
        for leftward in (True, False):
            layers = list(graph.layers) if downward else list(reversed(graph.layers))
            if not leftward:
                layers = [list(reversed(layer)) for layer in layers]
            root = _align(layers, neighbours, conflicts)
            places = _compact(layers, root, extents, gap)
            alignments.append(places if leftward else [-place for place in places])
    return _balance(alignments, extents)


def _mark_conflicts(graph: ProperGraph) -> set[tuple[int, int]]:
    """Find the segments that cross a segment between two dummies: long edges have the right of way."""
    conflicts: set[tuple[int, int]] = set()
    for upper, lower in zip(graph.layers, graph.layers[1:], strict=False):
        place = {vertex: position for position, vertex in enumerate(upper)}
        left = 0
        scanned = 0
        for position, vertex in enumerate(lower):
            inner = _inner_neighbour(graph, vertex)
            if inner is None and position < len(lower) - 1:
                continue
            right = place[inner] if inner is not None else len(upper)
            for other in lower[scanned : position + 1]:
                for neighbour in graph.above[other]:
                    where = place[neighbour]
                    both_dummies = neighbour >= graph.real and other >= graph.real
                    if (where < left or where > right) and not both_dummies:
                        conflicts.add((neighbour, other))
            scanned = position + 1
            left = right
    return conflicts


def _inner_neighbour(graph: ProperGraph, vertex: int) -> int | None:
    if vertex < graph.real:
        return None
    neighbour = graph.above[vertex][0]
    return neighbour if neighbour >= graph.real else None


def _align(
    layers: Sequence[Sequence[int]], neighbours: Sequence[Sequence[int]], conflicts: set[tuple[int, int]]
) -> list[int]:
    """Chain each vertex to its median neighbour where possible; return the first vertex of each one's chain."""
    count = len(neighbours)
    root = list(range(count))
    aligned = list(range(count))
    for number, layer in enumerate(layers):
        if number == 0:
            continue
        place = {vertex: position for position, vertex in enumerate(layers[number - 1])}
        reached = -1
        for vertex in layer:
            linked = sorted(neighbours[vertex], key=place.__getitem__)
            if not linked:
                continue
            middle = (len(linked) - 1) / 2
            for index in range(int(middle), int(middle + 0.5) + 1):
                other = linked[index]
                if aligned[vertex] != vertex:
                    break
                crossing = (other, vertex) in conflicts or (vertex, other) in conflicts
                if reached < place[other] and not crossing:
                    aligned[other] = vertex
                    root[vertex] = root[other]
                    aligned[vertex] = root[other]
                    reached = place[other]
    return root


def _compact(layers: Sequence[Sequence[int]], root: Sequence[int], extents: Sequence[float], gap: float) -> list[float]:
    """Place the chains as far left as their neighbours allow, then close gaps from the right."""
    before: dict[int, dict[int, float]] = {}
    after: dict[int, dict[int, float]] = {}
    for layer in layers:
        for left, right in itertools.pairwise(layer):
            distance = (extents[left] + extents[right]) / 2 + gap
            one, other = root[left], root[right]
            distance = max(distance, after.get(one, {}).get(other, 0.0))
            after.setdefault(one, {})[other] = distance
            before.setdefault(other, {})[one] = distance
    roots = [vertex for layer in layers for vertex in layer if root[vertex] == vertex]
    order = _chain_order(roots, before)
    place: dict[int, float] = {}
    for chain in order:
        place[chain] = max((place[other] + distance for other, distance in before.get(chain, {}).items()), default=0.0)
    for chain in reversed(order):
        place[chain] = min(
            (place[other] - distance for other, distance in after.get(chain, {}).items()), default=place[chain]
        )
    return [place[root[vertex]] for vertex in range(len(extents))]


def _chain_order(roots: Sequence[int], before: dict[int, dict[int, float]]) -> list[int]:
    """Order the chains from left to right, each after all that stand left of it."""
    order: list[int] = []
    done: set[int] = set()
    for start in roots:
        stack = [start]
        while stack:
            chain = stack[-1]
            if chain in done:
                stack.pop()
                continue
            waiting = [other for other in before.get(chain, {}) if other not in done]
            if waiting:
                stack.extend(waiting)
            else:
                done.add(chain)
                order.append(chain)
                stack.pop()
    return order


def _balance(alignments: list[list[float]], extents: Sequence[float]) -> list[float]:
    """Shift the four alignments onto the narrowest and take the mean of the two middle places."""
    halves = [extent / 2 for extent in extents]
    spans = [
        (
            min(place - half for place, half in zip(places, halves, strict=True)),
            max(place + half for place, half in zip(places, halves, strict=True)),
        )
        for places in alignments
    ]
    narrowest = min(spans, key=lambda span: span[1] - span[0])
    shifted: list[list[float]] = []
    for number, (places, span) in enumerate(zip(alignments, spans, strict=True)):
        shift = narrowest[0] - span[0] if number % 2 == 0 else narrowest[1] - span[1]
        shifted.append([place + shift for place in places])
    middle: list[float] = []
    for four in zip(*shifted, strict=True):
        ordered = sorted(four)
        middle.append((ordered[1] + ordered[2]) / 2)
    least = min(place - half for place, half in zip(middle, halves, strict=True))
    return [place - least for place in middle]
