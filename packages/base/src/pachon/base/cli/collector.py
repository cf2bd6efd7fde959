# SPDX-License-Identifier: BSD-3-Clause
"""The collector of garbage while a program starts and when it ends: it would look at all that was imported, for nothing."""

import atexit
import gc
from typing import Final

__all__ = ["collect_after_start", "finish_objects_at_exit", "leave_memory_at_exit"]

_OBJECTS_OF_A_START: Final = 200_000
"""What a program makes until it works, 130,000 objects, and some more: functions and classes, which stay until it ends."""


def collect_after_start() -> None:
    """Put the first collection off until more objects are there than a start makes; those that follow come as before.

    A collector that somebody turned off stays off.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS_OF_A_START:
        return
    gc.set_threshold(_OBJECTS_OF_A_START, *before[1:])

    def collect_as_before(phase: str, info: dict[str, int]) -> None:
        gc.callbacks.remove(collect_as_before)
        gc.set_threshold(*before)

    gc.callbacks.append(collect_as_before)


def leave_memory_at_exit() -> None:
    """Let the process end without a collection, which would free every module by itself: the system takes all at once.

    What closes or writes something when it is freed, and lies in a cycle at the end of the process, does so no more; what has no
    cycle, and what is registered to be done at the exit, is as ever.
    """
    atexit.register(gc.freeze)


def finish_objects_at_exit() -> None:
    """Undo `leave_memory_at_exit`, for a program that ran functions of others: their files may wait to be closed so."""
    atexit.unregister(gc.freeze)
