# SPDX-License-Identifier: BSD-3-Clause
"""Graphs that really run, in this process and in workers, with tasks that behave and tasks that do not."""

import os
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec import QuantaFailedError, RunOptions, run_quantum_graph
from pachon.ctrl_mpexec.status_report import OverallStatus, make_status_report
from pachon.ctrl_mpexec.testing.repository import make_repository
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.execution.run_init import ConfigChangedError
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.graph_builder.errors import GraphBuildError
from pachon.pipe_base.pipeline import Pipeline

BOTH = pytest.mark.parametrize("processes", [1, 2])


def make_graph(butler, pipeline_file, *, run="me/run", fail="", exposure=-1, **options):
    pipeline = Pipeline.read(str(pipeline_file))
    if fail:
        pipeline = pipeline.with_config("correct", "fail", fail).with_config("correct", "fail_exposure", exposure)
    graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run=run, **options)
    for dataset_type in graph.dataset_types.values():
        butler.dataset_types.register(dataset_type)
    return graph


@BOTH
def test_everything_is_made_and_registered(repository, pipeline_file, processes, caplog):
    caplog.set_level("INFO", logger="pachon")
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        assert graph.task_counts() == {"correct": 6, "visit": 6, "gather": 3}
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.is_success
        assert report.exit_code == 0
        totals = {
            n: butler.get("visit_total", instrument="Cam", visit=n, collections=["me/run"])["value"] for n in (1, 2, 3)
        }
        assert totals == {1: 200, 2: 400, 3: 600}
        found = butler.get("correct_metadata", instrument="Cam", exposure=1, detector=1, collections=["me/run"])
        assert found["metadata"]["correct"]["scalars"]["bias"] == 1
        log = butler.get("correct_log", instrument="Cam", exposure=1, detector=1, collections=["me/run"])
        assert any("Correcting" in record["message"] for record in log["records"])
        assert log["records"][0]["MDC"]["RUN"] == "me/run"
        config = butler.get("correct_config", collections=["me/run"])
        assert config["values"]["factor"] == 1
        assert butler.get("packages", collections=["me/run"])["python"]


@BOTH
def test_a_failure_blocks_only_what_depends_on_it(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="exception", exposure=2)
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.counts() == {
            "correct": {"success": 4, "failure": 2},
            "visit": {"success": 4, "skipped": 2},
            "gather": {"success": 2, "skipped": 1},
        }
        assert report.exit_code == 1
        with pytest.raises(
            QuantaFailedError, match=r"2 of 15 quanta failed, 3 could not run.*ValueError: told to fail"
        ):
            report.raise_on_failure()
        log = butler.get("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert log["exception"]["type_name"] == "ValueError"
        status = make_status_report(butler, [graph])
        assert status.counts() == {
            OverallStatus.SUCCESSFUL: 10,
            OverallStatus.FAILED: 2,
            OverallStatus.BLOCKED: 3,
        }
        assert status.tasks["correct"].exceptions == {
            "ValueError": [
                {"data_id": {"instrument": "Cam", "detector": d, "exposure": 2}, "message": "told to fail"}
                for d in (0, 1)
            ]
        }


@BOTH
def test_the_next_run_goes_on_with_what_is_missing(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        run_quantum_graph(make_graph(butler, pipeline_file, fail="exception", exposure=2), butler, processes=processes)
        # The same configuration, so the same run; what made the quanta fail is gone because their exposure number
        # is no longer the one that is told to fail would be another configuration, which the run refuses.
        graph = make_graph(butler, pipeline_file, skip_existing_in=["me/run"])
        assert graph.task_counts() == {"correct": 2, "visit": 2, "gather": 1}
        with pytest.raises(ConfigChangedError, match="fail: 'exception'"):
            run_quantum_graph(graph, butler, processes=processes)
        options = RunOptions(skip_init_writes=True)
        report = run_quantum_graph(graph, butler, processes=processes, options=options)
        assert report.is_success
        assert butler.get("visit_total", instrument="Cam", visit=2, collections=["me/run"])["value"] == 400


@BOTH
@pytest.mark.parametrize(
    ("kind", "fail_fast", "code"), [("repeatable", False, 1), ("repeatable", True, 1), ("invalid", False, 21)]
)
def test_exit_codes_do_not_depend_on_processes(repository, pipeline_file, processes, kind, fail_fast, code):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail=kind, exposure=1)
        options = RunOptions(fail_fast=fail_fast)
        report = run_quantum_graph(graph, butler, processes=processes, options=options)
        expected = 20 if kind == "repeatable" and fail_fast else code
        assert report.exit_code == expected
        assert report.blocked


@BOTH
def test_no_work_is_a_success(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="no_work", exposure=2)
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.is_success
        codes = {o.caveats.code() for o in report.outcomes if o.task_label == "visit" and o.data_id["visit"] == 2}
        assert codes == {"*AN"}
        status = make_status_report(butler, [graph])
        assert status.tasks["correct"].to_document()["caveats"].keys() == {"*N"}
        assert status.datasets["corrected"].n_predicted_only == 2


@BOTH
@pytest.mark.parametrize("strict", [True, False])
def test_partial_outputs(repository, pipeline_file, processes, strict):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="partial", exposure=2)
        options = RunOptions(execution=ExecutionOptions(raise_on_partial_outputs=strict))
        report = run_quantum_graph(graph, butler, processes=processes, options=options)
        assert report.is_success is not strict


@pytest.mark.parametrize(("kind", "message"), [("kill", "signal SIGKILL"), ("exit", "7")])
def test_a_worker_that_dies_costs_one_quantum(repository, pipeline_file, kind, message):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail=kind, exposure=2)
        report = run_quantum_graph(graph, butler, processes=2)
        assert report.counts()["correct"] == {"success": 4, "failure": 2}
        assert all(message in outcome.exception.message for outcome in report.failed)
        assert butler.get("visit_total", instrument="Cam", visit=3, collections=["me/run"])["value"] == 600


def test_a_worker_that_hangs_is_ended(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="sleep", exposure=2)
        report = run_quantum_graph(graph, butler, processes=2, options=RunOptions(timeout=5.0))
        assert {outcome.status for outcome in report.failed} == {QuantumStatus.TIMEOUT}
        assert report.to_document()["status"] == "timeout"
        assert report.counts()["correct"] == {"success": 4, "timeout": 2}


@BOTH
def test_a_quantum_leaves_nothing_behind_for_the_next(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="mess", exposure=1)
        assert run_quantum_graph(graph, butler, processes=processes).is_success
        later = butler.get("corrected", instrument="Cam", exposure=3, detector=1, collections=["me/run"])
        assert later["folder"] != "/"
        assert "PACHON_TEST_MESS" not in os.environ
        assert Path.cwd() != Path("/")


def test_storage_classes_of_the_repository_are_known_to_workers(tmp_path, pipeline_file):
    make_repository(
        tmp_path / "own", raw_storage_class="Number", storage_classes={"Number": {"inheritsFrom": "StructuredDataDict"}}
    )
    with Butler.open(str(tmp_path / "own"), writeable=True) as butler:
        assert butler.dataset_types.get("raw").storage_class == "Number"
        assert run_quantum_graph(make_graph(butler, pipeline_file), butler, processes=2).is_success


def test_a_task_whose_hook_cannot_be_honoured_is_refused(repository):
    pipeline = Pipeline.empty().with_task("hooked", "pachon.ctrl_mpexec.testing.tasks.HookedTask")
    with Butler.open(str(repository)) as butler, pytest.raises(GraphBuildError, match="overrides adjust_all_quanta"):
        build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run")


def test_retries(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="kill", exposure=2)
        report = run_quantum_graph(graph, butler, processes=2, options=RunOptions(retries=1))
        # They fail again; what counts is that the first attempt was not the last word.
        assert report.counts()["correct"] == {"success": 4, "failure": 2}


def test_a_process_for_each_quantum(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        report = run_quantum_graph(graph, butler, processes=2, options=RunOptions(fresh_processes=True))
        assert report.is_success
        log = butler.get("correct_log", instrument="Cam", exposure=3, detector=1, collections=["me/run"])
        assert log["previous_process_quanta"] == []
