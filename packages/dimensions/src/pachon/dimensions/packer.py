# SPDX-License-Identifier: BSD-3-Clause
"""Packing a data ID into one integer, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pachon.base import InvalidInputError

__all__ = ["DimensionPacker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionPacker:
    """Packs integer dimensions with known bounds; the first varies fastest."""

    bounds: Mapping[str, int]
    """Exclusive upper bound of each dimension, in packing order."""

    @property
    def max_bits(self) -> int:
        """The number of bits of the largest packed value."""
        return (math.prod(self.bounds.values()) - 1).bit_length()

    def pack(self, values: Mapping[str, int]) -> int:
        """Give the integer of these values.

        Raises
        ------
        InvalidInputError
            If a value is negative or not below its bound.
        """
        packed, step = 0, 1
        for name, bound in self.bounds.items():
            value = values[name]
            if not 0 <= value < bound:
                raise InvalidInputError(f"{name}={value} cannot be packed: it must be in 0 to {bound - 1}.")
            packed += value * step
            step *= bound
        return packed

    def unpack(self, packed: int) -> dict[str, int]:
        """Give back the values of a packed integer."""
        values: dict[str, int] = {}
        for name, bound in self.bounds.items():
            packed, values[name] = divmod(packed, bound)
        if packed:
            raise InvalidInputError("The number is larger than any packed data ID.")
        return values
