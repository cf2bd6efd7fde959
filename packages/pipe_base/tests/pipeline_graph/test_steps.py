# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
from typing import Any

import pytest

from pachon.pipe_base import GraphEdge, PipelineGraph, StepError, TaskNode
from pachon.pipe_base.pipeline_graph import GraphStep, GraphSubset

VISIT = ("instrument", "visit")
EXPOSURE = ("instrument", "exposure")


def task(label: str, reads: str, writes: str, dimensions: tuple[str, ...] = VISIT) -> TaskNode:
    def edge(name: str, kind: Any) -> GraphEdge:
        return GraphEdge(
            task_label=label,
            connection=name,
            kind=kind,
            dataset_type_name=name,
            storage_class="StructuredDataDict",
            raw_dimensions=dimensions,
        )

    edges = [edge(name, "input") for name in reads.split()] + [edge(name, "output") for name in writes.split()]
    return TaskNode(label=label, class_name="m.T", dimension_names=dimensions, edges=tuple(edges))


def build(steps: dict[str, tuple[str, str]], *tasks: TaskNode) -> PipelineGraph:
    return PipelineGraph.build(
        tasks or (task("a", "raw", "x"), task("b", "x", "y")),
        subsets={name: GraphSubset(name=name, labels=tuple(labels.split())) for name, (labels, _) in steps.items()},
        steps=tuple(GraphStep(label=name, dimensions=tuple(d.split())) for name, (_, d) in steps.items()),
        registered={},
    )


def test_good_steps() -> None:
    graph = build({"s1": ("a", "visit"), "s2": ("b", "")})
    assert [step.label for step in graph.steps] == ["s1", "s2"]
    build({"s1": ("a", "visit")}, task("a", "raw", "x", EXPOSURE))  # related by visit_definition


def test_a_part_keeps_its_steps() -> None:
    graph = build({"s1": ("a", "visit"), "s2": ("b", "")})
    assert graph.select("S:s2").steps == graph.steps[1:]
    assert graph.select("a | b").steps == graph.steps
    whole = build({"s1": ("a b", "visit")})
    assert [part.steps for part in whole.split_independent()] == [whole.steps]
    assert whole.select("a").steps == ()


def test_dimensions_that_only_a_repository_knows() -> None:
    """Without a repository the outputs with such dimensions are passed over."""
    known = task("a", "raw", "")
    shelf = dataclasses.replace(task("a", "", "x").edges[0], raw_dimensions=("visit", "shelf"))
    graph = PipelineGraph.build(
        [dataclasses.replace(known, edges=(*known.edges, shelf))],
        subsets={"s": GraphSubset(name="s", labels=("a",))},
        steps=(GraphStep(label="s", dimensions=("visit",)),),
    )
    assert not graph.is_resolved
    assert "no dimension 'shelf'" in graph.dataset_types["x"].problem


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"s1": ("a b", ""), "s2": ("b", "")}, "Task 'b' is in two steps, 's1' and 's2'."),
        ({"s1": ("a", "")}, "Task 'b' is in no step; with steps, every task is in one."),
        ({"s1": ("a b", "vist")}, "Step 's1': there is no dimension 'vist'. Did you mean 'visit'?"),
        (
            {"s1": ("a b", "detector")},
            "Step 's1' is split by 'detector', which is no dimension of task 'a' (instrument, visit).",
        ),
    ],
)
def test_steps_that_do_not_fit(steps: dict[str, tuple[str, str]], message: str) -> None:
    with pytest.raises(StepError) as caught:
        build(steps)
    assert str(caught.value) == message


def test_a_step_cannot_feed_an_earlier_one() -> None:
    with pytest.raises(StepError) as caught:
        build({"s1": ("b", ""), "s2": ("a", "")})
    assert str(caught.value) == "Step 's1' reads 'x' (task 'b'), which the later step 's2' writes (task 'a')."
