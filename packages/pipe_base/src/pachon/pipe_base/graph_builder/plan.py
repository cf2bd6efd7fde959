# SPDX-License-Identifier: BSD-3-Clause
"""What the builder must know of a pipeline: tasks, dataset types and their edges as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.datasets import DatasetType, deterministic_ids, new_ids
from pachon.dimensions import DataIdTable, DimensionGroup, DimensionUniverse

if TYPE_CHECKING:
    from pachon.pipe_base.connections import PipelineTaskConnections

__all__ = ["BuildPlan", "ConnectionPlan", "DatasetPlan", "TaskPlan", "split_independent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPlan:
    """One connection of a task to a dataset type that has dimensions of its own."""

    name: str
    dataset_type: str
    """Name of the parent type, never of a component."""
    multiple: bool = False
    minimum: int = 1
    """Inputs only: fewer than this many leave the quantum without work."""
    is_calibration: bool = False
    lookup_function: Callable[..., Iterable[Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task: its dimensions and connections."""

    label: str
    dimensions: DimensionGroup
    inputs: tuple[ConnectionPlan, ...]
    prerequisites: tuple[ConnectionPlan, ...]
    outputs: tuple[ConnectionPlan, ...]
    """Log and metadata included."""
    metadata_type: str
    """The dataset type whose presence means that a quantum succeeded."""
    init_inputs: tuple[ConnectionPlan, ...] = ()
    init_outputs: tuple[ConnectionPlan, ...] = ()
    """The config included."""
    spatial_bounds: tuple[str, ...] = ()
    temporal_bounds: tuple[str, ...] = ()
    hooks: PipelineTaskConnections | None = None
    """The connections object, if its class overrides `adjust_quantum`; `None`: the checks are done in bulk."""
    hooks_of_all: PipelineTaskConnections | None = None
    """The connections object, if its class overrides `adjust_all_quanta`."""

    @property
    def bounds_connections(self) -> tuple[str, ...]:
        """Names of the connections whose datasets say, beside the quantum, where and when prerequisites are wanted."""
        return (*self.spatial_bounds, *self.temporal_bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlan:
    """One dataset type of the pipeline."""

    dataset_type: DatasetType
    producer: str | None
    """Label of the task that writes it; `None` for an overall input."""
    is_prerequisite: bool = False
    is_init: bool = False
    is_registered: bool = True
    """Whether the repository knows it."""
    constrains: bool = False
    """Whether data IDs without such a dataset are left out from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """All that is asked of the builder, apart from what exists."""

    universe: DimensionUniverse
    tasks: Mapping[str, TaskPlan]
    """In topological order."""
    datasets: Mapping[str, DatasetPlan]
    input_collections: tuple[str, ...]
    """Flattened search path of overall inputs."""
    output_run: str
    where: str = ""
    bind: Mapping[str, Any] | None = None
    data_id: Mapping[str, Any] | None = None
    """What the pipeline itself fixes, such as its instrument."""
    skip_existing_in: tuple[str, ...] = ()
    clobber: bool = False
    data_id_tables: tuple[Any, ...] = ()
    data_ids: DataIdTable | None = None
    """All data IDs, if the caller gives them; then none are asked for."""
    retained_dataset_types: tuple[str, ...] | None = None
    """Names or patterns of outputs that are kept; the makers of others run again when these are wanted. None: all are kept."""
    unanchored: tuple[str, str] | None = None
    """Source label, anchor label: quanta of the source from which no quantum of the anchor is reached are dropped."""
    reproducible_ids: bool = False
    """Whether ids follow from run, label or dataset type, and data ID."""

    def make_ids(self, name: str, data_ids: DataIdTable) -> np.ndarray:
        """Make ids, shape (n, 16), uint8, for outputs of a dataset type, or for quanta (``quantum:<label>``)."""
        return deterministic_ids(name, data_ids, self.output_run) if self.reproducible_ids else new_ids(len(data_ids))


def split_independent(plan: BuildPlan) -> list[tuple[str, ...]]:
    """Give the labels of the weakly connected parts of a pipeline.

    Parts of which none reads what another one makes (init datasets apart) are built alone, so that an empty one does not empty the
    others. Overall inputs connect nothing: what limits one reader of the raws need not limit another.
    """
    parts: list[tuple[set[str], list[str]]] = []
    for label, task in plan.tasks.items():
        touched = {c.dataset_type for c in (*task.inputs, *task.outputs) if plan.datasets[c.dataset_type].producer}
        joined = [part for part in parts if not part[0].isdisjoint(touched)]
        parts = [part for part in parts if part[0].isdisjoint(touched)]
        names = touched.union(*(names for names, _ in joined))
        labels = [known for _, group in joined for known in group]
        parts.append((names, [*labels, label]))
    order = list(plan.tasks)
    found = [tuple(sorted(labels, key=order.index)) for _, labels in parts]
    return sorted(found, key=lambda labels: order.index(labels[0]))
