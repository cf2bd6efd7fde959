# SPDX-License-Identifier: BSD-3-Clause
"""Where a dataset came from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pachon.datasets.dataset_ref import DatasetRef

__all__ = ["DatasetProvenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProvenance:
    """The quantum that wrote a dataset and the datasets that it had read by then."""

    quantum_id: uuid.UUID | None = None
    inputs: tuple[DatasetRef, ...] = ()
    extra: Mapping[str, int | float | str | bool] = field(default_factory=lambda: MappingProxyType({}))
    """What the task attached to the output."""
