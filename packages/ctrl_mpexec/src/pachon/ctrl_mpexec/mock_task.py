# SPDX-License-Identifier: BSD-3-Clause
"""`MockTask`: has the connections of another task and only pretends to work.

Its datasets have names that begin with ``_mock_``, so that they may live in a real repository. A dataset says how it came
about: its own id, type, data ID and run, the quantum, and what that read.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, Final

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec.data_id_expression import matches
from pachon.datasets import DatasetRef
from pachon.pipe_base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, QuantumContext, import_object
from pachon.pipe_base.connections import QuantumRefs
from pachon.pipe_base.pipeline_graph import TaskNode, load_task

__all__ = ["MOCK_PREFIX", "MockConfig", "MockConnections", "MockTask"]

MOCK_PREFIX: Final = "_mock_"
_MOCK_DATA: Final = "StructuredDataDict"


class MockConnections(PipelineTaskConnections, dimensions=()):
    """The connections of the original, with other names and storage classes."""

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        self.original: Any = None
        if config is None or not config.original:
            return
        self.original = _original_connections(config)
        self.dimensions = self.original.dimensions
        for name, connection in self.original.all_connections.items():
            if connection.dataset_type_name in config.unmocked:
                setattr(self, name, _unread(connection, config.stored_as))
                continue
            mocked = f"{MOCK_PREFIX}{connection.dataset_type_name}"
            setattr(self, name, dataclasses.replace(connection, name=mocked, storage_class=_MOCK_DATA))

    def adjust_quantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        if self.original is None:
            return super().adjust_quantum(inputs, outputs, label, data_id)
        return self.original.adjust_quantum(inputs, outputs, label, data_id)

    def adjust_all_quanta(self, adjuster: Any) -> None:
        if self.original is not None:
            self.original.adjust_all_quanta(adjuster)

    def spatial_bounds_connections(self) -> tuple[str, ...]:
        return () if self.original is None else tuple(self.original.spatial_bounds_connections())

    def temporal_bounds_connections(self) -> tuple[str, ...]:
        return () if self.original is None else tuple(self.original.temporal_bounds_connections())


class MockConfig(PipelineTaskConfig, connections=MockConnections):
    """What is mocked, and how it misbehaves."""

    original: str = ""
    """Class of the task that is mocked."""
    original_config: str = ""
    """Its configuration, as JSON."""
    unmocked: list[str] = []  # noqa: RUF012  # a field of a configuration
    """Dataset types that keep their name, and are not read."""
    stored_as: dict[str, str] = {}  # noqa: RUF012  # a field of a configuration
    """By such a type: its storage class in the repository."""
    fail_exception: str = ""
    """Class of the exception that is raised; empty for none."""
    fail_where: str = ""
    """Expression over the data ID: where it is true, the task fails."""
    fail_memory: int = 0
    """Bytes: with as many or more for the task it does not fail; 0 for no matter how many."""
    sleep: float = 0.0
    """Seconds that each quantum takes."""
    send_signal: str = ""
    """Name of a signal that the process sends to itself where it would fail, such as SIGSEGV."""


class MockTask(PipelineTask):
    """Reads its inputs, and writes of each output how it came about."""

    config_class = MockConfig
    default_name = "mock"

    def __init__(self, *, init_inputs: Mapping[str, Any] | None = None, **arguments: Any) -> None:
        super().__init__(init_inputs=init_inputs, **arguments)
        for name in self.config.connections_class(config=self.config).init_outputs:
            setattr(self, name, {"task": self.name, "init_output": name})

    def run_quantum(self, context: QuantumContext, inputs: QuantumRefs, outputs: QuantumRefs) -> None:
        self._misbehave(context)
        read: dict[str, list[dict[str, Any]]] = {}
        for name, found in inputs:
            refs = [found] if isinstance(found, DatasetRef) else list(found)
            read[name] = [_describe(ref) for ref in refs]
            for ref in refs:
                if ref.dataset_type.name.startswith(MOCK_PREFIX):
                    value = context.get(ref)
                    if hasattr(value, "get") and not isinstance(value, Mapping):
                        value.get()
        quantum = {"task_label": self.name, "data_id": context.data_id.required, "inputs": read}
        for name, found in outputs:
            for ref in [found] if isinstance(found, DatasetRef) else list(found):
                context.put({**_describe(ref), "connection": name, "quantum": quantum}, ref)

    def _misbehave(self, context: QuantumContext) -> None:
        config = self.config
        if config.sleep:
            time.sleep(config.sleep)
        if not (config.fail_exception or config.send_signal):
            return
        if config.fail_where and not matches(config.fail_where, context.data_id.mapping):
            return
        if config.fail_memory and (context.resources.max_mem or 0) >= config.fail_memory:
            return
        if config.send_signal:
            os.kill(os.getpid(), signal.Signals[config.send_signal])
        raise import_exception(config.fail_exception)(
            f"Simulated failure: task={self.name}, data ID={context.data_id}."
        )


def import_exception(name: str) -> type[BaseException]:
    """Give a class of exceptions by its full name, or by its own name for those of Python and of tasks.

    Raises
    ------
    InvalidInputError
        If there is no such class.
    """
    import builtins

    from pachon.pipe_base import outcomes

    found = getattr(builtins, name, None) or getattr(outcomes, name, None)
    if found is None and "." in name:
        found = import_object(name)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise InvalidInputError(f"{name!r} is no exception; give its full name, such as builtins.ValueError.")
    return found


def _original_connections(config: Any) -> PipelineTaskConnections:
    node = TaskNode(label="original", class_name=config.original, config_document=json.loads(config.original_config))
    connections: PipelineTaskConnections = load_task(node, override=True).connections
    return connections


def _unread(connection: Any, stored_as: Mapping[str, str]) -> Any:
    """Give a connection to what exists as it is: a mock looks at nothing in it, and needs to convert nothing."""
    kind = stored_as.get(connection.dataset_type_name)
    if kind is None:
        return connection
    return dataclasses.replace(connection, name=connection.dataset_type_name, storage_class=kind)


def _describe(ref: DatasetRef) -> dict[str, Any]:
    return {
        "dataset_id": str(ref.id),
        "dataset_type": ref.dataset_type.name,
        "data_id": ref.data_id.required,
        "run": ref.run,
    }
