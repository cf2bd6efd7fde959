# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Sequence
from typing import Any

import pytest

from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base import (
    ConnectionTypeConsistencyError,
    DuplicateOutputError,
    GraphEdge,
    IncompatibleDatasetTypeError,
    PipelineGraph,
    TaskNode,
    UnresolvedDatasetTypeError,
)

VISIT = ("instrument", "visit")
DETECTOR = ("instrument", "visit", "detector")
UNIVERSE = DimensionUniverse.default()


def edge(label: str, name: str, kind: str = "input", dimensions: Sequence[str] = VISIT, **options: Any) -> GraphEdge:
    parent, _, component = name.partition(".")
    return GraphEdge(
        task_label=label,
        connection=f"c_{parent}",
        kind=kind,  # type: ignore[arg-type]
        dataset_type_name=parent,
        component=component or None,
        raw_dimensions=tuple(dimensions),
        **{"storage_class": "StructuredDataDict", **options},
    )


def task(label: str, *edges: GraphEdge, dimensions: Sequence[str] = VISIT) -> TaskNode:
    return TaskNode(label=label, class_name="m.T", dimension_names=tuple(dimensions), edges=edges)


def registered(*types: DatasetType) -> dict[str, DatasetType]:
    return {found.name: found for found in types}


def kind(
    name: str, dimensions: Sequence[str] = VISIT, storage_class: str = "StructuredDataDict", **options: Any
) -> DatasetType:
    return DatasetType(name, dimensions, storage_class, universe=UNIVERSE, **options)


def test_the_registered_definition_wins() -> None:
    graph = PipelineGraph.build(
        [task("t", edge("t", "a", storage_class="StructuredDataDict"))],
        registered=registered(kind("a")),
    )
    node = graph.dataset_types["a"]
    assert (node.is_registered, node.storage_class, node.dataset_type) == (True, "StructuredDataDict", kind("a"))
    assert graph.is_resolved


def test_the_writer_defines_what_is_not_registered() -> None:
    graph = PipelineGraph.build([task("w", edge("w", "a", "output")), task("r", edge("r", "a"))], registered={})
    node = graph.dataset_types["a"]
    assert (node.producer, node.consumers, node.is_registered) == ("w", ("r",), False)
    assert node.dataset_type == kind("a")
    assert not node.is_initial_query_constraint


def test_readers_define_it_if_they_agree() -> None:
    graph = PipelineGraph.build([task("r", edge("r", "a")), task("s", edge("s", "a"))], registered={})
    assert graph.dataset_types["a"].dataset_type == kind("a")
    with pytest.raises(IncompatibleDatasetTypeError) as caught:
        PipelineGraph.build(
            [task("r", edge("r", "a")), task("s", edge("s", "a", storage_class="ArrowAstropy"))], registered={}
        )
    assert str(caught.value) == (
        "Dataset type 'a' is not registered, and its readers differ: task 'r' (connection 'c_a') has "
        "{instrument, visit} StructuredDataDict, task 's' (connection 'c_a') has "
        "{instrument, visit} ArrowAstropy; register it first."
    )


def test_query_constraints() -> None:
    graph = PipelineGraph.build(
        [
            task(
                "r",
                edge("r", "a"),
                edge("r", "b", defer_graph_constraint=True),
                edge("r", "p", "prerequisite_input"),
                edge("r", "i", "init_input", ()),
            ),
            task("s", edge("s", "b")),
        ],
        registered={},
    )
    assert list(graph.query_constraints()) == ["a"]
    # What one reader can do without does not limit what is made.
    optional = PipelineGraph.build(
        [task("r", edge("r", "a"), edge("r", "b", multiple=True)), task("s", edge("s", "b", multiple=True, minimum=0))],
        registered={},
    )
    assert list(optional.query_constraints()) == ["a"]
    assert list(graph.overall_inputs()) == ["a", "b", "i", "p"]
    assert graph.dataset_types["p"].is_prerequisite
    assert graph.dataset_types["i"].is_init
    assert graph.dataset_types["packages"].is_automatic


def test_two_writers() -> None:
    with pytest.raises(DuplicateOutputError) as caught:
        PipelineGraph.build([task("v", edge("v", "a", "output")), task("w", edge("w", "a", "output"))])
    assert str(caught.value) == (
        "Dataset type 'a' is written by task 'v' (connection 'c_a') and by task 'w' (connection 'c_a'); "
        "rename one with an override of 'connections'."
    )


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            [task("w", edge("w", "a", "output")), task("r", edge("r", "a", "prerequisite_input"))],
            (
                "Dataset type 'a' is a prerequisite of task 'r' (connection 'c_a'), so it cannot be written by task 'w' "
                "(connection 'c_a') in the same pipeline."
            ),
        ),
        (
            [task("q", edge("q", "a")), task("r", edge("r", "a", "prerequisite_input"))],
            (
                "Dataset type 'a' is a prerequisite of task 'r' (connection 'c_a') and a regular input of task 'q' "
                "(connection 'c_a')."
            ),
        ),
        (
            [task("w", edge("w", "a", "init_output", ())), task("r", edge("r", "a", "input", ()))],
            (
                "Dataset type 'a' is an init-output of task 'w' (connection 'c_a') and no init-input of task 'r' "
                "(connection 'c_a')."
            ),
        ),
        (
            [task("w", edge("w", "a", "output", ())), task("r", edge("r", "a", "init_input", ()))],
            (
                "Dataset type 'a' is no init-output of task 'w' (connection 'c_a') and an init-input of task 'r' "
                "(connection 'c_a')."
            ),
        ),
    ],
)
def test_kinds_must_fit(tasks: list[TaskNode], message: str) -> None:
    with pytest.raises(ConnectionTypeConsistencyError) as caught:
        PipelineGraph.build(tasks)
    assert str(caught.value) == message


NAMES = "instrument, visit"


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        (
            edge("t", "a", dimensions=DETECTOR),
            kind("a"),
            (
                "Task 't' (connection 'c_a') declares 'a' with dimensions {instrument, detector, visit}, but it is "
                "registered with {instrument, visit}; the declaration has detector."
            ),
        ),
        (
            edge("t", "a", is_calibration=True),
            kind("a"),
            "Task 't' (connection 'c_a') declares 'a' as a calibration, but it is registered as no calibration.",
        ),
        (
            edge("t", "a", "output"),
            kind("a", is_calibration=True),
            "Task 't' (connection 'c_a') declares 'a' as no calibration, but it is registered as a calibration.",
        ),
        (
            edge("t", "a", storage_class="Wcs"),
            kind("a"),
            (
                "Task 't' (connection 'c_a') reads 'a' as Wcs, but it is registered as StructuredDataDict, which cannot be "
                "converted."
            ),
        ),
        (
            edge("t", "a", "output", storage_class="Wcs"),
            kind("a"),
            (
                "Task 't' (connection 'c_a') writes 'a' as Wcs, but it is registered as StructuredDataDict, to which it "
                "cannot be converted."
            ),
        ),
    ],
)
def test_connections_must_fit_the_repository(given: GraphEdge, known: DatasetType, message: str) -> None:
    with pytest.raises(IncompatibleDatasetTypeError) as caught:
        PipelineGraph.build([task("t", given)], registered=registered(known))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            edge("t", "a", dimensions=("instrument", "vist")),
            "Task 't' (connection 'c_a'): There is no dimension 'vist'. Did you mean 'visit'?",
        ),
        (
            edge("t", "a", storage_class="StructuredDataDikt"),
            (
                "Task 't' (connection 'c_a'): There is no storage class 'StructuredDataDikt'. "
                "Did you mean 'StructuredDataDict' or 'StructuredData'?"
            ),
        ),
        (
            edge("t", "a", dimensions=("skypix",)),
            (
                "Dataset type 'a' of task 't' (connection 'c_a') has the placeholder dimension 'skypix' and is not "
                "registered; register it with a real pixelization."
            ),
        ),
        (
            edge("t", "a.wcs", storage_class="Wcs"),
            (
                "Task 't' (connection 'c_a') reads component 'a.wcs', but dataset type 'a' is neither registered nor "
                "written by the pipeline; register it first."
            ),
        ),
        (
            edge("t", "visit"),
            "Task 't' (connection 'c_visit'): 'visit' is a dimension element and cannot be a dataset type too.",
        ),
    ],
)
def test_what_nobody_defines(given: GraphEdge, message: str) -> None:
    with pytest.raises(UnresolvedDatasetTypeError) as caught:
        PipelineGraph.build([task("t", given)], registered={})
    assert str(caught.value).startswith(message.partition(" Did you mean 'StructuredDataDict'")[0])
    graph = PipelineGraph.build([task("t", given)])  # for looking at
    assert not graph.is_resolved or given.raw_dimensions == ("skypix",)
    graph.draw()


def test_unknown_dimensions_of_a_task() -> None:
    with pytest.raises(UnresolvedDatasetTypeError) as caught:
        PipelineGraph.build([task("t", dimensions=("vist",))], registered={})
    assert str(caught.value) == "Task 't': There is no dimension 'vist'. Did you mean 'visit'?"


def test_the_placeholder_is_taken_from_the_registered_type() -> None:
    reads = edge("t", "cat", "prerequisite_input", ("skypix",))
    graph = PipelineGraph.build([task("t", reads)], registered=registered(kind("cat", ("htm7",))))
    assert graph.dataset_types["cat"].dimension_names == ("htm7",)
    assert PipelineGraph.build([task("t", reads)]).dataset_types["cat"].dimension_names == (UNIVERSE.common_skypix,)


def test_components() -> None:
    whole = kind("image", storage_class="CCDData")
    reads = edge("t", "image.wcs", storage_class="Wcs")
    node = PipelineGraph.build([task("t", reads)], registered=registered(whole)).dataset_types["image"]
    assert node.dataset_type == whole
    with pytest.raises(UnresolvedDatasetTypeError, match="has no component 'nothing'"):
        PipelineGraph.build([task("t", edge("t", "image.nothing"))], registered=registered(whole))
    with pytest.raises(IncompatibleDatasetTypeError, match=r"reads 'image\.wcs' as StructuredDataDict"):
        PipelineGraph.build([task("t", edge("t", "image.wcs"))], registered=registered(whole))


def test_unknown_storage_classes_are_shown_without_a_repository() -> None:
    graph = PipelineGraph.build(
        [task("r", edge("r", "a", storage_class="Foo")), task("s", edge("s", "a", storage_class="Bar"))]
    )
    assert graph.dataset_types["a"].storage_class == "Foo/Bar"
    assert PipelineGraph.build([task("r", edge("r", "a.b"))]).dataset_types["a"].storage_class == "<UNKNOWN>"
