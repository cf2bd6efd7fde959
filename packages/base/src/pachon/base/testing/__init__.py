# SPDX-License-Identifier: BSD-3-Clause
"""What tests of programs need: running a command as its user would, inside the test's process or in one of its own.

Imported on use, for tests that need another module of this package and have no click.
"""

from typing import TYPE_CHECKING

from pachon.base.lazy import lazy_exports

if TYPE_CHECKING:
    from pachon.base.testing.commands import CommandResult, run_command
    from pachon.base.testing.warm_programs import WarmPrograms

__all__ = ["CommandResult", "WarmPrograms", "run_command"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CommandResult": "pachon.base.testing.commands",
        "run_command": "pachon.base.testing.commands",
        "WarmPrograms": "pachon.base.testing.warm_programs",
    },
)
