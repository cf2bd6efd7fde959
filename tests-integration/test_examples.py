# SPDX-License-Identifier: BSD-3-Clause
"""The Python that read-me files show runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
FILES = [TOP / "README.md", *sorted(TOP.glob("packages/*/README.md"))]


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(TOP)))
def test_examples_run(file: Path, tmp_path: Path) -> None:
    """The blocks of a file are one program."""
    blocks = re.findall(r"^```python\n(.*?)^```", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    program = tmp_path / "example.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
