# SPDX-License-Identifier: BSD-3-Clause
"""Signals of a whole group of processes are the program's to answer, not those of the server that forks workers.

Batch systems, ``timeout``, terminals and others send SIGTERM or SIGINT to all processes of a group. A server that ended by it would take the
news of its workers along, and all their quanta would count as lost. So it is started with both kept back, and takes them when this module,
which it loads first, has told it to do nothing then.
"""

from __future__ import annotations

import signal
import sys

__all__ = ["leave_sigterm_to_the_program", "start_server"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_sigterm_to_the_program() -> None:
    """Do nothing on SIGTERM. It is not ignored as such: that would be handed on to what a task starts."""
    signal.signal(signal.SIGTERM, lambda number, frame: None)


def start_server() -> None:
    """Start the server that forks workers, unless it runs already."""
    from multiprocessing import forkserver, resource_tracker  # not known everywhere

    # This one lets signals through again when it is started.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
    leave_sigterm_to_the_program()
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
