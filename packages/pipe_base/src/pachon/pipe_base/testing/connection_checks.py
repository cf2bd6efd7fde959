# SPDX-License-Identifier: BSD-3-Clause
"""Checks of a task's methods against its connections."""

from __future__ import annotations

import inspect

from pachon.pipe_base.connections import InputConnection, PipelineTaskConnections
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig

__all__ = ["check_connections", "connection_problems"]

_EXTRA = ("data_id",)
"""Parameters of ``run`` that the framework fills although they are no connections."""


def check_connections(task_class: type[PipelineTask], config: PipelineTaskConfig | None = None) -> None:
    """Fail with all problems unless a task's methods fit its connections; for use in tests.

    Parameters
    ----------
    task_class
        The task.
    config
        A configuration, where connections depend on it.
    """
    problems = connection_problems(task_class, config)
    assert not problems, "\n".join(problems)


def connection_problems(task_class: type[PipelineTask], config: PipelineTaskConfig | None = None) -> list[str]:
    """Give what does not fit between a task's methods and its connections, a sentence each."""
    config = task_class.config_class() if config is None else config
    if not config.is_frozen:
        config.freeze()
    connections: PipelineTaskConnections = config.connections_class(config=config)
    problems = [] if task_class.default_name else [f"{task_class.__name__} has no default_name."]
    if task_class.run_quantum is PipelineTask.run_quantum:
        problems += _run_problems(task_class, connections)
    parameters = inspect.signature(task_class.__init__).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if connections.init_inputs and not ("init_inputs" in parameters or takes_any):
        problems.append(f"{task_class.__name__} has init-inputs, but its constructor takes no 'init_inputs'.")
    return problems


def _run_problems(task_class: type[PipelineTask], connections: PipelineTaskConnections) -> list[str]:
    parameters = dict(list(inspect.signature(task_class.run).parameters.items())[1:])
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    inputs: dict[str, InputConnection] = {**connections.inputs, **connections.prerequisite_inputs}
    where = f"{task_class.__name__}.run"
    problems = []
    for name, connection in inputs.items():
        parameter = parameters.get(name)
        if parameter is None:
            if not takes_any:
                problems.append(f"{where} has no parameter {name!r} for the input connection of that name.")
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            problems.append(f"{where}: parameter {name!r} cannot be given by keyword.")
        elif connection.minimum == 0 and not connection.multiple and parameter.default is parameter.empty:
            problems.append(f"{where}: parameter {name!r} needs a default, as the input is optional (minimum=0).")
    for name, parameter in parameters.items():
        is_filled = name in inputs or name in _EXTRA or parameter.default is not parameter.empty
        if not is_filled and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            if name in connections.declared_connections:
                continue  # removed by this configuration only
            problems.append(f"{where}: parameter {name!r} is no input connection and has no default.")
    return problems
