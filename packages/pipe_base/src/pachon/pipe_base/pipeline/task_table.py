# SPDX-License-Identifier: BSD-3-Clause
"""Descriptions of task classes that cannot be imported: what they read and write, in a table.

A table is YAML or JSON, class path -> description::

    lsst.ip.isr.IsrTask:
      dimensions: [instrument, exposure, detector]
      templates: {kind: raw}
      connections:
        image: {kind: input, name: "{kind}", storage_class: Exposure, dimensions: [instrument, exposure, detector]}
        result: {kind: output, name: post_isr, storage_class: Exposure, dimensions: [instrument, exposure, detector]}

With it such a task has its place in graphs and pictures, under the names that its overrides give. Its code is not there, so
`python` blocks and override files are passed over, and so are contracts about fields that neither a value nor ``fields`` (their
defaults) sets. Connections may depend on fields: see `pachon.pipe_base.pipeline.described_connections`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Self

from pachon.base import FormatError, InvalidInputError, closest
from pachon.pipe_base.config.values import parse_literal
from pachon.pipe_base.connections import Connection
from pachon.pipe_base.pipeline.contents import PipelineTaskEntry
from pachon.pipe_base.pipeline.described_connections import (
    DescribedConnection,
    DimensionsIf,
    read_dimensions_if,
    text_tuple,
)
from pachon.pipe_base.pipeline.errors import TaskConfigurationError
from pachon.pipe_base.pipeline.expression import UncheckableError
from pachon.pipe_base.pipeline.table_file import read_table
from pachon.pipe_base.pipeline_graph import GraphEdge, TaskNode, automatic_edges

__all__ = ["DescribedConfig", "TaskDescription", "TaskTable", "described_task_node"]

_LOG = logging.getLogger(__name__)

_KEYS = ("dimensions", "dimensions_if", "templates", "connections", "fields", "default_name", "can_multiprocess")
_CONNECTIONS = "connections."
_PARAMETERS = "parameters."


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDescription:
    """What is known of a task class."""

    dimensions: tuple[str, ...] = ()
    templates: Mapping[str, str]
    connections: Mapping[str, DescribedConnection]
    dimensions_if: tuple[DimensionsIf, ...] = ()
    """Other dimensions of the quanta, under conditions; the first that holds counts."""
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Defaults of fields, by dotted name."""
    default_name: str = ""
    can_multiprocess: bool = True

    @classmethod
    def from_mapping(cls, class_name: str, mapping: Any) -> Self:
        """Read a description.

        Raises
        ------
        FormatError
            It is malformed; the class and the nearest key are named.
        """
        where = f"Description of {class_name}"
        if not isinstance(mapping, Mapping):
            raise FormatError(f"{where}: it is a mapping, not {mapping!r}.")
        for key in mapping:
            if key not in _KEYS:
                raise FormatError(f"{where}: unknown key {key!r}.{closest(str(key), _KEYS)}")
        parts = {key: mapping.get(key) or {} for key in ("templates", "connections", "fields")}
        for key, part in parts.items():
            if not isinstance(part, Mapping):
                raise FormatError(f"{where}: {key!r} is a mapping by name, not {part!r}.")
        connections = {}
        for name, options in parts["connections"].items():
            try:
                connections[str(name)] = DescribedConnection.from_mapping(str(name), options)
            except InvalidInputError as error:
                raise FormatError(f"{where}: connection {name!r}: {getattr(error, 'problem', error)}.") from error
        try:
            return cls(
                dimensions=text_tuple(mapping.get("dimensions") or (), "dimensions"),
                dimensions_if=read_dimensions_if(mapping["dimensions_if"]) if "dimensions_if" in mapping else (),
                templates={str(key): str(value) for key, value in parts["templates"].items()},
                connections=connections,
                fields=dict(parts["fields"]),
                default_name=mapping.get("default_name", ""),
                can_multiprocess=mapping.get("can_multiprocess", True),
            )
        except InvalidInputError as error:
            raise FormatError(f"{where}: {error}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTable:
    """Descriptions by class path."""

    tasks: Mapping[str, TaskDescription]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a table from a YAML or JSON file.

        Raises
        ------
        NotFoundError
            There is no such file.
        FormatError
            The file or a description in it is malformed.
        StorageError
            It cannot be read.
        """
        document = read_table(path, "of tasks")
        if not isinstance(document, Mapping):
            raise FormatError(f"Table {os.fspath(path)!r} is no mapping from class paths to descriptions.")
        return cls(
            tasks={str(name): TaskDescription.from_mapping(str(name), entry) for name, entry in document.items()}
        )

    @staticmethod
    def document_of(tasks: Iterable[TaskNode]) -> dict[str, Any]:
        """Give the table, as data, of the classes of tasks that are imported; of labels of one class the first counts."""
        found: dict[str, Any] = {}
        for task in tasks:
            if task.is_imported and task.class_name not in found:
                cls = type(task.connections)
                declared = {**task.connections.all_connections, **cls.declared_connections}
                found[task.class_name] = {
                    "dimensions": list(task.dimension_names),
                    "templates": dict(cls.templates),
                    "default_name": task.default_name,
                    "can_multiprocess": task.can_multiprocess,
                    "connections": {name: _options(declared[name]) for name in task.connections.all_connections},
                }
        return found


def _options(connection: Connection) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": connection.kind}
    for option in fields(connection):
        value = getattr(connection, option.name)
        if option.name not in ("attribute", "lookup_function") and value != option.default:
            document[option.name] = list(value) if isinstance(value, tuple) else value
    return document


class DescribedConfig:
    """The configuration of a task that is described only: what values set, and the names of connections."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        vars(self)["_values"], vars(self)["_path"] = values, path

    def __getattr__(self, name: str) -> Any:
        full_name = f"{self._path}{name}"
        if full_name in self._values:
            return self._values[full_name]
        if any(known.startswith(f"{full_name}.") for known in self._values):
            return DescribedConfig(self._values, f"{full_name}.")
        raise UncheckableError(full_name)


def described_task_node(
    entry: PipelineTaskEntry, description: TaskDescription, parameters: Mapping[str, Any]
) -> TaskNode:
    """Make the node of a task from its description and the values that its blocks set.

    Raises
    ------
    TaskConfigurationError
        A value is for a connection that the task has not, or a name has an unknown template.
    """
    texts = {name: described.connection.name for name, described in description.connections.items()}
    templates = dict(description.templates)
    values: dict[str, Any] = dict(description.fields)
    for block in entry.config:
        if block.files or block.python is not None:
            _LOG.warning("%s: task %r is described only; its override code is not run.", block.place, entry.label)
        for name, override in block.values.items():
            value = override.value
            if isinstance(value, str) and value.startswith(_PARAMETERS):
                value = parameters.get(value.removeprefix(_PARAMETERS), value)
            # Nobody knows the type of the field: what reads like a number is one, as on the command line.
            values[name] = parse_literal(value, {}) if isinstance(value, str) else value
            if name.startswith(_CONNECTIONS):
                target = name.removeprefix(_CONNECTIONS)
                if target not in texts and target not in templates:
                    hint = closest(target, [*texts, *templates])
                    raise TaskConfigurationError(
                        entry.label, f"{override.place}: there is no connection {target!r}.{hint}"
                    )
                (templates if target in templates else texts)[target] = str(value)
    edges = []
    for name, described in description.connections.items():
        for connection, own_templates in described.for_values(values):
            try:
                resolved = replace(connection, name=texts[name].format(**{**templates, **own_templates}))
            except (LookupError, ValueError) as error:
                raise TaskConfigurationError(
                    entry.label, f"the name {texts[name]!r} of connection {name!r} has no template {error}."
                ) from error
            edges.append(GraphEdge.from_connection(entry.label, resolved))
    dimensions = next(
        (names for rule, names in description.dimensions_if if rule.holds(values)), description.dimensions
    )
    named = {f"{_CONNECTIONS}{name}": text for name, text in {**texts, **templates}.items()}
    keep_log = values.get("saveLogOutput", True) is not False
    return TaskNode(
        label=entry.label,
        class_name=entry.class_name,
        dimension_names=dimensions,
        edges=(*edges, *automatic_edges(entry.label, dimensions, keep_log=keep_log)),
        default_name=description.default_name,
        can_multiprocess=description.can_multiprocess,
        config=DescribedConfig({**values, **named}),
    )
