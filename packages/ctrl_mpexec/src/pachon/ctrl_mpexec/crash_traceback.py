# SPDX-License-Identifier: BSD-3-Clause
"""What is said of a process that crashes: where in Python it was, which nobody could know from the signal."""

from __future__ import annotations

import contextlib
import faulthandler
import io

__all__ = ["tell_crashes"]


def tell_crashes() -> None:
    """Let the lines of Python be written to standard error if this process crashes: by a segmentation fault, say."""
    # Standard error may be closed, or be no file.
    with contextlib.suppress(RuntimeError, ValueError, OSError, AttributeError, io.UnsupportedOperation):
        faulthandler.enable(all_threads=False)
