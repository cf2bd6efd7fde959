# SPDX-License-Identifier: BSD-3-Clause
"""The main function of a worker process."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from pachon.base.log_configuration import configure_logging, logging_settings
from pachon.ctrl_mpexec.coverage_measurement import CoverageSettings, coverage_settings, start_worker_coverage
from pachon.ctrl_mpexec.crash_traceback import tell_crashes
from pachon.ctrl_mpexec.runners.orders import receive_order
from pachon.ctrl_mpexec.runners.server_signals import leave_sigterm_to_the_program
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.pipe_base.execution.forked_child import leave_if_forked
from pachon.pipe_base.execution.outcome import ExceptionInfo
from pachon.pipe_base.execution.quantum_run import ExecutionOptions

__all__ = ["WorkerSettings", "work"]


def _log_levels() -> dict[str, int]:
    """Give the level of every logger that has one of its own, so that workers keep what this process would."""
    known = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    return {"": logging.root.level, **{name: level for name, level in known.items() if level != logging.NOTSET}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told when it starts."""

    graph_uri: str
    options: ExecutionOptions
    root: str | None = None
    quiet_stdout: bool = False
    """Whether what tasks print goes to standard error, as standard output is for programs."""
    debug_module: bool = False
    """Whether a module ``debug`` is imported first."""
    logging: dict[str, Any] | None = field(default_factory=logging_settings)
    log_levels: dict[str, int] = field(default_factory=_log_levels)
    coverage: CoverageSettings | None = field(default_factory=coverage_settings)


def work(pipe: Connection, orders: socket.socket, settings: WorkerSettings) -> None:
    """Run quanta as they are ordered, and send what each gave through the pipe."""
    # The parent decides what Ctrl-C and SIGTERM mean; a worker that also got the signal would lose its quantum.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_sigterm_to_the_program()
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()
    _end_with_parent()
    tell_crashes()
    process = os.getpid()
    if settings.quiet_stdout:
        os.dup2(2, 1)
    if settings.logging is not None:
        configure_logging(**settings.logging)
    for name, level in settings.log_levels.items():
        logging.getLogger(name).setLevel(level)
    if settings.debug_module:
        import_debug_module()
    keep_coverage = None if settings.coverage is None else start_worker_coverage(settings.coverage)
    worker: QuantumWorker | None = None
    while True:
        order = receive_order(orders)
        if order is None:
            return
        try:
            worker = worker or QuantumWorker(settings.graph_uri, settings.options, root=settings.root)
            answer: object = worker.run(order.quantum_id, max_mem=order.max_mem, again=order.again)
        except BaseException as error:  # noqa: BLE001  # the parent must hear of everything
            answer = ExceptionInfo.of(error)
        leave_if_forked(process)
        if keep_coverage is not None:
            keep_coverage()
        _flush()
        try:
            pipe.send(answer)
        except (BrokenPipeError, OSError):
            return


def import_debug_module() -> None:
    """Import the module ``debug`` of the user; one that is missing is a warning."""
    import importlib

    try:
        importlib.import_module("debug")
    except ImportError as error:
        logging.getLogger("pachon.ctrl_mpexec").warning("There is no module 'debug' to import (--debug): %s", error)


def _end_with_parent() -> None:
    """End this process, and what tasks started from it, as soon as the parent is gone: nobody would take its results."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        if os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
