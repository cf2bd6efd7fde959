# SPDX-License-Identifier: BSD-3-Clause
"""`PipelineTask`: a task that declares its inputs and outputs and is run per quantum."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from pachon.base import InvalidInputError
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig
from pachon.pipe_base.struct import Struct
from pachon.pipe_base.task import Task

if TYPE_CHECKING:
    from pachon.pipe_base.connections import QuantumRefs
    from pachon.pipe_base.context import QuantumContext

__all__ = ["PipelineTask"]


def _undefined_run(task: PipelineTask, **inputs: Any) -> Struct:
    raise InvalidInputError(f"{type(task).__name__} defines no 'run' method.")


class PipelineTask(Task):
    """Base of the tasks of pipelines: an author writes ``config_class``, ``default_name`` and ``run``.

    Parameters
    ----------
    config
        An instance of ``config_class``.
    log
        Logger.
    init_inputs
        Connection name -> object, for every init-input.
    name
        The label.
    """

    config_class: ClassVar[type[PipelineTaskConfig]]
    can_multiprocess: ClassVar[bool] = True
    """Whether the task may run in a subprocess."""

    def __init__(
        self,
        *,
        config: PipelineTaskConfig | None = None,
        log: logging.Logger | None = None,
        init_inputs: Mapping[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(config=config, name=name, log=log, **kwargs)

    # Authors declare the arguments that they need; a type checker must not compare them with a base.
    run: Any = _undefined_run
    """Method that takes the inputs by connection name and returns a `Struct` with the outputs."""

    def run_quantum(self, context: QuantumContext, inputs: QuantumRefs, outputs: QuantumRefs) -> None:
        """Read the inputs, call ``run``, write the outputs; override it to control reading and writing.

        ``run`` gets each input by keyword; an optional input that does not exist is left out. A parameter
        ``data_id`` of ``run`` that is no connection gets the data ID of the quantum.
        """
        arguments = context.get(inputs)
        if wants_data_id(self) and "data_id" not in arguments:
            arguments["data_id"] = context.data_id
        context.put(self.run(**arguments), outputs)


def wants_data_id(task: PipelineTask) -> bool:
    """Whether ``run`` of a task has a parameter ``data_id``."""
    return _takes_data_id(getattr(task.run, "__func__", task.run))


@lru_cache(1000)
def _takes_data_id(run: Callable[..., Any]) -> bool:
    # Asked for each quantum, and the same for all quanta of a task.
    import inspect

    return "data_id" in inspect.signature(run).parameters
