# SPDX-License-Identifier: BSD-3-Clause
"""What tests of programs need: running a command as its user would, inside the test's process."""

from pachon.base.testing.commands import CommandResult, run_command

__all__ = ["CommandResult", "run_command"]
