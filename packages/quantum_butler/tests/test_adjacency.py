# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pachon.quantum_butler import Adjacency

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=40)


def of_pairs(pairs):
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Adjacency.from_pairs(array[:, 0], array[:, 1], 7)


@given(PAIRS)
def test_rows_keep_their_targets_in_order(pairs):
    adjacency = of_pairs(pairs)
    for row in range(7):
        positions, targets = adjacency.of(np.array([row]))
        assert positions.tolist() == [0] * len(targets)
        assert targets.tolist() == [target for source, target in pairs if source == row]


@given(PAIRS, st.lists(st.integers(0, 6)))
def test_many_rows_at_once(pairs, rows):
    adjacency = of_pairs(pairs)
    positions, targets = adjacency.of(np.array(rows, dtype=np.int64))
    expected = [(p, t) for p, row in enumerate(rows) for source, t in pairs if source == row]
    assert list(zip(positions.tolist(), targets.tolist(), strict=True)) == expected


@given(PAIRS)
def test_reversed(pairs):
    back = of_pairs(pairs).reversed(5)
    found = list(zip(back.sources().tolist(), back.targets.tolist(), strict=True))
    assert sorted(found) == sorted((target, source) for source, target in pairs)
    assert len(back) == 5
    assert back.counts().sum() == len(pairs)


def test_identity():
    positions, targets = Adjacency.identity(4).of(np.array([2, 0]))
    assert positions.tolist() == [0, 1]
    assert targets.tolist() == [2, 0]
