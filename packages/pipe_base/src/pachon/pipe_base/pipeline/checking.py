# SPDX-License-Identifier: BSD-3-Clause
"""From a pipeline to its graph, as far as that is possible, with all that is wrong found at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pachon.base import InvalidInputError, PachonError
from pachon.datasets import FactSource, StorageClasses
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base.config.node import trail_of
from pachon.pipe_base.connections import ConnectionDefinitionError
from pachon.pipe_base.instrument import InstrumentNotFoundError, PipelineInstrument, find_instrument
from pachon.pipe_base.pipeline.configuring import configure_task, contract_errors, import_task_class
from pachon.pipe_base.pipeline.contents import PipelineContents, PipelineTaskEntry
from pachon.pipe_base.pipeline.errors import TaskConfigurationError, TaskImportError
from pachon.pipe_base.pipeline.task_table import TaskTable, described_task_node
from pachon.pipe_base.pipeline.thorough import dimension_errors, run_error
from pachon.pipe_base.pipeline_graph import (
    PACKAGES,
    GraphStep,
    GraphSubset,
    PipelineGraph,
    TaskNode,
    make_task_node,
    missing_task_node,
)
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig

__all__ = ["PipelineCheck", "check_pipeline"]

_MISSING = (TaskImportError, TaskConfigurationError, InstrumentNotFoundError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineCheck:
    """A pipeline's graph, as far as it can be made, and everything that is wrong with the pipeline."""

    graph: PipelineGraph | None
    """Tasks that cannot be imported or configured are in it without connections; `None` if the tasks do not fit."""
    errors: tuple[PachonError, ...] = ()
    """In the order of the pipeline: instrument, tasks, contracts, graph."""

    def raise_errors(self, *, allow_missing: bool = False) -> PipelineGraph:
        """Give the graph, or raise what is wrong: the error itself if there is one, else a group of all.

        Parameters
        ----------
        allow_missing
            Whether tasks and instruments that cannot be had are no error.
        """
        errors = [error for error in self.errors if not (allow_missing and isinstance(error, _MISSING))]
        if len(errors) > 1:
            raise ExceptionGroup(f"{len(errors)} things are wrong with the pipeline", errors)
        if errors:
            raise errors[0]
        assert self.graph is not None, "without a graph there is an error"
        return self.graph


def check_pipeline(
    contents: PipelineContents,
    butler: FactSource | None = None,
    table: TaskTable | None = None,
    *,
    thorough: bool = False,
    storage_classes: StorageClasses | None = None,
) -> PipelineCheck:
    """Import and configure all tasks, check the contracts, connect the tasks; go on after an error.

    Parameters
    ----------
    contents
        The pipeline.
    butler
        Repository whose dataset types are used; without it the graph is for looking at.
    table
        Descriptions of classes; those that are in it are not imported.
    thorough
        Also find what is wrong for sure before anything is run, see `pachon.pipe_base.pipeline.thorough`; without a
        repository the dimensions are those of the default universe.
    storage_classes
        Those that the connections may name; by default those of the repository, or the installed ones.
    """
    errors: list[PachonError] = []
    instrument = None
    try:
        instrument = None if contents.instrument is None else find_instrument(contents.instrument)
    except (InstrumentNotFoundError, InvalidInputError) as error:
        if contents.instrument_place.line:
            error.add_note(f"It is named here: {contents.instrument_place}.")
        errors.append(error)
    nodes: dict[str, TaskNode] = {}
    for label, entry in contents.tasks.items():
        try:
            nodes[label] = _make_node(entry, contents, instrument, table)
        except (TaskImportError, TaskConfigurationError) as error:
            errors.extend(error.each() if isinstance(error, TaskConfigurationError) else [error])
            nodes[label] = missing_task_node(label, entry.class_name, str(error))
    configs = {label: node.config for label, node in nodes.items() if not node.problem}
    errors.extend(contract_errors(contents, configs))
    graph = None
    try:
        graph = _make_graph(contents, nodes, instrument, butler, storage_classes)
    except PachonError as error:
        _note_places(error, contents)
        errors.append(error)
    if thorough:
        errors.extend(_thorough_errors(contents, nodes, butler))
    return PipelineCheck(graph=graph, errors=tuple(errors))


def _thorough_errors(
    contents: PipelineContents, nodes: dict[str, TaskNode], butler: FactSource | None
) -> Iterator[PachonError]:
    for label, node in nodes.items():
        if node.is_imported and not node.problem:
            entry = contents.tasks[label]
            if reason := run_error(import_task_class(entry), node):
                yield TaskConfigurationError(label, f"{entry.place}: {reason}")
    if butler is None:
        advice = " (That is the default universe; -b REPO gives the dimensions of a repository.)"
        yield from dimension_errors(contents, nodes, DimensionUniverse.default(), advice)


def _note_places(error: PachonError, contents: PipelineContents) -> None:
    """Say of an error of the graph where the steps and tasks stand that it is about."""
    places = {step.label: step.place for step in contents.steps}
    for label in dict.fromkeys(getattr(error, "steps", ())):
        if label in places and places[label].line:
            error.add_note(f"Step {label!r}: {places[label]}.")
    for label in dict.fromkeys(getattr(error, "labels", ())):
        if label in contents.tasks and contents.tasks[label].place.line:
            error.add_note(f"Task {label!r}: {contents.tasks[label].place}.")


def _make_node(
    entry: PipelineTaskEntry,
    contents: PipelineContents,
    instrument: PipelineInstrument | None,
    table: TaskTable | None,
) -> TaskNode:
    if table is not None and entry.class_name in table.tasks:
        return described_task_node(entry, table.tasks[entry.class_name], contents.parameters)
    task_class = import_task_class(entry)
    config = configure_task(entry, task_class, parameters=contents.parameters, instrument=instrument)
    try:
        return make_task_node(entry.label, task_class, config)
    except InvalidInputError as error:
        raise TaskConfigurationError(entry.label, f"{error}{_who_named(error, config)}") from error
    except Exception as error:  # whatever the constructor of the author's connections raises
        reason = f"its connections cannot be made: {type(error).__name__}: {error}"
        raise TaskConfigurationError(entry.label, reason) from error


def _who_named(error: InvalidInputError, config: PipelineTaskConfig) -> str:
    """Say who configured the name of the connection that an error is about, or the templates in names."""
    if not isinstance(error, ConnectionDefinitionError) or error.connection is None:
        return ""
    told = {error.connection, *config.connections_class.templates}
    history = trail_of(config.connections).history
    return "".join(f" {name!r} is set by {entries[-1].source}." for name, entries in history.items() if name in told)


def _make_graph(
    contents: PipelineContents,
    nodes: dict[str, TaskNode],
    instrument: PipelineInstrument | None,
    butler: FactSource | None,
    storage_classes: StorageClasses | None,
) -> PipelineGraph:
    names = {edge.dataset_type_name for node in nodes.values() for edge in node.edges} | {PACKAGES}
    return PipelineGraph.build(
        nodes.values(),
        universe=None if butler is None else butler.universe,
        registered=None if butler is None else butler.fetch_dataset_types(sorted(names)),
        storage_classes=getattr(butler, "storage_classes", None) if storage_classes is None else storage_classes,
        description=contents.description,
        instrument=contents.instrument,
        data_id={} if instrument is None else {"instrument": instrument.name},
        subsets={
            name: GraphSubset(name=name, labels=subset.labels, description=subset.description)
            for name, subset in contents.subsets.items()
        },
        steps=tuple(GraphStep(label=step.label, dimensions=step.dimensions) for step in contents.steps),
        parameters=contents.parameters,
    )
