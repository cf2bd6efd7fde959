# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec import Schedule
from pachon.ctrl_mpexec.scheduler import CyclicGraphError


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


def test_quanta_that_wait_for_each_other_are_named():
    schedule(2, (1, 0))  # numbers need not ascend
    with pytest.raises(CyclicGraphError, match="wait for each other: ") as caught:
        schedule(4, (0, 1), (1, 2), (2, 1), (2, 3))
    assert set(caught.value.quanta) == {1, 2}


def test_ranks_decide_among_those_that_are_ready():
    pairs = np.array([(0, 3)])
    plan = Schedule(4, pairs[:, 0], pairs[:, 1], rank=np.array([0, -1, 0, -2]))
    assert plan.take(2) == [1, 0]
    plan.succeed(0)
    assert plan.take(4) == [3, 2]


def test_a_quantum_that_needs_more_places_waits_for_them():
    plan = schedule(3)
    assert plan.take(2) == [0, 1]
    plan.put_back(0, places=2)
    assert plan.take(1) == [], "what is behind it must not keep it waiting for ever"
    plan.succeed(1)
    assert plan.take(2) == [0]
    assert plan.places(0) == 2
    plan.succeed(0)
    assert plan.take(2) == [2]


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    order = draw(st.permutations(range(count)))
    possible = [(order[a], order[b]) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return count, edges


@given(graphs(), st.data())
def test_every_run_obeys_the_edges(graph, data):
    """Failures, other attempts with more places, and an end at any moment: every quantum has one fate, and the right one."""
    count, edges = graph
    plan = schedule(count, *edges)
    size = data.draw(st.integers(1, 3))
    failing = data.draw(st.sets(st.integers(0, count - 1)))
    again = data.draw(st.dictionaries(st.integers(0, count - 1), st.integers(1, size)))
    stop_after = data.draw(st.integers(0, 40))
    succeeded, failed, blocked, running = set(), set(), set(), []
    steps = 0
    while not plan.is_finished:
        steps += 1
        if steps == stop_after:
            plan.stop()
        used = sum(plan.places(quantum) for quantum in running)
        taken = plan.take(size - used)
        assert not (taken and steps >= stop_after > 0), "nothing starts after the end was called"
        for quantum in taken:
            assert all(a in succeeded for a, b in edges if b == quantum)
            assert quantum not in succeeded | failed | blocked
            running.append(quantum)
        assert sum(plan.places(quantum) for quantum in running) <= size
        assert sorted(running) == plan.running
        if not running:
            assert plan.is_finished
            break
        quantum = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if quantum in again:
            plan.put_back(quantum, places=again.pop(quantum))
        elif quantum in failing:
            failed.add(quantum)
            blocked |= set(plan.fail(quantum))
        else:
            plan.succeed(quantum)
            succeeded.add(quantum)
    waiting = set(plan.not_started)
    assert blocked == set(plan.blocked)
    assert sorted([*succeeded, *failed, *blocked, *waiting]) == list(range(count))
    assert not waiting or steps >= stop_after > 0
    for quantum in blocked:
        assert any(a in failed | blocked for a, b in edges if b == quantum)
