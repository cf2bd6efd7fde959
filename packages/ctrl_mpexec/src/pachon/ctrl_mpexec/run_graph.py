# SPDX-License-Identifier: BSD-3-Clause
"""`run_quantum_graph`: all quanta of a graph on this machine."""

from __future__ import annotations

import contextlib
import logging
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pachon.base import InvalidInputError, progress
from pachon.ctrl_mpexec.commit import OutputCommitter, OutputRegistry, ResultSink
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.ctrl_mpexec.runners.in_process import InProcessRunner
from pachon.ctrl_mpexec.runners.pool import PoolRunner
from pachon.ctrl_mpexec.runners.runner import Finished, Runner
from pachon.ctrl_mpexec.scheduler import Schedule
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.datasets import uuids_from_ids
from pachon.datastore import FileRecords
from pachon.dimensions import match_rows
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import QuantumOutcome, QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.execution.run_init import initialize_run
from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph

__all__ = ["RunOptions", "initialize_graph", "initialize_only", "run_quantum_graph", "run_with_sink"]

_log = logging.getLogger("pachon.ctrl_mpexec")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a graph is run."""

    processes: int = 1
    start_method: str = "forkserver"
    fresh_processes: bool = False
    """A process for each quantum."""
    timeout: float | None = None
    """Seconds for one quantum; with several processes only."""
    fail_fast: bool = False
    retries: int = 0
    skip_init_writes: bool = False
    versions: bool = True
    root: str | None = None
    execution: ExecutionOptions = ExecutionOptions()  # noqa: RUF009  # it is frozen


def run_quantum_graph(
    graph: QuantumGraph,
    butler: OutputRegistry,
    *,
    processes: int = 1,
    options: RunOptions | None = None,
    graph_uri: str | None = None,
) -> RunReport:
    """Run the quanta of a graph, each after those that make its inputs, and register what they write.

    Parameters
    ----------
    graph
        What to do.
    butler
        Takes the rows of the outputs.
    processes
        Number of workers; 1 runs everything in this process.
    options
        Further choices; ``processes`` wins over that in them.
    graph_uri
        Where the graph lies already; otherwise it is written to a temporary file for the workers.

    Returns
    -------
    RunReport
        The outcome of every quantum; failures of tasks do not raise here.

    Raises
    ------
    InvalidInputError
        If a task forbids what the options ask for.
    ConfigChangedError, PackageVersionError
        If the run was made with other configurations or versions; nothing was run.
    """
    options = replace(options or RunOptions(), processes=processes)
    tasks = GraphTasks(graph.pipeline, graph.universe)
    alone = tasks.check_subprocesses()
    if (options.processes > 1 or options.fresh_processes) and alone:
        raise InvalidInputError(f"Task {alone[0]!r} must not run in a subprocess; use one process.")
    begin = time.monotonic()
    with _graph_file(graph, graph_uri) as uri:
        committer = OutputCommitter(graph, butler)
        files = FileRecords.empty()
        if not options.skip_init_writes:
            files = initialize_graph(uri, tasks, versions=options.versions, root=options.root)
            committer.add(files)
            committer.commit()
        _remove_clobbered(graph, butler)
        report = run_with_sink(graph, uri, options, committer)
    if report.with_status(QuantumStatus.DONE_BEFORE) or len(files) < _new_init_outputs(graph, options):
        # The graph was run before. If that run was cut off, some of what it wrote has no rows.
        butler.transfer_from_graph(graph)
    return replace(report, seconds=time.monotonic() - begin)


def _remove_clobbered(graph: QuantumGraph, butler: OutputRegistry) -> None:
    """Remove the outputs of quanta that were done when the graph was built and are to be run again.

    Their metadata would say that they are done, also if they fail this time.
    """
    for label in graph.task_counts():
        # Only a graph that was built to replace outputs replaces metadata.
        replaced = graph.dataset_states(f"{label}_metadata") == DatasetState.REPLACED
        if not replaced.any():
            continue
        done = graph.datasets(f"{label}_metadata").take(np.flatnonzero(replaced)).data_ids
        quanta = graph.quanta(label).parts[0]
        again = np.flatnonzero(match_rows(quanta.data_ids, done, done.group.required) >= 0)
        for quantum_id in uuids_from_ids(quanta.ids[again]):
            butler.prune([ref for refs in graph.quantum(quantum_id).outputs.values() for ref in refs], purge=True)


def _new_init_outputs(graph: QuantumGraph, options: RunOptions) -> int:
    """Give the number of files at least that the beginning of a first run writes."""
    if options.skip_init_writes:
        return 0
    refs = {
        ref.id: ref.dataset_type.name
        for label in graph.init_labels
        if label or options.versions
        for ref in graph.init_quantum(label).init_outputs.values()
    }
    return sum(graph.dataset_states(name)[0] == DatasetState.PREDICTED for name in refs.values())


def run_with_sink(graph: QuantumGraph, uri: str, options: RunOptions, sink: ResultSink) -> RunReport:
    """Run the quanta of a graph, which lies in a file, and hand each result to a sink."""
    begin = time.monotonic()
    run = _Run(graph, uri, options, sink)
    run.go()
    return RunReport(
        outcomes=tuple(run.outcomes),
        graph_summary=graph.summary(),
        seconds=time.monotonic() - begin,
        interrupted=run.interrupted,
        fail_fast=options.fail_fast,
    )


def initialize_graph(uri: str, tasks: GraphTasks, *, versions: bool = True, root: str | None = None) -> FileRecords:
    """Write configurations, versions and init-outputs of a graph file; give the records of the new files."""
    graph = QuantumGraph.open(uri)
    ids = [entry.id for entry in graph.structure.init.values()]
    with QuantumBackedButler.from_graph(graph, quanta=ids, root=root) as butler:
        initialize_run(graph, butler, tasks, versions=versions)
        return butler.take_written()


def initialize_only(graph: QuantumGraph, butler: OutputRegistry, options: RunOptions) -> None:
    """Write and register the init datasets of a graph, and run nothing."""
    tasks = GraphTasks(graph.pipeline, graph.universe)
    with _graph_file(graph, None) as uri:
        committer = OutputCommitter(graph, butler)
        committer.add(initialize_graph(uri, tasks, versions=options.versions, root=options.root))
        committer.commit()


@contextlib.contextmanager
def _graph_file(graph: QuantumGraph, uri: str | None) -> Iterator[str]:
    if uri is not None:
        yield uri
        return
    with tempfile.TemporaryDirectory(prefix="pachon-run-") as folder:
        path = str(Path(folder) / "graph.qg")
        graph.write(path)
        yield path


class _Run:
    """One execution of a graph, from the first quantum to the last."""

    def __init__(self, graph: QuantumGraph, uri: str, options: RunOptions, sink: ResultSink) -> None:
        self.graph, self.options, self.sink = graph, options, sink
        self.ids = uuids_from_ids(graph.ids)
        edges = graph.quantum_edges
        self.schedule = Schedule(len(self.ids), edges[:, 0], edges[:, 1])
        self.runner = self._make_runner(uri)
        self.outcomes: list[QuantumOutcome] = []
        self.tries: dict[int, int] = {}
        self.interrupted = False
        self.ending = False
        """Whether a failure ends the run at once."""

    def _make_runner(self, uri: str) -> Runner:
        options = self.options
        if options.processes == 1 and not options.fresh_processes:
            return InProcessRunner(QuantumWorker(uri, options.execution, root=options.root))
        return PoolRunner(
            options.processes,
            uri,
            options.execution,
            describe=self._describe,
            root=options.root,
            timeout=options.timeout,
            start_method=options.start_method,
            fresh_processes=options.fresh_processes,
        )

    def _describe(self, number: int) -> tuple[str, dict[str, Any]]:
        quantum = self.graph.quantum(self.ids[number])
        return quantum.task_label, quantum.data_id.required

    def go(self) -> None:
        """Run until nothing is left that can run."""
        with _two_stage_interrupt(self._interrupt), progress("Running quanta", total=len(self.ids)) as bar:
            try:
                while not self.schedule.is_finished:
                    for number in self.schedule.take(self.runner.free):
                        self.runner.start(number, self.ids[number])
                    for finished in self.runner.wait(timeout=0.2):
                        self._take_in(finished)
                        bar.advance(1)
                        bar.describe(self._standing())
                    if self.ending:
                        # Several quanta may have ended together: all of them count before the others are dropped.
                        self._drop_running()
                    self.sink.commit_if_due()
            except KeyboardInterrupt:
                # The second Ctrl-C: what runs is lost, what is done is kept.
                self.interrupted = True
                self._drop_running()
            finally:
                try:
                    self.sink.commit()
                finally:
                    self.runner.close()
        self._note_blocked()

    def _drop_running(self) -> None:
        self.schedule.stop()
        for number in self.schedule.running:
            self.schedule.put_back(number)
        self.runner.kill()

    def _interrupt(self) -> None:
        _log.warning("Interrupted: waiting for the quanta that run. Interrupt again to stop now.")
        self.interrupted = True
        self.schedule.stop()

    def _take_in(self, finished: Finished) -> None:
        outcome = finished.result.outcome
        self.sink.take(finished.result)
        if outcome.status.is_success:
            self.schedule.succeed(finished.number)
            self.outcomes.append(outcome)
            return
        if self._retries(finished.number, outcome):
            self.schedule.put_back(finished.number)
            return
        self.outcomes.append(outcome)
        self.schedule.fail(finished.number)
        why = outcome.exception.message if outcome.exception is not None else outcome.status.value
        _log.error("Quantum %s@%s failed: %s", outcome.task_label, outcome.data_id, why)
        if self.options.fail_fast or outcome.fatal:
            self.ending = True

    def _retries(self, number: int, outcome: QuantumOutcome) -> bool:
        # Exit codes 20 and 21 say that another try would end in the same way.
        if self.tries.get(number, 0) >= self.options.retries or outcome.exit_code in (20, 21):
            return False
        self.tries[number] = self.tries.get(number, 0) + 1
        return True

    def _standing(self) -> str:
        failed = sum(not outcome.status.is_success for outcome in self.outcomes)
        return f"Running quanta ({failed} failed)" if failed else "Running quanta"

    def _note_blocked(self) -> None:
        for number in (*self.schedule.blocked, *self.schedule.not_started):
            label, data_id = self._describe(number)
            self.outcomes.append(
                QuantumOutcome(
                    quantum_id=self.ids[number], task_label=label, data_id=data_id, status=QuantumStatus.SKIPPED
                )
            )


@contextlib.contextmanager
def _two_stage_interrupt(first: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` on the first Ctrl-C; let the second raise."""
    seen = False

    def handle(number: int, frame: Any) -> None:
        nonlocal seen
        if seen:
            raise KeyboardInterrupt
        seen = True
        first()

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:
        # Not the main thread: signals are somebody else's business.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
