# SPDX-License-Identifier: BSD-3-Clause
"""A pool of warm workers: processes that run one quantum after the other.

A worker that dies, or takes more time or memory than it may, loses its quantum and is replaced; the others go on. One that
keeps ever more memory or files between quanta is replaced too, and loses nothing.

Quanta of a few milliseconds are handed over before the worker is done with the one that it runs, so that it need not wait for the
next one. They are taken back if they would have to wait for long, or if the worker is lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Final

from pachon.ctrl_mpexec.runners.orders import Orders
from pachon.ctrl_mpexec.runners.process_watch import (
    machine_memory,
    open_files,
    out_of_memory_kills,
    resident_memory,
    tree_memory,
)
from pachon.ctrl_mpexec.runners.runner import Finished, Job
from pachon.ctrl_mpexec.runners.server_signals import start_server
from pachon.ctrl_mpexec.runners.worker_process import WorkerSettings, work
from pachon.ctrl_mpexec.worker import QuantumResult
from pachon.datastore import FileRecords
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus

__all__ = ["PoolRunner"]

_PRELOAD: Final = [
    "pachon.ctrl_mpexec.runners.server_signals",
    "pachon.ctrl_mpexec.runners.worker_process",
    # What each worker loads by name as soon as it opens the datastore, to load it once for all.
    "pachon.datastore.file_datastore",
    "pachon.datastore.formatters.json",
    "pachon.datastore.formatters.log",
    "pachon.datastore.formatters.metadata",
    "pachon.datastore.formatters.yaml",
]
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_TERMINATE_S: Final = 1.0
_WATCH_S: Final = 0.1
"""How often the memory of workers that have a limit is looked at."""
_LOOK_S: Final = 0.5
"""How often what an idle worker keeps is looked at, if its quanta are shorter than that."""
_MOST_FILES: Final = 512
"""A worker with more open files between quanta is replaced."""
_AHEAD_S: Final = 0.05
"""A worker gets quanta ahead that will keep it busy for so long."""
_MOST_AHEAD: Final = 8
_WAIT_S: Final = 0.1
"""Quanta that wait longer than this behind another one are taken back."""

Describe = Callable[[int], tuple[str, dict[str, Any]]]
"""Gives the task label and the data ID of a quantum by number, for one that cannot tell itself."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    """Its results come through it."""
    orders: Orders
    number: int
    """Its process, also after that is closed."""
    jobs: deque[Job] = field(default_factory=deque)
    """The first one runs, the others wait."""
    since: float = 0.0
    """When the first one began."""
    retires: bool = False
    """Whether it is ended as soon as what it runs has ended."""
    done: int = 0
    memory_at_first: int = 0
    """Resident memory (bytes) when it had run its first quantum."""
    looked_at: float = 0.0
    """When its memory and its open files were looked at last."""
    exit_code: int | None = None
    """How it ended, once it was discarded."""


class PoolRunner:
    """Runs quanta in several processes.

    Parameters
    ----------
    size
        Number of processes.
    settings
        What each worker is told.
    describe
        Tells about quanta whose worker died.
    start_method
        ``forkserver`` or ``spawn``.
    threads
        Whether numeric libraries may use as many threads as they like.
    """

    def __init__(
        self,
        size: int,
        settings: WorkerSettings,
        *,
        describe: Describe,
        start_method: str = "forkserver",
        threads: bool = False,
    ) -> None:
        self._size = size
        self._settings = settings
        self._describe = describe
        self._threads = threads
        self._context = _context(start_method)
        self._workers: list[_Worker] = []
        self._paces: dict[str, float] = {}
        """Seconds that a quantum takes, by task."""
        self._taken_back: list[Job] = []
        total = machine_memory()
        self._leak = None if total is None else max(total // (2 * size), 2**28)
        self._oom_kills = out_of_memory_kills()

    @property
    def free(self) -> int:
        """How many places are free now."""
        return self._size - sum(worker.jobs[0].places for worker in self._workers if worker.jobs)

    def start(self, job: Job) -> None:
        """Give a quantum to an idle worker, or to a new one."""
        idle = [worker for worker in self._workers if not worker.jobs]
        if job.fresh and idle and len(self._workers) >= self._size:
            self._discard(idle.pop())
        for worker in () if job.fresh else idle:
            if self._send(worker, job):
                return
            # It died while it was idle: nothing is lost.
            self._discard(worker)
        worker = self._new_worker()
        if not self._send(worker, job):
            # `wait` finds it dead and says so.
            worker.jobs.append(job)
            worker.since = time.monotonic()

    @property
    def wants_more(self) -> bool:
        """Whether a worker will soon be done with all that it has."""
        now = time.monotonic()
        return any(worker.jobs and self._room(worker, now) > 0 for worker in self._workers)

    def start_ahead(self, job: Job) -> bool:
        """Give a quantum to a worker that will soon be done with what it has; false if there is none."""
        pace = self._paces.get(job.label)
        if pace is None or job.places > 1 or job.fresh:
            return False
        now = time.monotonic()
        room, _, worker = max(
            ((self._room(worker, now), -number, worker) for number, worker in enumerate(self._workers) if worker.jobs),
            default=(0.0, 0, None),
        )
        return worker is not None and room >= pace and self._order(worker, job)

    def take_back(self, *, everything: bool = False) -> list[Job]:
        """Give quanta that were handed over and will not be run: those that a lost worker had, or with ``everything`` all that wait."""
        if everything:
            for worker in self._workers:
                self._withdraw(worker)
        taken, self._taken_back = self._taken_back, []
        return taken

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Wait until at least one quantum ended, or the time (s) is over."""
        busy = [worker for worker in self._workers if worker.jobs]
        if not busy:
            return []
        ready = set(wait([item for w in busy for item in (w.pipe, w.process.sentinel)], self._patience(busy, timeout)))
        finished: list[Finished] = []
        for worker in busy:
            job = worker.jobs[0]
            # A child that a task left behind holds the pipe open, so that only the process itself tells its end.
            if worker.pipe in ready or worker.process.sentinel in ready:
                finished.append(self._collect(worker, worker.pipe in ready or worker.pipe.poll()))
                continue
            seconds = time.monotonic() - worker.since
            if seconds > _WAIT_S and len(worker.jobs) > 1:
                self._withdraw(worker)
                if not worker.jobs:
                    continue
            if job.timeout is not None and seconds > job.timeout:
                message = f"The quantum ran longer than {job.timeout:g} s."
                finished.append(self._end(worker, job, QuantumStatus.TIMEOUT, "TimeoutError", message))
            elif job.memory_limit is not None and (used := tree_memory(worker.number) or 0) > job.memory_limit:
                message = (
                    f"The quantum used {used / 1e6:.0f} MB of memory; its limit is {job.memory_limit / 1e6:.0f} MB."
                )
                finished.append(self._end(worker, job, QuantumStatus.FAILURE, "OutOfMemory", message))
        return finished

    def kill(self) -> None:
        """End all workers, now."""
        for worker in list(self._workers):
            self._discard(worker, gently=False)
        self._taken_back.clear()

    def close(self) -> None:
        """Let idle workers end, and end the others."""
        for worker in self._workers:
            if not worker.jobs:
                with contextlib.suppress(OSError):
                    worker.orders.send_end()
        for worker in list(self._workers):
            if not worker.jobs:
                worker.process.join(_TERMINATE_S)
            self._discard(worker)

    def _send(self, worker: _Worker, job: Job) -> bool:
        """Give a quantum to an idle worker; false if that has died."""
        worker.since = time.monotonic()
        return worker.process.is_alive() and self._order(worker, job)

    def _order(self, worker: _Worker, job: Job) -> bool:
        try:
            worker.orders.send(job.quantum_id, job.max_mem, job.again)
        except OSError:
            return False
        worker.jobs.append(job)
        return True

    def _room(self, worker: _Worker, now: float) -> float:
        """Give the seconds for which a worker that runs a quantum may get more ahead."""
        if worker.retires or not worker.done or len(worker.jobs) > _MOST_AHEAD:
            return 0.0
        if worker.jobs[0].places > 1 or worker.jobs[0].fresh or now - worker.since > _AHEAD_S:
            return 0.0
        return _AHEAD_S - sum(self._paces.get(job.label, _AHEAD_S) for job in worker.jobs)

    def _withdraw(self, worker: _Worker, *, keep: int = 1) -> None:
        """Take back the quanta that a worker has not begun with; with ``keep=1`` it gets its first one again."""
        unread: set[uuid.UUID] = set()
        while (quantum_id := worker.orders.take_back()) is not None:
            unread.add(quantum_id)
        jobs, worker.jobs = worker.jobs, deque()
        for place, job in enumerate(jobs):
            if job.quantum_id not in unread:
                worker.jobs.append(job)
            elif place >= keep or not self._order(worker, job):
                self._taken_back.append(job)

    def _patience(self, busy: list[_Worker], timeout: float | None) -> float | None:
        now = time.monotonic()
        times = [] if timeout is None else [timeout]
        for worker in busy:
            job = worker.jobs[0]
            if job.timeout is not None:
                times.append(max(worker.since + job.timeout - now, 0.0) + 0.01)
            if job.memory_limit is not None:
                times.append(_WATCH_S)
            if len(worker.jobs) > 1:
                times.append(max(worker.since + _WAIT_S - now, 0.0) + 0.01)
        return min(times) if times else None

    def _new_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe(duplex=False)
        orders = Orders()
        process = self._context.Process(target=work, args=(theirs, orders.end_of_worker, self._settings), daemon=False)  # type: ignore[attr-defined]  # every real context has it
        with _single_threaded() if not self._threads else contextlib.nullcontext():
            if self._context.get_start_method() == "forkserver":
                start_server()
            process.start()
        theirs.close()
        worker = _Worker(process, ours, orders, process.pid or 0)
        self._workers.append(worker)
        return worker

    def _collect(self, worker: _Worker, has_result: bool) -> Finished:
        try:
            result = worker.pipe.recv() if has_result else None
        except Exception:  # noqa: BLE001  # end of file, or nonsense that a task wrote there
            result = None
        if result is None:
            return self._collect_dead(worker, worker.jobs.popleft())
        job = self._job_of(worker, result)
        worker.done += 1
        lost = isinstance(result, ExceptionInfo)
        if lost:
            result = self._lost(worker, job, QuantumStatus.FAILURE, result)
        worker.since = time.monotonic()
        self._learn_pace(job.label, result.outcome.seconds)
        worker.retires = worker.retires or job.fresh or self._leaks(worker)
        if worker.retires:
            self._withdraw(worker, keep=0)
        following = worker.jobs[0].number if worker.jobs else None
        if worker.retires and not worker.jobs:
            self._discard(worker)
        return Finished(
            number=job.number,
            result=result,
            lost=lost,
            out_of_memory=result.outcome.is_out_of_memory,
            following=following,
        )

    def _job_of(self, worker: _Worker, result: Any) -> Job:
        """Give the quantum that a worker is done with: the first, unless that was handed over again a moment too late."""
        first = worker.jobs.popleft()
        if isinstance(result, ExceptionInfo) or result.outcome.quantum_id == first.quantum_id:
            return first
        job = next(job for job in worker.jobs if job.quantum_id == result.outcome.quantum_id)
        worker.jobs.remove(job)
        worker.jobs.appendleft(first)
        return job

    def _learn_pace(self, label: str, seconds: float) -> None:
        before = self._paces.get(label)
        self._paces[label] = seconds if before is None else 0.8 * before + 0.2 * seconds

    def _collect_dead(self, worker: _Worker, job: Job) -> Finished:
        worker.process.join(_TERMINATE_S)
        self._discard(worker)
        killed = worker.exit_code == -signal.SIGKILL
        kills = out_of_memory_kills()
        out_of_memory = killed and kills is not None and self._oom_kills is not None and kills > self._oom_kills
        self._oom_kills = kills
        info = _death(worker.exit_code)
        if out_of_memory:
            info = ExceptionInfo(type_name="OutOfMemory", message="The system ended the worker for lack of memory.")
        result = self._lost(worker, job, QuantumStatus.FAILURE, info)
        return Finished(number=job.number, result=result, lost=True, out_of_memory=out_of_memory)

    def _end(self, worker: _Worker, job: Job, status: QuantumStatus, kind: str, message: str) -> Finished:
        """End a worker that took more than its quantum may."""
        worker.jobs.popleft()
        self._discard(worker, gently=kind != "OutOfMemory")
        result = self._lost(worker, job, status, ExceptionInfo(type_name=kind, message=message))
        return Finished(number=job.number, result=result, lost=True, out_of_memory=kind == "OutOfMemory")

    def _lost(self, worker: _Worker, job: Job, status: QuantumStatus, info: ExceptionInfo) -> QuantumResult:
        label, data_id = self._describe(job.number)
        outcome = QuantumOutcome(
            quantum_id=job.quantum_id,
            task_label=label,
            data_id=data_id,
            status=status,
            exception=info,
            seconds=time.monotonic() - worker.since,
            exit_code=worker.exit_code or 1,
        )
        return QuantumResult(outcome=outcome, files=FileRecords.empty())

    def _leaks(self, worker: _Worker) -> bool:
        """Whether an idle worker has kept so much that it is better replaced."""
        now = time.monotonic()
        if worker.done > 1 and now - worker.looked_at < _LOOK_S:
            return False
        worker.looked_at = now
        memory = resident_memory(worker.number)
        if memory is None or self._leak is None:
            return False
        if worker.done == 1:
            worker.memory_at_first = memory
        if memory - worker.memory_at_first > self._leak:
            return True
        return open_files(worker.number) > _MOST_FILES

    def _discard(self, worker: _Worker, *, gently: bool = True) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.orders.close()
        # It may have begun with one of them by now.
        self._taken_back.extend(replace(job, again=True) for job in worker.jobs)
        worker.jobs.clear()
        process = worker.process
        if process.is_alive() and gently:
            _signal_group(worker, signal.SIGTERM)
            # A worker leaves SIGTERM to the program, as it may have come from elsewhere; this one comes from the program.
            with contextlib.suppress(OSError):
                os.kill(worker.number, signal.SIGHUP)
            process.join(_TERMINATE_S)
        # What the task started and left running belongs to its group, and goes with it.
        _signal_group(worker, signal.SIGKILL)
        if process.is_alive():
            process.kill()
        process.join()
        worker.exit_code = process.exitcode
        process.close()


def _signal_group(worker: _Worker, number: signal.Signals) -> None:
    # A worker leads a group of its own, once it has come so far; before that only itself can be signalled.
    with contextlib.suppress(OSError):
        os.killpg(worker.number, number)
        return
    if worker.process.is_alive():
        with contextlib.suppress(OSError):
            os.kill(worker.number, number)


def _context(start_method: str) -> BaseContext:
    context = multiprocessing.get_context(start_method)
    if start_method == "forkserver":
        context.set_forkserver_preload(_PRELOAD)
    return context


@contextlib.contextmanager
def _single_threaded():  # type: ignore[no-untyped-def]  # a context manager
    """Let the numeric libraries of new processes use one thread: there is a process a core."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _death(exit_code: int | None) -> ExceptionInfo:
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-exit_code).name
            return ExceptionInfo(type_name="WorkerDied", message=f"The worker was ended by signal {name}.")
    return ExceptionInfo(type_name="WorkerDied", message=f"The worker ended with exit code {exit_code}.")
