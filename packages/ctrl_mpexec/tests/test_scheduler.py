# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec import Schedule


def schedule(count, *edges):
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return Schedule(count, pairs[:, 0], pairs[:, 1])


def test_a_diamond():
    plan = schedule(4, (0, 1), (0, 2), (1, 3), (2, 3))
    assert plan.take(5) == [0]
    plan.succeed(0)
    assert plan.take(1) == [1]
    assert plan.take(1) == [2]
    plan.succeed(2)
    assert plan.take() == []
    plan.succeed(1)
    assert plan.take() == [3]
    plan.succeed(3)
    assert plan.is_finished


def test_failure_blocks_all_that_follows_and_nothing_else():
    plan = schedule(5, (0, 2), (2, 3), (1, 4))
    assert plan.take(5) == [0, 1]
    assert plan.fail(0) == [2, 3]
    plan.succeed(1)
    assert plan.take(5) == [4]
    plan.succeed(4)
    assert plan.is_finished
    assert plan.blocked == [2, 3]


def test_another_try():
    plan = schedule(1)
    assert plan.take() == [0]
    plan.put_back(0)
    assert plan.take() == [0]
    with pytest.raises(InvalidInputError, match="does not run"):
        schedule(1).succeed(0)


def test_stop():
    plan = schedule(3, (0, 2))
    assert plan.take(1) == [0]
    plan.stop()
    assert plan.take(1) == []
    assert not plan.is_finished
    plan.succeed(0)
    assert plan.is_finished
    assert plan.not_started == [1, 2]


def test_order_must_be_topological():
    with pytest.raises(InvalidInputError, match="topological"):
        schedule(2, (1, 0))


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    possible = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return count, edges


@given(graphs(), st.data())
def test_every_run_obeys_the_edges(graph, data):
    count, edges = graph
    plan = schedule(count, *edges)
    failing = data.draw(st.sets(st.integers(0, count - 1)))
    succeeded, failed, blocked, running = set(), set(), set(), []
    while not plan.is_finished:
        for quantum in plan.take(data.draw(st.integers(1, 3))):
            assert all(a in succeeded for a, b in edges if b == quantum)
            running.append(quantum)
        quantum = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if quantum in failing:
            failed.add(quantum)
            blocked |= set(plan.fail(quantum))
        else:
            plan.succeed(quantum)
            succeeded.add(quantum)
    assert succeeded | failed | blocked == set(range(count))
    assert blocked == set(plan.blocked)
    for quantum in blocked:
        assert any(a in failed | blocked for a, b in edges if b == quantum)
