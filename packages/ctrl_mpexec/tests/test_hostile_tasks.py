# SPDX-License-Identifier: BSD-3-Clause
"""Tasks that crash, hang, fork, fill memory and disk, or change what is around them: one quantum is lost, none other."""

import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec import RunOptions, run_quantum_graph
from pachon.ctrl_mpexec.runners.process_watch import machine_memory, tree_memory
from pachon.ctrl_mpexec.status_facts import make_status_report
from pachon.ctrl_mpexec.status_report import OverallStatus
from pachon.ctrl_mpexec.surroundings import restored_surroundings
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline
from pachon.quantum_butler import find_receipts, read_receipt
from pachon.resources import ResourcePath

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes as POSIX systems have them")


def run(repository, pipeline_file, fail, *, exposure=2, select="#correct", run="me/run", **options):
    pipeline = Pipeline.read(f"{pipeline_file}{select}").with_config("correct", "fail", fail)
    pipeline = pipeline.with_config("correct", "fail_exposure", exposure)
    with Butler.open(str(repository), writeable=True) as butler:
        graph = build_quantum_graph(
            pipeline, butler, input_collections=["defaults"], output_run=run, skip_existing_in=[run]
        )
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        report = run_quantum_graph(graph, butler, options=RunOptions(**{"processes": 2, "versions": False, **options}))
        return graph, report


def read_log(repository, detector=0, exposure=2):
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        return butler.get("correct_log", instrument="Cam", exposure=exposure, detector=detector)


@pytest.mark.parametrize(("kind", "why"), [("segfault", "SIGSEGV"), ("deaf", "longer than 3 s")])
def test_what_ends_its_process_is_a_failure_with_a_log(repository, pipeline_file, kind, why):
    graph, report = run(repository, pipeline_file, kind, timeout=3.0)
    assert len(report.with_status(QuantumStatus.SUCCESS)) == 4
    assert [why in outcome.exception.message for outcome in report.failed] == [True, True]
    assert why in read_log(repository)["exception"]["message"]
    with Butler.open(str(repository)) as butler:
        assert make_status_report(butler, [graph]).counts() == {OverallStatus.SUCCESSFUL: 4, OverallStatus.FAILED: 2}


def test_a_forked_child_that_comes_back_ends(repository, pipeline_file):
    _, report = run(repository, pipeline_file, "fork")
    assert report.is_success
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        refs = list(butler.query_datasets("corrected"))
        assert sorted(butler.get(ref)["value"] for ref in refs) == [100, 100, 200, 200, 300, 300]


def test_a_forked_child_that_exits_does_only_that(repository, pipeline_file):
    _, report = run(repository, pipeline_file, "fork and wait")
    assert report.is_success
    assert "exception" not in read_log(repository)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs a peak that can be forgotten")
@pytest.mark.parametrize("processes", [1, 2])
def test_memory_of_a_quantum_is_not_that_of_those_before(repository, pipeline_file, processes):
    # It takes 320 MB, and gives them back.
    _, report = run(repository, pipeline_file, "hog", exposure=1, processes=processes)
    assert report.is_success
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        peaks = {
            exposure: butler.get("correct_metadata", instrument="Cam", exposure=exposure, detector=0)["metadata"][
                "quantum"
            ]["arrays"]["endMaxResidentSetSize"][0]
            for exposure in (1, 3)
        }
    assert peaks[1] - peaks[3] > 200e6


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc to look for it")
def test_a_process_that_a_task_left_goes_with_its_worker(repository, pipeline_file):
    before = children_named("time.sleep(300)")
    _, report = run(repository, pipeline_file, "orphan")
    assert report.is_success
    # Killed is not gone yet, and another process of tests may have one of its own for a moment.
    deadline = time.monotonic() + 60
    while children_named("time.sleep(300)") > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_named("time.sleep(300)") <= before


def children_named(text):
    found = (Path(f"/proc/{number}/cmdline") for number in os.listdir("/proc") if number.isdigit())
    lines = []
    for path in found:
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes())
    return sum(text.encode() in line for line in lines)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count files")
def test_a_worker_whose_task_keeps_files_open_is_replaced(repository, pipeline_file, monkeypatch):
    monkeypatch.setattr("pachon.ctrl_mpexec.runners.pool._LOOK_S", 0.0)
    # A quantum that was handed over ahead may have begun when it is seen what the one before left; it ends there.
    monkeypatch.setattr("pachon.ctrl_mpexec.runners.pool._AHEAD_S", 0.0)
    logging.getLogger("pachon").setLevel(logging.INFO)
    # A limit of time asks for a worker, and there is one.
    _, report = run(repository, pipeline_file, "files", processes=1, timeout=60.0)
    assert report.is_success
    processes = [read_log(repository, exposure=n)["records"][0]["process"] for n in (1, 2, 3)]
    assert processes[0] == processes[1]
    assert processes[1] != processes[2]
    assert os.getpid() not in processes


def test_a_task_that_logs_without_end_keeps_the_beginning_and_the_end(repository, pipeline_file):
    logging.getLogger("pachon").setLevel(logging.INFO)
    _, report = run(repository, pipeline_file, "many logs")
    assert report.is_success
    records = read_log(repository)["records"]
    messages = [record["message"] for record in records]
    assert len(records) < 12_000
    assert "message 0" in messages
    assert "message 29999" in messages
    assert any("records are left out here" in message for message in messages)
    assert max(map(len, messages)) < 200_000


def test_printing_without_end(repository, pipeline_file, tmp_path):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "from test_hostile_tasks import run\n"
        "from pathlib import Path\n"
        "graph, report = run(Path(sys.argv[2]), sys.argv[3], 'print', quiet_stdout=True)\n"
        "assert report.is_success\n"
        "print('only this')\n"
    )
    if __name__ != "__main__":
        script = tmp_path / "script.py"
        script.write_text(f"if __name__ == '__main__':\n    exec({code!r})\n")
        with (tmp_path / "stderr").open("wb") as stderr:
            done = subprocess.run(
                [sys.executable, script, Path(__file__).parent, repository, pipeline_file],
                stdout=subprocess.PIPE, stderr=stderr, text=True, check=False, timeout=120,
            )  # fmt: skip
        assert done.stdout == "only this\n", "what tasks print went elsewhere"
        assert (tmp_path / "stderr").stat().st_size > 200_000_000
        (tmp_path / "stderr").unlink()


def test_all_that_a_task_changes_is_put_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = logging.getLogger("pachon.test.surroundings")
    before = (os.getcwd(), dict(os.environ), list(sys.path), sys.stdout, signal.getsignal(signal.SIGTERM))
    mask = os.umask(0o022)
    os.umask(mask)
    from pachon.ctrl_mpexec.testing.tasks import _misbehave

    errors = np.geterr()
    with restored_surroundings():
        new = logging.getLogger("pachon.test.surroundings.new")
        _misbehave("mess")
        log.setLevel(logging.CRITICAL)
    assert np.geterr() == errors
    assert not log.disabled
    assert not new.disabled
    assert before == (os.getcwd(), dict(os.environ), list(sys.path), sys.stdout, signal.getsignal(signal.SIGTERM))
    assert os.umask(mask) == mask
    assert log.level == logging.NOTSET
    assert logging.root.manager.disable == logging.NOTSET
    with restored_surroundings():
        _misbehave("lost folder")
    assert os.getcwd() == str(tmp_path)


@pytest.mark.skipif(machine_memory() is None or tree_memory(os.getpid()) is None, reason="needs /proc")
def test_memory_that_is_not_enough_is_doubled(repository, pipeline_file):
    # The task needs 320 MB above what the process has anyway.
    _, report = run(repository, pipeline_file, "hog", memory_limit=250_000_000, processes=1)
    assert report.is_success
    attempts = read_log(repository)["previous_attempts"]
    assert {attempt["exception"]["type_name"] for attempt in attempts} == {"OutOfMemory"}
    assert "its limit is 250 MB" in attempts[0]["exception"]["message"]


def test_a_memory_error_is_tried_again_as_long_as_there_is_more(repository, pipeline_file):
    from pachon.pipe_base.context import ExecutionResources

    execution = ExecutionOptions(resources=ExecutionResources(max_mem=1000))
    _, report = run(repository, pipeline_file, "memory", processes=1, execution=execution, memory_retries=2)
    assert len(report.failed) == 2
    log = read_log(repository)
    assert log["exception"]["type_name"] == "MemoryError"
    assert len(log["previous_attempts"]) == 2
    _, report = run(repository, pipeline_file, "memory", processes=1)
    assert len(report.failed) == 2, "with nothing to give there is no other attempt"
    assert len(read_log(repository)["previous_attempts"]) == 3


def test_an_output_that_is_misspelled_is_told(repository, pipeline_file):
    _, report = run(repository, pipeline_file, "misspelled", processes=1)
    assert report.is_success
    assert "correct: 6 success (2 without any output)" in report.lines()
    said = "'run' returned no value for the output 'corrected', but 'correctd', which is no output. Did you mean 'corrected'?"
    assert f"warning: correct, 2 quanta: {said}" in report.lines()
    messages = [record["message"] for record in read_log(repository)["records"]]
    assert any(said in message for message in messages)


def test_an_output_that_is_not_returned_is_told(repository, pipeline_file):
    _, report = run(repository, pipeline_file, "nothing")
    assert report.is_success
    lines = report.lines()
    assert "correct: 6 success (2 without any output)" in lines
    assert "warning: correct, 2 quanta: 'run' returned no value for the output 'corrected'." in lines


PIPETASK = [sys.executable, "-c", "from pachon.ctrl_mpexec.program import main; main()"]


def start(repository, pipeline_file, *arguments, seconds=1.5, **options):
    return subprocess.Popen(
        [*PIPETASK, "run", "-b", str(repository), "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me",
         "--output-run", "me/run", "--register-dataset-types", "-c", "correct:fail=pause",
         "-c", f"correct:pause={seconds}", *map(str, arguments)],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, **options,
    )  # fmt: skip


def wait_for_outputs(repository, number):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = Path(repository).glob("me/run/correct_metadata/**/*")
        if sum(path.is_file() and not path.name.startswith(".") for path in found) >= number:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was made")


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruptions(repository, pipeline_file, processes, times, number):
    process = start(repository, pipeline_file, "-j", processes, seconds=2)
    wait_for_outputs(repository, 1)
    time.sleep(0.7)  # the next quanta run
    for _ in range(times):
        os.killpg(process.pid, number)
        time.sleep(0.4)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number, errors
    assert f"Interrupted: waiting for the quanta that run ({number.name})" in errors
    assert " failed" not in errors
    assert ("Interrupted again" in errors) is (times == 2)
    assert "Traceback" not in errors
    assert "--extend-run goes on with the others" in errors
    if times == 2:
        assert time.monotonic() - begin < 10
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        refs = list(butler.query_datasets("corrected"))
        assert 1 <= len(refs) < 6
        for ref in refs:
            assert butler.get(ref)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the workers")
def test_a_signal_to_all_processes_of_a_job_loses_nothing(repository, pipeline_file):
    # Slurm sends SIGTERM to every process of a step, and so do others.
    process = start(repository, pipeline_file, "-j", 2, seconds=2)
    wait_for_outputs(repository, 1)
    time.sleep(0.7)  # the next quanta run
    tree = [process.pid]
    for parent in tree:
        tree += children(parent)
    assert len(tree) >= 5  # the program, two helpers of Python's, two workers
    for number in tree:
        os.kill(number, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert " failed" not in errors
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        done = len(list(butler.query_datasets("correct_metadata")))
    # What ran came to its end, in each worker.
    assert done in (3, 4), errors
    assert f"correct: {done} success, {6 - done} not run" in errors


def test_a_job_that_is_ended_says_what_it_did(repository, pipeline_file, tmp_path):
    pipeline = Pipeline.read(f"{pipeline_file}#correct").with_config("correct", "fail", "pause")
    with Butler.open(str(repository)) as butler:
        graph = build_quantum_graph(
            pipeline.with_config("correct", "pause", 1.5), butler, input_collections=["defaults"], output_run="me/run"
        )
    graph.write(str(tmp_path / "g.qg"))
    command = [*PIPETASK, "run-qbb", str(repository), str(tmp_path / "g.qg")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for_outputs(repository, 1)
    time.sleep(0.4)  # the next quantum runs
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "The run was interrupted: 2 of 6 quanta are done; the same command again goes on with the others." in errors
    # What ran came to its end, and the receipt names it with what was done before.
    (place,) = find_receipts(ResourcePath(repository, force_directory=True), "me/run", graph.header.graph_id)
    written = {ref.id for ref in graph.refs("corrected", np.arange(6))} & read_receipt(place).provenance.actual_outputs
    assert len(written) == 2, errors
    with Butler.open(str(repository), writeable=True) as butler:
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        assert butler.transfer_from_graph(graph) == 6  # with logs and metadata
        assert {ref.id for ref in butler.query_datasets("corrected", collections=["me/run"])} == written
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "2 done before" in again.stderr
    assert "4 success" in again.stderr


def children(parent):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program stands in brackets, and may hold anything.
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def test_two_at_once_and_the_next_goes_on(repository, pipeline_file):
    first = start(repository, pipeline_file, "--json-progress", seconds=1.5)
    wait_for_outputs(repository, 2)  # rows of one quantum are written when the next has ended, at the latest
    second = start(repository, pipeline_file, "--extend-run", seconds=1.5)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "is being written by another process (process" in errors
    first.kill()
    output, _ = first.communicate(timeout=30)
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events[:2] == ["begin", "start"]
    assert "end" in events
    third = start(repository, pipeline_file, "--extend-run", "-j", 2, seconds=1.5)
    _, errors = third.communicate(timeout=60)
    assert third.returncode == 0, errors
    # What was done and had no rows yet when the first was killed is found.
    made = sum(
        int(number) for number, _ in re.findall(r"(\d+) (success|done before)", errors.partition("correct: ")[2])
    )
    assert 6 - events.count("end") <= made < 6
    with Butler.open(str(repository), collections=["me/run"]) as butler:
        assert len(list(butler.query_datasets("corrected"))) == 6


@pytest.mark.parametrize("processes", [1, 2])
def test_a_crash_says_where_it_was(repository, pipeline_file, processes):
    arguments = [
        "-b", repository, "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me", "--register-dataset-types", "-j", processes,
        "-c", "correct:fail=segfault", "-c", "correct:fail_exposure=2",
    ]  # fmt: skip
    done = subprocess.run(
        [*PIPETASK, "run", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == (1 if processes > 1 else -signal.SIGSEGV)
    assert "Segmentation fault" in done.stderr
    assert 'tasks.py", line' in done.stderr
    assert "in _misbehave" in done.stderr
