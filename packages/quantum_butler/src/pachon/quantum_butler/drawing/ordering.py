# SPDX-License-Identifier: BSD-3-Clause
"""Order the nodes within each layer so that few edges cross.

References
----------
Sugiyama, Tagawa & Toda (1981), the barycentre method; crossings are counted with the accumulator tree of Barth,
Mutzel & Jünger (2004).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

_SWEEPS = 16
_EXCHANGE_LIMIT = 1200
"""Above this number of vertices neighbours are not exchanged one by one: the gain is small and the cost is not."""


@dataclass(frozen=True, slots=True)
class ProperGraph:
    """A layered graph in which every edge joins neighbouring layers; long edges became chains of dummies."""

    layers: list[list[int]]
    """Vertices of each layer, in order."""
    above: list[list[int]]
    """Neighbours of each vertex in the previous layer."""
    below: list[list[int]]
    """Neighbours of each vertex in the next layer."""
    real: int
    """Vertices from this number on are dummies."""
    chains: list[list[int]]
    """For each edge the vertices that it passes, ends included."""


def make_proper(layer_of: Sequence[int], edges: Sequence[tuple[int, int]]) -> ProperGraph:
    """Break edges that span several layers with a dummy vertex in each layer between."""
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node, layer in enumerate(layer_of):
        layers[layer].append(node)
    above: list[list[int]] = [[] for _ in layer_of]
    below: list[list[int]] = [[] for _ in layer_of]
    chains: list[list[int]] = []
    for source, target in edges:
        chain = [source]
        for layer in range(layer_of[source] + 1, layer_of[target]):
            layers[layer].append(len(above))
            chain.append(len(above))
            above.append([])
            below.append([])
        chain.append(target)
        for first, second in itertools.pairwise(chain):
            below[first].append(second)
            above[second].append(first)
        chains.append(chain)
    return ProperGraph(layers, above, below, len(layer_of), chains)


def reduce_crossings(graph: ProperGraph) -> ProperGraph:
    """Reorder each layer by barycentres, down and up, and keep the order with the fewest crossings.

    Notes
    -----
    Cost: sweeps x edges x log(width).
    """
    best = [list(layer) for layer in graph.layers]
    _order_depth_first(graph, best)
    least = count_crossings(best, graph.below)
    current = [list(layer) for layer in best]
    exchange = len(graph.above) <= _EXCHANGE_LIMIT
    stale = 0
    for sweep in range(_SWEEPS):
        if least == 0 or stale >= 4:
            break
        downward = sweep % 2 == 0
        numbers = range(1, len(current)) if downward else range(len(current) - 2, -1, -1)
        for number in numbers:
            fixed = current[number - 1] if downward else current[number + 1]
            _sort_by_barycentre(current[number], fixed, graph.above if downward else graph.below)
        if exchange:
            _exchange_neighbours(current, graph)
        crossings = count_crossings(current, graph.below)
        stale += 1
        if crossings < least:
            least, best, stale = crossings, [list(layer) for layer in current], 0
    return ProperGraph(best, graph.above, graph.below, graph.real, graph.chains)


def count_crossings(layers: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """Count the pairs of edges that cross between neighbouring layers."""
    return sum(_crossings_between(upper, lower, below) for upper, lower in itertools.pairwise(layers))


def _crossings_between(upper: Sequence[int], lower: Sequence[int], below: Sequence[Sequence[int]]) -> int:
    place = {vertex: position for position, vertex in enumerate(lower)}
    size = 1
    while size < len(lower):
        size *= 2
    tree = [0] * (2 * size)
    crossings = 0
    for vertex in upper:
        for position in sorted(place[target] for target in below[vertex]):
            index = position + size
            tree[index] += 1
            while index > 1:
                if index % 2 == 0:
                    crossings += tree[index + 1]
                index //= 2
                tree[index] += 1
    return crossings


def _order_depth_first(graph: ProperGraph, layers: list[list[int]]) -> None:
    """Put vertices into the order in which a walk along the edges meets them: neighbours come close."""
    seen: dict[int, int] = {}
    for layer in layers:
        for start in layer:
            stack = [start]
            while stack:
                vertex = stack.pop()
                if vertex in seen:
                    continue
                seen[vertex] = len(seen)
                stack.extend(reversed(graph.below[vertex]))
                stack.extend(reversed(graph.above[vertex]))
    for layer in layers:
        layer.sort(key=seen.__getitem__)


def _sort_by_barycentre(layer: list[int], fixed: Sequence[int], neighbours: Sequence[Sequence[int]]) -> None:
    place = {vertex: position for position, vertex in enumerate(fixed)}
    keys: dict[int, float] = {}
    for position, vertex in enumerate(layer):
        linked = neighbours[vertex]
        # A vertex without neighbours there keeps its place, measured on the scale of the other layer.
        keys[vertex] = (
            sum(place[other] for other in linked) / len(linked)
            if linked
            else position * (len(fixed) / max(len(layer), 1))
        )
    layer.sort(key=keys.__getitem__)


def _exchange_neighbours(layers: list[list[int]], graph: ProperGraph) -> None:
    """Exchange neighbours in a layer while that removes crossings (two passes at most)."""
    place = {vertex: position for layer in layers for position, vertex in enumerate(layer)}
    for _ in range(2):
        improved = False
        for layer in layers:
            for position in range(len(layer) - 1):
                left, right = layer[position], layer[position + 1]
                gain = 0
                for neighbours in (graph.above, graph.below):
                    gain += _pair_crossings(neighbours[left], neighbours[right], place)
                    gain -= _pair_crossings(neighbours[right], neighbours[left], place)
                if gain > 0:
                    layer[position], layer[position + 1] = right, left
                    place[left], place[right] = position + 1, position
                    improved = True
        if not improved:
            return


def _pair_crossings(left: Sequence[int], right: Sequence[int], place: dict[int, int]) -> int:
    """Count crossings of the edges of two neighbours when ``left`` stands left of ``right``."""
    if not left or not right:
        return 0
    return sum(1 for one in left for other in right if place[one] > place[other])
