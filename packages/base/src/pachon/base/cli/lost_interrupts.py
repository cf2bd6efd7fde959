# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C that comes while Python can raise nothing: it is sent again until something hears it.

In a finalizer or a callback of the collector of garbage an exception ends in a line on stderr ("Exception ignored in"), and the
program goes on as if nobody had pressed a key.
"""

import _thread
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["hearing_lost_interrupts"]

_PAUSE_S: Final = 0.02
"""Long enough for a finalizer to end, and too short to be noticed."""


@contextmanager
def hearing_lost_interrupts() -> Iterator[None]:
    """Within the block, send each Ctrl-C that Python drops to the calling thread, a moment later."""
    others, thread = sys.unraisablehook, _thread.get_ident()

    def hear(lost: Any) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # From another thread: here, too, it would be raised where it is dropped.
            _thread.start_new_thread(_send_again, (thread,))
        else:
            others(lost)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = others


def _send_again(thread: int) -> None:
    time.sleep(_PAUSE_S)
    # A true signal, for that ends a call of the system which waits.
    signal.pthread_kill(thread, signal.SIGINT)
