# SPDX-License-Identifier: BSD-3-Clause
"""From the options of a command line to how quanta are run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec.memory_size import parse_memory
from pachon.ctrl_mpexec.run_options import PerTask, RunOptions
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.execution.quantum_run import ExecutionOptions

__all__ = ["run_options"]

Value = TypeVar("Value")

_log = logging.getLogger("pachon.ctrl_mpexec")


def run_options(options: Mapping[str, Any]) -> RunOptions:
    """Take the options of running.

    Raises
    ------
    InvalidInputError
        If one makes no sense.
    """
    if options["pdb"] and (options["processes"] > 1 or not sys.stdin.isatty()):
        raise InvalidInputError("--pdb needs a terminal, and one process (-j 1).")
    if options["start_method"] == "fork":
        _log.warning("Workers are not forked from a program that runs; 'forkserver' is used.")
    return RunOptions(
        processes=options["processes"],
        start_method="spawn" if options["start_method"] == "spawn" else "forkserver",
        fresh_processes=_fresh(options["process_per_quantum"]),
        timeout=_per_task(options["timeout"], "--timeout", _seconds),
        memory_limit=_per_task(options["memory_limit"], "--memory-limit", _memory),
        priority=_priorities(options["priority"]),
        fail_fast=options["fail_fast"],
        retries=options["retries"],
        skip_init_writes=options.get("skip_init_writes", False),
        versions=not options.get("no_versions", False),
        implicit_threading=options["enable_implicit_threading"],
        graph_fixup=options.get("graph_fixup"),
        quiet_stdout=options["json_progress"],
        debug_module=options["debug"],
        execution=ExecutionOptions(
            raise_on_partial_outputs=options["raise_on_partial"],
            resources=ExecutionResources(
                num_cores=options["cores_per_quantum"], max_mem=parse_memory(options["memory_per_quantum"])
            ),
            debug=bool(options["pdb"]),
        ),
    )


def _fresh(values: Sequence[str]) -> PerTask[bool]:
    """Read ``--process-per-quantum``: for all tasks, or for those named."""
    labels = [label for value in values for label in value.split(",") if label]
    return PerTask(default="" in values, by_label=dict.fromkeys(labels, True))


def _per_task(values: Sequence[str], option: str, read: Callable[[str], Value]) -> PerTask[Value | None]:
    """Read ``VALUE`` and ``LABEL=VALUE``, each perhaps several times."""
    default: Value | None = None
    by_label: dict[str, Value | None] = {}
    for value in values:
        label, equals, text = value.rpartition("=")
        try:
            found = read(text)
        except ValueError as error:
            raise InvalidInputError(f"{option}: {value!r} is neither VALUE nor LABEL=VALUE: {error}") from error
        if equals:
            by_label[label] = found
        else:
            default = found
    return PerTask(default=default, by_label=by_label)


def _priorities(values: Sequence[str]) -> PerTask[float]:
    read = _per_task(values, "--priority", float)
    if read.default is not None:
        raise InvalidInputError("--priority needs LABEL=NUMBER.")
    return PerTask(default=0.0, by_label={label: value or 0.0 for label, value in read.by_label.items()})


def _memory(text: str) -> int:
    value = parse_memory(text)
    assert value is not None
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError("it must be more than 0 seconds")
    return value
