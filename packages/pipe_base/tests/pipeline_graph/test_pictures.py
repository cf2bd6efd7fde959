# SPDX-License-Identifier: BSD-3-Clause
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pachon.base import InvalidInputError
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
    assert graph._repr_svg_().startswith("<svg")
    notebook = graph._repr_html_()
    assert notebook.startswith("<div><p>3 tasks, 17 dataset types</p>")
    assert "<svg" in notebook


def test_png(graph: PipelineGraph) -> None:
    from PIL import Image

    small, large = (Image.open(io.BytesIO(graph.to_png(title="Sample", scale=scale))) for scale in (1.0, 2.0))
    assert large.format == "PNG"
    assert large.width == pytest.approx(2 * small.width, abs=2)
    svg = ET.fromstring(graph.draw("svg", title="Sample"))
    assert small.width == pytest.approx(float(svg.attrib["width"]), abs=2)
    assert small.height == pytest.approx(float(svg.attrib["height"]), abs=2)
    colors = {color for _, color in small.getcolors(maxcolors=1_000_000)}
    # Fills of a task, a prerequisite, an overall input, and the background.
    assert {(0xDC, 0xEB, 0xF7), (0xFD, 0xF0, 0xD5), (0xD9, 0xF2, 0xE6), (255, 255, 255)} <= colors


def test_files_have_the_format_that_their_name_ends_with(graph: PipelineGraph, tmp_path: Path) -> None:
    begins = {
        "p.svg": "<svg", "p.dot": "digraph", "p.gv": "digraph", "p.mmd": "flowchart", "p.txt": "○", "p.json": "{",
    }  # fmt: skip
    for name, begin in begins.items():
        graph.write_picture(tmp_path / name)
        assert (tmp_path / name).read_text().startswith(begin)
    graph.write_picture(str(tmp_path / "p.PNG"))
    assert (tmp_path / "p.PNG").read_bytes().startswith(b"\x89PNG")
    document = json.loads((tmp_path / "p.json").read_text())
    assert PipelineGraph.from_document(document, graph.universe).tasks == graph.tasks
    with pytest.raises(InvalidInputError) as caught:
        graph.write_picture("p.jpeg")
    assert str(caught.value) == (
        "'p.jpeg': a picture is written to a file that ends with one of .svg, .dot, .gv, .mmd, .mermaid, .txt, .png, .json."
    )


def test_a_compact_picture_keeps_every_name(graph: PipelineGraph) -> None:
    text = graph.draw(compact=True)
    assert next(line.split("  ")[-1].strip() for line in text.splitlines() if "■" in line).startswith("measure: {")
    svg = graph.draw("svg", compact=True)
    assert len(re.findall('class="node task"', svg)) == 3
    assert 'class="node input"' not in svg
    for edge in graph.edges():
        if not edge.is_automatic and not edge.is_init:
            assert edge.full_name in svg


def _chain(count: int, *, everything_before: bool = False) -> PipelineGraph:
    tasks = []
    for number in range(count):
        first = 0 if everything_before else max(number - 1, 0)
        inputs = [f"d{other}" for other in range(first, number)] or ["raw"]
        edges = [
            GraphEdge(
                task_label=f"t{number:03}",
                connection=f"in{n}",
                kind="input",
                dataset_type_name=name,
                storage_class="Wcs",
            )
            for n, name in enumerate(inputs)
        ]
        output = GraphEdge(
            task_label=f"t{number:03}",
            connection="out",
            kind="output",
            dataset_type_name=f"d{number}",
            storage_class="Wcs",
        )
        tasks.append(TaskNode(label=f"t{number:03}", class_name="m.T", edges=(*edges, output)))
    return PipelineGraph.build(tasks)


def test_arrows_that_follow_from_others_are_left_out_of_a_compact_picture() -> None:
    svg = _chain(6, everything_before=True).draw("svg", compact=True)
    assert svg.count('<path class="edge"') == 5
    assert "reads d0, d1, d2, d3, d4" in svg


def test_large_images_are_compact_and_others_are_not() -> None:
    graph = _chain(120)
    assert graph.draw("svg").count('<g class="node') == 120
    assert graph.draw("svg", compact=False).count('<g class="node') == 241
    assert graph.draw().count("○") == 121


def test_the_margin_of_a_large_text_is_limited() -> None:
    graph = _chain(80, everything_before=True)
    lines = graph.draw().splitlines()
    margin = max(line.index("t0") for line in lines if "■" in line)
    assert margin <= 2 * 26 + 4
    (last,) = (line for line in lines if "t079" in line)
    # What has no lane is named, and every input is one or the other.
    named = last.partition(" <- ")[2].split(", ")
    assert 79 - 26 <= len(named) < 79
    assert len(set(named)) == len(named)
