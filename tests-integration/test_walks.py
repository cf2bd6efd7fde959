# SPDX-License-Identifier: BSD-3-Clause
"""The walks in ``docs/walks`` are true: the call that each describes is made, and what it executes is compared with the page.

A walk lists, in reading order, the files that decide what the call does: fewer than 15. Below, the section "Also executed"
names the rest, by package. A module that runs and is in neither list makes the test fail, and so does a name that no longer runs.
If a file is new on the way, add it to the page; if the list gets too long for that, the code is what should be mended.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from walked_calls import CALLS, TOP, short

WALKS = TOP / "docs" / "walks"
MOST_FILES = 14


@dataclass(frozen=True)
class Walk:
    """What a page says."""

    listed: tuple[str, ...]
    """Files of the table, in order, as ``package/path.py``."""
    conditional: frozenset[str]
    """Those of which the table says that they run only in some cases."""
    also: tuple[str, ...]
    """Beginnings of paths, from the section "Also executed"."""


def read_walk(name: str) -> Walk:
    text = (WALKS / f"{name}.md").read_text(encoding="utf-8")
    table, _, rest = text.partition("## Also executed")
    rows = re.findall(r"^\| \d+ \| `([^`]+)` \| (.*) \|$", table, re.MULTILINE)
    also: list[str] = []
    for package, names in re.findall(r"^\* `(\w+)`(?:, [\w ]+)?: (.*(?:\n  .*)*)", rest, re.MULTILINE):
        parts = re.findall(r"`([^`]+)`", names)
        also += [f"{package}/{part}" if part.endswith("/") else f"{package}/{part}.py" for part in parts]
        if not parts:
            also.append(f"{package}/")
    return Walk(
        listed=tuple(short(path) for path, _ in rows),
        conditional=frozenset(short(path) for path, words in rows if words.startswith("Only ")),
        also=tuple(also),
    )


def executed_by(name: str, folder: Path) -> list[str]:
    """Give the files of our packages that a call executes, in the order in which it comes to them."""
    command = [sys.executable, str(TOP / "tests-integration" / "walked_calls.py"), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files: list[str] = json.loads(done.stdout)
    return files


@pytest.mark.parametrize("name", CALLS)
def test_walk(name: str, tmp_path: Path) -> None:
    walk, executed = read_walk(name), executed_by(name, tmp_path)
    assert walk.listed, "the page has no table of files"
    assert len(walk.listed) <= MOST_FILES
    assert len(set(walk.listed)) == len(walk.listed)
    page = f"docs/walks/{name}.md"
    idle = [path for path in walk.listed if path not in executed and path not in walk.conditional]
    assert not idle, f"{page} lists what the call does not execute: {idle}"
    unnamed = [path for path in executed if path not in walk.listed and not path.startswith(walk.also)]
    assert not unnamed, f"{page} does not name what the call executes: {unnamed}"
    gone = [beginning for beginning in walk.also if not any(path.startswith(beginning) for path in executed)]
    assert not gone, f'{page}, "Also executed", names what the call does not execute: {gone}'
