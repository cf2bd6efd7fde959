# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask build``: what is shown, drawn and written of good pipelines and of others."""

import sys

import pytest
from click.testing import CliRunner

from pachon.base.cli.program import describe_error
from pachon.base.testing import run_command
from pachon.ctrl_mpexec.commands.build import build
from pachon.ctrl_mpexec.program import pipetask
from pachon.pipe_base import Pipeline
from pachon.pipe_base.pipeline import ContractError

SAMPLE = "pachon.pipe_base.testing.sample_tasks"
TEXT = f"""\
description: |
  A sample.
  More about it.
parameters: {{least: 2}}
tasks:
  measure: {SAMPLE}.MeasureTask
  combine:
    class: {SAMPLE}.CombineTask
    config: {{minimum: parameters.least}}
contracts:
  - contract: combine.minimum < 10
    msg: That many are never there.
subsets:
  one: [measure]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(TEXT)
    return path


def run(*arguments):
    return CliRunner().invoke(build, [str(argument) for argument in arguments])


def test_classes_of_other_packages_get_their_new_names(tmp_path):
    (tmp_path / "p.yaml").write_text(TEXT.replace(SAMPLE, "far.away"))
    (tmp_path / "map.yaml").write_text(f"far.away.*: {SAMPLE}.*\n")
    arguments = ["-p", tmp_path / "p.yaml", "-s", tmp_path / "saved.yaml"]
    assert run(*arguments).exit_code == 1
    done = run(*arguments, "--class-map", tmp_path / "map.yaml")
    assert done.exit_code == 0, done.output
    assert Pipeline.read(tmp_path / "saved.yaml").tasks["measure"].class_name == f"{SAMPLE}.MeasureTask"
    missing = run(*arguments, "--class-map", tmp_path / "no.yaml")
    assert (missing.exit_code, "There is no table of classes" in str(missing.exception)) == (1, True)


def test_nothing_to_build_is_said():
    done = run()
    assert done.exit_code == 2
    assert "There is nothing to build: give a pipeline (-p FILE) or a task (-t CLASS)." in done.output


def test_pictures_by_the_end_of_their_names(file, tmp_path):
    pictures = [tmp_path / name for name in ("p.svg", "p.png", "p.txt", "p.json", "p.mmd")]
    options = [part for picture in pictures for part in ("--pipeline-picture", picture)]
    done = run("-p", file, *options, "--pipeline-dot", tmp_path / "dot.txt", "--pipeline-mermaid", tmp_path / "m.png")
    assert done.exit_code == 0, done.output
    begins = [b"<svg", b"\x89PNG", "○".encode(), b"{", b"flowchart TD"]
    assert [picture.read_bytes()[: len(begin)] for picture, begin in zip(pictures, begins, strict=True)] == begins
    assert "A sample.</text>" in pictures[0].read_text()
    dot = (tmp_path / "dot.txt").read_text()
    assert dot.startswith("digraph Pipeline")
    assert f"{SAMPLE}.MeasureTask" in dot
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_docs_and_defaults_of_a_task(file):
    done = run("-p", file, "--show", "config=combine::*")
    assert done.exit_code == 0, done.output
    assert "# Least number of measurements.\n# Default: 1 (int)\nconfig.minimum=2\n" in done.output
    assert "# Whether the log of each quantum is kept as a dataset.\n# Default: True (bool)\n" in done.output


@pytest.mark.parametrize("option", ["-C", "--config-file"])
def test_an_override_file_is_run_once(file, tmp_path, option):
    (tmp_path / "more.py").write_text("config.minimum += 1\n")
    done = run(
        "-p", file, "-c", "combine:minimum=4", option, f"combine:{tmp_path}/more.py", "--show", "config=combine::min*"
    )
    assert done.exit_code == 0, done.output
    assert "config.minimum=5\n" in done.output


def test_what_can_be_is_shown_and_drawn_of_a_pipeline_without_its_classes(file, tmp_path):
    text = TEXT.replace(f"{SAMPLE}.MeasureTask", "no.such.Task").replace("least: 2", "least: 20")
    file.write_text(text)
    arguments = ("-p", file, "--show", "task-graph", "--show", "subsets", "-s", tmp_path / "saved.yaml",
                 "--pipeline-picture", tmp_path / "p.svg")  # fmt: skip
    done = run(*arguments)
    assert isinstance(done.exception, ExceptionGroup)
    missing, broken = done.exception.exceptions
    assert str(missing) == (
        f"{file}, line 6, column 3, tasks.measure: the class of task 'measure' is not usable: 'no.such.Task' cannot be "
        "imported: there is no module 'no' (PYTHONPATH names the folders of modules that are not installed)."
    )
    assert str(broken) == (
        f"{file}, line 11, column 5, contracts.0: the contract 'combine.minimum < 10' is broken: combine.minimum is 20. "
        "That many are never there."
    )
    assert "measure: no connections known" in done.output
    assert "one:\n- measure" in done.output
    assert "measure" in (tmp_path / "p.svg").read_text()
    assert list(Pipeline.read(tmp_path / "saved.yaml").tasks) == ["measure", "combine"]
    allowed = run(*arguments, "--allow-missing")
    assert isinstance(allowed.exception, ContractError)
    assert run(*arguments, "--allow-missing", "-c", "parameters:least=3").exit_code == 0


def test_nothing_is_imported_without_a_check(file):
    file.write_text(TEXT.replace(f"{SAMPLE}.MeasureTask", "no.such.Task"))
    done = run("-p", file, "--no-check", "--show", "subsets", "--show", "pipeline")
    assert done.exit_code == 0
    assert "class: no.such.Task" in done.output
    refused = run("-p", file, "--no-check", "--show", "tasks")
    assert str(refused.exception) == "'tasks' needs the classes of the tasks; leave out --no-check."


MISTAKES = """\
# SPDX-License-Identifier: BSD-3-Clause
from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

FULL = ("instrument", "exposure", "detector")


class MakeConnections(PipelineTaskConnections, dimensions=FULL):
    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=FULL)
    made = Output(name="made", storage_class="StructuredDataDict", dimensions=FULL)


class MakeConfig(PipelineTaskConfig, connections=MakeConnections):
    x: int = 1
    y: int = 2


class MakeTask(PipelineTask):
    config_class = MakeConfig
    default_name = "make"

    def run(self, *, rawr):
        return Struct()


class ReadConnections(PipelineTaskConnections, dimensions=("instrument", "expsure")):
    made = Input(name="made", storage_class="StructuredDataDict", dimensions=("instrument", "detector"))
    raw = Output(name="other", storage_class="StructuredDataDict", dimensions=FULL)


class ReadConfig(PipelineTaskConfig, connections=ReadConnections):
    pass


class ReadTask(PipelineTask):
    config_class = ReadConfig
    default_name = "read"

    def run(self, **inputs):
        return Struct()
"""


@pytest.fixture
def mistakes(tmp_path, monkeypatch):
    (tmp_path / "tasks_with_mistakes.py").write_text(MISTAKES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tasks_with_mistakes", raising=False)

    def errors(text):
        (tmp_path / "p.yaml").write_text(f"description: x\ntasks:\n{text}")
        error = run("-p", tmp_path / "p.yaml").exception
        found = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        return [describe_error(one).replace(f"{tmp_path}/", "") for one in found]

    return errors


def test_what_no_repository_can_make_right_is_found_without_one(mistakes):
    text = "  make: tasks_with_mistakes.MakeTask\n  read: tasks_with_mistakes.ReadTask\n"
    steps = "subsets: {one: [make], two: [read]}\nsteps:\n  - {label: one, dimensions: [expsure]}\n  - {label: two}\n"
    universe = "(That is the default universe; -b REPO gives the dimensions of a repository.)"
    unknown = f"'expsure'. Did you mean 'exposure'? {universe}"
    assert mistakes(text + steps.replace("{label: two}", "{label: two, dimensions: []}")) == [
        (
            "Task 'make' cannot be configured: p.yaml, line 3, column 3, tasks.make: 'run' needs 'rawr', which is no input. "
            "Did you mean 'raw'?"
        ),
        f"p.yaml, line 4, column 3, tasks.read: task 'read': There is no dimension {unknown}",
        f"p.yaml, line 7, column 5, steps.0: step 'one': there is no dimension {unknown}",
        (
            "p.yaml, line 4, column 3, tasks.read: task 'read' (connection 'made') declares 'made' with dimensions "
            "{instrument, detector}, but task 'make' (connection 'made') writes it with {instrument, detector, exposure} "
            "(p.yaml, line 3, column 3, tasks.make)."
        ),
    ]


def test_all_mistakes_of_a_configuration_are_told(mistakes):
    config = "config: {x: one, nix: 2, y: two}"
    errors = mistakes(f"  make:\n    class: tasks_with_mistakes.MakeTask\n    {config}\n")
    assert [error.partition(" cannot set ")[2][:5] for error in errors] == ["'x': ", "'nix'", "'y': "]
    assert all("tasks.make.config" in error and "p.yaml:5" in error for error in errors)


def test_errors_of_the_graph_say_where_the_tasks_stand(mistakes):
    text = "  one: tasks_with_mistakes.MakeTask\n  two: tasks_with_mistakes.MakeTask\n"
    places = "Task 'one': p.yaml, line 3, column 3, tasks.one. Task 'two': p.yaml, line 4, column 3, tasks.two."
    (twice,) = [error for error in mistakes(text) if "is written by" in error]
    assert twice.endswith(places)
    round_text = "  one: {class: tasks_with_mistakes.MakeTask, config: {connections.made: b}}\n"
    round_text += "  two: {class: tasks_with_mistakes.MakeTask, config: {connections.raw: b, connections.made: raw}}\n"
    (cycle,) = [error for error in mistakes(round_text) if "cycle" in error]
    assert cycle.endswith(places)


def test_errors_say_where_steps_and_instruments_are_named(mistakes):
    steps = "subsets: {s: [make]}\nsteps:\n  - {label: s, dimensions: [tract]}\ninstrument: nix\n"
    found = mistakes("  make: tasks_with_mistakes.MakeTask\n" + steps)
    (step,) = [error for error in found if error.startswith("Step")]
    assert step == (
        "Step 's' is split by 'tract', which is no dimension of task 'make' (instrument, detector, exposure). "
        "Step 's': p.yaml, line 6, column 5, steps.0. Task 'make': p.yaml, line 3, column 3, tasks.make."
    )
    (instrument,) = [error for error in found if error.startswith("Instrument 'nix' is not known")]
    assert instrument.endswith("It is named here: p.yaml, line 7, column 1, instrument.")


def test_a_name_that_no_dataset_type_can_have_says_who_gave_it(mistakes):
    (error,) = mistakes(
        "  make:\n    class: tasks_with_mistakes.MakeTask\n    config: {connections.made: '{kind}_x'}\n"
    )
    assert error == (
        "Task 'make' cannot be configured: MakeConnections.made: the name '{kind}_x' uses an unknown template. "
        "'made' is set by tasks.make.config.connections.made (p.yaml:5)."
    )


def test_dimensions_of_described_tasks_are_checked(tmp_path):
    (tmp_path / "p.yaml").write_text("description: x\ntasks: {a: far.Away}\n")
    table = "far.Away:\n  dimensions: [instrument, detectr]\n  connections:\n"
    table += "    out: {kind: output, name: o, storage_class: StructuredDataDict, dimensions: [instrument, detector]}\n"
    (tmp_path / "t.yaml").write_text(table)
    done = run("-p", tmp_path / "p.yaml", "--task-table", tmp_path / "t.yaml")
    assert done.exit_code == 1
    assert "task 'a': There is no dimension 'detectr'. Did you mean 'detector'?" in str(done.exception)


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--save-pipeline", "folder", "folder cannot be written: it is a folder."),
        ("--save-pipeline", "", "is a folder; a file is needed."),
        ("--class-map", "folder", "folder cannot be read: it is a folder."),
        ("--task-table", "folder", "folder cannot be read: it is a folder."),
    ],
)
def test_a_folder_instead_of_a_file_is_told_in_a_line(file, tmp_path, monkeypatch, option, name, said):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    done = run_command(pipetask, "build", "-p", file, f"{option}={name}")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(said)
