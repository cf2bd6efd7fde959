# SPDX-License-Identifier: BSD-3-Clause
"""What a picture shows, before it is written in some format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypedDict

from pachon.base import PachonError
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge, TaskNode
from pachon.pipe_base.pipeline_graph.ordering import bound_edges

__all__ = [
    "PictureChoices",
    "PictureEdge",
    "PictureKind",
    "PictureModel",
    "PictureNode",
    "PictureOptions",
    "picture_model",
    "shown_edges",
    "task_nodes",
]

Detail = Literal["full", "concise", "off"]


class PictureKind(IntEnum):
    """Kind of a node; its number is a part of the node's key."""

    DATASET_TYPE = 0
    TASK_INIT = 1
    TASK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """What is shown."""

    dataset_types: bool = True
    dimensions: Detail = "concise"
    """``concise`` leaves out dimensions that others imply."""
    task_classes: Detail = "off"
    storage_classes: bool = True
    automatic: bool = False
    """Configurations, logs and metadata."""
    init: bool = False
    """The construction of tasks, with init-inputs and init-outputs, as nodes of their own."""
    merge_parallel: bool = False
    """One node for dataset types that the same task writes and the same tasks read."""
    compact: bool | None = None
    """Tasks only, which name what they read and write; `None`: in SVG and PNG, if there are more than a hundred nodes."""


class PictureChoices(TypedDict, total=False):
    """The same, as keyword arguments."""

    dataset_types: bool
    dimensions: Detail
    task_classes: Detail
    storage_classes: bool
    automatic: bool
    init: bool
    merge_parallel: bool
    compact: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureNode:
    """A task, a task's construction, or a dataset type (or several)."""

    names: tuple[str, ...]
    kind: PictureKind
    dimensions: tuple[str, ...] | None = None
    """Names to show, or `None`."""
    storage_class: str = ""
    class_name: str = ""
    notes: tuple[str, ...] = ()
    """Further lines."""
    doc: str = ""
    is_prerequisite: bool = False
    is_init: bool = False
    problem: str = ""

    @property
    def key(self) -> str:
        """``<name>:<kind>``, unique in the picture."""
        return f"{self.names[0]}:{int(self.kind)}"

    @property
    def title(self) -> str:
        """The names."""
        return ", ".join(self.names)

    @property
    def details(self) -> tuple[str, ...]:
        """Lines below the title."""
        dimensions = () if self.dimensions is None else (f"{{{', '.join(self.dimensions)}}}",)
        return tuple(part for part in (*dimensions, self.storage_class, self.class_name, *self.notes) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEdge:
    """An arrow."""

    source: str
    target: str
    is_prerequisite: bool = False
    component: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureModel:
    """Nodes, sources before targets, and edges."""

    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]


def picture_model(
    tasks: Mapping[str, TaskNode],
    dataset_types: Mapping[str, DatasetTypeNode],
    universe: DimensionUniverse,
    options: PictureOptions,
) -> PictureModel:
    """Choose what is shown of a graph.

    Parameters
    ----------
    tasks
        In topological order.
    dataset_types
        By name.
    universe
        The dimensions, for their concise form.
    options
        What is shown.
    """
    edges = shown_edges(tasks, options)
    nodes = {node.key: node for node in task_nodes(tasks, universe, options)}
    if not options.dataset_types:
        return PictureModel(nodes=tuple(nodes.values()), edges=tuple(_task_edges(edges)))
    names = dict.fromkeys(edge.dataset_type_name for edge in edges)
    for name in names:
        node = _dataset_type_node(dataset_types[name], universe, options)
        nodes[node.key] = node
    arrows = [_arrow(edge, options) for edge in edges]
    if options.init:
        shown = {edge.task_label for edge in edges if edge.is_init}
        nodes.update({f"{label}:1": PictureNode(names=(label,), kind=PictureKind.TASK_INIT) for label in shown})
        arrows += [PictureEdge(source=f"{label}:1", target=f"{label}:2") for label in sorted(shown)]
    if options.merge_parallel:
        nodes, arrows = _merge_parallel(nodes, arrows)
    return PictureModel(nodes=_sorted_nodes(nodes, arrows), edges=tuple(dict.fromkeys(arrows)))


def shown_edges(tasks: Mapping[str, TaskNode], options: PictureOptions) -> list[GraphEdge]:
    """Give the connections that a picture shows."""
    return [
        edge
        for edge in bound_edges(tasks.values())
        if (options.automatic or not edge.is_automatic) and (options.init or not edge.is_init)
    ]


def task_nodes(
    tasks: Mapping[str, TaskNode], universe: DimensionUniverse, options: PictureOptions
) -> Iterable[PictureNode]:
    """Give a node for each task."""
    for label, task in tasks.items():
        class_name = {"full": task.class_name, "concise": task.class_name.rpartition(".")[2], "off": ""}
        yield PictureNode(
            names=(label,),
            kind=PictureKind.TASK,
            dimensions=None if task.problem else _shown_dimensions(task.dimension_names, universe, options.dimensions),
            class_name=class_name[options.task_classes],
            notes=("no connections known",) if task.problem else (),
            problem=task.problem,
        )


def _dataset_type_node(node: DatasetTypeNode, universe: DimensionUniverse, options: PictureOptions) -> PictureNode:
    return PictureNode(
        names=(node.name,),
        kind=PictureKind.DATASET_TYPE,
        dimensions=_shown_dimensions(node.dimension_names, universe, options.dimensions),
        storage_class=node.storage_class if options.storage_classes else "",
        is_prerequisite=node.is_prerequisite,
        is_init=node.is_init,
        problem=node.problem,
    )


def _shown_dimensions(names: tuple[str, ...], universe: DimensionUniverse, detail: Detail) -> tuple[str, ...] | None:
    if detail == "off":
        return None
    try:
        group = universe.conform(names)
    except PachonError:
        return names
    if detail == "full":
        return group.names
    # Leave out what the others bring along.
    kept = list(group.names)
    for name in group.names:
        rest = [other for other in kept if other != name]
        if universe.conform(rest) == group:
            kept = rest
    return tuple(kept)


def _arrow(edge: GraphEdge, options: PictureOptions) -> PictureEdge:
    kind = PictureKind.TASK_INIT if edge.is_init and options.init else PictureKind.TASK
    task, dataset_type = f"{edge.task_label}:{int(kind)}", f"{edge.dataset_type_name}:0"
    return PictureEdge(
        source=dataset_type if edge.is_input else task,
        target=task if edge.is_input else dataset_type,
        is_prerequisite=edge.is_prerequisite,
        component=edge.component or "",
    )


def _task_edges(edges: Iterable[GraphEdge]) -> Iterable[PictureEdge]:
    edges = list(edges)
    writers = {edge.dataset_type_name: edge.task_label for edge in edges if not edge.is_input}
    pairs = dict.fromkeys(
        (writers[edge.dataset_type_name], edge.task_label)
        for edge in edges
        if edge.is_input and edge.dataset_type_name in writers
    )
    return (PictureEdge(source=f"{writer}:2", target=f"{reader}:2") for writer, reader in pairs)


def _merge_parallel(
    nodes: dict[str, PictureNode], edges: list[PictureEdge]
) -> tuple[dict[str, PictureNode], list[PictureEdge]]:
    """Merge dataset types with the same ends and the same text."""
    ends: dict[str, set[tuple[str, str, bool, str]]] = {key: set() for key in nodes}
    for edge in edges:
        ends[edge.source].add(("to", edge.target, edge.is_prerequisite, edge.component))
        ends[edge.target].add(("from", edge.source, edge.is_prerequisite, edge.component))
    groups: dict[object, list[PictureNode]] = {}
    for key, node in nodes.items():
        alike = (node.dimensions, node.storage_class, node.problem, frozenset(ends[key]))
        groups.setdefault(alike if node.kind is PictureKind.DATASET_TYPE else key, []).append(node)
    merged: dict[str, PictureNode] = {}
    renamed: dict[str, str] = {}
    for members in groups.values():
        first = members[0]
        whole = PictureNode(
            names=tuple(name for member in members for name in member.names),
            kind=first.kind,
            dimensions=first.dimensions,
            storage_class=first.storage_class,
            class_name=first.class_name,
            is_prerequisite=first.is_prerequisite,
            is_init=first.is_init,
            problem=first.problem,
        )
        merged[whole.key] = whole
        renamed.update((member.key, whole.key) for member in members)
    arrows = (
        PictureEdge(
            source=renamed[edge.source],
            target=renamed[edge.target],
            is_prerequisite=edge.is_prerequisite,
            component=edge.component,
        )
        for edge in edges
    )
    return merged, list(dict.fromkeys(arrows))


def _sorted_nodes(nodes: dict[str, PictureNode], edges: Iterable[PictureEdge]) -> tuple[PictureNode, ...]:
    """Sort topologically; among free nodes, those that continue the latest one come first."""
    targets: dict[str, list[str]] = {key: [] for key in nodes}
    sources: dict[str, set[str]] = {key: set() for key in nodes}
    for edge in edges:
        targets[edge.source].append(edge.target)
        sources[edge.target].add(edge.source)
    waiting = {key: len(found) for key, found in sources.items()}
    # Inputs are pulled in just before the first task that needs them, which keeps lines short.
    order: list[str] = []
    done: set[str] = set()

    def place(key: str) -> None:
        for source in sorted(sources[key]):
            if source not in done:
                place(source)
        if key not in done:
            done.add(key)
            order.append(key)
            for target in sorted(targets[key]):
                waiting[target] -= 1
                if waiting[target] == 0 and nodes[target].kind is PictureKind.DATASET_TYPE:
                    place(target)

    for key, node in nodes.items():
        if node.kind is not PictureKind.DATASET_TYPE:
            place(key)
    for key in nodes:
        place(key)
    return tuple(nodes[key] for key in order)
