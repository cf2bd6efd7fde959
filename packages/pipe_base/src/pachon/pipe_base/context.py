# SPDX-License-Identifier: BSD-3-Clause
"""`QuantumContext`: how a task reads and writes the datasets of the quantum that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pachon.datasets import DatasetRef, Quantum
from pachon.dimensions import DataCoordinate, DimensionUniverse

__all__ = ["ExecutionResources", "QuantumContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResources:
    """What a quantum may use."""

    num_cores: int = 1
    max_mem: int | None = None
    """Bytes, or `None` for no limit known."""


class QuantumContext(Protocol):
    """What ``run_quantum`` is given; only refs of the quantum are accepted.

    Every input that is read becomes provenance of the outputs that are written.
    """

    @property
    def quantum(self) -> Quantum:
        """The quantum, without log and metadata outputs."""
        ...

    @property
    def data_id(self) -> DataCoordinate:
        """Data ID of the quantum."""
        ...

    @property
    def resources(self) -> ExecutionResources:
        """What the quantum may use."""
        ...

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions."""
        ...

    def get(self, refs: Any) -> Any:
        """Read what a ref, a list of refs, `None`, or `QuantumRefs` stands for.

        An object for a ref (a handle where the connection defers loading), a list for a list, a dictionary by
        connection name for `QuantumRefs`.
        """
        ...

    def put(self, values: Any, refs: Any) -> None:
        """Write an object to a ref, a list to a list of refs, or a `Struct`'s attributes to `QuantumRefs`.

        Attributes that are missing or `None` are not written.
        """
        ...

    def add_provenance(self, ref: DatasetRef, extra: Mapping[str, int | float | str | bool]) -> None:
        """Attach values to the provenance of an output that is not written yet."""
        ...
