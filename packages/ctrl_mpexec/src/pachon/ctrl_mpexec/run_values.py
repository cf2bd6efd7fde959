# SPDX-License-Identifier: BSD-3-Clause
"""From the options of a command line to how quanta are run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec.run_graph import RunOptions
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.execution.quantum_run import ExecutionOptions

__all__ = ["parse_memory", "run_options"]

_UNITS: Final = {"": 10**6, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30}


def run_options(options: Mapping[str, Any]) -> RunOptions:
    """Take the options of running."""
    return RunOptions(
        processes=options["processes"],
        start_method="spawn" if options["start_method"] == "spawn" else "forkserver",
        fresh_processes=options["process_per_quantum"],
        timeout=options["timeout"],
        fail_fast=options["fail_fast"],
        retries=options["retries"],
        skip_init_writes=options.get("skip_init_writes", False),
        versions=not options.get("no_versions", False),
        execution=ExecutionOptions(
            raise_on_partial_outputs=options["raise_on_partial"],
            resources=ExecutionResources(
                num_cores=options["cores_per_quantum"], max_mem=parse_memory(options["memory_per_quantum"])
            ),
        ),
    )


def parse_memory(text: str | None) -> int | None:
    """Read an amount of memory: ``3GB``, ``500 MiB``, or a number of megabytes; give bytes.

    Raises
    ------
    InvalidInputError
        If it is no amount of memory.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise InvalidInputError(f"{text!r} is no amount of memory, such as 3GB or 3000 (megabytes).")
    return int(float(found[1]) * _UNITS[found[2].upper()])
