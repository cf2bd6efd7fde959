# SPDX-License-Identifier: BSD-3-Clause
"""Which inputs and outputs of some quanta were looked for, read and written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from pachon.quantum_butler.receipt import QuantumProvenance

__all__ = ["ProvenanceTracker"]


@dataclass(slots=True, kw_only=True)
class ProvenanceTracker:
    """Notes what happens to datasets while quanta run."""

    predicted_inputs: frozenset[uuid.UUID]
    predicted_outputs: frozenset[uuid.UUID]
    _available: set[uuid.UUID] = field(default_factory=set)
    _missing: set[uuid.UUID] = field(default_factory=set)
    _read: set[uuid.UUID] = field(default_factory=set)
    _written: set[uuid.UUID] = field(default_factory=set)

    def looked_for(self, dataset_id: uuid.UUID, *, found: bool) -> None:
        """Note that somebody asked whether a dataset exists."""
        if dataset_id in self.predicted_inputs:
            (self._available if found else self._missing).add(dataset_id)
            (self._missing if found else self._available).discard(dataset_id)

    def read(self, dataset_id: uuid.UUID) -> None:
        """Note that a dataset was read, or that a handle of it was given out."""
        if dataset_id in self.predicted_inputs:
            self._read.add(dataset_id)
            self.looked_for(dataset_id, found=True)

    def unused(self, dataset_id: uuid.UUID) -> None:
        """Note that a dataset was read in vain."""
        self._read.discard(dataset_id)

    def written(self, dataset_id: uuid.UUID) -> None:
        """Note that a dataset was written."""
        self._written.add(dataset_id)

    def removed(self, dataset_id: uuid.UUID) -> None:
        """Note that what was written is gone again."""
        self._written.discard(dataset_id)

    def forget(self) -> None:
        """Begin anew."""
        for noted in (self._available, self._missing, self._read, self._written):
            noted.clear()

    def snapshot(self) -> QuantumProvenance:
        """Give what was noted so far."""
        return QuantumProvenance(
            predicted_inputs=self.predicted_inputs,
            available_inputs=frozenset(self._available),
            missing_inputs=frozenset(self._missing),
            actual_inputs=frozenset(self._read),
            predicted_outputs=self.predicted_outputs,
            actual_outputs=frozenset(self._written),
        )
