# SPDX-License-Identifier: BSD-3-Clause
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from pachon.base import FormatError, NotFoundError
from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base import Pipeline, PipelineGraph, PipelineGraphError, load_task
from pachon.pipe_base.testing.sample_tasks import MeasureTask

SAMPLE = "pachon.pipe_base.testing.sample_tasks"
UNIVERSE = DimensionUniverse.default()


class Facts:
    """Knows dataset types; counts how often it is asked."""

    universe = UNIVERSE

    def __init__(self, *known: DatasetType) -> None:
        self.known = {found.name: found for found in known}
        self.asked = 0

    def fetch_dataset_types(self, names: Iterable[str]) -> dict[str, DatasetType]:
        self.asked += 1
        return {name: self.known[name] for name in names if name in self.known}


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline.empty("sample")
    for label in ("summarize", "combine", "measure"):
        made = made.with_task(label, f"{SAMPLE}.{label.capitalize()}Task")
    return made.with_subset("all", ["measure", "combine", "summarize"], description="everything")


@pytest.fixture
def graph(pipeline: Pipeline) -> PipelineGraph:
    return pipeline.to_graph()


def test_order_and_relations(graph: PipelineGraph) -> None:
    assert list(graph.tasks) == ["measure", "combine", "summarize"]
    assert graph.upstream("combine") == {"measure", "combine"}
    assert graph.downstream("combine") == {"combine", "summarize"}
    assert graph.dimensions_of("combine") == UNIVERSE.conform(["visit"])
    assert list(graph.overall_inputs()) == ["bias", "note", "raw"]
    assert sorted(name for name, node in graph.dataset_types.items() if node.is_automatic) == [
        "combine_config", "combine_log", "combine_metadata", "measure_config", "measure_log", "measure_metadata",
        "packages", "summarize_config", "summarize_log", "summarize_metadata",
    ]  # fmt: skip
    with pytest.raises(NotFoundError, match=r"The pipeline has no task 'combin'\. Did you mean 'combine'"):
        graph.task("combin")


def test_resolution_against_a_repository_asks_once(pipeline: Pipeline) -> None:
    facts = Facts(DatasetType("raw", ["exposure", "detector"], "StructuredDataDict", universe=UNIVERSE))
    graph = pipeline.to_graph(facts)  # type: ignore[arg-type]
    assert facts.asked == 1
    assert graph.is_resolved
    assert graph.dataset_types["raw"].is_registered
    assert not graph.dataset_types["combined"].is_registered
    wrong = Facts(DatasetType("raw", ["visit"], "StructuredDataDict", universe=UNIVERSE))
    with pytest.raises(PipelineGraphError, match="declares 'raw' with dimensions"):
        pipeline.to_graph(wrong)  # type: ignore[arg-type]


def test_networkx(graph: PipelineGraph) -> None:
    found = graph.to_networkx()
    assert ("task", "measure") in found.successors(("dataset_type", "raw"))
    assert found.nodes["task", "measure"]["node"].label == "measure"
    assert found.edges[("task", "combine"), ("dataset_type", "combined")]["edge"].connection == "combined"


def test_parts(graph: PipelineGraph) -> None:
    part = graph.subgraph(["combine"])
    assert list(part.tasks) == ["combine"]
    assert list(part.overall_inputs()) == ["measurement", "measurement_schema"]
    assert part.subsets == {}
    assert graph.subgraph(["measure", "combine", "summarize"]).subsets == graph.subsets


def test_independent_parts(pipeline: Pipeline) -> None:
    pipeline = pipeline.with_task("lonely", f"{SAMPLE}.SummarizeTask")
    for name in ("combined", "summary", "note"):
        pipeline = pipeline.with_config("lonely", f"connections.{name}", f"lonely_{name}")
    parts = pipeline.to_graph().split_independent()
    assert [list(part.tasks) for part in parts] == [["lonely"], ["measure", "combine", "summarize"]]


def test_documents_are_json_and_need_no_task_class(graph: PipelineGraph, tmp_path: Path) -> None:
    document = json.loads(json.dumps(graph.to_document()))
    again = PipelineGraph.from_document(document, UNIVERSE)
    assert again == graph
    assert list(again.tasks) == list(graph.tasks)
    assert again.to_document() == graph.to_document()
    assert again.draw(automatic=True, init=True) == graph.draw(automatic=True, init=True)
    (tmp_path / "graph.json").write_text(json.dumps(document))
    code = (
        "import json, sys\n"
        "from pachon.dimensions import DimensionUniverse\n"
        "from pachon.pipe_base import PipelineGraph\n"
        f"document = json.load(open({str(tmp_path / 'graph.json')!r}))\n"
        "graph = PipelineGraph.from_document(document, DimensionUniverse.default())\n"
        "graph.draw('svg')\n"
        f"print({SAMPLE!r} in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "False"


def test_damaged_documents(graph: PipelineGraph) -> None:
    document = graph.to_document()
    for damage, message in (
        ({"version": 2}, "The pipeline graph has version 2; this version of pachon reads up to 1."),
        ({"universe": "x"}, "The pipeline graph was made with another dimension universe."),
        ({"tasks": {"a": {}}}, "Task 'a' of the pipeline graph is damaged (KeyError: 'connections')."),
        ({"dataset_types": {"a": {}}}, "Dataset type 'a' of the pipeline graph is damaged (KeyError: 'definition')."),
    ):
        with pytest.raises(FormatError) as caught:
            PipelineGraph.from_document({**document, **damage}, UNIVERSE)
        assert str(caught.value) == message
    with pytest.raises(FormatError, match="This is no pipeline graph"):
        PipelineGraph.from_document({}, UNIVERSE)


def test_tasks_are_loaded_from_a_stored_graph(pipeline: Pipeline) -> None:
    graph = pipeline.with_config("measure", "mode", "square").to_graph()
    stored = PipelineGraph.from_document(graph.to_document(), UNIVERSE).tasks["measure"]
    assert not stored.is_imported
    loaded = load_task(stored)
    assert loaded.task_class is MeasureTask
    assert loaded.config == graph.tasks["measure"].config
    assert loaded.config.is_frozen
    assert loaded.connections.measurement.name == "measurement"
    assert load_task(loaded) is loaded


def test_code_that_has_changed_is_noticed(pipeline: Pipeline) -> None:
    def stored(old: str, new: str) -> PipelineGraph:
        text = json.dumps(pipeline.to_graph().to_document())
        assert old in text
        return PipelineGraph.from_document(json.loads(text.replace(old, new)), UNIVERSE)

    changed = stored('"measurement": {"kind": "output"', '"measuremint": {"kind": "output"').tasks["measure"]
    with pytest.raises(PipelineGraphError) as caught:
        load_task(changed)
    assert str(caught.value) == (
        f"The code of task 'measure' ({SAMPLE}.MeasureTask) differs from what the graph was built with: connections "
        "measurement, measuremint; build the graph again."
    )
    assert load_task(changed, override=True).outputs.keys() == {"measurement"}
    with pytest.raises(
        PipelineGraphError, match=r"does not fit .*MeasureTask any more: MeasureConfig has no field 'doo'"
    ):
        load_task(stored('"do_bias": true', '"doo": true').tasks["measure"])
    with pytest.raises(PipelineGraphError, match=r"The class of task 'measure' is not usable: .* has no 'Missing'"):
        load_task(stored("sample_tasks.MeasureTask", "sample_tasks.Missing").tasks["measure"])


def test_a_task_that_was_missing_cannot_be_loaded(pipeline: Pipeline) -> None:
    graph = pipeline.with_task("x", "no.such.Task").to_graph(allow_missing=True)
    with pytest.raises(PipelineGraphError, match="Task 'x' was stored without its class"):
        load_task(graph.tasks["x"])


def test_an_empty_graph() -> None:
    graph = Pipeline.empty().to_graph()
    assert (len(graph), dict(graph.dataset_types), graph.draw()) == (0, {}, "")
    assert graph.split_independent() == []
