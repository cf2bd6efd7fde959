# SPDX-License-Identifier: BSD-3-Clause
"""Small tasks on numbers, for tests of pipelines, graphs and execution.

``make_source`` gives a number per exposure and detector, ``measure`` adds to it, ``combine`` sums up the detectors of
a visit with a catalogue of scales made at construction, and ``summarize`` reads everything of an instrument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from pachon.pipe_base.config import Config, Configurable, configurable_field
from pachon.pipe_base.connections import (
    InitInput,
    InitOutput,
    Input,
    Output,
    PipelineTaskConnections,
    PrerequisiteInput,
)
from pachon.pipe_base.outcomes import NoWorkFound
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig
from pachon.pipe_base.struct import Struct
from pachon.pipe_base.task import Task
from pachon.pipe_base.timing import timed_method

__all__ = [
    "CombineConfig",
    "CombineConnections",
    "CombineTask",
    "MeasureConfig",
    "MeasureConnections",
    "MeasureTask",
    "OffsetConfig",
    "OffsetTask",
    "ScaleTask",
    "SummarizeConfig",
    "SummarizeConnections",
    "SummarizeTask",
]

_RAW = ("instrument", "exposure", "detector")
_VISIT = ("instrument", "visit")
_DICT = "StructuredDataDict"


class OffsetConfig(Config):
    """Configuration of `OffsetTask`."""

    offset: float = 0.0
    """What is added."""


class OffsetTask(Task):
    """A subtask that adds a number."""

    config_class = OffsetConfig
    default_name = "offset"

    @timed_method
    def run(self, value: float) -> float:
        """Add the offset."""
        self.metadata["applied"] = self.config.offset
        return float(value + self.config.offset)


class ScaleConfig(Config):
    """Configuration of `ScaleTask`."""

    factor: float = Field(default=1.0, gt=0)
    """What is multiplied with."""


class ScaleTask(Task):
    """A subtask that multiplies by a number; it may stand in for `OffsetTask`."""

    config_class = ScaleConfig
    default_name = "scale"

    def run(self, value: float) -> float:
        """Multiply by the factor."""
        return float(value * self.config.factor)


class MeasureConnections(PipelineTaskConnections, dimensions=_RAW, templates={"kind": "raw"}):
    """One input, one calibration that the configuration may switch off, one output."""

    image = Input(name="{kind}", storage_class=_DICT, dimensions=_RAW, doc="numbers of one detector")
    bias = PrerequisiteInput(
        name="bias",
        storage_class=_DICT,
        dimensions=("instrument", "detector"),
        is_calibration=True,
        doc="what is subtracted",
    )
    measurement = Output(name="measurement", storage_class=_DICT, dimensions=_RAW, doc="the measurement")
    schema = InitOutput(name="measurement_schema", storage_class=_DICT, doc="names of the columns")

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if config is not None and not config.do_bias:
            del self.bias


class MeasureConfig(PipelineTaskConfig, connections=MeasureConnections):
    """Configuration of `MeasureTask`."""

    do_bias: bool = True
    """Whether the bias is subtracted."""
    mode: Literal["plain", "square"] = "plain"
    """How the value is measured."""
    planes: list[str] = Field(default=["BAD"])
    """Names of mask planes."""
    limits: tuple[int, ...] = (0, 100)
    """Accepted range."""
    names: dict[str, str] = Field(default={})
    """Other names of columns."""
    offset: Configurable = configurable_field(OffsetTask)
    """What is added in the end."""


class MeasureTask(PipelineTask):
    """Subtracts, measures and adds an offset with a subtask."""

    config_class = MeasureConfig
    default_name = "measure"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.make_subtask("offset")
        self.schema = {"columns": ["value"]}

    offset: Any

    def run(self, *, image: Mapping[str, float], bias: Mapping[str, float] | None = None) -> Struct:
        """Give the measurement of one image."""
        value = image["value"] - (bias["value"] if bias is not None else 0.0)
        if value < 0:
            raise NoWorkFound(f"The value {value} is negative.")
        if self.config.mode == "square":
            value *= value
        return Struct(measurement={"value": self.offset.run(value)})


class CombineConnections(PipelineTaskConnections, dimensions=_VISIT):
    """Several inputs, read when needed, and an init-input."""

    measurements = Input(
        name="measurement",
        storage_class=_DICT,
        dimensions=_RAW,
        multiple=True,
        defer_load=True,
        doc="measurements of all detectors",
    )
    schema = InitInput(name="measurement_schema", storage_class=_DICT, doc="names of the columns")
    combined = Output(name="combined", storage_class=_DICT, dimensions=_VISIT, doc="sum over detectors")


class CombineConfig(PipelineTaskConfig, connections=CombineConnections):
    """Configuration of `CombineTask`."""

    minimum: int = 1
    """Least number of measurements."""

    def check(self) -> None:
        if self.minimum < 1:
            raise ValueError("minimum must be at least 1")


class CombineTask(PipelineTask):
    """Sums up the measurements of a visit."""

    config_class = CombineConfig
    default_name = "combine"

    def __init__(self, *, init_inputs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(init_inputs=init_inputs, **kwargs)
        self.columns = (init_inputs or {"schema": {"columns": ["value"]}})["schema"]["columns"]

    def run(self, *, measurements: Sequence[Any], data_id: Any) -> Struct:
        """Sum up what the handles give."""
        self.log.info("%d measurements of %s", len(measurements), data_id)
        total = sum(handle.get()[self.columns[0]] for handle in measurements)
        self.metadata["n"] = len(measurements)
        return Struct(combined={"value": total})


class SummarizeConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """Everything of an instrument, and an optional input."""

    combined = Input(name="combined", storage_class=_DICT, dimensions=_VISIT, multiple=True, doc="sums of visits")
    note = Input(name="note", storage_class=_DICT, dimensions=("instrument",), minimum=0, doc="a remark")
    summary = Output(name="summary", storage_class=_DICT, dimensions=("instrument",), doc="the summary")


class SummarizeConfig(PipelineTaskConfig, connections=SummarizeConnections):
    """Configuration of `SummarizeTask`."""


class SummarizeTask(PipelineTask):
    """Makes one dataset of all visits."""

    config_class = SummarizeConfig
    default_name = "summarize"

    def run(self, *, combined: Sequence[Mapping[str, float]], note: Mapping[str, str] | None = None) -> Struct:
        """Give the number and the sum of the visits."""
        summary: dict[str, Any] = {"n": len(combined), "value": sum(entry["value"] for entry in combined)}
        if note is not None:
            summary["note"] = note["text"]
        return Struct(summary=summary)
