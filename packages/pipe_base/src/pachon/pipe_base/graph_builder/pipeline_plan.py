# SPDX-License-Identifier: BSD-3-Clause
"""From a resolved pipeline graph to the builder's plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pachon.base import closest
from pachon.dimensions import DataIdTable
from pachon.pipe_base.connections import PipelineTaskConnections
from pachon.pipe_base.graph_builder.errors import GraphBuildError, UnknownInputsError
from pachon.pipe_base.graph_builder.given_data_ids import GivenDataIds, table_of_data_ids
from pachon.pipe_base.graph_builder.plan import (
    BuildPlan,
    ConnectionPlan,
    DatasetPlan,
    TaskPlan,
    split_independent,
)
from pachon.pipe_base.pipeline_graph.nodes import GraphEdge, TaskNode
from pachon.pipe_base.pipeline_graph.pipeline_graph import PipelineGraph
from pachon.pipe_base.pipeline_graph.unknown_inputs import describe_unknown_input, is_optional, unknown_inputs

__all__ = ["plan_from_graph", "task_reads"]

RUN_OUTPUTS = ("packages",)
"""Dataset types that are written once a run."""


def plan_from_graph(
    graph: PipelineGraph,
    *,
    input_collections: tuple[str, ...],
    output_run: str,
    where: str,
    bind: Mapping[str, Any] | None,
    data_id: Mapping[str, Any],
    skip_existing_in: tuple[str, ...],
    clobber: bool,
    dataset_query_constraint: str | Collection[str],
    data_id_tables: Iterable[DataIdTable],
    data_ids: GivenDataIds | None = None,
    retained_dataset_types: str | Collection[str] | None = None,
    prune_unanchored_quanta: tuple[str, str] | None = None,
    reproducible_ids: bool = False,
) -> BuildPlan:
    """Take from a pipeline graph what the builder needs.

    Raises
    ------
    GraphBuildError
        If a task could not be imported, a dataset type is not known, or a constraint names no overall input.
    UnknownInputsError
        If inputs that limit the data IDs are neither written by the pipeline nor known to the repository.
    """
    for node in graph.tasks.values():
        if not node.is_imported:
            raise GraphBuildError(
                f"Task {node.label!r} cannot be used: {node.problem or 'its class was not imported'}."
            )
    constraints = _constraints(graph, dataset_query_constraint)
    unknown = {node.name: node for node in unknown_inputs(graph)}
    needed = [node for name, node in unknown.items() if name in constraints and not is_optional(graph, node)]
    if needed and data_ids is None:
        raise UnknownInputsError([describe_unknown_input(graph, node) for node in needed])
    constraints -= unknown.keys()
    datasets: dict[str, DatasetPlan] = {}
    for name, dataset in graph.dataset_types.items():
        if dataset.dataset_type is None:
            raise GraphBuildError(f"Dataset type {name!r} of the pipeline is not known: {dataset.problem}.")
        datasets[name] = DatasetPlan(
            dataset_type=dataset.dataset_type,
            producer="" if name in RUN_OUTPUTS else dataset.producer,
            is_prerequisite=dataset.is_prerequisite,
            is_init=dataset.is_init,
            is_registered=dataset.is_registered,
            constrains=name in constraints,
        )
    plan = BuildPlan(
        universe=graph.universe,
        tasks={label: _task_plan(graph, node) for label, node in graph.tasks.items()},
        datasets=datasets,
        input_collections=input_collections,
        output_run=output_run,
        where=where,
        bind=bind,
        data_id={**graph.data_id, **data_id},
        skip_existing_in=skip_existing_in,
        clobber=clobber,
        data_id_tables=tuple(data_id_tables),
        data_ids=None
        if data_ids is None
        else table_of_data_ids(graph.universe, data_ids, {**graph.data_id, **data_id}),
        retained_dataset_types=_retained(retained_dataset_types, skip_existing_in),
        unanchored=_unanchored(graph, prune_unanchored_quanta),
        reproducible_ids=reproducible_ids,
    )
    if dataset_query_constraint not in ("all", "off"):
        _check_each_part(plan)
    return plan


def _check_each_part(plan: BuildPlan) -> None:
    """Refuse a list of constraints that has none for a part of the pipeline: its data IDs would not be limited at all."""
    for labels in split_independent(plan):
        names = {c.dataset_type for label in labels for c in plan.tasks[label].inputs}
        inputs = sorted(name for name in names if plan.datasets[name].producer is None)
        if inputs and not any(plan.datasets[name].constrains for name in inputs):
            raise GraphBuildError(
                f"dataset_query_constraint names no input of {', '.join(labels)}, whose data IDs are asked for alone; add one of "
                f"{', '.join(inputs)}, or say 'off'."
            )


def _retained(names: str | Collection[str] | None, skip_existing_in: tuple[str, ...]) -> tuple[str, ...] | None:
    # An empty list is what a command gives that was asked for nothing: as if the option were absent.
    if not names:
        return None
    if not skip_existing_in:
        raise GraphBuildError("retained_dataset_types says what is left of quanta that are done; add skip_existing_in.")
    return (names,) if isinstance(names, str) else tuple(names)


def _unanchored(graph: PipelineGraph, pair: tuple[str, str] | None) -> tuple[str, str] | None:
    if pair is None:
        return None
    source, anchor = pair
    for label in pair:
        if label not in graph.tasks:
            raise GraphBuildError(
                f"prune_unanchored_quanta names the task {label!r}, which is not in the pipeline."
                f"{closest(label, graph.tasks)}"
            )
    order = list(graph.tasks)
    if order.index(source) >= order.index(anchor):
        raise GraphBuildError(f"prune_unanchored_quanta: {anchor!r} does not come after {source!r} in the pipeline.")
    return source, anchor


def _constraints(graph: PipelineGraph, wanted: str | Collection[str]) -> set[str]:
    """Give the overall inputs whose existence limits the data IDs: ``all``, ``off`` or those that are named."""
    possible = {
        name
        for name, node in graph.query_constraints().items()
        if node.dimension_names and not node.is_init and not node.is_prerequisite
    }
    if wanted == "all":
        return possible
    if wanted == "off":
        return set()
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    inputs = graph.overall_inputs()
    unknown = [name for name in names if name not in inputs]
    if unknown:
        raise GraphBuildError(
            f"dataset_query_constraint names {unknown[0]!r}, which is no overall input of the pipeline."
            f"{closest(unknown[0], inputs)}"
        )
    # What exists of the others, and when, says nothing of data IDs: a list of these would limit nothing.
    regular = {name for name, node in inputs.items() if not node.is_init and not node.is_prerequisite}
    if idle := [name for name in names if name not in regular]:
        kind = "prerequisite" if inputs[idle[0]].is_prerequisite else "init-input"
        raise GraphBuildError(
            f"dataset_query_constraint names the {kind} {idle[0]!r}, which limits no data IDs; "
            f"regular inputs are {', '.join(sorted(regular)) or 'none'}."
        )
    if not names:
        raise GraphBuildError("dataset_query_constraint names no dataset type; say 'off' for no constraint.")
    return set(names)


def _task_plan(graph: PipelineGraph, node: TaskNode) -> TaskPlan:
    connections: PipelineTaskConnections = node.connections
    outputs = [edge for edge in node.edges if edge.kind == "output"]
    return TaskPlan(
        label=node.label,
        dimensions=graph.dimensions_of(node.label),
        inputs=tuple(_connection(e) for e in node.inputs.values() if not e.defer_binding),
        prerequisites=tuple(
            _connection(e, connections.prerequisite_inputs[name].lookup_function)
            for name, e in node.prerequisite_inputs.items()
        ),
        outputs=tuple(_connection(e) for e in outputs),
        metadata_type=node.metadata_output.dataset_type_name,
        init_inputs=tuple(_connection(e) for e in node.init_inputs.values()),
        init_outputs=(*(_connection(e) for e in node.init_outputs.values()), _connection(node.config_output)),
        spatial_bounds=tuple(connections.spatial_bounds_connections()),
        temporal_bounds=tuple(connections.temporal_bounds_connections()),
        hooks=connections if node.adjusts_quanta else None,
        hooks_of_all=connections if node.adjusts_all_quanta else None,
    )


def _connection(edge: GraphEdge, lookup_function: Any = None) -> ConnectionPlan:
    return ConnectionPlan(
        name=edge.connection,
        dataset_type=edge.dataset_type_name,
        multiple=edge.multiple,
        minimum=edge.minimum if edge.is_input else 0,
        is_calibration=edge.is_calibration,
        lookup_function=lookup_function,
    )


def task_reads(graph: PipelineGraph) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """Give for (label, connection) the component, and the storage class if it differs from the registered one."""
    found: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    for node in graph.tasks.values():
        for edge in node.edges:
            whole = graph.dataset_types[edge.dataset_type_name].storage_class
            differs = edge.component is not None or edge.storage_class != whole
            found[node.label, edge.connection] = (edge.component, edge.storage_class if differs else None)
    return found
