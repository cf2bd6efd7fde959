# SPDX-License-Identifier: BSD-3-Clause
"""What exists: everything that the builder asks a repository, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pachon.datasets import DatasetTable, ValidityTable
from pachon.dimensions import DataIdTable, RecordTable

__all__ = ["DatasetFacts", "LookupFacts", "PairFacts", "PartFacts", "PrerequisiteFact", "RecordFacts", "TimedFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """The data IDs of one independent part of the pipeline."""

    labels: tuple[str, ...]
    data_ids: DataIdTable
    """Distinct, full data IDs over all dimensions of the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """Datasets that exist, by dataset type; types without any may be left out."""

    inputs: Mapping[str, DatasetTable]
    """Overall inputs and init-inputs, found first in the input collections."""
    for_skip: Mapping[str, DatasetTable]
    """Outputs found in the collections of ``skip_existing_in``."""
    in_the_way: Mapping[str, DatasetTable]
    """Outputs that lie in the output run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """A prerequisite found by a joined query: which datasets go with which data IDs."""

    data_ids: DataIdTable
    """Data IDs over the dimensions of task and dataset together."""
    datasets: DatasetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedFacts:
    """A calibration that a query relates with the task: which data IDs go together, and when its datasets are valid."""

    data_ids: DataIdTable
    """Data IDs over the dimensions of task and dataset together."""
    validity: ValidityTable

    @property
    def datasets(self) -> DatasetTable:
        """Its datasets, whenever they are valid."""
        return self.validity.datasets


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupFacts:
    """A prerequisite found by the connection's own function."""

    quantum: np.ndarray
    """Row of the task's data IDs, int64."""
    dataset: np.ndarray
    """Row of ``datasets``, int64."""
    datasets: DatasetTable


PrerequisiteFact = ValidityTable | PairFacts | TimedFacts | LookupFacts
"""What is known of one prerequisite connection."""

RecordFacts = Mapping[str, RecordTable]
"""Dimension records by element."""
