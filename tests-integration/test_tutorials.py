# SPDX-License-Identifier: BSD-3-Clause
"""The tutorials work: what a reader types is typed here, in an empty folder.

A block of type ``sh`` is run. A block of code that follows a sentence with "into `name`" is written to that file.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pachon.pipe_base import Pipeline

TOP = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((TOP / "docs" / "tutorials").glob("[!R]*.md"))
BLOCK = re.compile(r"(?P<before>(?:[^\n]+\n)*)\n?```(?P<kind>\w+)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_can_be_followed(page: Path, tmp_path: Path) -> None:
    script = []
    written = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        name = re.search(r"into `([\w./-]+)`", " ".join(block["before"].split()))
        if block["kind"] == "sh":
            script.append(block["code"])
        elif name is not None:
            written.append(name[1])
            script.append(f"cat > {name[1]} <<'END OF FILE'\n{block['code']}END OF FILE\n")
        else:
            pytest.fail(f"{page.name}: nothing says what becomes of the block {block['code'][:60]!r}")
    assert written
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        ["bash", "-euxc", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    if page.stem == "your-own-data":
        assert "{'level': 201.0}" in done.stdout
        assert "{'level': 1.5}" in done.stdout
        assert "6 datasets of long exposures" in done.stdout
        assert done.stdout.count("sky_level    u/me/sky") == 2
        assert "4 stored, the first {'level': 1.0}" in done.stdout
        assert "{'bias': 102.0}" in done.stdout
        assert "1 exposure with a bias" in done.stdout
        assert done.stdout.count("u/me/calib  MyCam") >= 4
        assert "12 files, 12 rows of files" in done.stdout
        assert "Nothing is wrong." in done.stdout
    if page.stem == "your-own-task":
        assert "4 passed" in done.stdout
        assert "2 passed" in done.stdout
        assert (
            "# Number of pixels by which the mask grows to all sides.\n# Default: 0 (int, >= 0)\nconfig.grow=1"
            in done.stdout
        )
        assert "12.0                  -c mark_bright:level=12" in done.stdout
        assert "MarkBrightConfig has no field 'levle'. Did you mean 'level'?" in done.stderr
        assert "refused" in done.stdout
        assert "mark_bright: 3 success" in done.stderr
        assert (
            "config.grow\n  - 1                   tasks.mark_bright.config.grow (mark_bright.yaml:7)\n  + 2 "
            in done.stdout
        )


def test_the_page_of_pipeline_files_is_true() -> None:
    text = (TOP / "docs" / "pipeline-yaml.md").read_text(encoding="utf-8")
    for example in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert Pipeline.from_yaml(example, strict=True).tasks
    tests = TOP / "packages" / "pipe_base" / "tests"
    rows = re.findall(r"^\|[^|]+\|[^|]+\| (`test_.*) \|$", text, re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        source = (tests / "pipeline" / "test_production_features.py").read_text(encoding="utf-8")
        for word in re.findall(r"`(test_[\w.]+)`", row):
            if word.endswith(".py"):
                (path,) = tests.glob(f"*/{word}")
                source = path.read_text(encoding="utf-8")
            else:
                assert f"def {word}(" in source, word
