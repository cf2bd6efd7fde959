# SPDX-License-Identifier: BSD-3-Clause
"""`Executor`: takes quanta from the schedule, gives them to a runner, and hands on what comes back."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from pachon.ctrl_mpexec.commit import ResultSink
from pachon.ctrl_mpexec.graph_fixup import fixed_edges
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.runners.in_process import InProcessRunner
from pachon.ctrl_mpexec.runners.process_watch import machine_memory
from pachon.ctrl_mpexec.runners.runner import Finished, Job, Runner
from pachon.ctrl_mpexec.scheduler import Schedule
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.datasets import uuids_from_ids
from pachon.dimensions import DataIdTable
from pachon.pipe_base.execution.outcome import QuantumOutcome, QuantumStatus
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.run_journal import RunJournal

__all__ = ["Executor"]

_log = logging.getLogger("pachon.ctrl_mpexec")

_NOTED_S: Final = 0.05
"""What runs is noted this often at most, and soon after: the loop comes by at least each `_LOOK_S`."""
_LOOK_S: Final = 0.2


class Executor:
    """One execution of a graph, from the first quantum to the last.

    Parameters
    ----------
    graph
        What to do.
    uri
        The file of the graph, which workers read.
    options
        How.
    sink
        Takes the results.
    reporter
        Is told how it goes.
    journal
        Takes note of what runs, for whoever finds the run cut off.
    """

    def __init__(
        self,
        graph: QuantumGraph,
        uri: str,
        options: RunOptions,
        sink: ResultSink,
        reporter: ProgressReporter,
        journal: RunJournal,
    ) -> None:
        self._graph, self._options, self._sink, self._reporter = graph, options, sink, reporter
        self._journal = journal
        # In this process nothing can be written while a quantum runs, however long it takes.
        self._patience = _NOTED_S if options.needs_workers else 0.0
        self._ids = uuids_from_ids(graph.ids)
        self._offsets = np.cumsum([0, *graph.task_counts().values()])
        self._data_ids: dict[str, DataIdTable] = {}
        self._uri = uri
        self._schedule = self._make_schedule()
        self._runner = self._make_runner()
        self._recorder: QuantumWorker | None = None
        self._jobs: dict[int, Job] = {}
        self._tries: dict[int, int] = {}
        self._memory_tries: dict[int, int] = {}
        self.outcomes: list[QuantumOutcome] = []
        """Of all quanta, in the order in which they ended; those that did not run come last."""
        self.interrupted_by: signal.Signals | None = None
        """SIGINT or SIGTERM, if one came."""
        self._ending = False
        """Whether a failure ends the run at once."""

    def go(self) -> None:
        """Run until nothing is left that can run."""
        with _interrupts(self._interrupt), self._reporter:
            self._reporter.begin(self._graph.task_counts())
            try:
                while not self._schedule.is_finished:
                    for number in self._schedule.take(self._runner.free):
                        self._start(number)
                    self._start_ahead()
                    self._journal.write(patience=self._patience)
                    for finished in self._runner.wait(timeout=_LOOK_S):
                        self._take_in(finished)
                    self._take_back()
                    if self._ending:
                        # Several quanta may have ended together: all of them count before the others are dropped.
                        self._drop_running()
                    self._sink.commit_if_due()
                    self._reporter.tick()
            except KeyboardInterrupt:
                # The second signal, or a task raised it: what runs is lost, what is done is kept.
                again = " again" if self.interrupted_by is not None else ""
                _log.warning("Interrupted%s: what runs is dropped, what is done is kept.", again)
                self.interrupted_by = self.interrupted_by or signal.SIGINT
                self._drop_running()
            finally:
                try:
                    self._sink.commit()
                except Exception as error:
                    error.add_note(self._how_far())
                    raise
                finally:
                    self._runner.close()
            self._note_not_run()
            self._reporter.end(self.outcomes, interrupted=self.interrupted_by is not None)

    # Preparation -------------------------------------------------------------------------------------------------

    def _make_schedule(self) -> Schedule:
        edges = self._graph.quantum_edges
        if self._options.graph_fixup is not None:
            edges = fixed_edges(self._graph, self._options.graph_fixup)
        rank = None
        if self._options.priority:
            counts = self._graph.task_counts()
            rank = np.repeat([-self._options.of("priority", label) for label in counts], list(counts.values()))
        return Schedule(len(self._ids), edges[:, 0], edges[:, 1], rank=rank)

    def _make_runner(self) -> Runner:
        options = self._options
        if not options.needs_workers:
            return InProcessRunner(QuantumWorker(self._uri, options.execution, root=options.root))
        # A job of a batch system runs one quantum in one process, and is to start quickly.
        from pachon.ctrl_mpexec.runners.pool import PoolRunner
        from pachon.ctrl_mpexec.runners.worker_process import WorkerSettings

        settings = WorkerSettings(
            graph_uri=self._uri,
            options=options.execution,
            root=options.root,
            quiet_stdout=options.quiet_stdout,
            debug_module=options.debug_module,
            **self._reporter.worker_logging(),
        )
        return PoolRunner(options.processes, settings, describe=self._describe, start_method=options.start_method)

    def _describe(self, number: int) -> tuple[str, dict[str, Any]]:
        task = int(np.searchsorted(self._offsets, number, side="right")) - 1
        label = self._graph.task_labels[task]
        if label not in self._data_ids:
            self._data_ids[label] = self._graph.quanta(label).parts[0].data_ids
        return label, self._data_ids[label][number - int(self._offsets[task])].required

    # The life of a quantum ---------------------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        job = self._job(number)
        self._note_start(number)
        self._runner.start(job)

    def _start_ahead(self) -> None:
        """Hand over quanta to processes that will soon be done with what they have."""
        while self._runner.wants_more:
            # One place at a time: a quantum that takes more waits for free places.
            for number in (taken := self._schedule.take(1)):
                if not self._runner.start_ahead(self._job(number)):
                    self._schedule.put_back(number)
                    return
            if not taken:
                return

    def _take_back(self) -> None:
        """Let quanta wait again that were handed over and not begun with; all, if no more are to start."""
        for job in self._runner.take_back(everything=self.interrupted_by is not None or self._ending):
            self._jobs[job.number] = job
            self._schedule.put_back(job.number, places=job.places)

    def _job(self, number: int) -> Job:
        if number not in self._jobs:
            task = int(np.searchsorted(self._offsets, number, side="right")) - 1
            label = self._graph.task_labels[task]
            options = self._options
            self._jobs[number] = Job(
                number=number,
                quantum_id=self._ids[number],
                label=label,
                timeout=options.of("timeout", label),
                memory_limit=options.of("memory_limit", label),
                fresh=options.of("fresh_processes", label),
            )
        return self._jobs[number]

    def _note_start(self, number: int) -> None:
        self._reporter.started(number, self._jobs[number].label)
        self._journal.started(self._ids[number])

    def _take_in(self, finished: Finished) -> None:
        outcome = finished.result.outcome
        job = self._jobs.pop(finished.number)
        self._journal.ended(job.quantum_id)
        if finished.following is not None:
            self._note_start(finished.following)
        if finished.lost:
            finished = replace(finished, result=replace(finished.result, files=self._record_loss(outcome)))
        self._sink.take(finished.result)
        # Of a hundred thousand quanta only what is told at the end is kept.
        outcome = replace(outcome, outputs=(), quantum_id=self._ids[finished.number])
        if outcome.status.is_success:
            self._schedule.succeed(finished.number)
            self.outcomes.append(outcome)
            self._reporter.ended(finished.number, outcome)
            return
        why = outcome.exception.message if outcome.exception is not None else outcome.status.value
        again = self._another_try(finished, job)
        if again is not None and not self._ending:
            _log.warning("Quantum %s is tried again: %s", outcome.name, why)
            self._jobs[finished.number] = replace(again, again=True)
            self._schedule.put_back(finished.number, places=again.places)
            self._reporter.put_back(finished.number, outcome)
            return
        self.outcomes.append(outcome)
        blocked = self._schedule.fail(finished.number)
        self._reporter.ended(finished.number, outcome)
        self._reporter.blocked(len(blocked))
        _log.error("Quantum %s failed: %s", outcome.name, why)
        if self._options.fail_fast or outcome.fatal:
            self._ending = True

    def _another_try(self, finished: Finished, job: Job) -> Job | None:
        """Give the next attempt at a quantum that failed, if there is to be one."""
        number, outcome = finished.number, finished.result.outcome
        # Exit codes 20 and 21 say that another try would end in the same way.
        if outcome.exit_code in (20, 21) or outcome.fatal:
            return None
        if finished.out_of_memory and self._memory_tries.get(number, 0) < self._options.memory_retries:
            more = self._with_more_memory(job)
            if more is not None:
                self._memory_tries[number] = self._memory_tries.get(number, 0) + 1
                return more
        if self._tries.get(number, 0) >= self._options.retries:
            return None
        self._tries[number] = self._tries.get(number, 0) + 1
        return job

    def _with_more_memory(self, job: Job) -> Job | None:
        """Give the same job with twice the memory and places, as far as there are so many; `None` if there is no more."""
        places = min(2 * job.places, self._options.processes)
        limit, told = job.memory_limit, job.max_mem or self._options.execution.resources.max_mem
        total = machine_memory()
        if limit is not None:
            limit = 2 * limit if total is None else min(2 * limit, max(total, limit))
        if told is not None:
            told = 2 * told
        more = replace(job, places=places, memory_limit=limit, max_mem=told)
        return None if more == job else more

    def _record_loss(self, outcome: QuantumOutcome) -> Any:
        """Write the log of a quantum whose process could not."""
        from pachon.datastore import FileRecords  # rarely needed

        if self._recorder is None:
            self._recorder = QuantumWorker(self._uri, self._options.execution, root=self._options.root)
        try:
            return self._recorder.record_loss(outcome)
        except Exception as error:  # noqa: BLE001  # the failure itself is reported all the same
            _log.warning("The log of a lost quantum could not be written: %s", error)
            return FileRecords.empty()

    # Ending ------------------------------------------------------------------------------------------------------

    def _how_far(self) -> str:
        """Say what was done when outputs could not be committed, and what is to be done now."""
        done = sum(outcome.status.is_success for outcome in self.outcomes)
        return (
            f"{done} of {len(self._ids)} quanta were done by then; {self._sink.waiting} datasets that they wrote are safe as files, but "
            "have no rows yet. 'pipetask run --extend-run' registers these, and goes on with the quanta that are missing."
        )

    def _drop_running(self) -> None:
        self._schedule.stop()
        for number in self._schedule.running:
            self._schedule.put_back(number)
        self._runner.kill()

    def _interrupt(self, number: signal.Signals) -> None:
        _log.warning("Interrupted: waiting for the quanta that run (%s). Another signal stops now.", number.name)
        self.interrupted_by = number
        self._schedule.stop()

    def _note_not_run(self) -> None:
        for number in (*self._schedule.blocked, *self._schedule.not_started):
            label, data_id = self._describe(number)
            self.outcomes.append(
                QuantumOutcome(
                    quantum_id=self._ids[number], task_label=label, data_id=data_id, status=QuantumStatus.SKIPPED
                )
            )


@contextlib.contextmanager
def _interrupts(first: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call ``first`` on the first SIGINT (Ctrl-C) or SIGTERM, and let the second raise; further ones are too late."""
    seen = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            first(signal.Signals(number))
        elif seen == 2:
            raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
    except ValueError:
        # Not the main thread: signals are somebody else's business.
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
