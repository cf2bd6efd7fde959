# SPDX-License-Identifier: BSD-3-Clause
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and servers of POSIX systems")

SCRIPT = """
import multiprocessing, os, sys, time
from multiprocessing import forkserver
from pachon.ctrl_mpexec.runners.pool import _context
from pachon.ctrl_mpexec.runners.server_signals import start_server

context = _context("forkserver")
start_server()
server = forkserver._forkserver._forkserver_pid
for _ in range(20):
    os.kill(server, int(sys.argv[1]))
    time.sleep(float(sys.argv[2]))
worker = context.Process(target=print, args=("alive",))
worker.start()
worker.join()
assert forkserver._forkserver._forkserver_pid == server
assert worker.exitcode == 0
"""


@pytest.mark.parametrize("pause", [0, 0.01, 0.05])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_do_not_end_the_server_while_it_starts(tmp_path, number, pause):
    script = tmp_path / "script.py"
    # The server looks at the main script as well.
    script.write_text("if __name__ == '__main__':" + SCRIPT.replace("\n", "\n    "))
    done = subprocess.run(
        [sys.executable, script, str(int(number)), str(pause)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
