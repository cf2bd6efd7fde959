# SPDX-License-Identifier: BSD-3-Clause
"""The nodes and edges of a pipeline graph, as values that need no task class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pachon.datasets import DatasetType
from pachon.pipe_base.connections import Connection, DimensionedConnection, Input, InputConnection, PrerequisiteInput

__all__ = ["DatasetTypeNode", "EdgeKind", "GraphEdge", "GraphStep", "GraphSubset", "TaskNode"]

EdgeKind = Literal["init_input", "init_output", "input", "prerequisite_input", "output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """A connection of a task to a dataset type."""

    task_label: str
    connection: str
    """Name of the connection; those of automatic datasets begin with an underscore."""
    kind: EdgeKind
    dataset_type_name: str
    """Name of the parent dataset type."""
    storage_class: str
    """Storage class that the task wants, or writes; of the component if there is one."""
    component: str | None = None
    raw_dimensions: tuple[str, ...] = ()
    """As declared; may hold the placeholder ``skypix``."""
    is_calibration: bool = False
    multiple: bool = False
    minimum: int = 1
    defer_load: bool = False
    defer_graph_constraint: bool = False
    defer_binding: bool = False
    has_lookup_function: bool = False

    @property
    def is_input(self) -> bool:
        """Whether the task reads it, at construction or per quantum."""
        return self.kind in ("input", "prerequisite_input", "init_input")

    @property
    def is_init(self) -> bool:
        """Whether it belongs to the construction of the task."""
        return self.kind in ("init_input", "init_output")

    @property
    def is_prerequisite(self) -> bool:
        """Whether it is a prerequisite input."""
        return self.kind == "prerequisite_input"

    @property
    def is_automatic(self) -> bool:
        """Whether the framework adds it: configuration, log, metadata."""
        return self.connection.startswith("_")

    @property
    def full_name(self) -> str:
        """Name of the dataset type, with the component."""
        return self.dataset_type_name if self.component is None else f"{self.dataset_type_name}.{self.component}"

    def __str__(self) -> str:
        return f"task {self.task_label!r} (connection {self.connection!r})"

    @classmethod
    def from_connection(cls, task_label: str, connection: Connection) -> GraphEdge:
        """Make the edge of a connection of a task."""
        options: dict[str, Any] = {}
        if isinstance(connection, DimensionedConnection):
            options.update(raw_dimensions=connection.dimensions, is_calibration=connection.is_calibration)
        if isinstance(connection, InputConnection):
            options.update(minimum=connection.minimum, defer_load=connection.defer_load)
        if isinstance(connection, Input):
            options.update(
                defer_graph_constraint=connection.defer_graph_constraint or connection.defer_binding,
                defer_binding=connection.defer_binding,
            )
        if isinstance(connection, PrerequisiteInput):
            options["has_lookup_function"] = connection.lookup_function is not None
        return cls(
            task_label=task_label,
            connection=connection.attribute,
            kind=connection.kind,  # type: ignore[arg-type]  # one of the five
            dataset_type_name=connection.dataset_type_name,
            component=connection.component,
            storage_class=connection.storage_class,
            multiple=connection.multiple,
            **options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNode:
    """A task of the pipeline with its connections."""

    label: str
    class_name: str
    """Import path of the class."""
    dimension_names: tuple[str, ...] = ()
    """As declared; see `PipelineGraph.dimensions_of` for the group."""
    edges: tuple[GraphEdge, ...] = ()
    """All connections, automatic ones included."""
    config_document: Mapping[str, Any] | None = field(default=None, compare=False)
    """The configuration as data."""
    default_name: str = ""
    can_multiprocess: bool = True
    adjusts_quanta: bool = False
    """Whether the connections class overrides `adjust_quantum`."""
    adjusts_all_quanta: bool = False
    problem: str = ""
    """Why the task could not be imported or configured; empty if it could."""
    task_class: Any = field(default=None, compare=False, repr=False)
    """The class, if this node was made from code; see `load_task` otherwise."""
    config: Any = field(default=None, compare=False, repr=False)
    """The frozen configuration, if this node was made from code."""
    connections: Any = field(default=None, compare=False, repr=False)
    """The `PipelineTaskConnections` object, if this node was made from code."""

    @property
    def is_imported(self) -> bool:
        """Whether class, configuration and connections are at hand."""
        return self.connections is not None

    def edges_of(self, *kinds: EdgeKind) -> Iterator[GraphEdge]:
        """Give the connections of some kinds, without automatic ones."""
        return (edge for edge in self.edges if edge.kind in kinds and not edge.is_automatic)

    @property
    def inputs(self) -> dict[str, GraphEdge]:
        """Regular inputs by connection name."""
        return {edge.connection: edge for edge in self.edges_of("input")}

    @property
    def prerequisite_inputs(self) -> dict[str, GraphEdge]:
        """Prerequisite inputs by connection name."""
        return {edge.connection: edge for edge in self.edges_of("prerequisite_input")}

    @property
    def outputs(self) -> dict[str, GraphEdge]:
        """Outputs by connection name, without log and metadata."""
        return {edge.connection: edge for edge in self.edges_of("output")}

    @property
    def init_inputs(self) -> dict[str, GraphEdge]:
        """Init-inputs by connection name."""
        return {edge.connection: edge for edge in self.edges_of("init_input")}

    @property
    def init_outputs(self) -> dict[str, GraphEdge]:
        """Init-outputs by connection name, without the configuration."""
        return {edge.connection: edge for edge in self.edges_of("init_output")}

    def automatic(self, connection: str) -> GraphEdge | None:
        """Give the edge ``_config``, ``_log`` or ``_metadata``, or `None`."""
        return next((edge for edge in self.edges if edge.connection == connection), None)

    @property
    def config_output(self) -> GraphEdge:
        """The init-output that holds the configuration."""
        found = self.automatic("_config")
        assert found is not None
        return found

    @property
    def metadata_output(self) -> GraphEdge:
        """The output that holds the metadata; its existence marks a quantum as done."""
        found = self.automatic("_metadata")
        assert found is not None
        return found

    @property
    def log_output(self) -> GraphEdge | None:
        """The output that holds the log, or `None` if logs are not kept."""
        return self.automatic("_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTypeNode:
    """A dataset type of the pipeline."""

    name: str
    """Never a component."""
    dataset_type: DatasetType | None = None
    """The definition; `None` if it is not known (see ``problem``)."""
    storage_class: str = "<UNKNOWN>"
    """Storage class of the definition, or what is known of it, e.g. ``A/B``."""
    dimension_names: tuple[str, ...] = ()
    is_calibration: bool = False
    producer: str | None = None
    """Label of the task that writes it; `None` for overall inputs, and for the global ``packages``."""
    consumers: tuple[str, ...] = ()
    """Labels of the tasks that read it, sorted."""
    is_init: bool = False
    """Whether it belongs to the construction of tasks."""
    is_prerequisite: bool = False
    is_initial_query_constraint: bool = False
    """Whether existing datasets of it limit the data IDs of a graph."""
    is_registered: bool = False
    """Whether the repository has it."""
    is_automatic: bool = False
    """Configuration, log, metadata or packages."""
    problem: str = ""
    """Why the definition is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSubset:
    """A named group of tasks."""

    name: str
    labels: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStep:
    """A subset that is run as one production step."""

    label: str
    dimensions: tuple[str, ...] = ()
