# SPDX-License-Identifier: BSD-3-Clause
import os
import pty
import subprocess
import sys

from pachon.base import enable_progress, progress

SHOW = """
from pachon.base import enable_progress, progress
enable_progress()
with progress("Ingesting", total=2) as bar:
    bar.advance()
    with progress("Inner") as inner:
        inner.describe("Deeper")
        inner.advance(3)
    bar.advance()
print("done")
"""


def test_silent_unless_switched_on(capsys) -> None:
    with progress("Ingesting", total=3) as bar:
        bar.advance()
        bar.describe("more")
    assert capsys.readouterr().err == ""


def test_silent_when_stderr_is_no_terminal(capsys) -> None:
    enable_progress()
    with progress("Ingesting", total=3) as bar:
        bar.advance(3)
    enable_progress(False)
    assert capsys.readouterr().err == ""


def test_drawn_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW], stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other side has closed
                break
            if not chunk:
                break
            text += chunk
        output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert output == b"done\n"
    assert b"Ingesting" in text
    assert b"2/2" in text
