# SPDX-License-Identifier: BSD-3-Clause
"""One unit of work: a task, a data ID, and the datasets it reads and writes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pachon.datasets.dataset_ref import DatasetRef
from pachon.dimensions import DataCoordinate

__all__ = ["Quantum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantum:
    """A task with its data ID and its predicted datasets, by connection name."""

    id: uuid.UUID
    task_label: str
    data_id: DataCoordinate
    inputs: Mapping[str, tuple[DatasetRef, ...]]
    """Regular and prerequisite inputs, in the storage classes that the task wants."""
    outputs: Mapping[str, tuple[DatasetRef, ...]]
    """Outputs, log and metadata included."""
    init_inputs: Mapping[str, DatasetRef]
    init_outputs: Mapping[str, DatasetRef]

    def __str__(self) -> str:
        return f"{self.task_label}@{self.data_id}"
