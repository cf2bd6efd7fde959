# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.base.testing import WarmPrograms

# pytest itself is the one program that is installed wherever tests run.
TEST = """
import os, sys, time

def test_it():
    print("HERE", os.getcwd(), os.environ["COLOUR"], "SECRET" in os.environ, sys.stdin.read(), file=sys.__stderr__)
    time.sleep(float(os.environ.get("SLEEP", 0)))
    assert os.environ["COLOUR"] == "blue"
"""


@pytest.fixture(scope="module")
def programs() -> Iterator[WarmPrograms]:
    with WarmPrograms("json", "no_such_module") as warm:
        yield warm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_here.py").write_text(TEST)
    return tmp_path


def run(programs: WarmPrograms, folder: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "COLOUR": "blue", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    more = options.pop("env", {})
    assert isinstance(more, dict)
    words = ("-q", "-s", "-p", "no:cacheprovider", "--rootdir", folder, folder / "test_here.py")
    return programs.run("pytest", *words, cwd=folder, env={**environment, **more}, **options)  # type: ignore[arg-type]


def test_a_run_has_folder_environment_output_and_exit_code_of_its_own(programs: WarmPrograms, folder: Path) -> None:
    os.environ["SECRET"] = "of the test"
    try:
        good = run(programs, folder)
    finally:
        del os.environ["SECRET"]
    assert (good.returncode, good.stderr) == (0, f"HERE {folder} blue False \n")
    assert "1 passed" in good.stdout
    bad = run(programs, folder, env={"COLOUR": "red"})
    assert (bad.returncode, bad.stderr) == (1, f"HERE {folder} red False \n")
    assert "1 failed" in bad.stdout
    assert programs.run("pytest", "nowhere", cwd=folder).returncode == 4


def test_one_that_does_not_end_is_ended(programs: WarmPrograms, folder: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(programs, folder, env={"SLEEP": "60"}, timeout=1)
    assert run(programs, folder).returncode == 0


def test_a_file_that_is_run_first(programs: WarmPrograms, folder: Path) -> None:
    (folder / "first.py").write_text("import os\nos.environ['COLOUR'] = 'green'\n")
    assert "green" in run(programs, folder, first=folder / "first.py").stderr
