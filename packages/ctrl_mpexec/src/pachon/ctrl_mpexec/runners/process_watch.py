# SPDX-License-Identifier: BSD-3-Clause
"""What the system says about processes: their memory, their open files, and whether any was ended for lack of memory.

Only Linux says so; elsewhere the answers are `None`, and limits of memory are not kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["machine_memory", "open_files", "out_of_memory_kills", "resident_memory", "tree_memory"]

_PROC: Final = Path("/proc")


def machine_memory() -> int | None:
    """Give the memory of this machine (bytes), or of the container that limits it."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return total
    return min(total, limit)


def resident_memory(process: int) -> int | None:
    """Give the resident memory of a process (bytes), without what it shares with others through files."""
    try:
        fields = (_PROC / str(process) / "statm").read_bytes().split()
    except OSError:
        return None
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def tree_memory(process: int) -> int | None:
    """Give the resident memory (bytes) of a process and of all that it started."""
    own = resident_memory(process)
    if own is None:
        return None
    try:
        children = (_PROC / str(process) / "task" / str(process) / "children").read_text().split()
    except OSError:
        return own
    return own + sum(tree_memory(int(child)) or 0 for child in children)


def open_files(process: int) -> int:
    """Give the number of files that a process has open; 0 if that cannot be known."""
    try:
        return len(os.listdir(_PROC / str(process) / "fd"))
    except OSError:
        return 0


def out_of_memory_kills() -> int | None:
    """Give how often the system ended a process for lack of memory since it was started."""
    try:
        lines = (_PROC / "vmstat").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
