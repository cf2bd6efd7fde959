# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pachon.pipe_base import (
    InitInput,
    Input,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    Struct,
)
from pachon.pipe_base.testing import check_connections, connection_problems, sample_tasks


class BadConnections(PipelineTaskConnections, dimensions=("visit",)):
    one = Input(name="one", storage_class="X", dimensions=("visit",))
    two = Input(name="two", storage_class="X", dimensions=("visit",), minimum=0)
    three = Input(name="three", storage_class="X", dimensions=("visit",))
    start = InitInput(name="start", storage_class="X")
    out = Output(name="out", storage_class="X", dimensions=("visit",))


class BadConfig(PipelineTaskConfig, connections=BadConnections):
    pass


class BadTask(PipelineTask):
    config_class = BadConfig

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)

    def run(self, three: Any, /, *, two: Any, four: Any, five: int = 3, data_id: Any) -> Struct:
        return Struct()


@pytest.mark.parametrize("task", [sample_tasks.MeasureTask, sample_tasks.CombineTask, sample_tasks.SummarizeTask])
def test_good_tasks(task: type[PipelineTask]) -> None:
    check_connections(task)


def test_every_problem_is_a_sentence() -> None:
    assert connection_problems(BadTask) == [
        "BadTask has no default_name.",
        "BadTask.run has no parameter 'one' for the input connection of that name.",
        "BadTask.run: parameter 'two' needs a default, as the input is optional (minimum=0).",
        "BadTask.run: parameter 'three' cannot be given by keyword.",
        "BadTask.run: parameter 'four' is no input connection and has no default.",
        "BadTask has init-inputs, but its constructor takes no 'init_inputs'.",
    ]
    with pytest.raises(AssertionError, match="BadTask has no default_name"):
        check_connections(BadTask)
