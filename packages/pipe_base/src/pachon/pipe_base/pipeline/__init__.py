# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines: YAML documents that name tasks and configure them, merged, reduced, written and turned into graphs."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_base.pipeline.checking import PipelineCheck
    from pachon.pipe_base.pipeline.class_map import ClassMap
    from pachon.pipe_base.pipeline.contents import (
        ConfigBlock,
        Contract,
        FieldOverride,
        PipelineContents,
        PipelineTaskEntry,
        Step,
        Subset,
    )
    from pachon.pipe_base.pipeline.errors import (
        ContractError,
        PipelineError,
        PipelineFileNotFoundError,
        PipelineSyntaxError,
        TaskConfigurationError,
        TaskImportError,
        UnknownLabelError,
    )
    from pachon.pipe_base.pipeline.pipeline import Pipeline
    from pachon.pipe_base.pipeline.place import Place
    from pachon.pipe_base.pipeline.task_table import TaskTable

__all__ = [
    "ClassMap",
    "ConfigBlock",
    "Contract",
    "ContractError",
    "FieldOverride",
    "Pipeline",
    "PipelineCheck",
    "PipelineContents",
    "PipelineError",
    "PipelineFileNotFoundError",
    "PipelineSyntaxError",
    "PipelineTaskEntry",
    "Place",
    "Step",
    "Subset",
    "TaskConfigurationError",
    "TaskImportError",
    "TaskTable",
    "UnknownLabelError",
]

_HERE = "pachon.pipe_base.pipeline"

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ClassMap": f"{_HERE}.class_map",
        "ConfigBlock": f"{_HERE}.contents",
        "Contract": f"{_HERE}.contents",
        "ContractError": f"{_HERE}.errors",
        "FieldOverride": f"{_HERE}.contents",
        "Pipeline": f"{_HERE}.pipeline",
        "PipelineContents": f"{_HERE}.contents",
        "PipelineCheck": f"{_HERE}.checking",
        "PipelineError": f"{_HERE}.errors",
        "PipelineFileNotFoundError": f"{_HERE}.errors",
        "PipelineSyntaxError": f"{_HERE}.errors",
        "PipelineTaskEntry": f"{_HERE}.contents",
        "Place": f"{_HERE}.place",
        "Step": f"{_HERE}.contents",
        "Subset": f"{_HERE}.contents",
        "TaskConfigurationError": f"{_HERE}.errors",
        "TaskImportError": f"{_HERE}.errors",
        "TaskTable": f"{_HERE}.task_table",
        "UnknownLabelError": f"{_HERE}.errors",
    },
)
