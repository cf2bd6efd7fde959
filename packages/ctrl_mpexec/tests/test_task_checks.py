# SPDX-License-Identifier: BSD-3-Clause
"""Tasks, storage classes and files that are others than when a graph was built: noticed before any quantum runs."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pachon.butler import Butler
from pachon.ctrl_mpexec.batch_run import initialize_batch, run_batch
from pachon.ctrl_mpexec.graph_checks import check_graph
from pachon.ctrl_mpexec.program import pipetask
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.task_checks import task_versions
from pachon.ctrl_mpexec.testing.sky_survey import make_survey
from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.pipe_base.pipeline_graph.errors import PipelineGraphError
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.errors import GraphMismatchError

TASKS = """\
from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

__version__ = "1.0"
DIMENSIONS = ("instrument", "exposure", "detector")


class CopyConnections(PipelineTaskConnections, dimensions=DIMENSIONS):
    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=DIMENSIONS)
    image = Output(name="image", storage_class="StructuredDataDict", dimensions=DIMENSIONS)


class CopyConfig(PipelineTaskConfig, connections=CopyConnections):
    pass


class CopyTask(PipelineTask):
    config_class = CopyConfig
    default_name = "copy"

    def run(self, *, raw):
        return Struct(image=raw)
"""
MODULE = "tasks_that_change"


class Workplace:
    """A repository, a module of tasks that may be rewritten, and a graph of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repo"
        self.graph = str(folder / "g.qg")
        make_survey(self.repository, visits=1)
        self.write_tasks(TASKS)
        pipeline = Pipeline.empty().with_task("copy", f"{MODULE}.CopyTask")
        with Butler.open(str(self.repository), writeable=True) as butler:
            built = build_quantum_graph(
                pipeline,
                butler,
                input_collections="defaults",
                output_run="me/run",
                where="instrument = 'Cam'",
                metadata={"task_versions": task_versions(pipeline.to_graph())},
            )
            for dataset_type in built.dataset_types.values():
                butler.dataset_types.register(dataset_type)
        built.write(self.graph)

    def write_tasks(self, text: str) -> None:
        (self.folder / f"{MODULE}.py").write_text(text)
        sys.modules.pop(MODULE, None)
        importlib.invalidate_caches()
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)

    def run(self) -> None:
        """Do what a batch job does."""
        initialize_batch(self.graph, root=str(self.repository))
        report = run_batch(self.graph, None, RunOptions(), root=str(self.repository))
        report.raise_on_failure()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Workplace(tmp_path)
    sys.modules.pop(MODULE, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('image = Output(name="image", storage_class="StructuredDataDict"', 'image = Output(name="image", storage_class="StructuredDataList"', "differs from what the graph was built with: connections image; build the graph again"),
        ('"detector")', '"group")', "differs from what the graph was built with: connections"),
        ("class CopyTask", "class OtherTask", "The class of task 'copy' is not usable"),
    ],
)  # fmt: skip
def test_tasks_that_changed_stop_it_at_once(workplace: Workplace, old: str, new: str, said: str) -> None:
    workplace.write_tasks(TASKS.replace(old, new))
    root = str(workplace.repository)
    with Butler.open(root) as butler:
        for act in (
            lambda: initialize_batch(workplace.graph, root=root),
            lambda: run_batch(workplace.graph, None, RunOptions(), root=root),
            lambda: check_graph(butler, QuantumGraph.open(workplace.graph)),
        ):
            with pytest.raises(PipelineGraphError, match=said):
                act()
    assert not (workplace.repository / "me").exists()


def test_another_version_is_warned_of_and_runs(workplace: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    workplace.write_tasks(TASKS.replace('"1.0"', '"1.1"'))
    workplace.run()
    assert f"built with {MODULE} 1.0, and its tasks will run with 1.1" in caplog.text


def test_nothing_is_said_when_nothing_changed(workplace: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    workplace.run()
    assert not [record for record in caplog.records if "task_checks" in record.name]


def test_a_dataset_type_that_was_registered_anew_is_seen_before_jobs_start(workplace: Workplace) -> None:
    """Jobs have no database; the command before them may be told to ask it."""
    arguments = ["pre-exec-init-qbb", "--check-repository", str(workplace.repository), workplace.graph]
    other = DatasetType("image", ["instrument", "exposure"], "StructuredDataDict", universe=DimensionUniverse.default())
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        butler.dataset_types.remove("image")
        butler.dataset_types.register(other)
    done = CliRunner().invoke(pipetask, arguments)
    assert isinstance(done.exception, GraphMismatchError)
    assert "'image' has changed since the graph was built: it has dimensions" in str(done.exception)
    assert not (workplace.repository / "me").exists()
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        butler.dataset_types.remove("image")
    done = CliRunner().invoke(pipetask, arguments)
    assert done.exit_code == 0, done.exception
    assert (workplace.repository / "me").exists()


def test_a_storage_class_that_is_defined_anew(workplace: Workplace) -> None:
    config = workplace.repository / "butler.yaml"
    config.write_text(config.read_text() + "storage_classes: {StructuredDataDict: {pytype: builtins.list}}\n")
    with pytest.raises(GraphMismatchError, match=r"butler\.yaml.* defines storage class StructuredDataDict otherwise"):
        workplace.run()


def test_one_that_the_graph_does_not_use_may_change(workplace: Workplace) -> None:
    config = workplace.repository / "butler.yaml"
    config.write_text(config.read_text() + "storage_classes: {Another: {pytype: builtins.list}}\n")
    workplace.run()


def test_a_repository_that_was_made_anew_in_its_place(workplace: Workplace) -> None:
    shutil.rmtree(workplace.repository)
    make_survey(workplace.repository, visits=1)
    with pytest.raises(GraphMismatchError, match="that was made anew: of the inputs of the graph none is there"):
        workplace.run()
