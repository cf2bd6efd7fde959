# SPDX-License-Identifier: BSD-3-Clause
"""Every configuration, pipeline graph, log and metadata that a released version wrote can be read, for ever.

The formats are described in ``docs/formats``; ``samples.py`` wrote the files.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from pachon.pipe_base import PipelineGraph, TaskMetadata
from pachon.pipe_base.config.document import flat_values

HERE = Path(__file__).parent
DATA = HERE / "data"

_spec = importlib.util.spec_from_file_location("pipe_base_samples", HERE / "samples.py")
assert _spec is not None
assert _spec.loader is not None
samples = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)  # its tasks are imported by name
_spec.loader.exec_module(samples)


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def of(kind: str) -> pytest.MarkDecorator:
    paths = sorted(DATA.glob(f"{kind}-[0-9]*.json"))
    assert paths, f"no sample of {kind}"
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


@of("config")
def test_configurations(path: Path) -> None:
    document = load(path)
    assert document["version"] == 1
    config = samples.CleanConfig.from_document(document)
    assert (config.level, config.limits, config.names) == (7.5, (0, 100), {"a": "b"})
    assert (config.fit.order, config.fit.ignored) == (4, ["BAD", "SAT"])
    assert (config.note, config.fail, config.connections.kind) == ("a note, ä", False, "raw")
    assert dict(flat_values(document["values"])) == dict(flat_values(json.loads(json.dumps(config.to_data()))))
    assert [str(entry.source) for entry in config.fit.history("order")][1:] == ["pipe_base/tests/samples.py:89"]


@of("pipeline-graph")
def test_pipeline_graphs(path: Path) -> None:
    document = load(path)
    graph = PipelineGraph.from_document(document, samples.load_universe())
    assert (graph.description, graph.is_resolved, list(graph.tasks)) == ("two tasks", True, ["clean"])
    assert {name: subset.labels for name, subset in graph.subsets.items()} == {"first": ("clean",)}
    task = graph.task("clean")
    assert (task.class_name, task.default_name) == ("samples.CleanTask", "clean")
    assert task.dimension_names == ("instrument", "exposure", "detector")
    assert {edge.connection: (edge.kind, edge.dataset_type_name, edge.storage_class) for edge in task.edges} == {
        "image": ("input", "raw", "StructuredDataDict"),
        "bias": ("prerequisite_input", "bias", "StructuredDataDict"),
        "cleaned": ("output", "cleaned", "StructuredDataDict"),
        "_config": ("init_output", "clean_config", "Config"),
        "_log": ("output", "clean_log", "ButlerLogRecords"),
        "_metadata": ("output", "clean_metadata", "TaskMetadata"),
    }
    assert task.config_document is not None
    assert samples.CleanConfig.from_document(task.config_document).note == "from the pipeline"
    assert [(n.producer, n.is_calibration, n.is_registered) for n in graph.overall_inputs().values()] == [
        (None, True, True),
        (None, False, True),
    ]
    assert graph.dataset_types["cleaned"].producer == "clean"
    bias = graph.dataset_types["bias"].dataset_type
    assert bias is not None
    assert bias.dimension_names == ("instrument", "detector")


@of("metadata")
def test_metadata(path: Path) -> None:
    metadata = TaskMetadata.from_json(path.read_text(encoding="utf-8"))
    assert metadata["clean.rows"] == [1, 2, 3]
    assert metadata["clean.fit.converged"] is True
    assert math.isnan(metadata["clean.fit.chi_squared"])
    quantum = metadata["quantum"]
    assert (quantum["__version__"], quantum["nodeName"], quantum["caveats"]) == (1, "node1", 0)
    assert len(quantum["outputs"]) == 1
    for mark in ("prep", "init", "start", "end"):
        assert len(quantum.get_array(f"{mark}Utc")) == len(quantum.get_array(f"{mark}CpuTime")) == 1
    assert quantum["butler_metrics"]["n_get"] == 2


@of("log")
def test_logs(path: Path) -> None:
    document = load(path)
    assert document["extended"] is True
    assert document["previous_process_quanta"] == []
    (record,) = document["records"]
    assert (record["name"], record["levelname"], record["levelno"]) == ("samples.clean", "INFO", 20)
    assert record["message"] == "Level 5.0"
    assert record["MDC"]["RUN"] == "samples/run"


@of("log-failure")
def test_logs_of_failures(path: Path) -> None:
    document = load(path)
    exception = document["exception"]
    assert (exception["type_name"], exception["message"], exception["metadata"]) == ("ValueError", "told to fail", {})
    if document["version"] > 2:
        assert {"name": "run", "line": 'raise ValueError("told to fail")'}.items() <= exception["traceback"][-1].items()
    assert "told to fail" in document["records"][-1]["exc_info"]
    assert TaskMetadata.from_document(document["metadata"])["clean.clean_level"] == 5.0


def _shape(document: Any) -> Any:
    """Give the keys of a document, without its values."""
    if isinstance(document, dict):
        return {key: _shape(value) for key, value in document.items()}
    return [_shape(item) for item in document[:1]] if isinstance(document, list) else None


def test_what_is_written_now_has_the_form_of_the_newest_samples(caplog: pytest.LogCaptureFixture) -> None:
    """A key that is added, renamed or gone is a new version: write its sample, and describe it."""
    caplog.set_level("INFO")
    metadata, log = samples.run(fail=False)
    _, failure = samples.run(fail=True)
    for name, document in (
        (f"config-{samples.DOCUMENT_VERSION}", samples.make_config().to_document()),
        (f"pipeline-graph-{samples.GRAPH_DOCUMENT_VERSION}", samples.make_graph()),
        (f"metadata-{samples.METADATA_VERSION}", metadata),
        (f"log-{samples.LOG_VERSION}", log),
        (f"log-failure-{samples.LOG_VERSION}", failure),
    ):
        assert _shape(document) == _shape(load(DATA / f"{name}.json")), name
