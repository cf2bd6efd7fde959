# SPDX-License-Identifier: BSD-3-Clause
"""What the read-me file says is true."""

import re
from pathlib import Path

import pytest

import pachon.pipe_tasks

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def text():
    if not README.is_file():
        pytest.skip("the read-me file is not beside the tests")
    return README.read_text(encoding="utf-8")


def test_the_example_runs(text):
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})


def test_the_table_of_tasks(text):
    tasks = [getattr(pachon.pipe_tasks, name) for name in pachon.pipe_tasks.__all__ if name.endswith("Task")]
    rows = {
        cells[0].strip("`"): cells
        for line in text.splitlines()
        if line.startswith("| `") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    }
    assert set(rows) == {task.default_name for task in tasks}
    for task in tasks:
        connections = task.config_class.connections_class(config=task.config_class())
        _, dimensions, _, written = rows[task.default_name]
        assert dimensions.split(", ") == list(connections.dimensions)
        assert re.findall(r"`(\w+)` \((\w+)", written) == [
            (connection.name, connection.storage_class) for connection in connections.outputs.values()
        ]
