# SPDX-License-Identifier: BSD-3-Clause
"""Dataset types of curated calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["STANDARD_TYPES", "CuratedType"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CuratedType:
    """A dataset type of curated calibrations; ``instrument`` is a dimension of all."""

    name: str
    dimensions: tuple[str, ...]
    """``detector``, ``physical_filter``, both or none."""

    storage_class: str


STANDARD_TYPES: Sequence[CuratedType] = (
    CuratedType(name="defects", dimensions=("detector",), storage_class="Defects"),
    CuratedType(name="manual_defects", dimensions=("detector",), storage_class="Defects"),
)
"""Types that every instrument may have."""
