# SPDX-License-Identifier: BSD-3-Clause
"""Graphs that really run, in this process and in workers, with tasks that behave and tasks that do not."""

import os
import re
import uuid
from pathlib import Path

import pytest

from pachon.base import StorageError
from pachon.base.testing import run_command
from pachon.butler import Butler
from pachon.ctrl_mpexec import QuantaFailedError, RunOptions, executor, run_graph, run_quantum_graph
from pachon.ctrl_mpexec.aggregation import scan_graph
from pachon.ctrl_mpexec.program import pipetask
from pachon.ctrl_mpexec.progress.reporter import SilentReporter
from pachon.ctrl_mpexec.run_graph import initialize_graph
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.ctrl_mpexec.runners.in_process import InProcessRunner
from pachon.ctrl_mpexec.runners.runner import Finished
from pachon.ctrl_mpexec.status_facts import make_status_report
from pachon.ctrl_mpexec.status_report import OverallStatus
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetExistence
from pachon.pipe_base.execution.outcome import QuantumOutcome, QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.execution.run_init import ConfigChangedError
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline
from pachon.quantum_butler import DropReason

BOTH = pytest.mark.parametrize("processes", [1, 2])


def test_an_interruption_is_not_blamed_on_a_failure():
    assert "did not run, also as the run was interrupted" in str(QuantaFailedError(1, 3, 5, "x", 1, interrupted=True))


def test_an_interruption_is_no_failure():
    assert str(QuantaFailedError(0, 3, 5, "the run was interrupted", 130)) == (
        "The run was interrupted: 2 of 5 quanta are done; --extend-run goes on with the others."
    )


def test_what_became_of_quanta_is_told_in_one_order():
    statuses = [QuantumStatus.SKIPPED, QuantumStatus.FAILURE, QuantumStatus.DONE_BEFORE, QuantumStatus.SUCCESS]
    outcomes = [QuantumOutcome(quantum_id=uuid.uuid4(), task_label="a", data_id={}, status=s) for s in statuses]
    first, *_ = RunReport(outcomes=tuple(outcomes), graph_summary={}, seconds=1.0).lines()
    assert first == "a: 1 success, 1 done before, 1 failed, 1 not run"


def test_quanta_that_did_not_run_are_not_the_slowest():
    skipped, slow = (
        QuantumOutcome(quantum_id=uuid.uuid4(), task_label="a", data_id={"visit": n}, status=status, seconds=seconds)
        for n, status, seconds in ((1, QuantumStatus.SKIPPED, 0.0), (2, QuantumStatus.SUCCESS, 7.0))
    )
    lines = RunReport(outcomes=(skipped, slow), graph_summary={}, seconds=1.0).lines()
    assert lines[-1] == "slowest: a visit=2 7.0 s"


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
def test_a_quantum_whose_log_cannot_be_written_is_not_done(repository, pipeline_file, processes):
    # As on a full disk: the metadata, which are written before the log, would say that all is there.
    place = repository / "me/run/correct_log"
    place.parent.mkdir(parents=True)
    place.write_text("where a folder is to be")
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        report = run_quantum_graph(graph, butler, processes=processes)
        assert {outcome.task_label for outcome in report.failed} == {"correct"}
        assert len(report.failed) == 6
        assert not [path for path in repository.glob("me/run/correct_metadata/**/*") if path.is_file()]
        assert not list(butler.query_datasets("correct_metadata", collections=["me/run"]))
        place.unlink()
        again = make_graph(butler, pipeline_file, skip_existing_in=["me/run"])
        assert again.task_counts() == {"correct": 6, "visit": 6, "gather": 3}
        assert run_quantum_graph(again, butler, processes=processes).is_success
        assert len(list(butler.query_datasets("correct_log", collections=["me/run"]))) == 6


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
            QuantaFailedError,
            match=r"2 of 15 quanta failed, 3 could not run.*first: correct instrument=Cam, [\w=, ]+: ValueError: told",
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


class Counting(SilentReporter):
    total = 0

    def blocked(self, count):
        self.total += count


def test_who_shows_progress_is_told_what_is_blocked(repository, pipeline_file):
    reporter = Counting()
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="exception", exposure=2)
        report = run_quantum_graph(graph, butler, reporter=reporter)
    assert reporter.total == len(report.blocked) == 3


@BOTH
def test_an_exception_that_cannot_be_sent_or_stored_is_described(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="odd", exposure=2)
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.counts()["correct"] == {"success": 4, "failure": 2}
        assert {o.exception.type_name for o in report.failed} == {"pachon.ctrl_mpexec.testing.tasks.OddError"}
        log = butler.get("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert log["exception"]["metadata"]["array"] == [0, 1]
        assert log["exception"]["metadata"]["number"] == 0.5


def test_a_task_that_exits_fails_alone_in_this_process_too(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="exit", exposure=2)
        report = run_quantum_graph(graph, butler)
        assert report.counts()["correct"] == {"success": 4, "failure": 2}
        log = butler.get("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert {name: log["exception"][name] for name in ("type_name", "message", "metadata")} == {
            "type_name": "SystemExit", "message": "7", "metadata": {},
        }  # fmt: skip
        assert log["exception"]["traceback"][-1]["line"] == "sys.exit(7)"


@BOTH
def test_what_no_task_should_raise_fails_alone(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="cancelled", exposure=2)
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.counts()["correct"] == {"success": 4, "failure": 2}
        log = butler.get("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert log["exception"]["type_name"] == "pachon.ctrl_mpexec.testing.tasks.Cancelled"
        assert log["records"], "the worker itself wrote the log"


@pytest.mark.parametrize(("kind", "failed"), [("odd name", 0), ("odd error", 2)])
def test_names_that_are_no_text_are_kept_as_escapes(repository, pipeline_file, kind, failed):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail=kind, exposure=2)
        # In workers: what pytest captures in this process cannot be sent between its own processes.
        report = run_quantum_graph(graph, butler, processes=2)
        assert [outcome.exception.message for outcome in report.failed] == ["a\\udcff.fits"] * failed
        log = butler.get("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert any("a\\udcff.fits" in record["message"] for record in log["records"])


def test_an_endless_message_is_kept_in_part(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="long error", exposure=2)
        assert len(run_quantum_graph(graph, butler).failed) == 2
        ref = butler.find_dataset("correct_log", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert "50000000 characters in all" in butler.get(ref)["exception"]["message"]
        assert Path(butler.get_uri(ref).ospath).stat().st_size < 1_000_000


def test_a_message_that_does_not_fit_its_arguments_costs_only_the_message(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="log", exposure=2)
        # In workers, as pytest has a log handler of its own that raises.
        assert run_quantum_graph(graph, butler, processes=2).is_success


@BOTH
def test_a_log_that_cannot_be_written_costs_one_quantum(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        (repository / "me/run").mkdir(parents=True)
        (repository / "me/run/visit_log").write_text("a file where a folder has to be")
        report = run_quantum_graph(graph, butler, processes=processes)
        assert report.counts() == {
            "correct": {"success": 6},
            "visit": {"failure": 6},
            "gather": {"skipped": 3},
        }
        image = butler.get("visit_image", instrument="Cam", visit=1, detector=0, collections=["me/run"])
        assert image["value"] == 100, "what was written is registered"


class SeveralAtOnce(InProcessRunner):
    """A runner whose quanta all end together."""

    free = 2

    def __init__(self, worker):
        self.worker, self.started, self.ended = worker, [], []

    def start(self, job):
        self.started.append((job.number, job.quantum_id))

    def wait(self, timeout=None):
        started, self.started = self.started, []
        return [Finished(number=number, result=self.worker.run(quantum_id)) for number, quantum_id in started]

    def kill(self):
        self.ended.append("killed")

    def close(self):
        self.ended.append("closed")


@pytest.mark.parametrize("kind", ["repeatable", "invalid"])
def test_quanta_that_fail_together_end_the_run_together(repository, pipeline_file, monkeypatch, kind):
    monkeypatch.setattr(executor, "InProcessRunner", SeveralAtOnce)
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail=kind, exposure=1)
        report = run_quantum_graph(graph, butler, options=RunOptions(fail_fast=True))
        assert len(report.failed) == 1
        assert len(report.with_status(QuantumStatus.SUCCESS)) == 1, "the one that ended at the same time counts"
        assert len(report.outcomes) == 15


def test_a_commit_that_fails_ends_the_run_and_its_workers(repository, pipeline_file, monkeypatch):
    runners = []
    monkeypatch.setattr(executor, "InProcessRunner", lambda worker: runners.append(SeveralAtOnce(worker)) or runners[0])

    class Full:
        def __init__(self, butler):
            self.butler, self.calls = butler, 0

        def register_graph_outputs(self, datasets, files):
            self.calls += 1
            if self.calls > 1:
                raise OSError("no space left")
            return self.butler.register_graph_outputs(datasets, files)

        def fetch_collections(self, names):
            return self.butler.fetch_collections(names)

    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        with pytest.raises(OSError, match="no space left"):
            run_quantum_graph(graph, Full(butler))
        assert runners[0].ended[-1] == "closed"
        assert not list(butler.query_datasets("corrected", collections=["me/run"]))
        # The same graph again: what was written and not registered is found; nothing is lost and nothing made twice.
        report = run_quantum_graph(graph, butler)
        assert report.is_success
        assert len(list(butler.query_datasets("corrected", collections=["me/run"]))) == 6


@BOTH
def test_what_a_failed_attempt_left_is_gone_if_the_next_does_not_make_it(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        failed = make_graph(butler, pipeline_file, fail="late", exposure=2)
        assert len(run_quantum_graph(failed, butler, processes=processes).failed) == 2
        left = butler.find_dataset("corrected", instrument="Cam", exposure=2, detector=0, collections=["me/run"])
        assert butler.get(left), "what a failed quantum wrote can be looked at"
        graph = make_graph(butler, pipeline_file, fail="no_work", exposure=2, skip_existing_in=["me/run"])
        report = run_quantum_graph(graph, butler, processes=processes, options=RunOptions(skip_init_writes=True))
        assert report.is_success
        assert {o.caveats.code() for o in report.outcomes if o.task_label == "visit"} == {"*AN"}
        assert not list(
            butler.query_datasets("corrected", collections=["me/run"], where="exposure=2 AND instrument='Cam'")
        )


def test_clobber_runs_what_is_done_again(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        run_quantum_graph(make_graph(butler, pipeline_file), butler)
        graph = make_graph(butler, pipeline_file, fail="exception", exposure=2, clobber=True)
        report = run_quantum_graph(graph, butler, options=RunOptions(skip_init_writes=True))
        assert report.counts()["correct"] == {"success": 4, "failure": 2}
        failed = butler.find_dataset(
            "correct_metadata", instrument="Cam", exposure=2, detector=0, collections=["me/run"]
        )
        assert failed is None, "the metadata of the attempt before would say that the quantum is done"


def test_an_overall_input_that_is_gone_is_a_failure(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        ref = butler.find_dataset("raw", instrument="Cam", exposure=2, detector=0, collections=["raws"])
        Path(butler.get_uri(ref).ospath).unlink()
        report = run_quantum_graph(graph, butler)
        # "No work" would be a success that hides the loss.
        assert report.counts()["correct"] == {"success": 5, "failure": 1}


def test_no_existing_outputs_says_nothing_about_inputs(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="no_work", exposure=2)
        options = RunOptions(execution=ExecutionOptions(assume_no_existing_outputs=True))
        assert run_quantum_graph(graph, butler, options=options).is_success


def test_a_task_without_log_is_no_wonder(repository, tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    pipeline = Pipeline.read(str(path)).with_config("correct", "saveLogOutput", False)
    with Butler.open(str(repository), writeable=True) as butler:
        graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run")
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        assert run_quantum_graph(graph, butler).is_success
        assert make_status_report(butler, [graph]).counts() == {OverallStatus.SUCCESSFUL: 15}
        assert scan_graph(graph).counts == {"successful": 15}


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


@BOTH
def test_a_second_failure_keeps_nothing_of_the_first(repository, pipeline_file, processes):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file, fail="late", exposure=2)
        first = run_quantum_graph(graph, butler, processes=processes)
        failed = {o.quantum_id for o in first.failed}
        refs = [ref for number in failed for ref in graph.quantum(number).outputs["corrected"]]
        assert refs
        assert all(butler.exists(ref, verify=True) == DatasetExistence.VERIFIED for ref in refs)
        # The second attempt fails before it has written anything.
        for number in failed:
            for ref in graph.quantum(number).inputs["bias"]:
                Path(butler.get_uri(ref).ospath).unlink(missing_ok=True)
        second = run_quantum_graph(graph, butler, processes=processes)
        assert {o.quantum_id for o in second.failed} == failed
        assert not any(butler.exists(ref) for ref in refs)
        logs = [ref for number in failed for ref in graph.quantum(number).outputs["_log"]]
        assert all(butler.exists(ref, verify=True) == DatasetExistence.VERIFIED for ref in logs)


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


def test_a_hook_for_all_quanta_is_called(repository):
    pipeline = Pipeline.empty().with_task("correct", "pachon.ctrl_mpexec.testing.tasks.CorrectTask")
    pipeline = pipeline.with_task("hooked", "pachon.ctrl_mpexec.testing.tasks.HookedTask")
    with Butler.open(str(repository)) as butler:
        graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run")
    assert graph.task_counts() == {"correct": 6, "hooked": 4}
    assert graph.explain("hooked").dropped() == {DropReason.REMOVED_BY_HOOK: 2}


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


def test_a_log_notes_only_the_last_quanta_of_its_process(repository, pipeline_file, monkeypatch):
    monkeypatch.setattr("pachon.ctrl_mpexec.worker._NOTED_QUANTA", 2)
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        assert run_quantum_graph(graph, butler).is_success
        noted = {
            len(butler.get(ref)["previous_process_quanta"])
            for ref in butler.query_datasets("gather_log", collections=["me/run"])
        }
    assert noted == {2}


@pytest.mark.parametrize("broken", [1, 3], ids=["the first commit", "the last commits"])
def test_a_commit_that_fails_says_what_was_done_and_how_to_go_on(repository, pipeline_file, monkeypatch, broken):
    register, calls = Butler.register_graph_outputs, []

    def refuse(self, datasets, files):
        calls.append(len(files))
        if len(calls) >= broken:
            raise StorageError("the database is gone")
        return register(self, datasets, files)

    command = ["run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types"]
    with monkeypatch.context() as patched:
        patched.setattr(Butler, "register_graph_outputs", refuse)
        # The quanta take long enough for a commit in their midst.
        patched.setattr("pachon.ctrl_mpexec.commit._MAX_SECONDS", 0.0)
        patched.setattr("pachon.ctrl_mpexec.commit._PATIENCE", 0)
        failed = run_command(pipetask, *command)
    assert failed.exit_code == 1
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    assert line.startswith("Error: the database is gone")
    if broken > 1:
        assert re.search(r"\d+ of 15 quanta were done by then; \d+ datasets that they wrote are safe as files", line)
        assert "'pipetask run --extend-run' registers these" in line
    again = run_command(pipetask, *command, "--extend-run")
    assert again.exit_code == 0, again.stderr
    with Butler.open(str(repository), collections=["me"]) as butler:
        assert butler.get("visit_total", instrument="Cam", visit=3)["value"] == 600
        assert len(list(butler.query_datasets("corrected", collections=["me"]))) == 6
        assert butler.fsck().findings == (), again.stderr
    if broken > 1:
        assert "already done" in again.stderr, "what was done is not done again"


def test_init_outputs_that_an_interruption_left_are_registered_first(repository, pipeline_file, monkeypatch):
    def interrupted(*arguments, **options):
        initialize_graph(*arguments, **options)
        raise KeyboardInterrupt

    command = ["run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types"]
    with monkeypatch.context() as patched:
        patched.setattr(run_graph, "initialize_graph", interrupted)
        assert run_command(pipetask, *command).exit_code == 130
    again = run_command(pipetask, *command, "--extend-run")
    assert again.exit_code == 0, again.stderr
    with Butler.open(str(repository)) as butler:
        assert butler.fsck().findings == ()
