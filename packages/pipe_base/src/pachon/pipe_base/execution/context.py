# SPDX-License-Identifier: BSD-3-Clause
"""Reading and writing the datasets of one quantum."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from pachon.base import InvalidInputError, closest
from pachon.datasets import DatasetProvenance, DatasetRef, Quantum
from pachon.dimensions import DataCoordinate, DimensionUniverse
from pachon.pipe_base.connections import PipelineTaskConnections, QuantumRefs
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.struct import Struct

__all__ = ["ButlerQuantumContext", "QuantumButler"]


_log = logging.getLogger("pachon.pipe_base.execution")


class QuantumButler(Protocol):
    """The butler that one quantum needs: datasets by resolved reference."""

    def get(
        self, ref: DatasetRef, /, *, parameters: Mapping[str, Any] | None = None, storage_class: str | None = None
    ) -> Any:
        """Read a dataset."""
        ...

    def get_deferred(
        self, ref: DatasetRef, /, *, parameters: Mapping[str, Any] | None = None, storage_class: str | None = None
    ) -> Any:
        """Give a handle that reads a dataset later."""
        ...

    def put(self, obj: Any, ref: DatasetRef, /, *, provenance: DatasetProvenance | None = None) -> DatasetRef:
        """Write a dataset."""
        ...

    def put_many(self, items: Sequence[tuple[Any, DatasetRef]], /) -> Sequence[DatasetRef]:
        """Write datasets together, all or none; they appear in this order."""
        ...

    def exists(self, ref: DatasetRef, /) -> bool:
        """Whether a dataset can be read."""
        ...

    def find_missing(self, refs: Sequence[DatasetRef], /) -> Collection[uuid.UUID]:
        """Give the ids of inputs that another quantum was to make and did not; overall inputs count as there."""
        ...


class ButlerQuantumContext:
    """What ``run_quantum`` is given (see `pachon.pipe_base.QuantumContext`).

    Parameters
    ----------
    butler
        Reads and writes.
    quantum
        What may be read and written; without its log and metadata.
    connections
        The task's connections: they say which inputs are read later.
    resources
        What the quantum may use.
    """

    def __init__(
        self,
        butler: QuantumButler,
        quantum: Quantum,
        connections: PipelineTaskConnections,
        resources: ExecutionResources | None = None,
    ) -> None:
        self._butler = butler
        self._process = os.getpid()
        self.quantum = quantum
        self.connections = connections
        self.resources = resources or ExecutionResources()
        # Several connections may read one dataset: the whole by one, a component by another.
        self._connections_by_ref = {
            (ref.id, ref.dataset_type.name): name for name, refs in quantum.inputs.items() for ref in refs
        }
        self._inputs = _ids(quantum.inputs)
        self._outputs = _ids(quantum.outputs)
        self._read: dict[uuid.UUID, DatasetRef] = {}
        self._extra: dict[uuid.UUID, dict[str, int | float | str | bool]] = {}
        self.written: dict[uuid.UUID, DatasetRef] = {}
        """Outputs written so far."""
        self.warnings: list[str] = []
        """Mistakes that the task's author will want to know of, though the quantum went on."""
        self.metrics = {"time_in_put": 0.0, "time_in_get": 0.0, "n_get": 0, "n_put": 0}

    @property
    def data_id(self) -> DataCoordinate:
        """Data ID of the quantum."""
        return self.quantum.data_id

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions."""
        return self.quantum.data_id.group.universe

    def get(self, refs: Any) -> Any:
        """Read what a ref, a list of refs, `None` or `QuantumRefs` stands for."""
        if refs is None:
            return None
        if isinstance(refs, QuantumRefs):
            return {name: self._get_connection(name, found) for name, found in refs}
        if isinstance(refs, DatasetRef):
            return self._get_one(refs, self._connection_of(refs))
        return [self.get(ref) for ref in refs]

    def _get_connection(self, name: str, refs: Any) -> Any:
        if isinstance(refs, DatasetRef):
            return self._get_one(refs, name)
        return [self._get_one(ref, name) for ref in refs]

    def _connection_of(self, ref: DatasetRef) -> str:
        try:
            return self._connections_by_ref[ref.id, ref.dataset_type.name]
        except KeyError:
            raise InvalidInputError(f"{ref} is no input of {self.quantum}.") from None

    def _get_one(self, ref: DatasetRef, connection: str) -> Any:
        if ref.id not in self._inputs:
            raise InvalidInputError(f"{ref} is no input of {self.quantum}.")
        self._read[ref.id] = ref
        if getattr(self.connections.get_connection(connection), "defer_load", False):
            return self._butler.get_deferred(ref)
        begin = time.monotonic()
        value = self._butler.get(ref)
        self.metrics["time_in_get"] += time.monotonic() - begin
        self.metrics["n_get"] += 1
        return value

    def put(self, values: Any, refs: Any) -> None:
        """Write an object to a ref, a list to a list of refs, or a `Struct` to `QuantumRefs`."""
        if isinstance(refs, QuantumRefs):
            if not isinstance(values, Struct):
                raise InvalidInputError(
                    f"{self.quantum}: 'run' must return a Struct with the outputs, not {type(values).__name__}."
                )
            for name, found in refs:
                value = getattr(values, name, None)
                if value is not None:
                    self._put_connection(name, value, found)
            self._warn_of_missing(values, refs)
        elif isinstance(refs, DatasetRef):
            self._put_one(values, refs)
        else:
            self._put_list("", values, list(refs))

    def _warn_of_missing(self, values: Struct, refs: QuantumRefs) -> None:
        """Say so if outputs were not returned; what else was returned may be such an output, misspelled.

        An output that is `None` is left out on purpose.
        """
        outputs = {name for name, _ in refs}
        returned = set(values.as_dict())
        missing, others = sorted(outputs - returned), sorted(returned - outputs)
        if not missing:
            return
        what = "no value for the " + ("outputs " if len(missing) > 1 else "output ") + ", ".join(map(repr, missing))
        if others:
            noun = "which are no outputs" if len(others) > 1 else "which is no output"
            what += f", but {', '.join(map(repr, others))}, {noun}"
        hint = next(filter(None, (closest(name, missing) for name in others)), "")
        warning = f"'run' returned {what}.{hint}"
        self.warnings.append(warning)
        _log.warning("Task %r, %s: %s", self.quantum.task_label, self.quantum.data_id, warning)

    def _put_connection(self, name: str, value: Any, refs: Any) -> None:
        if isinstance(refs, DatasetRef):
            self._put_one(value, refs)
        else:
            self._put_list(name, value, refs)

    def _put_list(self, name: str, values: Any, refs: Sequence[DatasetRef]) -> None:
        values = list(values)
        if len(values) != len(refs):
            raise InvalidInputError(
                f"{self.quantum}: output {name!r} has {len(values)} objects for {len(refs)} predicted datasets."
            )
        for value, ref in zip(values, refs, strict=True):
            if value is not None:
                self._put_one(value, ref)

    def _put_one(self, value: Any, ref: DatasetRef) -> None:
        if ref.id not in self._outputs:
            raise InvalidInputError(f"{ref} is no output of {self.quantum}.")
        if os.getpid() != self._process:
            # A child that the task forked came back into its parent's code; what both wrote would be a mixture.
            raise InvalidInputError("A process that a task forked must not write its outputs.")
        provenance = DatasetProvenance(
            quantum_id=self.quantum.id, inputs=tuple(self._read.values()), extra=self._extra.get(ref.id, {})
        )
        begin = time.monotonic()
        self._butler.put(value, ref, provenance=provenance)
        self.metrics["time_in_put"] += time.monotonic() - begin
        self.metrics["n_put"] += 1
        self.written[ref.id] = ref

    def add_provenance(self, ref: DatasetRef, extra: Mapping[str, int | float | str | bool]) -> None:
        """Attach values to the provenance of an output that is not written yet."""
        if ref.id in self.written:
            raise InvalidInputError(f"{ref} is written already.")
        self._extra.setdefault(ref.id, {}).update(extra)


def _ids(refs: Mapping[str, tuple[DatasetRef, ...]]) -> set[uuid.UUID]:
    return {ref.id for found in refs.values() for ref in found}
