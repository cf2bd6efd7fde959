# SPDX-License-Identifier: BSD-3-Clause
"""What is written once a run before any quantum: init-outputs, configurations, versions of packages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pachon.base import ConflictError, InvalidInputError
from pachon.datasets import DatasetRef, Quantum
from pachon.pipe_base.config import compare_configs
from pachon.pipe_base.execution.context import QuantumButler
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.packages import current_packages, merge_packages
from pachon.quantum_butler import QuantumGraph

__all__ = ["ConfigChangedError", "initialize_run"]

_log = logging.getLogger("pachon.pipe_base.execution")


class ConfigChangedError(ConflictError):
    """A run holds outputs of another configuration of a task."""

    kind = "config_changed"

    def __init__(self, run: str, label: str, differences: tuple[str, ...]) -> None:
        super().__init__(run, label, differences)
        self.run, self.label, self.differences = run, label, differences

    def __str__(self) -> str:
        return (
            f"Run {self.run!r} was made with another configuration of task {self.label!r}: "
            f"{'; '.join(self.differences)}. Use another run."
        )


def initialize_run(graph: QuantumGraph, butler: QuantumButler, tasks: GraphTasks, *, versions: bool = True) -> int:
    """Write the init datasets of a graph; those that are there must be equal.

    Parameters
    ----------
    graph, butler, tasks
        What to do, where to write, and how tasks are made.
    versions
        Whether the versions of packages are kept, and compared with those of the run.

    Returns
    -------
    int
        The number of datasets that were written.

    Raises
    ------
    ConfigChangedError
        If the run was made with another configuration of a task.
    PackageVersionError
        If it was made with another version of a package.
    InvalidInputError
        If a task does not set an init-output.
    """
    written = 0
    for label in graph.init_labels:
        quantum = graph.init_quantum(label)
        if label:
            written += _initialize_task(graph, quantum, label, butler, tasks)
    # Last, so that every task class is imported and its package counts.
    if versions and "" in graph.init_labels:
        written += _write_packages(graph.init_quantum(""), butler)
    return written


def _initialize_task(
    graph: QuantumGraph, quantum: Quantum, label: str, butler: QuantumButler, tasks: GraphTasks
) -> int:
    inputs = {name: butler.get(ref) for name, ref in quantum.init_inputs.items()}
    try:
        task = tasks.make_task(label, inputs)
    except Exception as error:
        error.add_note(f"Task {label!r} could not be made, which its init-outputs need; no quantum was run.")
        raise
    written = 0
    for name, ref in quantum.init_outputs.items():
        if butler.exists(ref):
            if name == "_config":
                _check_config(graph.header.output_run, label, butler.get(ref), tasks.config_document(label))
            continue
        if name != "_config" and not hasattr(task, name):
            raise InvalidInputError(
                f"Task {label!r} has no attribute {name!r}; its constructor must set the init-output of that name."
            )
        value = tasks.config_document(label) if name == "_config" else getattr(task, name)
        butler.put(value, ref)
        written += 1
    return written


def _check_config(run: str, label: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    differences = tuple(str(difference) for difference in compare_configs(before, now))
    if differences:
        raise ConfigChangedError(run, label, differences)


def _write_packages(quantum: Quantum, butler: QuantumButler) -> int:
    ref: DatasetRef
    (ref,) = quantum.init_outputs.values()
    now = current_packages()
    if butler.exists(ref):
        before = butler.get(ref)
        merged = merge_packages(ref.run, before, now)
        if merged == before:
            return 0
        now = merged
    butler.put(now, ref)
    return 1
