# SPDX-License-Identifier: BSD-3-Clause
"""What the command-line programs of pachon are made of; needs the extra ``cli``.

A program is a `LazyGroup` over an entry-point group, made by `make_program` and run by `run_program`. Command modules import
click and this package at their top and their work inside the function.
"""

from typing import TYPE_CHECKING

from pachon.base.lazy import lazy_exports

if TYPE_CHECKING:
    from pachon.base.cli.confirmation import confirm_or_stop
    from pachon.base.cli.group import LazyGroup
    from pachon.base.cli.options_file import options_file_option
    from pachon.base.cli.program import make_program, run_program
    from pachon.base.cli.splitting import split_commas, split_key_values
    from pachon.base.cli.table import print_table
    from pachon.base.cli.told_warnings import plain_warnings

__all__ = [
    "LazyGroup",
    "confirm_or_stop",
    "make_program",
    "options_file_option",
    "plain_warnings",
    "print_table",
    "run_program",
    "split_commas",
    "split_key_values",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "LazyGroup": "pachon.base.cli.group",
        "confirm_or_stop": "pachon.base.cli.confirmation",
        "make_program": "pachon.base.cli.program",
        "options_file_option": "pachon.base.cli.options_file",
        "plain_warnings": "pachon.base.cli.told_warnings",
        "print_table": "pachon.base.cli.table",
        "run_program": "pachon.base.cli.program",
        "split_commas": "pachon.base.cli.splitting",
        "split_key_values": "pachon.base.cli.splitting",
    },
)
