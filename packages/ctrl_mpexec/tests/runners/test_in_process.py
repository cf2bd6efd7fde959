# SPDX-License-Identifier: BSD-3-Clause
"""What is of the process in which quanta run."""

import subprocess
import sys

PROGRAM = """
from pachon.base.cli.collector import leave_memory_at_exit
from pachon.ctrl_mpexec.runners.in_process import InProcessRunner

class Left:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("finished")

leave_memory_at_exit()
{}
Left()
"""


def run(line: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(line)], capture_output=True, text=True, check=True
    ).stdout


def test_what_tasks_leave_in_cycles_is_finished_at_the_exit() -> None:
    assert run("") == ""
    assert run("InProcessRunner(worker=None)") == "finished\n"
