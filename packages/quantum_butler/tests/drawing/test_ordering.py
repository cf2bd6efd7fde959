# SPDX-License-Identifier: BSD-3-Clause
import itertools

from hypothesis import given
from hypothesis import strategies as st

from pachon.quantum_butler.drawing.layering import assign_layers
from pachon.quantum_butler.drawing.ordering import count_crossings, make_proper, reduce_crossings

EDGES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda e: e[0] < e[1]), max_size=25, unique=True
)


@given(EDGES)
def test_every_edge_joins_neighbouring_layers(edges):
    proper = make_proper(assign_layers(12, edges), edges)
    layer_of = {vertex: number for number, layer in enumerate(proper.layers) for vertex in layer}
    for chain, (source, target) in zip(proper.chains, edges, strict=True):
        assert (chain[0], chain[-1]) == (source, target)
        assert all(layer_of[b] == layer_of[a] + 1 for a, b in itertools.pairwise(chain))
        assert all(vertex >= 12 for vertex in chain[1:-1])


@given(EDGES)
def test_crossings_are_counted_and_never_get_more(edges):
    proper = make_proper(assign_layers(12, edges), edges)
    before = count_crossings(proper.layers, proper.below)
    assert before == brute_force(proper)
    after = reduce_crossings(proper)
    assert [sorted(layer) for layer in after.layers] == [sorted(layer) for layer in proper.layers]
    assert count_crossings(after.layers, after.below) == brute_force(after)


def brute_force(graph):
    crossings = 0
    for upper, lower in itertools.pairwise(graph.layers):
        segments = [(upper.index(a), lower.index(b)) for a in upper for b in graph.below[a]]
        crossings += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(segments, 2))
    return crossings


def test_a_knot_is_untied():
    edges = [(0, 5), (1, 4), (2, 3)]
    proper = make_proper(assign_layers(6, edges), edges)
    assert count_crossings(proper.layers, proper.below) == 3
    after = reduce_crossings(proper)
    assert count_crossings(after.layers, after.below) == 0
