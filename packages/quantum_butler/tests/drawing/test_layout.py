# SPDX-License-Identifier: BSD-3-Clause
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.quantum_butler.drawing import Edge, Node
from pachon.quantum_butler.drawing.layout import lay_out, node_size

NAMES = st.text("abc_", min_size=1, max_size=25)


@st.composite
def pictures(draw):
    count = draw(st.integers(1, 14))
    nodes = [
        Node(key=str(number), lines=tuple(draw(st.lists(NAMES, min_size=1, max_size=3)))) for number in range(count)
    ]
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda e: e[0] < e[1]),
            max_size=30,
            unique=True,
        )
    )
    return nodes, [Edge(source=str(source), target=str(target)) for source, target in pairs]


@settings(deadline=None)
@given(pictures(), st.sampled_from(["down", "right", None]))
def test_nothing_overlaps_and_all_is_inside(picture, direction):
    nodes, edges = picture
    layout = lay_out(nodes, edges, direction=direction)
    for box, node in zip(layout.boxes, nodes, strict=True):
        assert (box.width, box.height) == node_size(node)
        assert box.x - box.width / 2 >= -1e-6
        assert box.y - box.height / 2 >= -1e-6
        assert box.x + box.width / 2 <= layout.width + 1e-6
        assert box.y + box.height / 2 <= layout.height + 1e-6
    for one, other in itertools.combinations(layout.boxes, 2):
        apart_x = abs(one.x - other.x) - (one.width + other.width) / 2
        apart_y = abs(one.y - other.y) - (one.height + other.height) / 2
        assert max(apart_x, apart_y) >= 10


@settings(deadline=None)
@given(pictures(), st.sampled_from(["down", "right"]))
def test_edges_lead_onwards_from_box_to_box(picture, direction):
    nodes, edges = picture
    layout = lay_out(nodes, edges, direction=direction)
    axis = 1 if direction == "down" else 0
    for edge, route in zip(edges, layout.routes, strict=True):
        along = [round(point[axis], 6) for point in route]
        assert along == sorted(along)
        source, target = layout.boxes[int(edge.source)], layout.boxes[int(edge.target)]
        begin, end = route[0], route[-1]
        if direction == "down":
            assert begin[1] == pytest.approx(source.y + source.height / 2)
            assert abs(begin[0] - source.x) <= source.width / 2
            assert end[1] == pytest.approx(target.y - target.height / 2)
            assert abs(end[0] - target.x) <= target.width / 2
        else:
            assert begin[0] == pytest.approx(source.x + source.width / 2)
            assert end[0] == pytest.approx(target.x - target.width / 2)


def test_chains_are_straight():
    nodes = [Node(key=str(number), lines=("x" * (number + 1),)) for number in range(5)]
    edges = [Edge(source=str(number), target=str(number + 1)) for number in range(4)]
    layout = lay_out(nodes, edges, direction="down")
    assert len({round(box.x, 6) for box in layout.boxes}) == 1
