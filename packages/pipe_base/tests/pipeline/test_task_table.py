# SPDX-License-Identifier: BSD-3-Clause
import json
import logging
from pathlib import Path

import pytest
import yaml

from pachon.base import FormatError
from pachon.pipe_base import ContractError, Pipeline, TaskConfigurationError
from pachon.pipe_base.pipeline import TaskTable

SAMPLE = "pachon.pipe_base.testing.sample_tasks"
TEXT = """\
description: d
parameters: {name: cooked}
tasks:
  measure:
    class: far.away.MeasureTask
    config:
      connections.kind: parameters.name
      offset.offset: 2
      python: config.mode = "square"
  combine:
    class: far.away.CombineTask
    config: {minimum: 3}
contracts:
  - measure.connections.measurement == combine.connections.measurements
  - measure.offset.offset < 5
  - measure.mode == "no value says so"
"""


@pytest.fixture
def table(tmp_path: Path) -> TaskTable:
    real = (
        Pipeline.empty("d").with_task("measure", f"{SAMPLE}.MeasureTask").with_task("combine", f"{SAMPLE}.CombineTask")
    )
    document = TaskTable.document_of(real.to_graph().tasks.values())
    text = json.dumps(document).replace(SAMPLE, "far.away")
    (tmp_path / "table.json").write_text(text)
    (tmp_path / "table.yaml").write_text(yaml.safe_dump(json.loads(text), sort_keys=False))
    read = TaskTable.read(tmp_path / "table.yaml")
    assert read == TaskTable.read(tmp_path / "table.json")
    return read


def test_described_tasks_have_the_edges_of_the_real_ones(table: TaskTable, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.from_yaml(TEXT, name="p.yaml")
    with caplog.at_level(logging.INFO):
        graph = pipeline.to_graph(table=table)
    real = Pipeline.from_yaml(
        TEXT.replace("far.away", SAMPLE).replace('measure.mode == "no value says so"', "1 == 1"), name="p.yaml"
    ).to_graph()
    for label, task in graph.tasks.items():
        assert (task.edges, task.dimension_names) == (real.tasks[label].edges, real.tasks[label].dimension_names)
    assert graph.dataset_types == real.dataset_types
    assert graph.draw() == real.draw()
    assert "cooked" in graph.overall_inputs()
    assert caplog.messages == [
        "p.yaml, line 6, column 5, tasks.measure.config: task 'measure' is described only; its override code is not run.",
        (
            "p.yaml, line 16, column 5, contracts.2: the contract 'measure.mode == \"no value says so\"' is not checked: "
            "mode is not known."
        ),
    ]
    type(graph).from_document(json.loads(json.dumps(graph.to_document())), graph.universe)


def test_contracts_about_what_is_known_are_checked(table: TaskTable) -> None:
    pipeline = Pipeline.from_yaml(TEXT, name="p.yaml")
    with pytest.raises(ContractError, match=r"measure\.offset\.offset is 7"):
        pipeline.with_config("measure", "offset.offset", 7).to_graph(table=table)
    with pytest.raises(ContractError, match=r"combine\.connections\.measurements is 'other'"):
        pipeline.with_config("combine", "connections.measurements", "other").to_graph(table=table)


def test_connections_that_are_not_there(table: TaskTable) -> None:
    pipeline = Pipeline.from_yaml(TEXT, name="p.yaml")
    with pytest.raises(TaskConfigurationError) as caught:
        pipeline.with_config("combine", "connections.measurement", "x").to_graph(table=table)
    assert str(caught.value) == (
        "Task 'combine' cannot be configured: -c combine:connections.measurement=x: there is no connection 'measurement'. "
        "Did you mean 'measurements'?"
    )
    with pytest.raises(
        TaskConfigurationError, match=r"the name '\{kin\}_x' of connection 'image' has no template 'kin'"
    ):
        pipeline.with_config("measure", "connections.image", "{kin}_x").to_graph(table=table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "is no mapping from class paths to descriptions."),
        ("a: [", "is not valid YAML"),
        ("a.B: 3", "Description of a.B: it is a mapping, not 3."),
        ("a.B: {dimension: []}", "Description of a.B: unknown key 'dimension'. Did you mean 'dimensions'?"),
        (
            "a.B: {connections: {x: {kind: inputs}}}",
            (
                "Description of a.B: connection 'x' needs a 'kind', one of init_input, init_output, input, prerequisite_input, "
                "output."
            ),
        ),
        (
            "a.B: {connections: {x: {kind: input, name: a, storage: S}}}",
            "Description of a.B: connection 'x': Input has no option 'storage'.",
        ),
    ],
)
def test_malformed_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(FormatError) as caught:
        TaskTable.read(tmp_path / "t.yaml")
    assert message in str(caught.value)
