# SPDX-License-Identifier: BSD-3-Clause
"""`PipelineGraph`: tasks and dataset types of a pipeline, ordered and resolved."""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from pachon.base import FormatError, InvalidInputError, NotFoundError, closest
from pachon.datasets import DatasetType, FactSource, StorageClasses
from pachon.dimensions import DimensionGroup, DimensionUniverse, UnknownDimensionError
from pachon.pipe_base.pipeline_graph.documents import (
    GRAPH_DOCUMENT_VERSION,
    check_graph_document,
    dataset_type_document,
    read_dataset_type,
    read_step,
    read_subset,
    read_task,
    step_document,
    subset_document,
    task_document,
)
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge, GraphStep, GraphSubset, TaskNode
from pachon.pipe_base.pipeline_graph.ordering import bound_edges, sort_tasks, task_links
from pachon.pipe_base.pipeline_graph.pictures.compact import LARGE, compact_model
from pachon.pipe_base.pipeline_graph.pictures.dot import draw_dot
from pachon.pipe_base.pipeline_graph.pictures.mermaid import draw_mermaid
from pachon.pipe_base.pipeline_graph.pictures.model import (
    PictureChoices,
    PictureModel,
    PictureOptions,
    picture_model,
)
from pachon.pipe_base.pipeline_graph.pictures.text import draw_text
from pachon.pipe_base.pipeline_graph.resolution import ResolutionFacts, group_of, resolve_dataset_types
from pachon.pipe_base.pipeline_graph.selecting import SelectionFacts, reachable, select_labels
from pachon.pipe_base.pipeline_graph.steps import check_steps
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    import networkx

__all__ = ["PictureFormat", "PipelineGraph"]

PictureFormat = Literal["text", "mermaid", "dot", "svg"]


@dataclass(frozen=True, kw_only=True)
class PipelineGraph:
    """The tasks of a pipeline with the dataset types between them; a value that is not changed.

    Make one with `Pipeline.to_graph`, `build` or `from_document`. It can be shown, drawn and read without any task
    class at hand.
    """

    tasks: Mapping[str, TaskNode]
    """Tasks by label, writers before readers; names break ties."""
    dataset_types: Mapping[str, DatasetTypeNode]
    """Dataset types by name, automatic ones included, sorted."""
    universe: DimensionUniverse
    is_resolved: bool = False
    """Whether all definitions are known and checked."""
    description: str = ""
    instrument: str | None = None
    """How the pipeline names its instrument."""
    data_id: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """``{"instrument": name}`` if the pipeline has an instrument."""
    subsets: Mapping[str, GraphSubset] = field(default_factory=lambda: MappingProxyType({}))
    steps: tuple[GraphStep, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def build(
        cls,
        tasks: Iterable[TaskNode],
        *,
        universe: DimensionUniverse | None = None,
        registered: Mapping[str, DatasetType] | None = None,
        storage_classes: StorageClasses | None = None,
        subsets: Mapping[str, GraphSubset] | None = None,
        steps: tuple[GraphStep, ...] = (),
        description: str = "",
        instrument: str | None = None,
        data_id: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Self:
        """Sort tasks and find the definitions of their dataset types.

        Parameters
        ----------
        tasks
            In any order.
        universe
            Default is the common one.
        registered
            Dataset types of a repository. Without them the graph is for looking at: what only a repository knows
            is noted in the nodes, and ``is_resolved`` tells if nothing was missing.
        storage_classes
            Default are those that are installed.
        subsets, steps, description, instrument, data_id, parameters
            Kept as they are; steps are checked.

        Raises
        ------
        PipelineGraphError
            Connections do not fit each other or the repository, tasks wait for each other, steps do not fit.
        """
        subsets = subsets or {}
        ordered = sort_tasks(tasks, steps, subsets)
        lenient = registered is None
        facts = ResolutionFacts(
            universe=universe or DimensionUniverse.default(),
            registered=registered or {},
            storage_classes=StorageClasses.default() if storage_classes is None else storage_classes,
            lenient=lenient,
        )
        by_label = {task.label: task for task in ordered}
        known_dimensions = _check_dimensions(ordered, facts)
        dataset_types = resolve_dataset_types(ordered, facts)
        if known_dimensions:
            check_steps(steps, subsets, by_label, dataset_types, facts.universe, lenient=lenient)
        complete = known_dimensions and not any(node.problem for node in dataset_types.values())
        return cls(
            tasks=MappingProxyType(by_label),
            dataset_types=MappingProxyType(dataset_types),
            universe=facts.universe,
            is_resolved=complete and not any(task.problem for task in ordered),
            description=description,
            instrument=instrument,
            data_id=MappingProxyType(dict(data_id or {})),
            subsets=MappingProxyType(dict(subsets)),
            steps=tuple(steps),
            parameters=MappingProxyType(dict(parameters or {})),
        )

    def resolve(self, facts: FactSource, *, storage_classes: StorageClasses | None = None) -> Self:
        """Give the graph with the definitions that a repository has.

        Parameters
        ----------
        facts
            A butler, or whatever answers for one; it is asked once for dataset types.
        storage_classes
            Default are those of the butler, else those that are installed.

        Raises
        ------
        PipelineGraphError
            Connections do not fit the repository, or a definition is missing.
        """
        return self._rebuilt(
            self.tasks.values(),
            universe=facts.universe,
            registered=facts.fetch_dataset_types(list(self.dataset_types)),
            storage_classes=storage_classes or getattr(facts, "storage_classes", None),
        )

    def _rebuilt(self, tasks: Iterable[TaskNode], **changes: Any) -> Self:
        options: dict[str, Any] = {
            "universe": self.universe, "subsets": self.subsets, "steps": self.steps, "description": self.description,
            "instrument": self.instrument, "data_id": self.data_id, "parameters": self.parameters,
        }  # fmt: skip
        return type(self).build(tasks, **{**options, **changes})

    # -- reading ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.tasks)

    def task(self, label: str) -> TaskNode:
        """Give a task.

        Raises
        ------
        NotFoundError
            There is no such label.
        """
        if label not in self.tasks:
            raise NotFoundError(f"The pipeline has no task {label!r}.{closest(label, self.tasks)}")
        return self.tasks[label]

    def dimensions_of(self, label: str) -> DimensionGroup:
        """Give the dimensions of a task's quanta."""
        return group_of(self.task(label).dimension_names, f"task {label!r}", self.universe)

    def edges(self) -> list[GraphEdge]:
        """Give all connections that bind a task to a dataset type, automatic ones included."""
        return bound_edges(self.tasks.values())

    def overall_inputs(self) -> dict[str, DatasetTypeNode]:
        """Give the dataset types that no task of the pipeline writes, by name, sorted."""
        return {
            name: node for name, node in self.dataset_types.items() if node.producer is None and not node.is_automatic
        }

    def query_constraints(self) -> dict[str, DatasetTypeNode]:
        """Give the overall inputs whose existing datasets limit the data IDs of a graph."""
        return {name: node for name, node in self.dataset_types.items() if node.is_initial_query_constraint}

    def links(self) -> dict[str, dict[str, str]]:
        """Give for each label the labels of the tasks that read its outputs, and one dataset type each."""
        return task_links(self.tasks.values())

    def upstream(self, label: str) -> frozenset[str]:
        """Give the labels of all tasks that a task depends on, itself included."""
        return reachable(frozenset([self.task(label).label]), self._selection_facts().reversed_links())

    def downstream(self, label: str) -> frozenset[str]:
        """Give the labels of all tasks that depend on a task, itself included."""
        return reachable(frozenset([self.task(label).label]), self.links())

    def to_networkx(self) -> networkx.DiGraph[tuple[str, str]]:
        """Give the bipartite graph; nodes are ``("task" | "dataset_type", name)`` with the node as attribute ``node``."""
        import networkx

        graph: networkx.DiGraph[tuple[str, str]] = networkx.DiGraph()
        for label, task in self.tasks.items():
            graph.add_node(("task", label), node=task)
        for name, node in self.dataset_types.items():
            graph.add_node(("dataset_type", name), node=node)
        for edge in self.edges():
            ends = [("dataset_type", edge.dataset_type_name), ("task", edge.task_label)]
            graph.add_edge(*(ends if edge.is_input else ends[::-1]), edge=edge)
        return graph

    # -- parts -----------------------------------------------------------------------------------------------------

    def _selection_facts(self) -> SelectionFacts:
        return SelectionFacts(links=self.links(), dataset_types=self.dataset_types, subsets=self.subsets)

    def select(self, expression: str) -> Self:
        """Give the graph of the tasks that an expression selects (``--select-tasks``).

        Raises
        ------
        SubsetExpressionError
            The expression is not valid, or a name in it is unknown or ambiguous.
        """
        return self.subgraph(select_labels(expression, self._selection_facts()))

    def subgraph(self, labels: Collection[str]) -> Self:
        """Give the graph of some tasks; subsets and steps that are not complete any more are left out.

        So are all steps, if a task that is kept loses its own.
        """
        keep = set(labels)
        subsets = {name: subset for name, subset in self.subsets.items() if keep.issuperset(subset.labels)}
        steps = tuple(step for step in self.steps if step.label in subsets)
        stepped = {label for step in steps for label in subsets[step.label].labels}
        registered = None
        if self.is_resolved:
            registered = {n: d.dataset_type for n, d in self.dataset_types.items() if d.dataset_type is not None}
        part = self._rebuilt(
            [task for label, task in self.tasks.items() if label in keep],
            subsets=subsets,
            steps=steps if stepped >= keep & self.tasks.keys() else (),
            registered=registered,
        )
        marked = {
            name: dataclasses.replace(node, is_registered=self.dataset_types[name].is_registered)
            for name, node in part.dataset_types.items()
        }
        return dataclasses.replace(part, dataset_types=MappingProxyType(marked))

    def split_independent(self) -> list[Self]:
        """Give the parts of which none reads what another one makes, in the order of their first tasks.

        Each can be built alone. Overall inputs and init datasets connect nothing.
        """
        labels_of: dict[str, set[str]] = {label: {label} for label in self.tasks}
        owner: dict[str, str] = {}
        for edge in self.edges():
            made = self.dataset_types[edge.dataset_type_name]
            if made.producer is None or made.is_init:
                continue
            first = owner.setdefault(edge.dataset_type_name, edge.task_label)
            if labels_of[first] is not labels_of[edge.task_label]:
                merged = labels_of[first] | labels_of[edge.task_label]
                for label in merged:
                    labels_of[label] = merged
        parts: Iterator[set[str]] = iter({id(part): part for part in labels_of.values()}.values())
        return [self.subgraph(part) for part in parts]

    # -- files and pictures ------------------------------------------------------------------------------------------

    def to_document(self) -> dict[str, Any]:
        """Give the graph as JSON-able data, configurations included; it goes into quantum graph files.

        The universe is named by its digest only.
        """
        return {
            "version": GRAPH_DOCUMENT_VERSION,
            "universe": self.universe.digest,
            "description": self.description,
            "instrument": self.instrument,
            "data_id": dict(self.data_id),
            "is_resolved": self.is_resolved,
            "parameters": dict(self.parameters),
            "tasks": {label: task_document(task) for label, task in self.tasks.items()},
            "dataset_types": {name: dataset_type_document(node) for name, node in self.dataset_types.items()},
            "subsets": {name: subset_document(subset) for name, subset in self.subsets.items()},
            "steps": [step_document(step) for step in self.steps],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], universe: DimensionUniverse) -> Self:
        """Read what `to_document` gave; no task class is imported.

        Parameters
        ----------
        document
            The data.
        universe
            The universe that the graph was made with.

        Raises
        ------
        FormatError
            The document is damaged, of a newer version, or of another universe.
        """
        check_graph_document(document)
        if document["universe"] != universe.digest:
            raise FormatError("The pipeline graph was made with another dimension universe.")
        return cls(
            tasks=MappingProxyType({label: read_task(label, task) for label, task in document["tasks"].items()}),
            dataset_types=MappingProxyType(
                {name: read_dataset_type(name, node, universe) for name, node in document["dataset_types"].items()}
            ),
            universe=universe,
            is_resolved=document["is_resolved"],
            description=document["description"],
            instrument=document["instrument"],
            data_id=MappingProxyType(document["data_id"]),
            subsets=MappingProxyType({name: read_subset(name, s) for name, s in document["subsets"].items()}),
            steps=tuple(read_step(step) for step in document["steps"]),
            parameters=MappingProxyType(document["parameters"]),
        )

    def draw(self, kind: PictureFormat = "text", *, title: str = "", **options: Unpack[PictureChoices]) -> str:
        """Draw the graph.

        Parameters
        ----------
        kind
            ``text`` (for a terminal), ``mermaid``, ``dot`` or ``svg`` (made here, no system program is needed).
        title
            Heading of an SVG picture.
        **options
            Fields of `PictureOptions`: ``dataset_types``, ``dimensions``, ``task_classes``, ``storage_classes``,
            ``automatic``, ``init``, ``merge_parallel``, ``compact``.
        """
        model = self._picture(PictureOptions(**options), is_image=kind == "svg")
        match kind:
            case "text":
                return draw_text(model)
            case "mermaid":
                return draw_mermaid(model)
            case "dot":
                return draw_dot(model)
            case "svg":
                from pachon.pipe_base.pipeline_graph.pictures.svg import draw_svg  # who runs quanta draws nothing

                return draw_svg(model, title=title)

    def to_png(self, *, title: str = "", scale: float = 2.0, **options: Unpack[PictureChoices]) -> bytes:
        """Draw the graph as a PNG image, the same picture as the SVG one; Pillow is needed.

        Parameters
        ----------
        title
            Heading.
        scale
            Pixels for a unit of the SVG picture.
        **options
            As for `draw`.

        Raises
        ------
        InvalidInputError
            Pillow is not installed.
        """
        from pachon.pipe_base.pipeline_graph.pictures.svg import draw_png  # as for SVG

        return draw_png(self._picture(PictureOptions(**options), is_image=True), title=title, scale=scale)

    def write_picture(
        self, path: str | os.PathLike[str], *, title: str = "", **options: Unpack[PictureChoices]
    ) -> None:
        """Draw the graph into a file, in the format that its name ends with.

        Parameters
        ----------
        path
            Path or URI: ``.svg``, ``.png``, ``.dot`` or ``.gv``, ``.mmd``, ``.txt``, or ``.json`` (see `to_document`).
        title
            Heading of a picture.
        **options
            As for `draw`.

        Raises
        ------
        InvalidInputError
            The name ends otherwise, or Pillow is not installed.
        """
        name = os.fspath(path)
        ending = os.path.splitext(name)[1].lower()
        match ending:
            case ".png":
                content = self.to_png(title=title, **options)
            case ".json":
                content = json.dumps(self.to_document(), indent=1).encode()
            case _ if ending in _KINDS:
                content = self.draw(_KINDS[ending], title=title, **options).encode()
            case _:
                known = ", ".join([*_KINDS, ".png", ".json"])
                raise InvalidInputError(f"{name!r}: a picture is written to a file that ends with one of {known}.")
        ResourcePath(name).write(content, overwrite=True)

    def _picture(self, options: PictureOptions, *, is_image: bool) -> PictureModel:
        """Choose what is shown; large images are compact if nobody says otherwise."""
        if options.compact:
            return compact_model(self.tasks, self.universe, options)
        model = picture_model(self.tasks, self.dataset_types, self.universe, options)
        if options.compact is None and is_image and len(model.nodes) > LARGE:
            return compact_model(self.tasks, self.universe, options)
        return model

    def _repr_svg_(self) -> str:
        """Show the graph in a notebook."""
        return self.draw("svg", title=self.description.strip().partition("\n")[0])

    def _repr_html_(self) -> str:
        """Show the graph in a notebook, in a frame that scrolls, with its numbers above."""
        counts = f"{len(self.tasks)} tasks, {len(self.dataset_types)} dataset types"
        problems = "".join(f"<li>{html.escape(task.problem)}</li>" for task in self.tasks.values() if task.problem)
        listing = f"<ul>{problems}</ul>" if problems else ""
        return (
            f'<div><p>{counts}</p>{listing}<div style="max-height:40em;overflow:auto">{self._repr_svg_()}</div></div>'
        )

    def __str__(self) -> str:
        return self.draw()


_KINDS: dict[str, PictureFormat] = {
    ".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "text",
}  # fmt: skip


def _check_dimensions(tasks: Iterable[TaskNode], facts: ResolutionFacts) -> bool:
    """Tell whether the dimensions of all tasks are known; raise unless that is allowed."""
    known = True
    for task in tasks:
        if facts.lenient:
            try:
                facts.universe.conform(task.dimension_names)
            except UnknownDimensionError:
                known = False
        else:
            group_of(task.dimension_names, f"task {task.label!r}", facts.universe)
    return known
