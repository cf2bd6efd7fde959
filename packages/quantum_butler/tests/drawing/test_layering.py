# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.quantum_butler.drawing.layering import assign_layers, topological_order

# Edges from lower to higher numbers are always acyclic.
GRAPHS = st.integers(1, 15).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda e: e[0] < e[1]), max_size=30
        ),
    )
)


@given(GRAPHS)
def test_order_and_layers(graph):
    count, edges = graph
    order = topological_order(count, edges)
    assert sorted(order) == list(range(count))
    assert all(order.index(source) < order.index(target) for source, target in edges)
    layers = assign_layers(count, edges)
    assert min(layers) == 0
    assert all(layers[source] < layers[target] for source, target in edges)


def test_inputs_stand_above_their_first_use():
    # 0 -> 1 -> 2 -> 3, and 4 is an input of 3 only.
    assert assign_layers(5, [(0, 1), (1, 2), (2, 3), (4, 3)]) == [0, 1, 2, 3, 2]


def test_a_cycle():
    with pytest.raises(InvalidInputError, match="cycle"):
        assign_layers(3, [(0, 1), (1, 2), (2, 0)])
