# SPDX-License-Identifier: BSD-3-Clause
"""Another process that holds the lock of a run, as one does that runs quanta into it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

__all__ = ["busy_run"]

_HOLD = """
import sys
from pachon.quantum_butler.run_lock import lock_run
with lock_run(*sys.argv[1:]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def busy_run(root: str, run: str) -> Iterator[int]:
    """Let another process hold the lock of a run below the root of a datastore; give its number."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, root, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        if holder.stdout.readline().strip() != b"held":
            raise RuntimeError(f"The lock of run {run!r} could not be had.")
        try:
            yield holder.pid
        finally:
            holder.stdin.close()
