# SPDX-License-Identifier: BSD-3-Clause
import json
import logging
from pathlib import Path

import pytest
import yaml

from pachon.base import FormatError, NotFoundError
from pachon.pipe_base import ContractError, Pipeline, TaskConfigurationError, TaskNode
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


RULES = """
far.away.StackTask:
  dimensions: [instrument, visit]
  dimensions_if: {field: perDetector, equals: true, dimensions: [instrument, visit, detector]}
  fields: {doDark: true, bands: [g, r], count: 1}
  connections:
    raw: {kind: input, name: raw, storage_class: D, dimensions: [instrument, visit, detector], multiple: true}
    dark:
      kind: prerequisite_input
      name: dark
      storage_class: D
      dimensions: [instrument, detector]
      remove_if: [{field: doDark, equals: false}, {field: mode, equals: none}]
    flats: {kind: input, name: "flat_{item}", storage_class: D, dimensions: [instrument], repeat_over: bands}
    stack:
      kind: output
      name: stack
      storage_class: D
      dimensions: [instrument, visit]
      dimensions_if:
        - {field: perDetector, equals: true, dimensions: [instrument, visit, detector]}
        - {field: perNight, equals: true, dimensions: [instrument, day_obs]}
"""


def _stack(tmp_path: Path, *values: tuple[str, object]) -> TaskNode:
    (tmp_path / "rules.yaml").write_text(RULES)
    pipeline = Pipeline.from_yaml("description: d\ntasks: {stack: far.away.StackTask}\ncontracts: [stack.count < 5]\n")
    for name, value in values:
        pipeline = pipeline.with_config("stack", name, value)
    return pipeline.to_graph(table=TaskTable.read(tmp_path / "rules.yaml")).tasks["stack"]


def test_connections_that_depend_on_fields(tmp_path: Path) -> None:
    plain = _stack(tmp_path)
    assert list(plain.inputs) == ["raw", "flats_g", "flats_r"]
    assert [edge.dataset_type_name for edge in plain.inputs.values()] == ["raw", "flat_g", "flat_r"]
    assert list(plain.prerequisite_inputs) == ["dark"]
    assert plain.dimension_names == plain.outputs["stack"].raw_dimensions == ("instrument", "visit")
    assert "dark" not in _stack(tmp_path, ("doDark", "False")).prerequisite_inputs
    assert "dark" not in _stack(tmp_path, ("mode", "none")).prerequisite_inputs
    other = _stack(tmp_path, ("bands", ["i"]), ("connections.flats", "f_{item}"), ("perNight", True))
    assert [edge.dataset_type_name for edge in other.inputs.values()] == ["raw", "f_i"]
    assert other.outputs["stack"].raw_dimensions == ("instrument", "day_obs")
    fine = _stack(tmp_path, ("perDetector", "True"), ("perNight", True))
    assert fine.dimension_names == fine.outputs["stack"].raw_dimensions == ("instrument", "visit", "detector")
    assert fine.metadata_output.raw_dimensions == fine.dimension_names
    with pytest.raises(ContractError, match=r"stack\.count is 7"):
        _stack(tmp_path, ("count", "7"))  # text of the command line, which is a number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "is no mapping from class paths to descriptions."),
        ("a: [", "line 2, column 1: this is not YAML"),
        ("a: 1\na: 2", "twice"),
        ("a.B: 3", "Description of a.B: it is a mapping, not 3."),
        ("a.B: {dimension: []}", "Description of a.B: unknown key 'dimension'. Did you mean 'dimensions'?"),
        (
            "a.B: {connections: {x: {kind: inputs}}}",
            (
                "Description of a.B: connection 'x': it needs a 'kind', one of init_input, init_output, input, "
                "prerequisite_input, output."
            ),
        ),
        ("a.B: {connections: [x]}", "Description of a.B: 'connections' is a mapping by name, not ['x']."),
        ("a.B: {connections: {x: 3}}", "Description of a.B: connection 'x': it is a mapping, not 3."),
        ("a.B: {dimensions: visit}", "Description of a.B: 'dimensions' is a list of names, not 'visit'."),
        (
            "a.B: {connections: {x: {kind: input, name: a, storage_class: S, dimensions: visit}}}",
            "Description of a.B: connection 'x': dimensions must be a sequence of names, not the text 'visit'; a comma is missing.",
        ),
        (
            "a.B: {connections: {x: {kind: input, name: a, storage_class: S, remove_if: {field: b}}}}",
            "Description of a.B: connection 'x': 'remove_if' is a mapping with field, equals, not {'field': 'b'}.",
        ),
        (
            "a.B: {connections: {x: {kind: input, name: a, storage_class: S, repeat_over: 3}}}",
            "Description of a.B: connection 'x': 'repeat_over' is the name of a field, not 3.",
        ),
        (
            "a.B: {dimensions_if: {field: b, equals: 1}}",
            "Description of a.B: 'dimensions_if' is a mapping with field, equals, dimensions, not {'field': 'b', 'equals': 1}.",
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


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no table of tasks"):
        TaskTable.read(tmp_path / "t.yaml")
