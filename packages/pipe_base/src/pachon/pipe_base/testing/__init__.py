# SPDX-License-Identifier: BSD-3-Clause
"""For tests of tasks and pipelines: run a task on objects in memory, check its connections, sample tasks."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_base.testing.connection_checks import check_connections, connection_problems
    from pachon.pipe_base.testing.task_running import MemoryDatasets, MemoryHandle, TaskRun, run_task

__all__ = ["MemoryDatasets", "MemoryHandle", "TaskRun", "check_connections", "connection_problems", "run_task"]

_HERE = "pachon.pipe_base.testing"

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "MemoryDatasets": f"{_HERE}.task_running",
        "MemoryHandle": f"{_HERE}.task_running",
        "TaskRun": f"{_HERE}.task_running",
        "check_connections": f"{_HERE}.connection_checks",
        "connection_problems": f"{_HERE}.connection_checks",
        "run_task": f"{_HERE}.task_running",
    },
)
