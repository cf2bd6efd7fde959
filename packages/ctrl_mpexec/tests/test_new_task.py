# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pachon.base import ConflictError, InvalidInputError
from pachon.ctrl_mpexec.commands.new_task import new_task
from pachon.ctrl_mpexec.new_task import task_names, write_new_task


@pytest.mark.parametrize(
    ("name", "module", "class_name"),
    [
        ("mark_bright", "mark_bright", "MarkBright"),
        ("mark-bright", "mark_bright", "MarkBright"),
        ("MarkBright", "mark_bright", "MarkBright"),
        ("MarkBrightTask", "mark_bright", "MarkBright"),
        ("CCDStack2", "ccd_stack2", "CcdStack2"),
        ("task", "task", "Task"),
    ],
)
def test_names(name, module, class_name):
    assert task_names(name) == (module, class_name)


@pytest.mark.parametrize("name", ["", "2fast", "a b", "a.b", "class", "größe", "../x"])
def test_names_that_cannot_be_used(name):
    with pytest.raises(InvalidInputError, match="cannot name a task; use words of letters and digits"):
        task_names(name)


@pytest.mark.parametrize("name", ["mark_bright", "X"])
def test_the_skeleton_passes_its_test_and_makes_a_pipeline(name, tmp_path):
    paths = write_new_task(name, tmp_path / "new")
    module = paths[0].stem
    assert [path.name for path in paths] == [f"{module}.py", f"test_{module}.py", f"{module}.yaml"]
    run = {"cwd": tmp_path / "new", "capture_output": True, "text": True}
    tested = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], check=False, **run)
    assert "4 passed" in tested.stdout, tested.stdout + tested.stderr
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "new")}
    program = "from pachon.ctrl_mpexec.program import main; main()"
    arguments = ["build", "-p", paths[2].name, "--show", "task-graph"]
    built = subprocess.run([sys.executable, "-c", program, *arguments], env=environment, check=False, **run)
    assert built.stdout.strip() == f"■  {module}: {{detector, exposure}}", built.stderr
    for tool in (["format", "--check"], ["check"]):
        linted = subprocess.run(
            [sys.executable, "-m", "ruff", *tool, "--isolated", "--line-length=120", "."], check=False, **run
        )
        if "No module named ruff" not in linted.stderr:
            assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("name", ["pachon", "numpy", "json"])
def test_a_module_that_is_installed_is_not_hidden(name, tmp_path):
    with pytest.raises(InvalidInputError, match=f"A module '{name}' is installed, which the new one would hide"):
        write_new_task(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "test_mark_bright.py").write_text("mine")
    with pytest.raises(ConflictError, match=r"test_mark_bright\.py' exists already; give another name"):
        write_new_task("mark_bright", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["test_mark_bright.py"]


def test_the_hint_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = CliRunner().invoke(new_task, ["mark_bright"])
    assert "Try it: pytest test_mark_bright.py" in here.output
    elsewhere = CliRunner().invoke(new_task, ["mark_bright", "-d", "new"])
    assert "Try it: cd new && pytest test_mark_bright.py" in elsewhere.output


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInputError, match="file' is no folder; give another --directory"):
        write_new_task("mark_bright", tmp_path / "file")
