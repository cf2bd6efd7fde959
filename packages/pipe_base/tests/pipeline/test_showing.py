# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.pipe_base import Pipeline, UnknownLabelError
from pachon.pipe_base.pipeline.showing import ShowItem, parse_show_item

SAMPLE = "pachon.pipe_base.testing.sample_tasks"


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline.empty("sample")
    for label in ("measure", "combine"):
        made = made.with_task(label, f"{SAMPLE}.{label.capitalize()}Task")
    return made.with_config("combine", "minimum", "2").with_subset("all", ["combine", "measure"])


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("pipeline", ShowItem(kind="pipeline")),
        ("config", ShowItem(kind="config")),
        ("config=a::b*", ShowItem(kind="config", label="a", pattern="b*")),
        ("config=a::", ShowItem(kind="config", label="a")),
        ("config=::b", ShowItem(kind="config", pattern="b")),
        ("config=do*:NOIGNORECASE", ShowItem(kind="config", pattern="do*", ignore_case=False)),
        ("dump-config=a", ShowItem(kind="dump-config", label="a")),
        ("history=a::config.x.y", ShowItem(kind="history", label="a", pattern="x.y")),
    ],
)
def test_items(text: str, item: ShowItem) -> None:
    assert parse_show_item(text) == item


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "confg",
            (
                "'confg' cannot be shown; what can is pipeline, config, dump-config, history, tasks, subsets, inputs, "
                "pipeline-graph, task-graph. Did you mean 'config'?"
            ),
        ),
        ("tasks=a", "'tasks' takes no argument, not 'a'."),
        ("history", "'history' needs the pattern of a field, e.g. history=isr::doBias."),
    ],
)
def test_wrong_items(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_show_item(text)
    assert str(caught.value) == message


def test_config(pipeline: Pipeline) -> None:
    assert pipeline.show("config=combine::*") == (
        "### Configuration for task 'combine'\n"
        "# config.connections: Names of dataset types and templates.\n\n"
        "# measurements of all detectors\n# Default: 'measurement' (str)\nconfig.connections.measurements='measurement'\n\n"
        "# names of the columns\n# Default: 'measurement_schema' (str)\nconfig.connections.schema='measurement_schema'\n\n"
        "# sum over detectors\n# Default: 'combined' (str)\nconfig.connections.combined='combined'\n\n"
        "# Whether the log of each quantum is kept as a dataset.\n# Default: True (bool)\nconfig.saveLogOutput=True\n\n"
        "# Least number of measurements.\n# Default: 1 (int)\nconfig.minimum=2\n\n"
    )
    nothing = "### Configuration for task 'combine'\n# No field matches 'zz*'.\n\n"
    assert pipeline.show("config=combine::zz*") == nothing
    shown = pipeline.show("config=savelog*")
    assert shown.count("config.saveLogOutput=True") == 2
    noted = pipeline.show("config=saveLog*")
    assert noted.startswith(
        "# Upper and lower case of 'saveLog*' are the same; add :NOIGNORECASE to tell them apart.\n"
    )
    assert "config.saveLogOutput" not in pipeline.show("config=savelog*:NOIGNORECASE")
    with pytest.raises(UnknownLabelError):
        pipeline.show("config=combin::*")
    # Without a label the pattern is for all tasks; somebody who means a task is told.
    assert pipeline.show("config=zz*") == "# No field of any task matches 'zz*'.\n"
    assert pipeline.show("config=combine") == (
        "# No field of any task matches 'combine'. For the fields of task 'combine' write config=combine::*.\n"
    )


def test_dump_config(pipeline: Pipeline) -> None:
    shown = pipeline.show("dump-config=measure")
    assert f"import {SAMPLE}\n" in shown
    assert f"config.offset.retarget({SAMPLE}.OffsetTask)\n" in shown


def test_history(pipeline: Pipeline) -> None:
    assert pipeline.show("history=combine::minimum") == (
        "### History for task 'combine'\nconfig.minimum\n"
        "  1                     default\n  2                     -c combine:minimum=2\n"
    )
    with pytest.raises(InvalidInputError) as caught:
        pipeline.show("history=combine::nothing")
    assert str(caught.value) == "No field of task 'combine' matches 'nothing'."
    with pytest.raises(InvalidInputError) as caught:
        pipeline.show("history=combine")
    assert str(caught.value) == (
        "No field matches 'combine'. For the fields of task 'combine' write history=combine::*."
    )


def test_history_of_a_task_that_cannot_be_configured_says_why(pipeline: Pipeline) -> None:
    shown = pipeline.with_config("combine", "nosuch", "1").show("history=combine::*")
    assert shown.startswith(
        "### No configuration of task 'combine': Task 'combine' cannot be configured: -c combine:nosuch=1"
    )


def test_tasks_subsets_inputs_and_graphs(pipeline: Pipeline) -> None:
    assert pipeline.show("tasks") == (
        f"### Subtasks of task 'measure' ({SAMPLE}.MeasureTask)\noffset: {SAMPLE}.OffsetTask\n\n"
        f"### Subtasks of task 'combine' ({SAMPLE}.CombineTask)\n"
    )
    assert pipeline.show("subsets") == "all:\n- combine\n- measure\n"
    assert pipeline.show("inputs") == (
        "bias: {instrument, detector} StructuredDataDict\nraw: {instrument, detector, exposure} StructuredDataDict\n"
    )
    assert pipeline.show("task-graph").splitlines()[0].startswith("■  measure: {detector, exposure}")
    assert "measurement: {detector, exposure} StructuredDataDict" in pipeline.show("pipeline-graph")
