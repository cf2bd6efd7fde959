# SPDX-License-Identifier: BSD-3-Clause
"""What every task must declare."""

import pytest

import pachon.pipe_tasks
from pachon.pipe_base.testing import check_connections

TASKS = [getattr(pachon.pipe_tasks, name) for name in pachon.pipe_tasks.__all__ if name.endswith("Task")]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_run_fits_the_connections(task):
    check_connections(task)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_everything_is_documented(task):
    config = task.config_class()
    config.freeze()
    assert task.default_name == task.__module__.rpartition(".")[2]
    for name, field in type(config).model_fields.items():
        assert field.description, name
    for name, connection in config.connections_class(config=config).all_connections.items():
        assert connection.doc, name


def test_no_two_tasks_write_the_same():
    written = [
        connection.name
        for task in TASKS
        for connection in task.config_class.connections_class(config=task.config_class()).outputs.values()
    ]
    assert len(set(written)) == len(written)
