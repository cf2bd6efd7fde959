# SPDX-License-Identifier: BSD-3-Clause
"""Finding the definition of every dataset type: registered, else the producer's, else that of all consumers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pachon.base import InvalidInputError, NotFoundError, PachonError
from pachon.datasets import DatasetType, StorageClasses
from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.pipe_base.pipeline_graph.errors import (
    ConnectionTypeConsistencyError,
    IncompatibleDatasetTypeError,
    PipelineGraphError,
    UnresolvedDatasetTypeError,
)
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphEdge, TaskNode
from pachon.pipe_base.pipeline_graph.ordering import bound_edges, find_writers

__all__ = ["PACKAGES", "ResolutionFacts", "resolve_dataset_types"]

PACKAGES = "packages"
"""Dataset type of the versions of all packages, one dataset a run."""

_PLACEHOLDER = "skypix"
_AUTOMATIC = ("_config", "_log", "_metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionFacts:
    """What is known outside of the pipeline."""

    universe: DimensionUniverse
    registered: Mapping[str, DatasetType]
    """Dataset types of the repository, by name."""
    storage_classes: StorageClasses
    lenient: bool = False
    """Whether what cannot be found is noted instead of raised: for pictures without a repository."""


def resolve_dataset_types(tasks: Iterable[TaskNode], facts: ResolutionFacts) -> dict[str, DatasetTypeNode]:
    """Give a node for every dataset type of the tasks, and ``packages``, by name, sorted.

    Raises
    ------
    DuplicateOutputError, ConnectionTypeConsistencyError
        The connections contradict each other.
    IncompatibleDatasetTypeError, UnresolvedDatasetTypeError
        Definitions do not fit, or are missing; if ``facts`` are lenient the latter is noted in the node.
    """
    edges = bound_edges(tasks)
    writers = find_writers(edges)
    readers: dict[str, list[GraphEdge]] = {}
    for edge in edges:
        if edge.is_input:
            readers.setdefault(edge.dataset_type_name, []).append(edge)
    found = {
        name: _resolve(name, writers.get(name), readers.get(name, []), facts)
        for name in sorted(writers.keys() | readers.keys())
    }
    if tuple(tasks):
        found[PACKAGES] = _packages(facts)
    return found


def _packages(facts: ResolutionFacts) -> DatasetTypeNode:
    definition = facts.registered.get(PACKAGES) or DatasetType(PACKAGES, (), "Packages", universe=facts.universe)
    return DatasetTypeNode(
        name=PACKAGES,
        dataset_type=definition,
        storage_class=definition.storage_class,
        is_init=True,
        is_automatic=True,
        is_registered=PACKAGES in facts.registered,
    )


def _resolve(name: str, writer: GraphEdge | None, readers: list[GraphEdge], facts: ResolutionFacts) -> DatasetTypeNode:
    _check_kinds(name, writer, readers)
    edges = [writer, *readers] if writer is not None else readers
    problem = ""
    definition: DatasetType | None = None
    try:
        definition = _define(name, writer, readers, facts)
        for edge in edges:
            _check_edge(edge, definition, facts, is_registered=name in facts.registered)
    except PipelineGraphError as error:
        if not facts.lenient:
            raise
        problem = str(error)
    regular = [edge for edge in readers if edge.kind == "input"]
    return DatasetTypeNode(
        name=name,
        dataset_type=definition,
        storage_class=definition.storage_class if definition else _guess_storage_class(edges),
        dimension_names=definition.dimension_names if definition else edges[0].raw_dimensions,
        is_calibration=edges[0].is_calibration,
        producer=writer.task_label if writer else None,
        consumers=tuple(sorted({edge.task_label for edge in readers})),
        is_init=edges[0].is_init,
        is_prerequisite=any(edge.is_prerequisite for edge in readers),
        is_initial_query_constraint=writer is None
        and bool(regular)
        # What a reader can do without does not limit what it is made for.
        and not any(edge.defer_graph_constraint or edge.minimum == 0 for edge in regular),
        is_registered=name in facts.registered,
        is_automatic=writer is not None and writer.connection in _AUTOMATIC,
        problem=problem,
    )


def _check_kinds(name: str, writer: GraphEdge | None, readers: list[GraphEdge]) -> None:
    prerequisite = next((edge for edge in readers if edge.is_prerequisite), None)
    if prerequisite is not None:
        regular = next((edge for edge in readers if not edge.is_prerequisite), None)
        if writer is not None:
            raise ConnectionTypeConsistencyError(
                f"Dataset type {name!r} is a prerequisite of {prerequisite}, so it cannot be written by {writer} "
                "in the same pipeline."
            )
        if regular is not None:
            raise ConnectionTypeConsistencyError(
                f"Dataset type {name!r} is a prerequisite of {prerequisite} and a regular input of {regular}."
            )
    for edge in readers:
        if writer is not None and edge.is_init != writer.is_init:
            kinds = ("an init-output", "no init-input") if writer.is_init else ("no init-output", "an init-input")
            raise ConnectionTypeConsistencyError(
                f"Dataset type {name!r} is {kinds[0]} of {writer} and {kinds[1]} of {edge}."
            )


def _guess_storage_class(edges: list[GraphEdge]) -> str:
    known = dict.fromkeys(edge.storage_class for edge in edges if edge.component is None)
    return "/".join(known) or "<UNKNOWN>"


# -- the definition ------------------------------------------------------------------------------------------------


def _define(name: str, writer: GraphEdge | None, readers: list[GraphEdge], facts: ResolutionFacts) -> DatasetType:
    if name in facts.registered:
        return facts.registered[name].conform(facts.universe)
    if writer is not None:
        return _definition_of(writer, facts)
    wholes = [edge for edge in readers if edge.component is None]
    if not wholes:
        edge = readers[0]
        raise UnresolvedDatasetTypeError(
            f"{str(edge).capitalize()} reads component {edge.full_name!r}, but dataset type {name!r} is neither "
            "registered nor written by the pipeline; register it first."
        )
    definitions = [_definition_of(edge, facts) for edge in wholes]
    for edge, definition in zip(wholes[1:], definitions[1:], strict=True):
        if definition != definitions[0]:
            raise IncompatibleDatasetTypeError(
                f"Dataset type {name!r} is not registered, and its readers differ: {wholes[0]} has "
                f"{_shown(definitions[0])}, {edge} has {_shown(definition)}; register it first."
            )
    return definitions[0]


def _definition_of(edge: GraphEdge, facts: ResolutionFacts) -> DatasetType:
    if _PLACEHOLDER in edge.raw_dimensions:
        if not facts.lenient:
            raise UnresolvedDatasetTypeError(
                f"Dataset type {edge.dataset_type_name!r} of {edge} has the placeholder dimension 'skypix' and is not "
                "registered; register it with a real pixelization."
            )
        common = facts.universe.common_skypix
        dimensions = tuple(common if name == _PLACEHOLDER else name for name in edge.raw_dimensions)
    else:
        dimensions = edge.raw_dimensions
    if edge.storage_class not in facts.storage_classes:
        try:
            facts.storage_classes.get(edge.storage_class)
        except NotFoundError as error:
            raise UnresolvedDatasetTypeError(f"{_capitalized(edge)}: {error}") from error
    group = group_of(dimensions, str(edge), facts.universe)
    try:
        return DatasetType(edge.dataset_type_name, group, edge.storage_class, is_calibration=edge.is_calibration)
    except InvalidInputError as error:
        raise UnresolvedDatasetTypeError(f"{_capitalized(edge)}: {error}") from error


def group_of(dimensions: tuple[str, ...], owner: str, universe: DimensionUniverse) -> DimensionGroup:
    """Give the group of dimension names, or raise an error that names who declares them."""
    try:
        return universe.conform(dimensions)
    except PachonError as error:
        raise UnresolvedDatasetTypeError(f"{owner[:1].upper()}{owner[1:]}: {error}") from error


def _capitalized(edge: GraphEdge) -> str:
    text = str(edge)
    return f"{text[:1].upper()}{text[1:]}"


def _change(declared: DimensionGroup, definition: DatasetType) -> str:
    """Say what a declaration has more and less than a definition; empty if the required dimensions tell it."""
    more = [name for name in declared.required if name not in definition.dimensions.names]
    less = [name for name in definition.dimensions.required if name not in declared.names]
    parts = [f"has {', '.join(more)}"] if more else []
    parts += [f"lacks {', '.join(less)}"] if less else []
    return f"; the declaration {' and '.join(parts)}" if parts else ""


def _shown(definition: DatasetType) -> str:
    calibration = ", calibration" if definition.is_calibration else ""
    return f"{{{', '.join(definition.dimensions.required)}}} {definition.storage_class}{calibration}"


# -- whether a connection fits the definition ------------------------------------------------------------------------


def _check_edge(edge: GraphEdge, definition: DatasetType, facts: ResolutionFacts, *, is_registered: bool) -> None:
    origin = "registered" if is_registered else "defined in the pipeline"
    dimensions = _without_placeholder(edge, definition, facts)
    group = group_of(dimensions, str(edge), facts.universe)
    if group != definition.dimensions:
        raise IncompatibleDatasetTypeError(
            f"{_capitalized(edge)} declares {edge.dataset_type_name!r} with dimensions {{{', '.join(group.required)}}}, "
            f"but it is {origin} with {{{', '.join(definition.dimensions.required)}}}{_change(group, definition)}."
        )
    if edge.is_calibration != definition.is_calibration and edge.component is None:
        words = ("a calibration", "no calibration")
        declared, known = words if edge.is_calibration else words[::-1]
        raise IncompatibleDatasetTypeError(
            f"{_capitalized(edge)} declares {edge.dataset_type_name!r} as {declared}, but it is {origin} as {known}."
        )
    _check_storage_class(edge, definition, facts, origin)


def _without_placeholder(edge: GraphEdge, definition: DatasetType, facts: ResolutionFacts) -> tuple[str, ...]:
    if _PLACEHOLDER not in edge.raw_dimensions:
        return edge.raw_dimensions
    pixels = definition.dimensions.skypix
    others = tuple(name for name in edge.raw_dimensions if name != _PLACEHOLDER)
    return (*others, *pixels)


def _check_storage_class(edge: GraphEdge, definition: DatasetType, facts: ResolutionFacts, origin: str) -> None:
    if edge.component is None and edge.storage_class == definition.storage_class:
        return  # it is read as it is; whether it can be read here shows when it is
    known = facts.storage_classes
    try:
        wanted = known.get(edge.storage_class)
        stored = known.get(definition.storage_class)
        if edge.component is not None:
            stored = known.get(stored.component(edge.component))
    except NotFoundError as error:
        raise UnresolvedDatasetTypeError(f"{_capitalized(edge)}: {error}") from error
    if edge.is_input and not wanted.can_convert(stored):
        raise IncompatibleDatasetTypeError(
            f"{_capitalized(edge)} reads {edge.full_name!r} as {wanted.name}, but it is {origin} as {stored.name}, "
            "which cannot be converted."
        )
    if not edge.is_input and not stored.can_convert(wanted):
        raise IncompatibleDatasetTypeError(
            f"{_capitalized(edge)} writes {edge.full_name!r} as {wanted.name}, but it is {origin} as {stored.name}, "
            "to which it cannot be converted."
        )
