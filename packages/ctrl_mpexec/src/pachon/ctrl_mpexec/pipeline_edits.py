# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines as a command line describes them: a file, and changes in the order in which they were given."""

from __future__ import annotations

from collections.abc import Iterable

from pachon.base import InvalidInputError
from pachon.pipe_base.pipeline import ClassMap, Pipeline

__all__ = ["edit_pipeline", "load_pipeline", "split_label"]


def load_pipeline(location: str | None, edits: Iterable[tuple[str, str]], class_map: str | None = None) -> Pipeline:
    """Read a pipeline and change it.

    Parameters
    ----------
    location
        File or URI, perhaps with ``#labels``; `None` begins with an empty pipeline.
    edits
        Pairs of an option (``task``, ``delete``, ``config``, ``config_file``, ``instrument``) and its value.
    class_map
        File with new names of the classes that the pipeline and its imports name.
    """
    classes = None if class_map is None else ClassMap.read(class_map)
    pipeline = Pipeline.empty() if location is None else Pipeline.read(location, classes=classes)
    for option, value in edits:
        pipeline = edit_pipeline(pipeline, option, value)
    return pipeline


def edit_pipeline(pipeline: Pipeline, option: str, value: str) -> Pipeline:
    """Apply one change. A task with a new label is in no step, so the pipeline has no steps any more.

    Raises
    ------
    InvalidInputError
        If the value has not the form that the option needs.
    """
    match option:
        case "task":
            class_name, _, label = value.partition(":")
            label = label or _default_label(class_name)
            changed = pipeline.with_task(label, class_name)
            return changed if label in pipeline.tasks else changed.without_steps()
        case "delete":
            return pipeline.without_task(value)
        case "config":
            label, rest = split_label(value, "-c", "LABEL:NAME=VALUE")
            name, equals, text = rest.partition("=")
            if not equals or not name or not text:
                raise InvalidInputError(f"-c needs LABEL:NAME=VALUE; got {value!r}.")
            return pipeline.with_config(label, name, text, source=f"-c {value}")
        case "config_file":
            for part in value.split(","):
                label, file = split_label(part, "-C", "LABEL:FILE")
                pipeline = pipeline.with_config_file(label, file)
            return pipeline
        case "instrument":
            return pipeline.with_instrument(value)
        case _:
            raise InvalidInputError(f"There is no change {option!r} of a pipeline.")


def split_label(value: str, option: str, form: str) -> tuple[str, str]:
    """Split at the first colon.

    Raises
    ------
    InvalidInputError
        If a side of the colon is empty, or there is none.
    """
    label, colon, rest = value.partition(":")
    if not colon or not label or not rest:
        raise InvalidInputError(f"{option} needs {form}; got {value!r}.")
    return label, rest


def _default_label(class_name: str) -> str:
    """Give the label of a task that was added without one: the default name of its class."""
    from pachon.pipe_base import PipelineTask, import_object

    task_class = import_object(class_name)
    if not (isinstance(task_class, type) and issubclass(task_class, PipelineTask)):
        raise InvalidInputError(f"{class_name} is no PipelineTask.")
    return task_class.default_name
