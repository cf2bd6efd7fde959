# SPDX-License-Identifier: BSD-3-Clause
"""What surrounds the execution of a command: threads, coverage, a profiler, a debugger, and who is told how it goes."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pachon.base import InvalidInputError, StorageError
from pachon.base.progress_bar import progress_wanted
from pachon.ctrl_mpexec.coverage_measurement import measured_coverage
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter

__all__ = ["execution_session", "ignore_interrupts"]

_log = logging.getLogger("pachon.ctrl_mpexec")
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@contextlib.contextmanager
def execution_session(options: Mapping[str, Any]) -> Iterator[ProgressReporter]:
    """Surround the running of quanta with what the options of a command ask for; give who is told how it goes."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(measured_coverage(options))
        if not options["enable_implicit_threading"]:
            _limit_threads()
        if options["debug"]:
            from pachon.ctrl_mpexec.runners.worker_process import import_debug_module

            import_debug_module()
        reporter = stack.enter_context(_reporter(options))
        if options["profile"]:
            stack.enter_context(_profiled(options["profile"]))
        if options["pdb"]:
            stack.enter_context(_debugged(options["pdb"]))
        yield reporter


def ignore_interrupts() -> None:
    """Let a program that was interrupted come to its end: a further signal would only hide what it has to say."""
    with contextlib.suppress(ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _limit_threads() -> None:
    """Let numeric libraries use one thread: those that are not loaded yet, and those that threadpoolctl knows."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    with contextlib.suppress(ImportError):
        importlib.import_module("threadpoolctl").threadpool_limits(limits=1)


@contextlib.contextmanager
def _reporter(options: Mapping[str, Any]) -> Iterator[ProgressReporter]:
    if options["json_progress"]:
        from pachon.ctrl_mpexec.progress.json_lines import JsonReporter

        # What tasks print must not come between the lines.
        sys.stdout.flush()
        lines = os.dup(1)
        os.dup2(2, 1)
        try:
            yield JsonReporter(lines)
        finally:
            sys.stdout.flush()
            os.dup2(lines, 1)
            os.close(lines)
        return
    wanted = progress_wanted()
    if wanted is not False and sys.stderr.isatty() and not options["pdb"]:
        from pachon.ctrl_mpexec.progress.live import LiveReporter

        yield LiveReporter()
    elif wanted is False:
        from pachon.ctrl_mpexec.progress.reporter import SilentReporter

        yield SilentReporter()
    else:
        from pachon.ctrl_mpexec.progress.plain import PlainReporter

        yield PlainReporter()


@contextlib.contextmanager
def _profiled(path: str) -> Iterator[None]:
    import cProfile

    # Said before the run, not after it.
    try:
        open(path, "ab").close()
    except OSError as error:
        raise StorageError(f"The profile cannot be written to {path!r}: {error.strerror}.") from None
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        yield
    finally:
        profiler.disable()
        profiler.dump_stats(path)


@contextlib.contextmanager
def _debugged(name: str) -> Iterator[None]:
    """Start a debugger where an exception of a task was raised.

    Raises
    ------
    InvalidInputError
        If there is no such debugger.
    """
    try:
        debugger = importlib.import_module(name)
    except ImportError as error:
        raise InvalidInputError(f"--pdb: the debugger {name!r} cannot be imported: {error}") from error
    if not hasattr(debugger, "post_mortem"):
        raise InvalidInputError(f"--pdb: the module {name!r} has no function 'post_mortem'.")
    try:
        yield
    except Exception as error:
        debugger.post_mortem(error.__traceback__)
        raise
