# SPDX-License-Identifier: BSD-3-Clause
"""Views of a pipeline as text: what ``--show`` prints before there is a quantum graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from pachon.base import InvalidInputError, closest
from pachon.pipe_base.config import Configurable, RegistryChoice, RegistryChoices, config_text, dump_text
from pachon.pipe_base.config import history_text as field_history
from pachon.pipe_base.config.node import trail_of
from pachon.pipe_base.import_path import import_path_of
from pachon.pipe_base.pipeline.contents import PipelineContents
from pachon.pipe_base.pipeline.errors import UnknownLabelError
from pachon.pipe_base.pipeline.writing import write_pipeline
from pachon.pipe_base.pipeline_graph import DatasetTypeNode, PipelineGraph, TaskNode

__all__ = ["SHOW_ITEMS", "ShowItem", "parse_show_item", "show_contents", "show_graph"]

SHOW_ITEMS = (
    "pipeline", "config", "dump-config", "history", "tasks", "subsets", "inputs", "pipeline-graph", "task-graph"
)  # fmt: skip
_WITH_ARGUMENT = ("config", "dump-config", "history")
_CASE_SUFFIX = ":NOIGNORECASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowItem:
    """One thing to show, e.g. ``config=isr::do*``."""

    kind: str
    label: str | None = None
    """Task that is meant; `None` for all."""
    pattern: str = "*"
    ignore_case: bool = True

    @property
    def needs_graph(self) -> bool:
        """Whether the tasks have to be imported."""
        return self.kind not in ("pipeline", "subsets")


def parse_show_item(text: str) -> ShowItem:
    """Read ``KIND[=[LABEL::]PATTERN]``; for ``dump-config`` the argument is a label.

    Raises
    ------
    InvalidInputError
        The kind is not known, or its argument is missing or not wanted.
    """
    kind, equals, argument = text.partition("=")
    if kind not in SHOW_ITEMS:
        raise InvalidInputError(
            f"{kind!r} cannot be shown; what can is {', '.join(SHOW_ITEMS)}.{closest(kind, SHOW_ITEMS)}"
        )
    if equals and kind not in _WITH_ARGUMENT:
        raise InvalidInputError(f"{kind!r} takes no argument, not {argument!r}.")
    if kind == "history" and not argument:
        raise InvalidInputError("'history' needs the pattern of a field, e.g. history=isr::doBias.")
    if kind == "dump-config":
        return ShowItem(kind=kind, label=argument or None)
    ignore_case = not argument.endswith(_CASE_SUFFIX)
    label, separator, pattern = argument.removesuffix(_CASE_SUFFIX).rpartition("::")
    return ShowItem(
        kind=kind,
        label=label if separator and label else None,
        pattern=pattern.removeprefix("config.") or "*",
        ignore_case=ignore_case,
    )


def show_contents(item: ShowItem, contents: PipelineContents) -> str:
    """Give the text of an item that needs no graph."""
    if item.kind == "pipeline":
        return write_pipeline(contents)
    subsets = {name: list(subset.labels) for name, subset in contents.subsets.items()}
    return yaml.safe_dump(subsets, sort_keys=False) if subsets else ""


def show_graph(item: ShowItem, graph: PipelineGraph) -> str:
    """Give the text of an item that needs the graph.

    Raises
    ------
    UnknownLabelError
        The item names a task that is not there.
    InvalidInputError
        The history of fields is asked for and no field matches.
    """
    match item.kind:
        case "config":
            return "".join([*_config_texts(item, _tasks(item, graph), graph.tasks), *_unusable(item, graph)])
        case "dump-config":
            found = [f"{_heading(task)}{dump_text(task.config)}" for task in _tasks(item, graph)]
            return "\n".join([*found, *_unusable(item, graph)])
        case "history":
            return _history(item, graph)
        case "tasks":
            return "\n".join([*(_subtasks(task) for task in _tasks(item, graph)), *_unusable(item, graph)])
        case "inputs":
            rows = (
                f"{node.name}: {{{', '.join(_dimensions(node))}}} {node.storage_class}"
                for node in graph.overall_inputs().values()
            )
            return "".join(f"{row}\n" for row in rows)
        case "task-graph":
            return graph.draw(dataset_types=False)
        case _:
            return graph.draw()


def _dimensions(node: DatasetTypeNode) -> tuple[str, ...]:
    """Give the dimensions that identify a dataset, those that follow from others left out."""
    return node.dimension_names if node.dataset_type is None else node.dataset_type.dimensions.required


def _tasks(item: ShowItem, graph: PipelineGraph) -> list[TaskNode]:
    """Give the tasks that are meant and whose configuration is at hand."""
    if item.label is not None and item.label not in graph.tasks:
        raise UnknownLabelError(item.label, "task", closest(item.label, graph.tasks))
    labels = graph.tasks if item.label is None else (item.label,)
    return [graph.tasks[label] for label in labels if graph.tasks[label].is_imported]


def _unusable(item: ShowItem, graph: PipelineGraph) -> list[str]:
    """Give a comment for each task that is meant and has no configuration."""
    labels = graph.tasks if item.label is None else (item.label,)
    tasks = (graph.tasks[label] for label in labels)
    return [
        f"### No configuration of task '{task.label}': {task.problem or 'its class is described in a table only'}\n"
        for task in tasks
        if not task.is_imported
    ]


def _heading(task: TaskNode) -> str:
    return f"### Configuration for task '{task.label}'\n"


def _config_texts(item: ShowItem, tasks: Iterable[TaskNode], labels: Iterable[str]) -> Iterator[str]:
    if item.ignore_case and item.pattern != item.pattern.lower():
        yield f"# Upper and lower case of {item.pattern!r} are the same; add {_CASE_SUFFIX} to tell them apart.\n"
    some = False
    for task in tasks:
        found = config_text(task.config, item.pattern, ignore_case=item.ignore_case)
        if found or item.label is not None:
            nothing = f"# No field matches {item.pattern!r}.\n"
            yield f"{_heading(task)}{found or nothing}\n"
        some = some or bool(found)
    if not some and item.label is None:
        yield f"# No field of any task matches {item.pattern!r}.{_if_label(item, labels)}\n"


def _if_label(item: ShowItem, labels: Iterable[str]) -> str:
    """Say what to write, if the pattern is the label of a task."""
    if item.pattern not in labels:
        return ""
    return f" For the fields of task {item.pattern!r} write {item.kind}={item.pattern}::*."


def _history(item: ShowItem, graph: PipelineGraph) -> str:
    found = [
        f"### History for task '{task.label}'\n{text}"
        for task in _tasks(item, graph)
        if (text := field_history(task.config, item.pattern))
    ]
    unusable = _unusable(item, graph)
    if not found and not unusable:
        where = "" if item.label is None else f" of task {item.label!r}"
        raise InvalidInputError(f"No field{where} matches {item.pattern!r}.{_if_label(item, graph.tasks)}")
    return "\n".join([*found, *unusable])


def _subtasks(task: TaskNode) -> str:
    rows = [f"### Subtasks of task '{task.label}' ({task.class_name})"]
    for node in task.config.walk():
        path = trail_of(node).path
        if isinstance(node, Configurable) or (isinstance(node, RegistryChoice) and node.target is not None):
            rows.append(f"{path}: {import_path_of(node.target)}")
        elif isinstance(node, RegistryChoices):
            rows += [f"{path}[{name!r}]: {import_path_of(node.registry[name])}" for name in node.names]
    return "\n".join(rows) + "\n"
