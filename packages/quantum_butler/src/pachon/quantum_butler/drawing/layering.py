# SPDX-License-Identifier: BSD-3-Clause
"""Give each node of a directed acyclic graph a layer, so that every edge points to a later one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pachon.base import InvalidInputError


def topological_order(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Order nodes so that sources precede targets; ties keep the order of the numbers.

    Raises
    ------
    InvalidInputError
        If the edges form a cycle.
    """
    targets: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    ready = [node for node in range(count) if waiting[node] == 0]
    order: list[int] = []
    while ready:
        later: list[int] = []
        for node in ready:
            order.append(node)
            for target in targets[node]:
                waiting[target] -= 1
                if waiting[target] == 0:
                    later.append(target)
        ready = sorted(later)
    if len(order) < count:
        raise InvalidInputError("A graph with a cycle cannot be drawn in layers.")
    return order


def assign_layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Give each node a layer number from 0; an edge always leads to a greater one.

    Notes
    -----
    Longest path from the sources, then nodes are moved towards the side where they have more edges while that
    shortens them: an overall input comes to stand right above its first use. Cost: a few passes over the edges.
    """
    order = topological_order(count, edges)
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        below[source].append(target)
        above[target].append(source)
    layers = [0] * count
    for node in order:
        layers[node] = max((layers[source] + 1 for source in above[node]), default=0)
    for _ in range(4):
        moved = False
        for node in reversed(order):
            if below[node] and len(below[node]) > len(above[node]):
                lowest = min(layers[target] for target in below[node]) - 1
                moved |= lowest != layers[node]
                layers[node] = lowest
        if not moved:
            break
    first = min(layers, default=0)
    return [layer - first for layer in layers]
