# SPDX-License-Identifier: BSD-3-Clause
"""A pool of warm workers: processes that run one quantum after the other.

A worker that dies, or runs longer than it may, loses its quantum and is replaced; the others go on.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from pachon.ctrl_mpexec.runners.runner import Finished
from pachon.ctrl_mpexec.worker import QuantumResult, QuantumWorker
from pachon.datastore import FileRecords
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions

__all__ = ["PoolRunner"]

_PRELOAD = ["pachon.ctrl_mpexec.worker"]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_TERMINATE_SECONDS = 1.0

Describe = Callable[[int], tuple[str, dict[str, Any]]]
"""Gives the task label and the data ID of a quantum by number, for one that cannot tell itself."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: tuple[int, uuid.UUID] | None = None
    since: float = field(default=0.0)


class PoolRunner:
    """Runs quanta in several processes.

    Parameters
    ----------
    size
        Number of processes.
    graph_uri, options, root
        Passed to each `QuantumWorker`.
    describe
        Tells about quanta whose worker died.
    timeout
        Seconds that one quantum may take.
    start_method
        ``forkserver`` or ``spawn``.
    fresh_processes
        Whether each quantum gets a process of its own.
    """

    def __init__(
        self,
        size: int,
        graph_uri: str,
        options: ExecutionOptions,
        *,
        describe: Describe,
        root: str | None = None,
        timeout: float | None = None,
        start_method: str = "forkserver",
        fresh_processes: bool = False,
    ) -> None:
        self._size = size
        self._arguments = (graph_uri, options, root)
        self._describe = describe
        self._timeout = timeout
        self._fresh = fresh_processes
        self._context = _context(start_method)
        self._workers: list[_Worker] = []

    @property
    def free(self) -> int:
        """How many more quanta can be started now."""
        return self._size - sum(worker.job is not None for worker in self._workers)

    def start(self, number: int, quantum_id: uuid.UUID) -> None:
        """Give a quantum to an idle worker, or to a new one."""
        for worker in [w for w in self._workers if w.job is None]:
            if self._send(worker, number, quantum_id):
                return
            # It died while it was idle: nothing is lost.
            self._discard(worker)
        worker = self._new_worker()
        if not self._send(worker, number, quantum_id):
            # `wait` finds it dead and says so.
            worker.job = (number, quantum_id)

    def _send(self, worker: _Worker, number: int, quantum_id: uuid.UUID) -> bool:
        if not worker.process.is_alive():
            return False
        try:
            worker.pipe.send(quantum_id)
        except OSError:
            return False
        worker.job, worker.since = (number, quantum_id), time.monotonic()
        return True

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Wait until at least one quantum ended, or the time (s) is over."""
        busy = [worker for worker in self._workers if worker.job is not None]
        if not busy:
            return []
        ready = wait([item for w in busy for item in (w.pipe, w.process.sentinel)], self._patience(busy, timeout))
        finished: list[Finished] = []
        for worker in busy:
            if worker.pipe in ready or worker.process.sentinel in ready:
                finished.append(self._collect(worker))
            elif self._timeout is not None and time.monotonic() - worker.since > self._timeout:
                finished.append(self._time_out(worker))
        return finished

    def kill(self) -> None:
        """End all workers, now."""
        for worker in list(self._workers):
            self._discard(worker, gently=False)

    def close(self) -> None:
        """Let idle workers end, and end the others."""
        for worker in list(self._workers):
            if worker.job is None:
                with contextlib.suppress(OSError):
                    worker.pipe.send(None)
                worker.process.join(_TERMINATE_SECONDS)
            self._discard(worker)

    def _patience(self, busy: list[_Worker], timeout: float | None) -> float | None:
        if self._timeout is None:
            return timeout
        left = max(min(w.since + self._timeout for w in busy) - time.monotonic(), 0.0) + 0.01
        return left if timeout is None else min(left, timeout)

    def _new_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, *self._arguments, _log_levels())
        process = self._context.Process(target=_work, args=arguments, daemon=True)  # type: ignore[attr-defined]  # every real context has it
        with _single_threaded():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _collect(self, worker: _Worker) -> Finished:
        assert worker.job is not None
        number, quantum_id = worker.job
        try:
            result = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            result = self._lost(number, quantum_id, worker, QuantumStatus.FAILURE, _death(worker.process.exitcode))
            self._discard(worker)
            return Finished(number=number, result=result)
        worker.job = None
        if isinstance(result, ExceptionInfo):
            result = self._lost(number, quantum_id, worker, QuantumStatus.FAILURE, result)
        if self._fresh:
            self._discard(worker)
        return Finished(number=number, result=result)

    def _time_out(self, worker: _Worker) -> Finished:
        assert worker.job is not None
        number, quantum_id = worker.job
        info = ExceptionInfo(type_name="TimeoutError", message=f"The quantum ran longer than {self._timeout:g} s.")
        result = self._lost(number, quantum_id, worker, QuantumStatus.TIMEOUT, info)
        self._discard(worker)
        return Finished(number=number, result=result)

    def _lost(
        self, number: int, quantum_id: uuid.UUID, worker: _Worker, status: QuantumStatus, info: ExceptionInfo
    ) -> QuantumResult:
        label, data_id = self._describe(number)
        outcome = QuantumOutcome(
            quantum_id=quantum_id,
            task_label=label,
            data_id=data_id,
            status=status,
            exception=info,
            seconds=time.monotonic() - worker.since,
            exit_code=worker.process.exitcode or 1,
        )
        return QuantumResult(outcome=outcome, files=FileRecords.empty())

    def _discard(self, worker: _Worker, *, gently: bool = True) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        process = worker.process
        if process.is_alive() and gently:
            process.terminate()
            process.join(_TERMINATE_SECONDS)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


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


def _log_levels() -> dict[str, int]:
    """Give the level of every logger that has one of its own, so that workers keep what this process would."""
    known = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    return {"": logging.root.level, **{name: level for name, level in known.items() if level != logging.NOTSET}}


def _work(
    pipe: Connection, graph_uri: str, options: ExecutionOptions, root: str | None, levels: dict[str, int]
) -> None:
    """Run quanta as they come; the main function of a worker process."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    # The parent decides what Ctrl-C means; a worker that also got the signal would lose its quantum.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker: QuantumWorker | None = None
    while True:
        try:
            quantum_id = pipe.recv()
        except (EOFError, OSError):
            return
        if quantum_id is None:
            return
        try:
            worker = worker or QuantumWorker(graph_uri, options, root=root)
            answer: object = worker.run(quantum_id)
        except BaseException as error:  # noqa: BLE001  # the parent must hear of everything
            answer = ExceptionInfo.of(error)
        try:
            pipe.send(answer)
        except (BrokenPipeError, OSError):
            return
