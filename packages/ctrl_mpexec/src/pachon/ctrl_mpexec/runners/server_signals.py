# SPDX-License-Identifier: BSD-3-Clause
"""Loaded first by the server that forks workers: SIGTERM is the program's to answer, not the server's.

Batch systems, ``timeout`` and others send it to all processes of a group. A server that ended by it would take the news of its
workers along, and all their quanta would count as lost.
"""

from __future__ import annotations

import signal
import sys

__all__ = ["leave_sigterm_to_the_program"]


def leave_sigterm_to_the_program() -> None:
    """Do nothing on SIGTERM. It is not ignored as such: that would be handed on to what a task starts."""
    signal.signal(signal.SIGTERM, lambda number, frame: None)


if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
    leave_sigterm_to_the_program()
