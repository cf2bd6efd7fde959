# SPDX-License-Identifier: BSD-3-Clause
"""Named points of the write, ingest and remove paths at which a test can make something go wrong.

The code calls `reach` at each step. Nothing happens unless a test installed a hook, which may raise, kill the
process, wait for another process, or only take notes. The points are part of the write protocol
(``docs/formats/datastore.md``): a crash test goes through all of `FAULT_POINTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["FAULT_POINTS", "install", "reach"]

FAULT_POINTS = (
    "write.begin",
    "write.created",
    "write.written",
    "write.all_written",
    "write.files_synced",
    "write.renamed",
    "write.folders_synced",
    "ingest.begin",
    "ingest.transferred",
    "ingest.all_transferred",
    "ingest.synced",
    "ingest.before_source_removed",
    "ingest.source_removed",
    "discard.begin",
    "discard.removed",
    "remove.begin",
    "remove.looked",
    "remove.removed",
    "remove.end",
)
"""All names that `reach` is called with, in the order of the steps."""

_hook: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that a step is reached."""
    if _hook is not None:
        _hook(point)


@contextmanager
def install(hook: Callable[[str], None]) -> Iterator[None]:
    """Call a function at every point, within the block; for tests only."""
    global _hook
    previous, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = previous
