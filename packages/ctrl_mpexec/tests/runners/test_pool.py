# SPDX-License-Identifier: BSD-3-Clause
"""Workers that get quanta ahead: what waits behind a quantum that hangs or crashes is given back and not lost."""

import os
import time

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec.run_graph import initialize_graph
from pachon.ctrl_mpexec.runners import pool
from pachon.ctrl_mpexec.runners.pool import PoolRunner
from pachon.ctrl_mpexec.runners.runner import Job
from pachon.ctrl_mpexec.runners.worker_process import WorkerSettings
from pachon.datasets import uuids_from_ids
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes as POSIX systems have them")

LAST = 3
"""The exposure that misbehaves: the last of those of the repository, two quanta."""


@pytest.fixture
def started(repository, pipeline_file, tmp_path, monkeypatch):
    """Give a runner of two workers that know how long a quantum takes, and the jobs of four more quanta; the first two misbehave."""
    # However slow the machine is, its quanta count as short.
    monkeypatch.setattr(pool, "_AHEAD_S", 1000.0)
    runners = []

    def start(fail, **options):
        pipeline = Pipeline.read(f"{pipeline_file}#correct").with_config("correct", "fail", fail)
        pipeline = pipeline.with_config("correct", "fail_exposure", LAST)
        with Butler.open(str(repository)) as butler:
            graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run")
        path = str(tmp_path / "graph.qg")
        graph.write(path)
        initialize_graph(path, GraphTasks(graph.pipeline, graph.universe), versions=False)
        settings = WorkerSettings(graph_uri=path, options=ExecutionOptions())
        data_ids = graph.quanta("correct").parts[0].data_ids
        runner = PoolRunner(2, settings, describe=lambda number: ("correct", data_ids[number].required))
        runners.append(runner)
        jobs = [
            Job(number=number, quantum_id=quantum_id, label="correct", **options)
            for number, quantum_id in enumerate(uuids_from_ids(graph.ids))
        ]
        bad = [job for job in jobs if data_ids[job.number]["exposure"] == LAST]
        good = [job for job in jobs if job not in bad]
        for job in good[:2]:
            runner.start(job)
        assert {finished.number for finished in until(runner, 2)} == {job.number for job in good[:2]}
        return runner, [*bad, *good[2:]]

    yield start
    for runner in runners:
        runner.kill()
        runner.close()


def until(runner, count):
    """Wait for the ends of so many quanta."""
    finished = []
    deadline = time.monotonic() + 120
    while len(finished) < count and time.monotonic() < deadline:
        finished += runner.wait(0.2)
    return finished


def test_quanta_are_run_in_the_order_in_which_a_worker_got_them(started, monkeypatch):
    # However slow the machine is, nothing is taken back.
    monkeypatch.setattr(pool, "_WAIT_S", 1000.0)
    runner, jobs = started("")
    assert not runner.wants_more, "nobody is busy"
    runner.start(jobs[0])
    assert runner.free == 1
    assert runner.wants_more
    assert all(runner.start_ahead(job) for job in jobs[1:])
    assert runner.free == 1, "what waits takes no place"
    finished = until(runner, 4)
    assert [one.number for one in finished] == [job.number for job in jobs]
    assert [one.following for one in finished] == [*(job.number for job in jobs[1:]), None]
    assert {one.result.outcome.status for one in finished} == {QuantumStatus.SUCCESS}
    assert runner.take_back() == []


def test_what_waits_behind_a_long_quantum_is_given_back(started):
    runner, jobs = started("sleep", timeout=3.0)
    runner.start(jobs[0])
    assert all(runner.start_ahead(job) for job in jobs[2:])
    deadline = time.monotonic() + 60
    back = []
    while not back and time.monotonic() < deadline:
        assert runner.wait(0.2) == []
        back = runner.take_back()
    assert back == jobs[2:]
    runner.start(jobs[2])
    (other,) = until(runner, 1)
    assert other.result.outcome.status is QuantumStatus.SUCCESS
    (late,) = until(runner, 1)
    assert (late.number, late.result.outcome.status) == (jobs[0].number, QuantumStatus.TIMEOUT)


def test_a_worker_that_dies_loses_one_quantum(started):
    runner, jobs = started("kill")
    runner.start(jobs[0])
    assert all(runner.start_ahead(job) for job in jobs[2:])
    (dead,) = until(runner, 1)
    assert (dead.number, dead.lost) == (jobs[0].number, True)
    back = runner.take_back()
    assert [job.number for job in back] == [job.number for job in jobs[2:]]
    assert all(job.again for job in back), "it may have begun with them"
    for job in back:
        runner.start(job)
    assert {one.result.outcome.status for one in until(runner, 2)} == {QuantumStatus.SUCCESS}


def test_all_that_waits_can_be_asked_back(started):
    runner, jobs = started("sleep")
    runner.start(jobs[0])
    assert runner.start_ahead(jobs[2])
    assert runner.start_ahead(jobs[3])
    assert runner.take_back(everything=True) == jobs[2:]
    assert runner.free == 1
    runner.kill()
    assert runner.take_back(everything=True) == []


def test_what_needs_a_process_or_places_of_its_own_is_not_handed_over_ahead(started):
    runner, jobs = started("sleep")
    runner.start(jobs[0])
    for special in ({"fresh": True}, {"places": 2}, {"label": "unknown"}):
        assert not runner.start_ahead(Job(number=99, quantum_id=jobs[2].quantum_id, **{"label": "correct", **special}))
