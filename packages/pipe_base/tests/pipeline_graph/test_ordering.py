# SPDX-License-Identifier: BSD-3-Clause
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base import GraphEdge, PipelineDataCycleError, TaskNode
from pachon.pipe_base.pipeline_graph import GraphStep, GraphSubset
from pachon.pipe_base.pipeline_graph.ordering import sort_tasks, task_links


def task(label: str, reads: str = "", writes: str = "") -> TaskNode:
    """Make a task that reads and writes dataset types of one-letter names; ``!`` defers the binding."""
    edges = [
        GraphEdge(
            task_label=label,
            connection=f"in_{name}",
            kind="input",
            dataset_type_name=name.strip("!"),
            storage_class="X",
            defer_binding="!" in name,
        )
        for name in reads.split()
    ]
    edges += [
        GraphEdge(task_label=label, connection=f"out_{n}", kind="output", dataset_type_name=n, storage_class="X")
        for n in writes.split()
    ]
    return TaskNode(label=label, class_name="m.T", edges=tuple(edges))


def labels(tasks: tuple[TaskNode, ...]) -> list[str]:
    return [node.label for node in tasks]


def test_writers_come_before_readers_and_names_break_ties() -> None:
    tasks = [task("z", "x", "p"), task("b", "p q"), task("a", "", "q"), task("c")]
    assert labels(sort_tasks(tasks)) == ["a", "c", "z", "b"]
    assert task_links(tasks) == {"z": {"b": "p"}, "b": {}, "a": {"b": "q"}, "c": {}}


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("a", "x", "x")], "Task 'a' reads its own output 'x'."),
        ([task("a", "y", "x"), task("b", "x", "y")], "The pipeline has a cycle: a -> x -> b -> y -> a."),
        (
            [task("d", "p", "q"), task("c", "r", "p"), task("b", "q", "r"), task("a", "p")],
            "The pipeline has a cycle: b -> r -> c -> p -> d -> q -> b.",
        ),
    ],
)
def test_cycles_are_named(tasks: list[TaskNode], message: str) -> None:
    with pytest.raises(PipelineDataCycleError) as caught:
        sort_tasks(tasks)
    assert str(caught.value) == message


def test_deferred_bindings_make_no_cycle() -> None:
    assert labels(sort_tasks([task("a", "x!", "x")])) == ["a"]


def test_steps_come_one_after_the_other() -> None:
    tasks = [task("a", "", "x"), task("b", "x"), task("z", "", "y"), task("c", "y")]
    subsets = {"s1": GraphSubset(name="s1", labels=("z", "c")), "s2": GraphSubset(name="s2", labels=("a", "b"))}
    assert labels(sort_tasks(tasks, (GraphStep(label="s1"), GraphStep(label="s2")), subsets)) == ["z", "c", "a", "b"]
    assert labels(sort_tasks(tasks)) == ["a", "b", "z", "c"]


@given(st.permutations(range(6)), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_any_graph_is_sorted_or_has_a_cycle(order: list[int], pairs: set[tuple[int, int]]) -> None:
    tasks = [task(f"t{i}", " ".join(f"d{a}" for a, b in sorted(pairs) if b == i), f"d{i}") for i in order]
    try:
        found = labels(sort_tasks(tasks))
    except PipelineDataCycleError as error:
        path = error.path
    else:
        place = {label: i for i, label in enumerate(found)}
        assert all(place[f"t{a}"] < place[f"t{b}"] for a, b in pairs)
        assert found == labels(sort_tasks(sorted(tasks, key=lambda node: node.label)))
        return
    assert path[0] == path[-1]
    for first, second in itertools.pairwise(path[::2]):
        assert (int(first[1:]), int(second[1:])) in pairs
