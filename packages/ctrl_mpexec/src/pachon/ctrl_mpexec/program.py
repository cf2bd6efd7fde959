# SPDX-License-Identifier: BSD-3-Clause
"""The program ``pipetask``."""

from __future__ import annotations

from pachon.base.cli import make_program, run_program
from pachon.ctrl_mpexec.crash_traceback import tell_crashes

__all__ = ["main", "pipetask"]

pipetask = make_program(
    "pipetask",
    entry_points="pachon.pipetask.commands",
    distribution="pachon-ctrl-mpexec",
    help="Build quantum graphs from pipelines and run them on this machine.",
)


def main() -> None:
    """Run the program; a crash of a library that a task uses says in which line of Python it was."""
    tell_crashes()
    run_program(pipetask)
