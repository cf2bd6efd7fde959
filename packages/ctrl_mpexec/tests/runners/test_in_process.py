# SPDX-License-Identifier: BSD-3-Clause
"""What is of the process in which quanta run."""

import subprocess
import sys

PROGRAM = """
import gc
from pachon.base.cli.collector import collect_after_start, leave_memory_at_exit
from pachon.ctrl_mpexec.runners.in_process import InProcessRunner

class Left:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("finished")

usual = gc.get_threshold()
collect_after_start()
leave_memory_at_exit()
{}
print(gc.get_threshold() == usual)
Left()
"""


def run(line: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(line)], capture_output=True, text=True, check=True
    ).stdout


def test_what_tasks_leave_in_cycles_is_collected_as_usual_and_finished_at_the_exit() -> None:
    assert run("") == "False\n"
    assert run("InProcessRunner(worker=None)") == "True\nfinished\n"
