# SPDX-License-Identifier: BSD-3-Clause
"""Tasks whose inputs nobody writes: ``build`` and ``qgraph`` say so, and do not drop them silently."""

import logging

import pytest
from click.testing import CliRunner

from pachon.butler import Butler
from pachon.ctrl_mpexec.program import pipetask
from pachon.datasets import DatasetType
from pachon.pipe_base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from pachon.pipe_base.connections import Input, Output
from pachon.pipe_base.graph_builder.errors import UnknownInputsError
from pachon.pipe_base.pipeline import TaskConfigurationError

DETECTOR = ("instrument", "exposure", "detector")


class CopyConnections(PipelineTaskConnections, dimensions=DETECTOR, templates={"name": "raw"}):
    original = Input(name="raw", storage_class="StructuredDataDict", dimensions=DETECTOR)
    remark = Input(name="remark_on_{name}", storage_class="StructuredDataDict", dimensions=DETECTOR, minimum=0)
    copy = Output(name="copied", storage_class="StructuredDataDict", dimensions=DETECTOR)


class CopyConfig(PipelineTaskConfig, connections=CopyConnections):
    pass


class CopyTask(PipelineTask):
    config_class = CopyConfig
    default_name = "copy"

    def run(self, *, original, remark=None):
        return Struct(copy=original)


class MisspelledTask(CopyTask):
    def run(self, *, orignal, remark=None):  # not the name of the input
        return Struct(copy=orignal)


def pipeline(tmp_path, task=CopyTask, **inputs):
    lines = [
        f"  {label}: {{class: {__name__}.{task.__name__}, "
        f"config: {{connections.original: {name}, connections.copy: {label}_out, connections.name: {name}}}}}\n"
        for label, name in inputs.items()
    ]
    path = tmp_path / "p.yaml"
    path.write_text(f"description: copies\ntasks:\n{''.join(lines)}")
    return path


def call(command, repository, *arguments):
    collections = ["-i", "defaults", "-o", "me"] if command != "build" else []
    words = [command, "-b", repository, *collections, *arguments]
    return CliRunner().invoke(pipetask, [str(word) for word in words])


def test_build_warns_of_what_the_repository_does_not_know(repository, tmp_path):
    done = call("build", repository, "-p", pipeline(tmp_path, one="raw", two="one_ot"))
    assert done.exit_code == 0, done.output
    assert done.stderr == (
        "Warning: Dataset type 'one_ot', which task 'two' (connection 'original') reads, is neither written by the "
        "pipeline nor known to the repository. Did you mean 'one_out'?\n"
    )
    fed = call("build", repository, "-p", pipeline(tmp_path, one="raw", two="one_out"))
    assert (fed.exit_code, fed.stderr) == (0, "")


def test_a_graph_cannot_depend_on_an_unknown_input(repository, tmp_path):
    done = call("qgraph", repository, "-p", pipeline(tmp_path, one="raw", two="one_ot"))
    assert isinstance(done.exception, UnknownInputsError)
    assert str(done.exception).startswith("Dataset type 'one_ot', which task 'two' (connection 'original') reads, is")


def test_a_task_that_an_unknown_input_leaves_without_quanta_is_warned_of(repository, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        file = pipeline(tmp_path, one="raw", two="one_ot")
        done = call("qgraph", repository, "-p", file, "--dataset-query-constraint", "off")
    assert done.exit_code == 0, done.output
    assert any("'one_ot', which task 'two'" in message for message in caplog.messages)


def test_a_task_of_which_nothing_matches_is_warned_of(repository, tmp_path, caplog):
    with Butler.open(repository, writeable=True) as butler:
        butler.dataset_types.register(
            DatasetType("never_made", DETECTOR, "StructuredDataDict", universe=butler.universe)
        )
    with caplog.at_level(logging.WARNING):
        done = call("qgraph", repository, "-p", pipeline(tmp_path, one="raw", two="never_made", three="two_out"))
    assert done.exit_code == 0, done.output
    (warning,) = [message for message in caplog.messages if "no quanta" in message]
    assert warning.startswith("Tasks two, three: no quanta. ")
    assert "'never_made'" in warning


def test_an_optional_input_may_be_unknown(repository, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        done = call("qgraph", repository, "-p", pipeline(tmp_path, one="raw"))
    assert done.exit_code == 0, done.output
    assert "one 6" in done.output
    assert caplog.messages == []


@pytest.mark.parametrize("command", ["build", "qgraph", "run"])
def test_every_command_checks_that_run_takes_the_inputs(repository, tmp_path, command):
    file = pipeline(tmp_path, MisspelledTask, one="raw")
    done = call(command, repository, "-p", file)
    assert isinstance(done.exception, TaskConfigurationError)
    assert "'run' needs 'orignal', which is no input. Did you mean 'original'?" in str(done.exception)
    with Butler.open(repository) as butler:
        assert not butler.fetch_collections(["me"])


def test_what_only_pretends_to_run_need_not_take_the_inputs(repository, tmp_path):
    done = call("qgraph", repository, "-p", pipeline(tmp_path, MisspelledTask, one="raw"), "--mock")
    assert done.exit_code == 0, done.output
