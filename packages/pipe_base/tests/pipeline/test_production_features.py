# SPDX-License-Identifier: BSD-3-Clause
"""Every feature that production pipelines were counted to use, in pipelines of the same pattern.

A runnable file of an instrument imports a variant, which imports the instrument's ingredients, which import the base, which
imports analysis pipelines of another package: six files deep, all by environment variables. `docs/pipeline-yaml.md` lists the
features with the tests.
"""

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pachon.pipe_base import (
    ContractError,
    Input,
    Output,
    Pipeline,
    PipelineGraph,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
)
from pachon.pipe_base.config import Config, ConfigSet, config_set_field
from pachon.pipe_base.pipeline import Subset

HERE = "production_tasks"

VISIT = ("instrument", "visit", "detector")


class Depth6(Config):
    value: float = 0.0


class Depth5(Config):
    six: Depth6 = Field(default_factory=Depth6)


class Depth4(Config):
    five: Depth5 = Field(default_factory=Depth5)


class Depth3(Config):
    four: Depth4 = Field(default_factory=Depth4)


class Depth2(Config):
    three: Depth3 = Field(default_factory=Depth3)
    size: tuple[int, int] = (0, 0)


class ToolConfig(Config):
    band: str = "r"


class ScatterTool(ToolConfig):
    bins: int = 10


class StageConnections(PipelineTaskConnections, dimensions=VISIT, templates={"coadd": "deep"}):
    first = Input(name="raw", storage_class="StructuredDataDict", dimensions=VISIT)
    result = Output(name="{coadd}_result", storage_class="StructuredDataDict", dimensions=VISIT)


class StageConfig(PipelineTaskConfig, connections=StageConnections):
    two: Depth2 = Field(default_factory=Depth2)
    do_fit: bool = False
    count: int = 1
    level: float = 1.0
    text: str = ""
    names: list[str] = Field(default=[])
    bands: dict[str, str] = Field(default={})
    maybe: float | None = 1.0
    tools: ConfigSet = config_set_field(ToolConfig)


class StageTask(PipelineTask):
    config_class = StageConfig
    default_name = "stage"


class OtherTask(StageTask):
    pass


FILES = {
    "analysis/plots.yaml": """
        description: |
          Plots, of another package.
        tasks:
          plot:
            class: {here}.StageTask
            config:
              connections.first: "{{coadd}}_measured"
              connections.result: plots
              tools.scatter: ScatterTool
              tools.scatter.bins: 20
              python: |
                from {here} import *
        subsets:
          plots:
            subset: [plot]
            description: >
              All plots.
        """,
    "base/base.yaml": """
        description: base
        imports: $ANALYSIS/plots.yaml
        parameters:
          size: 4
          names: [a, b]
          bands: {{g: green}}
          deep: true
        tasks:
          isr: {here}.StageTask
          calibrate:
            class: {here}.StageTask
          measure:
            class: {here}.StageTask
            config:
              connections.first: calibrated
              connections.result: deep_measured
              two.size: "(10000, 200)"
              two.three.four.five.six.value: 2
              names: parameters.names
              bands: parameters.bands
              count: parameters.size
              maybe: null
        contracts:
          - isr.connections.result == calibrate.connections.first
          - calibrate.connections.result == measure.connections.first if measure.count > 2 else True
          - contract: measure.level < 10 and plot.count >= 1
            msg: The level is too high.
        subsets:
          step1-single-visit:
            subset: [isr, calibrate]
            description: each exposure
          step2: [measure]
        """,
    "camera/ingredients.yaml": """
        description: what all pipelines of the camera share
        instrument: $CAMERA/camera.yaml
        imports:
          - location: $BASE/base.yaml
            exclude: [step2]
            labeledSubsetModifyMode: EDIT
        parameters:
          size: 5
        tasks:
          isr:
            class: {here}.StageTask
            config:
              connections.result: isr_done
              file: $CAMERA/isr.py
          calibrate:
            class: {here}.StageTask
            config:
              connections.first: isr_done
              connections.result: calibrated
          measure2:
            class: {here}.StageTask
            config:
              connections.first: calibrated
              connections.result: "{{coadd}}_measured"
              connections.coadd: nickel
        subsets:
          step2:
            subset: [measure2]
        """,
    "camera/camera.yaml": "name: nickel",
    "camera/isr.py": """
        config.load("more.py")
        config.names.append(str(parameters.size))
        """,
    "camera/more.py": "config.level = 3.0",
    "camera/variant.yaml": """
        description: a variant
        imports:
          - $CAMERA/ingredients.yaml
        tasks:
          plot:
            class: {here}.StageTask
            config:
              connections.coadd: nickel
              python: |
                for band in "gr":
                    setattr(config.tools, f"tool_{{band}}", ScatterTool())
                if parameters.deep:
                    config.count += parameters.size
                del config.tools.scatter
        steps:
          - {{label: step1-single-visit, dimensions: [visit, detector]}}
          - {{label: step2, dimensions: [visit]}}
          - {{label: plots, dimensions: []}}
        """,
    "camera/run.yaml": """
        description: what is run
        imports:
          location: $CAMERA/variant.yaml
        tasks:
          calibrate:
            class: {here}.StageTask
            config:
              level: 2
              text: "a text: with a colon"
              names: [x, y]
        """,
    "camera/quick.yaml": """
        description: two tasks of it
        imports:
          - location: $CAMERA/run.yaml
            include: step1-single-visit
        """,
    "camera/replaced.yaml": """
        description: a task of another class
        imports: [{{location: $CAMERA/run.yaml, include: [isr, calibrate]}}]
        tasks:
          calibrate: {here}.OtherTask
        """,
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import sys
    import textwrap

    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = textwrap.dedent(text).lstrip()
        path.write_text(text.format(here=HERE) if name.endswith(".yaml") else text)
    for name, folder in (("BASE", "base"), ("CAMERA", "camera"), ("ANALYSIS", "analysis")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    # The tasks of this file, under a name that can be imported.
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    for cls in (StageConfig, StageTask, OtherTask, ToolConfig, ScatterTool):
        monkeypatch.setattr(cls, "__module__", HERE)
    return tmp_path / "camera"


@pytest.fixture
def graph(files: Path) -> PipelineGraph:
    return Pipeline.read(files / "run.yaml").to_graph()


def config_of(graph: PipelineGraph, label: str) -> Any:
    return graph.tasks[label].config


def test_descriptions_and_block_scalars(files: Path) -> None:
    assert Pipeline.read(files / "run.yaml").description == "what is run"
    assert Pipeline.read(files.parent / "analysis" / "plots.yaml").description == "Plots, of another package.\n"


def test_imports_six_deep_by_variables(files: Path) -> None:
    pipeline = Pipeline.read(files / "quick.yaml")
    assert list(pipeline.tasks) == ["isr", "calibrate"]
    assert list(Pipeline.read(files / "run.yaml").tasks) == ["plot", "isr", "calibrate", "measure2"]


def test_include_as_a_bare_text_and_a_single_mapping_as_imports(files: Path) -> None:
    assert list(Pipeline.read(files / "quick.yaml").subsets) == ["step1-single-visit"]


def test_exclude_names_labels_and_subsets(files: Path) -> None:
    assert "measure" not in Pipeline.read(files / "run.yaml").tasks


def test_an_emptied_subset_is_filled_again(files: Path) -> None:
    subsets = Pipeline.read(files / "run.yaml").subsets
    assert {name: subset.labels for name, subset in subsets.items()} == {
        "plots": ("plot",),
        "step1-single-visit": ("isr", "calibrate"),
        "step2": ("measure2",),
    }
    assert subsets["plots"] == Subset(name="plots", labels=("plot",), description="All plots.\n")


def test_the_instrument_comes_from_an_import(graph: PipelineGraph) -> None:
    assert graph.instrument == "$CAMERA/camera.yaml"
    assert graph.data_id == {"instrument": "nickel"}


def test_parameters_in_values_and_in_code(files: Path, graph: PipelineGraph) -> None:
    base = Pipeline.read(files.parent / "base" / "base.yaml")
    assert (base.parameters["size"], Pipeline.read(files / "run.yaml").parameters["size"]) == (4, 5)
    changed = base.with_config("isr", "connections.result", "x").with_config("calibrate", "connections.first", "x")
    measure = config_of(changed.with_config("calibrate", "connections.result", "calibrated").to_graph(), "measure")
    assert (measure.names, measure.bands, measure.count) == (["a", "b"], {"g": "green"}, 4)
    assert config_of(graph, "plot").count == 1 + 5
    assert config_of(graph, "isr").names == ["5"]


def test_short_and_long_forms_of_tasks(files: Path) -> None:
    pipeline = Pipeline.read(files.parent / "base" / "base.yaml")
    assert {pipeline.tasks[label].class_name for label in ("isr", "calibrate", "measure")} == {f"{HERE}.StageTask"}


def test_overrides_of_connections_with_templates(graph: PipelineGraph) -> None:
    assert set(graph.tasks["plot"].inputs) == {"first"}
    assert graph.tasks["plot"].inputs["first"].dataset_type_name == "nickel_measured"
    assert graph.tasks["measure2"].outputs["result"].dataset_type_name == "nickel_measured"
    assert list(graph.overall_inputs()) == ["raw"]


def test_fields_at_depths_one_to_six(files: Path) -> None:
    base = Pipeline.read(files.parent / "base" / "base.yaml").select("measure")
    measure = config_of(base.to_graph(), "measure")
    assert measure.two.three.four.five.six.value == 2.0


def test_kinds_of_values(files: Path, graph: PipelineGraph) -> None:
    measure = config_of(Pipeline.read(files.parent / "base" / "base.yaml").select("measure").to_graph(), "measure")
    assert measure.two.size == (10000, 200)  # a literal in quotes
    assert measure.maybe is None
    calibrate = config_of(graph, "calibrate")
    assert (calibrate.level, calibrate.text, calibrate.names) == (2.0, "a text: with a colon", ["x", "y"])


def test_blocks_of_code(graph: PipelineGraph) -> None:
    plot = config_of(graph, "plot")
    assert list(plot.tools.fieldNames) == ["tool_g", "tool_r"]


def test_a_member_of_an_open_set_by_the_name_of_its_class(files: Path) -> None:
    plot = config_of(Pipeline.read(files.parent / "analysis" / "plots.yaml").to_graph(), "plot")
    assert plot.tools.scatter == ScatterTool(bins=20)


def test_override_files_load_others_beside_them(graph: PipelineGraph) -> None:
    isr = config_of(graph, "isr")
    assert isr.level == 3.0
    assert [Path(entry.source.file).name for entry in isr.history("level")[1:]] == ["more.py"]


def test_contracts_are_pruned_kept_and_checked(files: Path) -> None:
    pipeline = Pipeline.read(files / "run.yaml")
    assert [contract.expression for contract in pipeline.contracts] == [
        "isr.connections.result == calibrate.connections.first"
    ]
    with pytest.raises(
        ContractError, match=r"isr\.connections\.result is 'x', calibrate\.connections\.first is 'isr_done'"
    ):
        pipeline.with_config("isr", "connections.result", "x").to_graph()
    base = Pipeline.read(files.parent / "base" / "base.yaml")
    joined = base.with_config("isr", "connections.result", "i").with_config("calibrate", "connections.first", "i")
    with pytest.raises(ContractError, match=r"if measure\.count > 2 else True"):
        joined.with_config("calibrate", "connections.result", "wrong").to_graph()
    joined.with_config("calibrate", "connections.result", "wrong").with_config("measure", "count", "2").to_graph()
    whole = joined.with_config("calibrate", "connections.result", "calibrated")
    with pytest.raises(ContractError, match=r"measure\.level is 20\.0, plot\.count is 1\. The level is too high\."):
        whole.with_config("measure", "level", "20").to_graph()


def test_steps_come_in_order_and_part_the_tasks(graph: PipelineGraph) -> None:
    assert [(step.label, step.dimensions) for step in graph.steps] == [
        ("step1-single-visit", ("visit", "detector")), ("step2", ("visit",)), ("plots", ()),
    ]  # fmt: skip
    assert list(graph.tasks) == ["isr", "calibrate", "measure2", "plot"]
    labels = [label for step in graph.steps for label in graph.subsets[step.label].labels]
    assert sorted(labels) == sorted(graph.tasks)


def test_each_step_can_be_selected(files: Path) -> None:
    for step in Pipeline.read(files / "run.yaml").steps:
        part = Pipeline.read(f"{files / 'run.yaml'}#{step.label}")
        assert set(part.tasks) == set(Pipeline.read(files / "run.yaml").subsets[step.label].labels)
        assert part.to_graph().steps
    assert list(Pipeline.read(f"{files / 'run.yaml'}#isr,plots").tasks) == ["plot", "isr"]
    assert list(Pipeline.read(f"{files / 'run.yaml'}#..calibrate").tasks) == ["isr", "calibrate"]


def test_a_task_of_another_class_replaces_the_imported_one(files: Path) -> None:
    entry = Pipeline.read(files / "replaced.yaml").tasks["calibrate"]
    assert (entry.class_name, entry.config) == (f"{HERE}.OtherTask", ())


def test_what_is_saved_is_read_back_with_steps_and_lists_of_blocks(files: Path, tmp_path: Path) -> None:
    pipeline = Pipeline.read(files / "run.yaml")
    pipeline.write(tmp_path / "saved.yaml")
    again = Pipeline.read(tmp_path / "saved.yaml")
    assert again.contents == pipeline.contents
    assert "$CAMERA/isr.py" in (tmp_path / "saved.yaml").read_text()
    assert [len(task.config) for task in again.tasks.values()] == [2, 1, 1, 1]


def test_including_is_excluding_the_rest(files: Path, tmp_path: Path) -> None:
    for name, option in (("a", "include: [isr, plot]"), ("b", "exclude: [calibrate, measure2]")):
        (tmp_path / f"{name}.yaml").write_text(f"description: d\nimports: {{location: $CAMERA/run.yaml, {option}}}\n")
    one, other = (Pipeline.read(tmp_path / f"{name}.yaml") for name in "ab")
    assert one.contents == other.contents
