# SPDX-License-Identifier: BSD-3-Clause
import pickle
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from pachon.base import InvalidInputError
from pachon.pipe_base import (
    ContractError,
    InstrumentNotFoundError,
    Pipeline,
    PipelineError,
    PipelineGraphError,
    TaskConfigurationError,
    TaskImportError,
    UnknownLabelError,
)
from pachon.pipe_base.pipeline import checking
from pachon.pipe_base.testing.sample_tasks import MeasureTask, ScaleTask
from pachon.resources import ResourcePath

SAMPLE = "pachon.pipe_base.testing.sample_tasks"
TEXT = f"""\
description: sample
parameters: {{mode: square, offset: 2.5}}
tasks:
  measure:
    class: {SAMPLE}.MeasureTask
    config:
      mode: parameters.mode
      offset.offset: parameters.offset
      planes: [SAT]
      python: |
        config.planes.append("CR")
        if parameters.offset > 2:
            config.limits = [1, 2, 3]
      names: {{a: b}}
  combine: {SAMPLE}.CombineTask
  summarize: {SAMPLE}.SummarizeTask
contracts:
  - measure.connections.measurement == combine.connections.measurements
  - contract: combine.minimum < 10
    msg: That many are never there.
subsets:
  first: [measure]
  later: [combine, summarize]
"""


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline.from_yaml(TEXT, name="p.yaml")


def test_configuration_order(pipeline: Pipeline) -> None:
    config = pipeline.to_graph().tasks["measure"].config
    assert (config.mode, config.offset.offset, config.limits) == ("square", 2.5, (1, 2, 3))
    assert config.planes == ["SAT"]  # values come after the python code of their block
    assert config.names == {"a": "b"}
    assert config.is_frozen
    assert [str(entry.source) for entry in config.history("planes")] == [
        "default",
        "p.yaml:11",
        "tasks.measure.config.planes (p.yaml:9)",
    ]


def test_the_command_line_comes_last(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("config.mode = 'plain'\nconfig.planes = ['FILE']")
    changed = (
        pipeline.with_config("measure", "mode", "square")
        .with_config_file("measure", str(tmp_path / "c.py"))
        .with_config("measure", "planes", "[X, Y]")
        .with_config("parameters", "offset", "7.5")
    )
    config = changed.to_graph().tasks["measure"].config
    assert (config.mode, config.planes, config.offset.offset) == ("plain", ["X", "Y"], 7.5)
    assert str(config.history("planes")[-1].source) == "-c measure:planes=[X, Y]"
    assert pipeline.parameters["offset"] == 2.5


def test_a_parameter_that_was_not_there_is_made_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.from_yaml(
        f"description: d\nparameters: {{offset: 1}}\ntasks: {{measure: {SAMPLE}.MeasureTask}}"
    )
    assert pipeline.with_config("parameters", "offset", "2").parameters == {"offset": 2}
    assert not caplog.records
    assert pipeline.with_config("parameters", "ofset", "2").parameters == {"offset": 1, "ofset": 2}
    assert pipeline.with_config("parameters", "zz", "2").parameters == {"offset": 1, "zz": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "-c parameters:ofset=2: the pipeline had no parameter 'ofset'; it is a new one. Did you mean 'offset'?",
        "-c parameters:zz=2: the pipeline had no parameter 'zz'; it is a new one. There is offset.",
    ]


def test_instrument_overrides_come_before_the_pipeline(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "measure.py").write_text("config.mode = 'plain'\nconfig.do_bias = False\nconfig.load('more.py')")
    (tmp_path / "more.py").write_text("config.connections.kind = 'cooked'")
    sample = SimpleNamespace(name="Sample", collection_prefix="s", config_paths=["/nowhere", str(tmp_path)])
    monkeypatch.setattr(checking, "find_instrument", lambda name: sample)
    graph = pipeline.with_instrument("sample").to_graph()
    config = graph.tasks["measure"].config
    assert (config.mode, config.do_bias, config.connections.kind) == ("square", False, "cooked")
    assert dict(graph.data_id) == {"instrument": "Sample"}
    assert "cooked" in graph.overall_inputs()
    twice = pipeline.with_instrument("sample").with_task("other", MeasureTask)
    twice = twice.with_config("other", "connections.measurement", "m2").with_config("other", "connections.schema", "s2")
    assert twice.to_graph().tasks["other"].config.do_bias is False  # by default name, not by label


def test_retargeting_from_the_command_line(pipeline: Pipeline) -> None:
    changed = pipeline.with_python("measure", "config.offset.retarget(ScaleTask)").with_config(
        "measure", "offset.factor", "3"
    )
    config = changed.to_graph().tasks["measure"].config
    assert config.offset.target is ScaleTask
    assert config.offset.factor == 3.0


def test_selection(pipeline: Pipeline) -> None:
    assert list(pipeline.select("first").tasks) == ["measure"]
    assert list(pipeline.select("measure,later").tasks) == ["measure", "combine", "summarize"]
    assert list(pipeline.select(["combine"]).tasks) == ["combine"]
    assert list(pipeline.select("combine..").tasks) == ["combine", "summarize"]
    assert list(pipeline.select("..combine").tasks) == ["measure", "combine"]
    assert list(pipeline.select("measure..combine").tasks) == ["measure", "combine"]
    part = pipeline.select("combine")
    assert part.subsets == {}
    assert [contract.expression for contract in part.contracts] == ["combine.minimum < 10"]
    with pytest.raises(UnknownLabelError) as caught:
        pipeline.select("mesure")
    assert str(caught.value) == "The pipeline has no task or subset 'mesure'. Did you mean 'measure'?"
    with pytest.raises(PipelineError, match="'first' is a subset; the ends of a range are labels of tasks"):
        pipeline.select("first..")
    with pytest.raises(UnknownLabelError, match="The pipeline has no task 'x'"):
        pipeline.select("..x")
    with pytest.raises(PipelineError) as refused:
        pipeline.select("combine..measure")
    said = "No task lies between 'combine' and 'measure'. 'measure' comes first: write measure..combine."
    assert str(refused.value) == said


def test_a_selection_keeps_steps_if_each_task_has_one(tmp_path: Path) -> None:
    steps = "subsets: {first: [measure, combine], later: [summarize]}\nsteps:\n"
    steps += "  - {label: first, dimensions: []}\n  - {label: later, dimensions: []}\n"
    text = TEXT[: TEXT.index("subsets:")] + steps
    (tmp_path / "p.yaml").write_text(text)
    pipeline = Pipeline.read(f"{tmp_path}/p.yaml")

    def steps_of(selection: str) -> list[str]:
        selected = pipeline.select(selection)
        return [step.label for step in selected.to_graph().steps]

    assert steps_of("first,later") == ["first", "later"]
    assert steps_of("later") == ["later"]
    assert steps_of("combine,summarize") == []
    assert steps_of("combine..") == []
    assert pipeline.without_steps().steps == ()
    assert list(pipeline.without_steps().subsets) == ["first", "later"]


def test_a_location_may_select(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(TEXT)
    assert list(Pipeline.read(f"{tmp_path}/p.yaml#later").tasks) == ["combine", "summarize"]
    assert list(Pipeline.read(ResourcePath(f"{tmp_path}/p.yaml")).tasks) == ["measure", "combine", "summarize"]
    assert list(Pipeline.read(ResourcePath(f"file://{tmp_path}/p.yaml#later")).tasks) == ["combine", "summarize"]


def test_changes_give_copies(pipeline: Pipeline) -> None:
    text = pipeline.to_yaml()
    without = pipeline.without_task("combine")
    assert list(without.tasks) == ["measure", "summarize"]
    assert without.subsets["later"].labels == ("summarize",)
    assert without.contracts == ()
    replaced = pipeline.with_task("measure", "other.Task")
    assert replaced.tasks["measure"].config == ()
    assert pipeline.with_task(None, MeasureTask).tasks["measure"].config == ()
    assert pipeline.with_subset("all", ["measure"]).subsets["all"].labels == ("measure",)
    assert list(pipeline.without_subset("first").subsets) == ["later"]
    assert pipeline.to_yaml() == text
    assert pickle.loads(pickle.dumps(pipeline.to_graph().tasks["measure"].config)).mode == "square"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.with_config("mesure", "mode", "x"), "The pipeline has no task 'mesure'. Did you mean 'measure'?"),
        (lambda p: p.with_config_file("x", "y.py"), "The pipeline has no task 'x'."),
        (lambda p: p.select([]), "The selection names no label."),
        (lambda p: p.without_task("x"), "The pipeline has no task 'x'."),
        (lambda p: p.without_subset("frist"), "The pipeline has no subset 'frist'. Did you mean 'first'?"),
        (
            lambda p: p.with_config_file("parameters", "y.py"),
            "Parameters cannot be set by a file; use -c parameters:NAME=VALUE.",
        ),
        (lambda p: p.with_python("parameters", "x"), "Parameters cannot be set by Python code."),
        (lambda p: p.with_task("first", "a.B"), "'first' is the name of a subset and cannot be a label too."),
        (
            lambda p: p.with_task("a.b", "a.B"),
            "-t a.B:a.b: 'a.b' cannot be a label: letters, digits and underscores only, not beginning with a digit.",
        ),
    ],
)
def test_impossible_changes(pipeline: Pipeline, change: object, message: str) -> None:
    with pytest.raises((LookupError, ValueError)) as caught:
        change(pipeline)  # type: ignore[operator]
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "mod",
            "x",
            (
                "Task 'measure' cannot be configured: -c measure:mod=x: cannot set 'mod': MeasureConfig has no field 'mod'. "
                "Did you mean 'mode'?"
            ),
        ),
        (
            "mode",
            "x",
            (
                "Task 'measure' cannot be configured: -c measure:mode=x: cannot set 'mode': Field 'mode' of MeasureConfig: "
                "'x' is not accepted: input should be 'plain' or 'square'."
            ),
        ),
        (
            "offset.offset",
            "x",
            (
                "Task 'measure' cannot be configured: -c measure:offset.offset=x: cannot set 'offset.offset': Field "
                "'offset.offset' of OffsetConfig: 'x' is not accepted: input should be a valid number."
            ),
        ),
        (
            "connections.measurement",
            "{knd}_x",
            (
                "Task 'measure' cannot be configured: MeasureConnections.measurement: the name '{knd}_x' uses an unknown "
                "template. Did you mean 'kind'? 'measurement' is set by -c measure:connections.measurement={knd}_x."
            ),
        ),
    ],
)
def test_bad_overrides(pipeline: Pipeline, name: str, value: str, message: str) -> None:
    with pytest.raises(TaskConfigurationError) as caught:
        pipeline.with_config("measure", name, value).to_graph()
    assert str(caught.value) == message


def test_bad_overrides_of_a_file_name_its_line() -> None:
    text = textwrap.dedent(f"""\
        description: d
        tasks:
          measure:
            class: {SAMPLE}.MeasureTask
            config:
              do_bais: false
    """)
    with pytest.raises(TaskConfigurationError) as caught:
        Pipeline.from_yaml(text, name="p.yaml").to_graph()
    assert str(caught.value) == (
        "Task 'measure' cannot be configured: tasks.measure.config.do_bais (p.yaml:6): cannot set 'do_bais': "
        "MeasureConfig has no field 'do_bais'. Did you mean 'do_bias'?"
    )
    broken = text.replace("do_bais: false", 'python: |\n        x = 1\n        config.modee = "x"')
    with pytest.raises(TaskConfigurationError) as caught:
        Pipeline.from_yaml(broken, name="p.yaml").to_graph()
    assert str(caught.value) == (
        "Task 'measure' cannot be configured: p.yaml, line 8: MeasureConfig has no field 'modee'. Did you mean 'mode'?"
    )


def test_a_whole_that_is_not_valid(pipeline: Pipeline) -> None:
    with pytest.raises(TaskConfigurationError) as caught:
        pipeline.with_config("combine", "minimum", "0").to_graph()
    assert str(caught.value) == (
        "Task 'combine' cannot be configured: CombineConfig is not consistent: minimum must be at least 1."
    )


def test_missing_override_files(pipeline: Pipeline) -> None:
    with pytest.raises(TaskConfigurationError) as caught:
        pipeline.with_config_file("combine", "/no/such.py").to_graph()
    assert str(caught.value) == (
        "Task 'combine' cannot be configured: -C combine:/no/such.py: Configuration file '/no/such.py' does not exist."
    )


def test_data_ids_in_overrides_are_refused(pipeline: Pipeline) -> None:
    text = TEXT.replace("planes: [SAT]", "dataId: {visit: 1}")
    with pytest.raises(TaskConfigurationError) as caught:
        Pipeline.from_yaml(text, name="p.yaml").to_graph()
    assert str(caught.value) == (
        "Task 'measure' cannot be configured: p.yaml, line 6, column 5, tasks.measure.config: overrides for some data IDs only "
        "('dataId') are not possible."
    )


BROKEN = """
from pachon.pipe_base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections

class Connections(PipelineTaskConnections, dimensions=("visit",)):
    def __init__(self, *, config=None):
        super().__init__(config=config)
        if config.fails:
            {}["image"]

class Config(PipelineTaskConfig, connections=Connections):
    fails: bool = False

    def set_defaults(self):
        if FAILS:
            {}["defaults"]

    def check(self):
        if self.connections_class is None or CHECK_FAILS:
            [].pop()

class Task(PipelineTask):
    config_class = Config
    default_name = "broken"
"""


@pytest.mark.parametrize(
    ("name", "flags", "reason"),
    [
        ("broken_defaults", "FAILS, CHECK_FAILS = True, False", "KeyError: 'defaults'"),
        ("broken_check", "FAILS, CHECK_FAILS = False, True", "IndexError: pop from empty list"),
        ("broken_connections", "FAILS = CHECK_FAILS = False", "its connections cannot be made: KeyError: 'image'"),
    ],
)
def test_hooks_of_authors_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, flags: str, reason: str
) -> None:
    (tmp_path / f"{name}.py").write_text(f"{flags}\n{BROKEN}")
    monkeypatch.syspath_prepend(tmp_path)
    pipeline = Pipeline.from_yaml(
        f"description: d\ntasks:\n  a: {{class: {name}.Task, config: {{fails: true}}}}\n  b: no.B\n"
    )
    checked = pipeline.check()
    assert [type(error).__name__ for error in checked.errors] == ["TaskConfigurationError", "TaskImportError"]
    assert str(checked.errors[0]) == f"Task 'a' cannot be configured: {reason}"


@pytest.mark.parametrize(
    ("class_name", "reason"),
    [
        (
            "no_such_package.tasks.Task",
            (
                "'no_such_package.tasks.Task' cannot be imported: there is no module 'no_such_package' "
                "(PYTHONPATH names the folders of modules that are not installed)."
            ),
        ),
        (
            f"{SAMPLE}.MesureTask",
            (
                f"'{SAMPLE}.MesureTask' cannot be imported: module '{SAMPLE}' has no 'MesureTask'. "
                "Did you mean 'MeasureTask'?"
            ),
        ),
        (f"{SAMPLE}.OffsetTask", f"'{SAMPLE}.OffsetTask' is not a PipelineTask."),
        ("MeasureTask", "'MeasureTask' cannot be imported: it is not of the form 'package.module.Name'."),
    ],
)
def test_a_class_that_cannot_be_imported(class_name: str, reason: str) -> None:
    text = f"description: d\ntasks:\n  broken: {class_name}\n"
    with pytest.raises(TaskImportError) as caught:
        Pipeline.from_yaml(text, name="p.yaml").to_graph()
    assert (
        str(caught.value)
        == f"p.yaml, line 3, column 3, tasks.broken: the class of task 'broken' is not usable: {reason}"
    )
    assert isinstance(caught.value, ImportError)


def test_contracts(pipeline: Pipeline) -> None:
    with pytest.raises(ContractError) as caught:
        pipeline.with_config("combine", "minimum", "20").to_graph()
    assert str(caught.value) == (
        "p.yaml, line 19, column 5, contracts.1: the contract 'combine.minimum < 10' is broken: combine.minimum is 20. "
        "That many are never there."
    )
    with pytest.raises(ContractError) as caught:
        pipeline.with_config("measure", "connections.measurement", "other").to_graph()
    assert str(caught.value) == (
        "p.yaml, line 18, column 5, contracts.0: the contract 'measure.connections.measurement == "
        "combine.connections.measurements' is broken: measure.connections.measurement is 'other', "
        "combine.connections.measurements is 'measurement'."
    )
    for expression, problem in (
        ("measure.mod == 3", "MeasureConfig has no field 'mod'. Did you mean 'mode'?"),
        ("mesure.mode == 3", "the pipeline has no task 'mesure'. Did you mean 'measure'?"),
        ("measure.mode ==", "it is not an expression (invalid syntax)."),
        ("measure.mode + 3", 'TypeError: can only concatenate str (not "int") to str.'),
        ("measure.mode.upper() == 'A'", "'measure.mode.upper' cannot be called in a contract."),
    ):
        text = TEXT.replace("combine.minimum < 10", expression)
        with pytest.raises(PipelineError) as problem_caught:
            Pipeline.from_yaml(text, name="p.yaml").to_graph()
        assert str(problem_caught.value) == (
            f"p.yaml, line 19, column 5, contracts.1: the contract {expression!r} cannot be checked: {problem}"
        )


def test_unknown_instruments(pipeline: Pipeline) -> None:
    changed = pipeline.with_instrument("no.such.Cam")
    with pytest.raises(InstrumentNotFoundError):
        changed.to_graph()
    assert list(changed.to_graph(allow_missing=True).tasks) == ["measure", "combine", "summarize"]


def test_a_pipeline_can_be_shown_without_its_classes(pipeline: Pipeline, tmp_path: Path) -> None:
    changed = pipeline.with_task("extra", "no.such.Task").with_config("combine", "minimum", "0")
    graph = changed.to_graph(allow_missing=True)
    assert graph.tasks["extra"].problem.startswith("-t no.such.Task:extra: the class of task 'extra' is not usable")
    assert graph.tasks["combine"].problem.startswith("Task 'combine' cannot be configured")
    assert not graph.is_resolved
    for kind in ("text", "mermaid", "dot", "svg"):
        assert "extra" in graph.draw(kind)  # type: ignore[arg-type]
    graph.write_picture(tmp_path / "p.png")
    assert "extra: no connections known" in graph.draw()
    assert "<li>-t no.such.Task:extra: the class of task" in graph._repr_html_()
    shown = changed.show("tasks", "config=minimum", "inputs", "pipeline-graph")
    assert "### Subtasks of task 'measure'" in shown
    assert "### No configuration of task 'extra': -t no.such.Task:extra: the class of" in shown


def test_everything_that_is_wrong_is_found_at_once(pipeline: Pipeline) -> None:
    changed = (
        pipeline.with_instrument("no.such.Cam")
        .with_task("extra", "no.such.Task")
        .with_config("combine", "minimum", "20")
        .with_config("measure", "connections.measurement", "other")
    )
    checked = changed.check()
    assert [type(error).__name__ for error in checked.errors] == [
        "InstrumentNotFoundError",
        "TaskImportError",
        "ContractError",
        "ContractError",
    ]
    assert checked.graph is not None
    with pytest.raises(ExceptionGroup) as caught:
        checked.raise_errors()
    assert str(caught.value) == "4 things are wrong with the pipeline (4 sub-exceptions)"
    assert [type(error).__name__ for error in caught.value.exceptions][:2] == [
        "InstrumentNotFoundError",
        "TaskImportError",
    ]
    with pytest.raises(ExceptionGroup):
        checked.raise_errors(allow_missing=True)
    with pytest.raises(InstrumentNotFoundError):
        changed.to_graph()
    cyclic = pipeline.with_config("measure", "connections.image", "summary").check()
    assert cyclic.graph is None
    with pytest.raises(PipelineGraphError):
        cyclic.raise_errors(allow_missing=True)
    assert pipeline.check().raise_errors().is_resolved


def test_show_without_arguments_is_the_yaml(pipeline: Pipeline) -> None:
    assert pipeline.show() == pipeline.to_yaml() == str(pipeline)
    with pytest.raises(InvalidInputError):
        pipeline.show("pipelin")


@pytest.mark.parametrize(
    ("label", "field", "value", "message"),
    [
        (
            "measure",
            "connections.image",
            "summary",
            "The pipeline has a cycle: combine -> combined -> summarize -> summary -> measure -> measurement -> combine.",
        ),
        (
            "combine",
            "connections.combined",
            "measurement",
            (
                "Dataset type 'measurement' is written by task 'measure' (connection 'measurement') and by task 'combine' "
                "(connection 'combined'); rename one with an override of 'connections'."
            ),
        ),
        ("summarize", "connections.note", "summary", "Task 'summarize' reads its own output 'summary'."),
    ],
)
def test_cycles_and_double_writers(pipeline: Pipeline, label: str, field: str, value: str, message: str) -> None:
    with pytest.raises(PipelineGraphError) as caught:
        pipeline.with_config(label, field, value).to_graph()
    assert str(caught.value) == message
