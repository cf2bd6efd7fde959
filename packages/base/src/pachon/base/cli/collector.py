# SPDX-License-Identifier: BSD-3-Clause
"""The collector of garbage while a program starts and when it ends: it would look at all that was imported, for nothing."""

import atexit
import gc
from typing import Final

__all__ = ["collect_after_start", "collect_for_others", "leave_memory_at_exit"]

_OBJECTS_OF_A_START: Final = 200_000
"""What a program makes until it works, 130,000 objects, and some more: functions and classes, which stay until it ends."""
_before: list[tuple[int, int, int]] = []
"""When the collector is to collect after the first time, until then."""


def collect_after_start() -> None:
    """Put the first collection off until more objects are there than a start makes; those that follow come as before.

    A collector that somebody turned off stays off.
    """
    known = gc.get_threshold()
    if 0 < known[0] < _OBJECTS_OF_A_START:
        _before.append(known)
        gc.set_threshold(_OBJECTS_OF_A_START, *known[1:])
        gc.callbacks.append(_collect_as_before)


def leave_memory_at_exit() -> None:
    """Let the process end without a collection, which would free every module by itself: the system takes all at once.

    What closes or writes something when it is freed, and lies in a cycle at the end of the process, does so no more; what has no
    cycle, and what is registered to be done at the exit, is as ever.
    """
    atexit.register(gc.freeze)


def collect_for_others() -> None:
    """Undo both, before functions of others run: large arrays may lie in their cycles, and files that wait to be closed so."""
    _collect_as_before()
    atexit.unregister(gc.freeze)


def _collect_as_before(phase: str = "", info: object = None) -> None:
    if _collect_as_before in gc.callbacks:
        gc.callbacks.remove(_collect_as_before)
        gc.set_threshold(*_before.pop())
