# SPDX-License-Identifier: BSD-3-Clause
"""What tests of programs need: running a command as its user would, inside the test's process or in one of its own."""

from pachon.base.testing.commands import CommandResult, run_command
from pachon.base.testing.warm_programs import WarmPrograms

__all__ = ["CommandResult", "WarmPrograms", "run_command"]
