# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.pipe_base import (
    Input,
    MissingPrerequisiteError,
    NoWorkFound,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    Struct,
)
from pachon.pipe_base.testing import run_task
from pachon.pipe_base.testing.sample_tasks import (
    CombineTask,
    MeasureConfig,
    MeasureTask,
    ScaleTask,
    SummarizeTask,
)


def test_a_task_runs_on_objects() -> None:
    run = run_task(MeasureTask, {"image": {"value": 3.0}, "bias": {"value": 1.0}}, data_id={"exposure": 7})
    assert run.outputs.measurement == {"value": 2.0}
    assert run.quantum.data_id["exposure"] == 7
    assert run.quantum.data_id["detector"] == 1
    assert run.task.full_metadata()["measure:offset"]["applied"] == 0.0
    assert run.task.schema == {"columns": ["value"]}  # type: ignore[attr-defined]


def test_configuration_and_removed_connections() -> None:
    config = MeasureConfig(do_bias=False, mode="square")
    config.offset.retarget(ScaleTask)
    config.offset.factor = 10.0
    run = run_task(MeasureTask, {"image": {"value": 3.0}}, config=config)
    assert run.outputs.measurement == {"value": 90.0}
    with pytest.raises(InvalidInputError, match="MeasureTask has no input 'bias'"):
        run_task(MeasureTask(config=config), {"image": {"value": 3.0}, "bias": {}})


def test_deferred_inputs_and_data_ids() -> None:
    seen: list[Any] = []

    class _SpyTask(CombineTask):
        def run(self, *, measurements: Any, data_id: Any) -> Any:
            seen.extend((handle.data_id["exposure"], handle.data_id["detector"]) for handle in measurements)
            return super().run(measurements=measurements, data_id=data_id)

    values = [{"value": 1.0}, {"value": 2.0}]
    run = run_task(_SpyTask, {"measurements": values}, data_ids={"measurements": [{"detector": 3}, {"detector": 4}]})
    assert run.outputs.combined == {"value": 3.0}
    assert seen == [(1, 3), (2, 4)]
    assert run.metadata["n"] == 2


def test_optional_inputs() -> None:
    run = run_task(SummarizeTask, {"combined": [{"value": 1.0}]})
    assert run.outputs.summary == {"n": 1, "value": 1.0}
    run = run_task(SummarizeTask, {"combined": [{"value": 1.0}], "note": {"text": "x"}})
    assert run.outputs.summary["note"] == "x"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        run_task(MeasureTask, {"bias": {"value": 1.0}})
    assert str(caught.value) == "MeasureTask needs the input 'image'."
    with pytest.raises(InvalidInputError, match=r"has no input 'imge'\. Did you mean 'image'"):
        run_task(MeasureTask, {"imge": 3})
    with pytest.raises(NoWorkFound):
        run_task(SummarizeTask, {"combined": []})
    with pytest.raises(NoWorkFound, match=r"The value -1.0 is negative\."):
        run_task(MeasureTask, {"image": {"value": 0.0}, "bias": {"value": 1.0}})
    assert issubclass(MissingPrerequisiteError, FileNotFoundError)


class ManyConnections(PipelineTaskConnections, dimensions=("instrument",)):
    numbers = Input(
        name="numbers", storage_class="StructuredDataDict", dimensions=("instrument", "detector"), multiple=True
    )
    total = Output(name="total", storage_class="StructuredDataDict", dimensions=("instrument",))
    remark = Output(name="remark", storage_class="StructuredDataDict", dimensions=("instrument",))


class ManyConfig(PipelineTaskConfig, connections=ManyConnections):
    pass


class ManyTask(PipelineTask):
    config_class = ManyConfig
    default_name = "many"

    def run(self, *, numbers: list[int]) -> Struct:
        # The remark is left out, which is legal; the second name is a mistake.
        return Struct(total=sum(numbers)) if len(numbers) < 3 else Struct(totl=sum(numbers), speed=3)


def test_a_misspelled_output_is_named() -> None:
    assert run_task(ManyTask, {"numbers": [1, 2]}).outputs == Struct(total=3)
    with pytest.raises(InvalidInputError) as caught:
        run_task(ManyTask, {"numbers": [1, 2, 3]})
    assert str(caught.value) == "ManyTask.run returns 'totl', which is no output. Did you mean 'total'?"


def test_several_objects_are_a_list() -> None:
    with pytest.raises(InvalidInputError) as caught:
        run_task(ManyTask, {"numbers": 3})
    assert str(caught.value) == "Connection 'numbers' takes several objects: give a list, not 3."
