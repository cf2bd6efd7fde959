# SPDX-License-Identifier: BSD-3-Clause
"""Resource usage noted in metadata: a context manager and a decorator for methods of tasks.

Each mark ``<prefix>Utc, <prefix>CpuTime, ...`` is an array with one value per occurrence.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from pachon.pipe_base.task_metadata import TaskMetadata

__all__ = ["forget_peak_memory", "record_usage", "timed_block", "timed_method"]

P = ParamSpec("P")
R = TypeVar("R")


def record_usage(metadata: TaskMetadata, prefix: str) -> None:
    """Append the present resource usage of the process under a prefix, e.g. ``start``.

    ``MaxResidentSetSize`` is in bytes; times are seconds; ``Utc`` is an ISO text.
    """
    import resource  # not on every system, and not needed to declare tasks
    import sys

    usage = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    marks: dict[str, Any] = {
        "Utc": datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00"),
        "CpuTime": time.process_time(),
        "UserTime": usage.ru_utime,
        "SystemTime": usage.ru_stime,
        "MaxResidentSetSize": usage.ru_maxrss * unit,
        "MinorPageFaults": usage.ru_minflt,
        "MajorPageFaults": usage.ru_majflt,
        "BlockInputs": usage.ru_inblock,
        "BlockOutputs": usage.ru_oublock,
        "VoluntaryContextSwitches": usage.ru_nvcsw,
        "InvoluntaryContextSwitches": usage.ru_nivcsw,
    }
    # Plain numbers and texts under names without dots: they need none of the checks of `TaskMetadata.add`.
    plain = "." not in prefix
    for name, value in marks.items():
        key = f"{prefix}{name}"
        if plain and (known := metadata.arrays.get(key)) is not None:
            known.append(value)
        elif plain and key not in metadata.scalars and key not in metadata.metadata:
            metadata.arrays[key] = [value]
        else:
            metadata.add(key, value)


def forget_peak_memory() -> None:
    """Let ``MaxResidentSetSize`` of this process count from now; nothing happens where the system cannot do that.

    Linux can. Otherwise what one quantum used would be told of all that follow it in the same process.
    """
    with suppress(OSError):
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(descriptor, b"5")
        finally:
            os.close(descriptor)


@contextmanager
def timed_block(metadata: TaskMetadata, name: str) -> Iterator[None]:
    """Record resource usage at the start and end of a block, as ``<name>Start...`` and ``<name>End...``."""
    record_usage(metadata, f"{name}Start")
    try:
        yield
    finally:
        record_usage(metadata, f"{name}End")


def timed_method(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of a task so that each call is recorded in the task's metadata."""

    @functools.wraps(method)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        task: Any = args[0]
        with timed_block(task.metadata, method.__name__):
            return method(*args, **kwargs)

    return timed
