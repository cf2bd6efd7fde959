# SPDX-License-Identifier: BSD-3-Clause
"""The ``butler`` program: a lazy group of the commands that are installed."""

from typing import NoReturn

from pachon.base.cli import make_program, run_program

__all__ = ["main", "program"]

program = make_program(
    "butler",
    entry_points="pachon.butler.commands",
    distribution="pachon-butler",
    help="Look after data repositories: make them, bring data in, find them, and take them out or away.",
)


def main() -> NoReturn:
    """Run the program on the arguments of the process."""
    run_program(program)
