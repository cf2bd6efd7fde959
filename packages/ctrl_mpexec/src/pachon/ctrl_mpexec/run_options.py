# SPDX-License-Identifier: BSD-3-Clause
"""`RunOptions`: how a graph is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pachon.base import NotFoundError, closest
from pachon.pipe_base.execution.quantum_run import ExecutionOptions

__all__ = ["PerTask", "RunOptions"]

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerTask(Generic[Value]):
    """A value for all tasks, and others for some."""

    default: Value
    by_label: Mapping[str, Value] = field(default_factory=dict)

    def of(self, label: str) -> Value:
        """Give the value for a task."""
        return self.by_label.get(label, self.default)

    def check(self, option: str, labels: tuple[str, ...]) -> None:
        """Refuse labels that no task has.

        Raises
        ------
        NotFoundError
            It names the option and the closest label.
        """
        for label in self.by_label:
            if label not in labels:
                raise NotFoundError(f"{option}: the graph has no task {label!r}.{closest(label, labels)}")

    def __bool__(self) -> bool:
        return bool(self.default) or any(self.by_label.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a graph is run."""

    processes: int = 1
    start_method: str = "forkserver"
    fresh_processes: PerTask[bool] | bool = False
    """Whether a quantum gets a process of its own."""
    timeout: PerTask[float | None] | float | None = None
    """Seconds for one quantum."""
    memory_limit: PerTask[int | None] | int | None = None
    """Bytes of resident memory for one quantum, with the processes that it starts."""
    priority: PerTask[float] | float = 0.0
    """Of the quanta that are ready, those of tasks with a greater priority run first."""
    fail_fast: bool = False
    retries: int = 0
    """How often a quantum that failed is tried again; never one that says it would fail again."""
    memory_retries: int = 3
    """How often a quantum that ran out of memory is tried again, each time with twice as much."""
    skip_init_writes: bool = False
    versions: bool = True
    root: str | None = None
    implicit_threading: bool = False
    """Whether numeric libraries may use as many threads as they like; with workers they never may."""
    graph_fixup: str | None = None
    """Full name of a class or function that gives an object with ``fixup_graph``."""
    quiet_stdout: bool = False
    """Whether what tasks print goes to standard error."""
    debug_module: bool = False
    """Whether a module ``debug`` of the user is imported before tasks are made."""
    execution: ExecutionOptions = ExecutionOptions()  # noqa: RUF009  # it is frozen

    def of(self, name: str, label: str) -> Any:
        """Give the value of one of the first fields for a task, whether it has one of its own or not."""
        value = getattr(self, name)
        return value.of(label) if isinstance(value, PerTask) else value

    @property
    def needs_workers(self) -> bool:
        """Whether quanta run in other processes."""
        return self.processes > 1 or bool(self.fresh_processes) or bool(self.timeout) or bool(self.memory_limit)

    def check(self, labels: tuple[str, ...]) -> None:
        """Refuse labels that no task has.

        Raises
        ------
        NotFoundError
            It names the option and the closest label.
        """
        options = {
            "fresh_processes": "--process-per-quantum",
            "timeout": "--timeout",
            "memory_limit": "--memory-limit",
            "priority": "--priority",
        }
        for name, option in options.items():
            value = getattr(self, name)
            if isinstance(value, PerTask):
                value.check(option, labels)
