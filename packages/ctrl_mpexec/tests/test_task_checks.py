# SPDX-License-Identifier: BSD-3-Clause
"""Tasks, definitions and files that are others than when a graph was built: noticed before any quantum runs."""

import copy
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pachon.base import PachonError
from pachon.butler import Butler, FindingKind, relocate_repository, restore_repository
from pachon.butler.migration import migrate_repository
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
from pachon.quantum_butler.definition_marks import TypeDefinition, UniverseDefinition, type_mark, write_marks
from pachon.quantum_butler.errors import GraphMismatchError
from pachon.registry import OrphanedRecordError
from pachon.registry.errors import IncompatibleUniverseError
from pachon.resources import ResourcePath

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


UNIVERSE = DimensionUniverse.default()
EXPOSURE = ("instrument", "exposure", "detector")
SAME = DatasetType("image", EXPOSURE, "StructuredDataDict", universe=UNIVERSE)
OTHER_CLASS = DatasetType("image", EXPOSURE, "StructuredDataList", universe=UNIVERSE)
OTHER_DIMENSIONS = DatasetType("image", ("instrument", "exposure"), "StructuredDataDict", universe=UNIVERSE)
CALIBRATION = DatasetType("image", EXPOSURE, "StructuredDataDict", is_calibration=True, universe=UNIVERSE)
MARKS = ".definitions"


def next_universe() -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy({**UNIVERSE.document})
    document["version"] += 1
    document["elements"]["detector"]["metadata"].append({"name": "serial", "type": "string", "length": 16})
    return document


def replace_type(repository: Path, *new: DatasetType, name: str = "image") -> None:
    """Remove a dataset type, and register others."""
    with Butler.open(str(repository), writeable=True) as butler:
        assert butler.dataset_types.remove(name) == [name]
        for dataset_type in new:
            assert butler.dataset_types.register(dataset_type)


def refuse(workplace: Workplace, said: str, *, roots: tuple[str, ...] = ()) -> None:
    """Check that neither command of a job goes on, and that nothing was written."""
    for root in roots or (str(workplace.repository),):
        for arguments in (["pre-exec-init-qbb", root, workplace.graph], ["run-qbb", root, workplace.graph]):
            done = CliRunner().invoke(pipetask, arguments)
            assert isinstance(done.exception, GraphMismatchError), (arguments, done.output)
            assert said in str(done.exception)
            assert str(done.exception).endswith("Build the graph again.")
    assert not (workplace.repository / "me").exists()


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (OTHER_CLASS, "it has storage class StructuredDataList instead of StructuredDataDict."),
        (OTHER_DIMENSIONS, "it has dimensions {instrument, exposure} instead of {instrument, detector, exposure}."),
        (CALIBRATION, "it has validity ranges yes instead of no."),
    ],
)
def test_jobs_notice_a_dataset_type_that_was_registered_anew(workplace: Workplace, new: DatasetType, said: str) -> None:
    assert not (workplace.repository / MARKS).exists()
    replace_type(workplace.repository, new)
    repository = str(workplace.repository)
    said = f"Dataset type 'image' was removed and registered anew since the graph was built: {said}"
    refuse(workplace, said, roots=(repository, f"{repository}/butler.yaml"))
    # As it was before is as good as never changed.
    replace_type(workplace.repository, SAME)
    workplace.run()


def test_a_dataset_type_that_is_missing_may_still_be_registered(workplace: Workplace) -> None:
    replace_type(workplace.repository)
    workplace.run()
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        assert butler.transfer_from_graph(workplace.graph, register_dataset_types=True) > 0


def test_outputs_that_are_transferred_register_types_as_the_graph_has_them(workplace: Workplace) -> None:
    replace_type(workplace.repository, OTHER_CLASS)
    replace_type(workplace.repository)
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        butler.transfer_from_graph(workplace.graph, register_dataset_types=True)
        assert butler.dataset_types.get("image") == SAME
        assert butler.fsck().clean
    workplace.run()


def test_other_dataset_types_may_change(workplace: Workplace) -> None:
    other = DatasetType("notes", (), "StructuredDataDict", universe=UNIVERSE)
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        butler.dataset_types.register(other)
    replace_type(workplace.repository, DatasetType("notes", (), "StructuredDataList", universe=UNIVERSE), name="notes")
    workplace.run()


def test_a_removal_that_fails_changes_nothing(workplace: Workplace) -> None:
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        with pytest.raises(OrphanedRecordError):
            butler.dataset_types.remove(["raw", "image"])
        assert butler.fsck().clean
    workplace.run()


def test_jobs_notice_other_dimensions(workplace: Workplace) -> None:
    migrate_repository(str(workplace.repository), universe=next_universe(), dry_run=True)
    assert not (workplace.repository / MARKS).exists()
    migrate_repository(str(workplace.repository), universe=next_universe())
    refuse(
        workplace,
        "The repository's dimensions were changed since the graph was built: they are daf_butler version 9, and those of the "
        "graph daf_butler version 8.",
    )
    with Butler.open(str(workplace.repository)) as butler:
        assert butler.fsck().clean


def test_dimensions_that_could_not_be_changed(workplace: Workplace) -> None:
    document = next_universe()
    del document["elements"]["detector"]
    with pytest.raises((IncompatibleUniverseError, ValueError)):
        migrate_repository(str(workplace.repository), universe=document)
    document = next_universe()
    document["version"] -= 2
    with pytest.raises(IncompatibleUniverseError):
        migrate_repository(str(workplace.repository), universe=document)
    workplace.run()


def test_a_repository_that_was_moved_keeps_what_it_knows(workplace: Workplace) -> None:
    replace_type(workplace.repository, OTHER_CLASS)
    old = str(workplace.repository)
    workplace.repository = workplace.repository.rename(workplace.folder / "moved")
    relocate_repository(str(workplace.repository), from_=old)
    refuse(workplace, "storage class StructuredDataList instead of")


def test_a_restored_database_and_marks_of_what_came_after_its_backup(workplace: Workplace) -> None:
    """The marks say what was; `fsck`, which is to follow each restoration, finds and mends them."""
    repository = str(workplace.repository)
    with Butler.open(repository, writeable=True) as butler:
        butler.backup(workplace.folder / "backup")
    replace_type(workplace.repository, OTHER_CLASS)
    migrate_repository(repository, universe=next_universe())
    restore_repository(repository, workplace.folder / "backup")
    refuse(workplace, "dimensions were changed")
    with Butler.open(repository, writeable=True) as butler:
        found = butler.fsck()
        assert {finding.kind for finding in found.remaining} == {FindingKind.STALE_MARK}
        assert sorted(finding.path for finding in found.remaining) == [
            f"{MARKS}/dataset-type-image.json",
            f"{MARKS}/universe.json",
        ]
        assert butler.fsck(repair=True).clean
        assert butler.fsck().findings == ()
    workplace.run()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"pachon_definition": 2}', b'{"pachon_definition": 1, "definition": 5}'])  # fmt: skip
def test_a_mark_that_cannot_be_read_refuses_nothing(
    workplace: Workplace, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    replace_type(workplace.repository, SAME)
    (workplace.repository / MARKS / "dataset-type-image.json").write_bytes(content)
    workplace.run()
    assert "Whether the repository's definitions have changed since the graph was built is not known" in caplog.text
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        assert [finding.kind for finding in butler.fsck().remaining] == [FindingKind.STALE_MARK]
        assert butler.fsck(repair=True).clean
        assert butler.fsck().clean


def test_a_change_of_dimensions_that_was_cut_off_is_warned_of(
    workplace: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    folder = workplace.repository / MARKS
    write_marks({ResourcePath(str(folder / "universe.json")): None})
    workplace.run()
    assert "it is not known whether it took place" in caplog.text
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        assert butler.fsck(repair=True).clean
    caplog.clear()
    workplace.run()
    assert not caplog.text


def test_a_removal_is_refused_where_jobs_cannot_be_told(workplace: Workplace) -> None:
    (workplace.repository / MARKS).write_text("no folder")
    with Butler.open(str(workplace.repository), writeable=True) as butler:
        with pytest.raises(PachonError):
            butler.dataset_types.remove("image")
        assert butler.dataset_types.get("image") == SAME
    with pytest.raises(PachonError):
        migrate_repository(str(workplace.repository), universe=next_universe())
    with Butler.open(str(workplace.repository)) as butler:
        assert butler.universe == UNIVERSE


def test_definitions_are_told_as_they_are() -> None:
    assert TypeDefinition.from_document(TypeDefinition.of(CALIBRATION).to_document()) == TypeDefinition.of(CALIBRATION)
    own = UniverseDefinition.of(UNIVERSE)
    assert UniverseDefinition.from_document(own.to_document()) == own
    assert type_mark(ResourcePath("/repo/"), "image").ospath == "/repo/.definitions/dataset-type-image.json"
