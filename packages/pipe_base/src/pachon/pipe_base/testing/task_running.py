# SPDX-License-Identifier: BSD-3-Clause
"""Running one quantum of a task on objects in memory: no repository, no graph, no files."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pachon.base import InvalidInputError, NotFoundError, closest
from pachon.datasets import DatasetProvenance, DatasetRef, DatasetType, Quantum
from pachon.dimensions import DataCoordinate, DimensionGroup, DimensionUniverse
from pachon.pipe_base.connections import Connection, PipelineTaskConnections, QuantumRefs
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.execution.context import ButlerQuantumContext
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig
from pachon.pipe_base.struct import Struct
from pachon.pipe_base.task_metadata import TaskMetadata

__all__ = ["MemoryDatasets", "MemoryHandle", "TaskRun", "run_task"]

_RUN = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryHandle:
    """What a connection with ``defer_load`` gives."""

    ref: DatasetRef
    value: Any

    @property
    def data_id(self) -> DataCoordinate:
        """Label of the dataset."""
        return self.ref.data_id

    def get(
        self,
        *,
        component: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Give the object, or an attribute of it as component."""
        return self.value if component is None else getattr(self.value, component)


@dataclass(slots=True)
class MemoryDatasets:
    """Datasets by id: a butler for one quantum."""

    values: dict[uuid.UUID, Any] = field(default_factory=dict)

    def get(
        self, ref: DatasetRef, /, *, parameters: Mapping[str, Any] | None = None, storage_class: str | None = None
    ) -> Any:
        """Give a dataset."""
        if ref.id not in self.values:
            raise NotFoundError(f"{ref} was not given.")
        return self.values[ref.id]

    def get_deferred(
        self, ref: DatasetRef, /, *, parameters: Mapping[str, Any] | None = None, storage_class: str | None = None
    ) -> MemoryHandle:
        """Give a handle."""
        return MemoryHandle(ref=ref, value=self.get(ref))

    def put(self, obj: Any, ref: DatasetRef, /, *, provenance: DatasetProvenance | None = None) -> DatasetRef:
        """Keep a dataset."""
        self.values[ref.id] = obj
        return ref

    def put_many(self, items: Sequence[tuple[Any, DatasetRef]], /) -> list[DatasetRef]:
        """Keep datasets."""
        return [self.put(obj, ref) for obj, ref in items]

    def exists(self, ref: DatasetRef, /) -> bool:
        """Whether a dataset was given or written."""
        return ref.id in self.values

    def find_missing(self, refs: Sequence[DatasetRef], /) -> set[uuid.UUID]:
        """Give the ids of datasets that were neither given nor written."""
        return {ref.id for ref in refs if ref.id not in self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """What a run of a task gave."""

    task: PipelineTask
    outputs: Struct
    """Connection name -> object, or list; what was not written is missing."""
    metadata: TaskMetadata
    quantum: Quantum


def run_task(
    task: PipelineTask | type[PipelineTask],
    inputs: Mapping[str, Any],
    *,
    config: PipelineTaskConfig | None = None,
    data_id: Mapping[str, Any] | None = None,
    data_ids: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    init_inputs: Mapping[str, Any] | None = None,
    resources: ExecutionResources | None = None,
    universe: DimensionUniverse | None = None,
) -> TaskRun:
    """Run one quantum of a task, through its ``run_quantum``.

    Parameters
    ----------
    task
        A task, or its class.
    inputs
        Connection name -> object, or list of objects for a connection that takes several.
    config
        Configuration of a task that is given as class.
    data_id
        Values of the quantum's dimensions; missing ones are made up.
    data_ids
        Connection name -> data ID of each object (or of each expected output); the quantum's own values need not be
        repeated, and by default what is missing is counted up.
    init_inputs
        Objects for the construction of a task that is given as class.
    resources, universe
        What else the task may ask for.

    Raises
    ------
    InvalidInputError
        An input is no connection of the task, or a needed one is missing; or ``run`` returns something with nearly the
        name of an output, which is missing.
    """
    if isinstance(task, type):
        arguments: dict[str, Any] = {} if init_inputs is None else {"init_inputs": init_inputs}
        task = task(config=config, **arguments)
    connections: PipelineTaskConnections = task.config.connections_class(config=task.config)
    universe = universe or DimensionUniverse.default()
    group = universe.conform(connections.dimensions)
    quantum_id = _made_up(group, data_id or {}, 0)
    _check_names(task, connections, inputs)
    datasets = MemoryDatasets()
    made = {
        name: _refs(connection, _as_list(connection, inputs[name]), (data_ids or {}).get(name), quantum_id, universe)
        for name, connection in {**connections.inputs, **connections.prerequisite_inputs}.items()
        if name in inputs and inputs[name] is not None
    }
    for name, refs in made.items():
        values = _as_list(connections.get_connection(name), inputs[name])
        datasets.values.update(zip((ref.id for ref in refs), values, strict=True))
    expected = {
        name: _refs(connection, None, _expected_ids(connection, made, connections, data_ids), quantum_id, universe)
        for name, connection in connections.outputs.items()
    }
    _, _ = connections.adjust_quantum(
        {name: (connections.get_connection(name), refs) for name, refs in made.items()},  # type: ignore[misc]  # inputs
        {name: (connections.outputs[name], refs) for name, refs in expected.items()},
        task.name,
        quantum_id,
    )
    quantum = Quantum(
        id=uuid.uuid4(),
        task_label=task.name,
        data_id=quantum_id,
        inputs={name: tuple(refs) for name, refs in made.items()},
        outputs={name: tuple(refs) for name, refs in expected.items()},
        init_inputs={},
        init_outputs={},
    )
    context = ButlerQuantumContext(datasets, quantum, connections, resources)
    inputs_of_quantum = {**connections.inputs, **connections.prerequisite_inputs}
    returned: list[Any] = []
    with _watched_run(task, returned):
        task.run_quantum(context, QuantumRefs(made, inputs_of_quantum), QuantumRefs(expected, connections.outputs))
    written = {name: [datasets.values.get(ref.id) for ref in refs] for name, refs in expected.items()}
    outputs = {
        name: values if connections.outputs[name].multiple else values[0]
        for name, values in written.items()
        if any(value is not None for value in values)
    }
    _check_returned(task, returned, [name for name in connections.outputs if name not in outputs])
    return TaskRun(task=task, outputs=Struct(**outputs), metadata=task.metadata, quantum=quantum)


@contextmanager
def _watched_run(task: PipelineTask, returned: list[Any]) -> Iterator[None]:
    """Note what ``run`` returns; the framework itself looks at its outputs only."""
    original: Any = getattr(task, "run", None)
    if original is None:  # the task overrides run_quantum and has no run
        yield
        return

    @functools.wraps(original)  # the framework looks at the parameters
    def watched(*args: Any, **inputs: Any) -> Any:
        result = original(*args, **inputs)
        returned.append(result)
        return result

    vars(task)["run"] = watched
    try:
        yield
    finally:
        del vars(task)["run"]


def _check_returned(task: PipelineTask, returned: list[Any], missing: list[str]) -> None:
    """Raise if an output is missing and something with nearly its name was returned: a partial output is no mistake."""
    for result in returned:
        for name in vars(result) if isinstance(result, Struct) else ():
            if name not in missing and (hint := closest(name, missing)):
                raise InvalidInputError(f"{type(task).__name__}.run returns {name!r}, which is no output.{hint}")


def _check_names(task: PipelineTask, connections: PipelineTaskConnections, inputs: Mapping[str, Any]) -> None:
    known = {**connections.inputs, **connections.prerequisite_inputs}
    for name in inputs:
        if name not in known:
            raise InvalidInputError(f"{type(task).__name__} has no input {name!r}.{closest(name, known)}")
    for name, connection in known.items():
        if connection.minimum > 0 and inputs.get(name) is None:
            raise InvalidInputError(f"{type(task).__name__} needs the input {name!r}.")


def _as_list(connection: Connection, value: Any) -> list[Any]:
    if not connection.multiple:
        return [value]
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise InvalidInputError(
            f"Connection {connection.attribute!r} takes several objects: give a list, not {value!r}."
        )
    return list(value)


def _refs(
    connection: Any,
    values: list[Any] | None,
    data_ids: Sequence[Mapping[str, Any]] | None,
    quantum_id: DataCoordinate,
    universe: DimensionUniverse,
) -> list[DatasetRef]:
    names = tuple(universe.common_skypix if name == "skypix" else name for name in connection.dimensions)
    kind = DatasetType(
        connection.dataset_type_name,
        names,
        connection.storage_class,
        is_calibration=connection.is_calibration,
        universe=universe,
    )
    count = len(values) if values is not None else len(data_ids or [{}])
    given = list(data_ids or [{}] * count)
    if len(given) != count:
        raise InvalidInputError(f"Connection {connection.attribute!r}: {count} objects but {len(given)} data IDs.")
    return [
        DatasetRef(kind, _made_up(kind.dimensions, {**quantum_id.mapping, **given[index]}, index), _RUN)
        for index in range(count)
    ]


def _expected_ids(
    connection: Any,
    made: Mapping[str, list[DatasetRef]],
    connections: PipelineTaskConnections,
    data_ids: Mapping[str, Sequence[Mapping[str, Any]]] | None,
) -> Sequence[Mapping[str, Any]] | None:
    """Give the data IDs of an output: as told, or those of an input that has the same dimensions."""
    if data_ids and connection.attribute in data_ids:
        return data_ids[connection.attribute]
    if connection.multiple:
        for name, refs in made.items():
            other: Any = connections.get_connection(name)
            if other.multiple and set(other.dimensions) == set(connection.dimensions):
                return [ref.data_id.mapping for ref in refs]
    return None


def _made_up(group: DimensionGroup, given: Mapping[str, Any], index: int) -> DataCoordinate:
    """Give a data ID with the given values; others are counted up from 1."""
    values = dict(given)
    for name in group.required:
        if name not in values:
            kind = group.universe[name].primary_key.type
            values[name] = index + 1 if kind == "int" else f"{name}{index + 1}"
    return DataCoordinate.standardize(values, dimensions=group)
