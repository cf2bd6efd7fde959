# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pachon.base.process_identity import is_running, this_process


def test_this_process_runs():
    identity = this_process()
    assert identity.number == os.getpid()
    assert is_running(identity) is True


def test_a_process_that_ended_does_not_run():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        identity = replace(this_process(), number=child.pid, started=0)
        assert is_running(identity) is True
        child.communicate(b"\n")
    assert is_running(identity) is False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc to know when a process began")
def test_a_number_that_was_used_again_is_another_process():
    identity = this_process()
    assert identity.started > 0
    assert is_running(replace(identity, started=identity.started - 1)) is False


def test_of_another_machine_nothing_is_known():
    assert is_running(replace(this_process(), machine="elsewhere")) is None
