# SPDX-License-Identifier: BSD-3-Clause
"""Children that a task forks: one that comes back out of the task must not go on as if it were its parent."""

from __future__ import annotations

import contextlib
import os
import sys

__all__ = ["leave_if_forked"]


def leave_if_forked(process: int, error: BaseException | None = None) -> None:
    """End this process if it is not the one of that id: a child that a task forked, and that came back instead of ending.

    Its twin, the real process, goes on; two of them would write and answer twice.

    Parameters
    ----------
    process
        Id of the process that called the task.
    error
        What the task raised. A child that only wanted to exit does so with the code that it chose.
    """
    if os.getpid() == process:
        return
    if not isinstance(error, SystemExit):
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(_exit_code(error.code))


def _exit_code(code: object) -> int:
    if isinstance(code, int):
        return code & 0xFF
    return 0 if code is None else 1
