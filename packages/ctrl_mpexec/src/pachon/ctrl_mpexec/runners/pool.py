# SPDX-License-Identifier: BSD-3-Clause
"""A pool of warm workers: processes that run one quantum after the other.

A worker that dies, or takes more time or memory than it may, loses its quantum and is replaced; the others go on. One that
keeps ever more memory or files between quanta is replaced too, and loses nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Final

from pachon.ctrl_mpexec.runners.process_watch import (
    machine_memory,
    open_files,
    out_of_memory_kills,
    resident_memory,
    tree_memory,
)
from pachon.ctrl_mpexec.runners.runner import Finished, Job
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

Describe = Callable[[int], tuple[str, dict[str, Any]]]
"""Gives the task label and the data ID of a quantum by number, for one that cannot tell itself."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    number: int
    """Its process, also after that is closed."""
    job: Job | None = None
    since: float = 0.0
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
        total = machine_memory()
        self._leak = None if total is None else max(total // (2 * size), 2**28)
        self._oom_kills = out_of_memory_kills()

    @property
    def free(self) -> int:
        """How many places are free now."""
        return self._size - sum(worker.job.places for worker in self._workers if worker.job is not None)

    def start(self, job: Job) -> None:
        """Give a quantum to an idle worker, or to a new one."""
        idle = [worker for worker in self._workers if worker.job is None]
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
            worker.job, worker.since = job, time.monotonic()

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Wait until at least one quantum ended, or the time (s) is over."""
        busy = [worker for worker in self._workers if worker.job is not None]
        if not busy:
            return []
        ready = set(wait([item for w in busy for item in (w.pipe, w.process.sentinel)], self._patience(busy, timeout)))
        finished: list[Finished] = []
        for worker in busy:
            job = worker.job
            assert job is not None
            # A child that a task left behind holds the pipe open, so that only the process itself tells its end.
            if worker.pipe in ready or worker.process.sentinel in ready:
                finished.append(self._collect(worker, job))
            elif job.timeout is not None and time.monotonic() - worker.since > job.timeout:
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

    def close(self) -> None:
        """Let idle workers end, and end the others."""
        for worker in self._workers:
            if worker.job is None:
                with contextlib.suppress(OSError):
                    worker.pipe.send(None)
        for worker in list(self._workers):
            if worker.job is None:
                worker.process.join(_TERMINATE_S)
            self._discard(worker)

    def _send(self, worker: _Worker, job: Job) -> bool:
        if not worker.process.is_alive():
            return False
        try:
            worker.pipe.send((job.quantum_id, job.max_mem, job.again))
        except OSError:
            return False
        worker.job, worker.since = job, time.monotonic()
        return True

    def _patience(self, busy: list[_Worker], timeout: float | None) -> float | None:
        now = time.monotonic()
        times = [] if timeout is None else [timeout]
        times += [
            max(w.since + w.job.timeout - now, 0.0) + 0.01
            for w in busy
            if w.job is not None and w.job.timeout is not None
        ]
        if any(w.job is not None and w.job.memory_limit is not None for w in busy):
            times.append(_WATCH_S)
        return min(times) if times else None

    def _new_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs, self._settings), daemon=False)  # type: ignore[attr-defined]  # every real context has it
        with _single_threaded() if not self._threads else contextlib.nullcontext():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, process.pid or 0)
        self._workers.append(worker)
        return worker

    def _collect(self, worker: _Worker, job: Job) -> Finished:
        try:
            result = worker.pipe.recv() if worker.pipe.poll() else None
        except Exception:  # noqa: BLE001  # end of file, or nonsense that a task wrote there
            result = None
        if result is None:
            return self._collect_dead(worker, job)
        worker.job = None
        worker.done += 1
        lost = isinstance(result, ExceptionInfo)
        if lost:
            result = self._lost(worker, job, QuantumStatus.FAILURE, result)
        if job.fresh or self._leaks(worker):
            self._discard(worker)
        return Finished(number=job.number, result=result, lost=lost, out_of_memory=result.outcome.is_out_of_memory)

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
