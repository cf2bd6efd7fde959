# SPDX-License-Identifier: BSD-3-Clause
import xml.etree.ElementTree as ET

import pytest

from pachon.pipe_base import GraphEdge, Pipeline, PipelineGraph, TaskNode

SAMPLE = "pachon.pipe_base.testing.sample_tasks"


@pytest.fixture(scope="module")
def graph() -> PipelineGraph:
    made = Pipeline.empty("sample")
    for label in ("summarize", "combine", "measure"):
        made = made.with_task(label, f"{SAMPLE}.{label.capitalize()}Task")
    return made.to_graph()


def test_text(graph: PipelineGraph) -> None:
    assert graph.draw(storage_classes=False) == (
        "○    bias: {detector}\n"
        "│ ○  raw: {detector, exposure}\n"
        "├─╯\n"
        "■    measure: {detector, exposure}\n"
        "│\n"
        "○    measurement: {detector, exposure}\n"
        "│\n"
        "■    combine: {visit}\n"
        "│\n"
        "○    combined: {visit}\n"
        "│ ○  note: {instrument}\n"
        "├─╯\n"
        "■    summarize: {instrument}\n"
        "│\n"
        "○    summary: {instrument}\n"
    )


def test_text_of_tasks_only(graph: PipelineGraph) -> None:
    assert graph.draw(dataset_types=False, dimensions="off", task_classes="concise") == (
        "■  measure: MeasureTask\n│\n■  combine: CombineTask\n│\n■  summarize: SummarizeTask\n"
    )


def test_text_with_everything(graph: PipelineGraph) -> None:
    text = graph.draw(automatic=True, init=True, dimensions="full", task_classes="full")
    assert (
        f"measure: {{band, instrument, day_obs, detector, group, physical_filter, exposure}} {SAMPLE}.MeasureTask"
        in text
    )
    assert "▣" in text
    for name in ("measure_config", "measure_log", "measure_metadata", "measurement_schema"):
        assert name in text


def test_lanes_cross() -> None:
    def task(label: str, reads: str, writes: str) -> TaskNode:
        edges = [
            GraphEdge(task_label=label, connection=n, kind=kind, dataset_type_name=n, storage_class="Packages")
            for names, kind in ((reads, "input"), (writes, "output"))
            for n in names.split()
        ]
        return TaskNode(label=label, class_name="m.T", edges=tuple(edges))

    graph = PipelineGraph.build([task("a", "p q r", "x y z"), task("b", "x z r", "w"), task("c", "w y p", "")])
    assert graph.draw(storage_classes=False, dimensions="off") == (
        "○          p\n"
        "│ ○        q\n"
        "│ │ ○      r\n"
        "├─┼─┤\n"
        "│ ■ │      a\n"
        "│ ├─│─╮\n"
        "│ │ │ ○    x\n"
        "│ ├─│─│─╮\n"
        "│ │ │ │ ○  y\n"
        "│ │ │ │ │\n"
        "│ ○ │ │ │  z\n"
        "│ ├─┴─╯ │\n"
        "│ ■     │  b\n"
        "│ │     │\n"
        "│ ○     │  w\n"
        "├─┴─────╯\n"
        "■          c\n"
    )


def test_parallel_dataset_types_can_be_merged() -> None:
    edges = [
        GraphEdge(task_label="t", connection=n, kind=kind, dataset_type_name=n, storage_class="Packages")  # type: ignore[arg-type]
        for n, kind in (("a", "input"), ("b", "input"), ("x", "output"), ("y", "output"))
    ]
    graph = PipelineGraph.build([TaskNode(label="t", class_name="m.T", edges=tuple(edges))])
    assert graph.draw(merge_parallel=True) == "◍  a, b: {} Packages\n│\n■  t: {}\n│\n◍  x, y: {} Packages\n"


def test_mermaid(graph: PipelineGraph) -> None:
    text = graph.draw("mermaid")
    assert text.startswith('flowchart TD\nbias:0["<b>bias</b><br>#123;detector#125;<br>StructuredDataDict"]\n')
    assert "class measure:2 task;\n" in text
    assert "bias:0 -.-> measure:2\n" in text
    assert "raw:0 --> measure:2\n" in text
    assert "classDef dsType" in text


def test_dot(graph: PipelineGraph) -> None:
    text = graph.draw("dot")
    assert text.startswith("digraph Pipeline {\n")
    assert '"bias:0" -> "measure:2" [style=dashed];' in text
    assert '"measure:2" -> "measurement:0";' in text
    assert "<tr><td><b>measure</b></td></tr><tr><td>{detector, exposure}</td></tr>" in text


def test_components_are_named() -> None:
    edge = GraphEdge(
        task_label="t", connection="c", kind="input", dataset_type_name="a", component="wcs", storage_class="Wcs"
    )
    graph = PipelineGraph.build([TaskNode(label="t", class_name="m.T", edges=(edge,))])
    assert '"a:0" -> "t:2" [label=".wcs"];' in graph.draw("dot")
    assert "a:0 -->|.wcs| t:2" in graph.draw("mermaid")


def test_svg(graph: PipelineGraph) -> None:
    text = graph.draw("svg", title="Sample")
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    for name in ("Sample", "measure", "combined"):
        assert name in text
    assert graph._repr_html_().startswith("<svg")
