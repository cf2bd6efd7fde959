# SPDX-License-Identifier: BSD-3-Clause
"""Packing a data ID into one integer, and back."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass

from pachon.base import InvalidInputError

__all__ = ["DimensionPacker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionPacker:
    """Packs integer dimensions with known bounds; the first varies fastest."""

    bounds: Mapping[str, int]
    """Exclusive upper bound of each dimension, in packing order."""

    def __post_init__(self) -> None:
        for name, bound in self.bounds.items():
            # Bounds come from records, where they may be null.
            if type(bound) is not int or bound < 1:
                raise InvalidInputError(f"The bound of {name} must be a whole number above 0; got {bound!r}.")

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
            try:
                value = operator.index(values[name])
            except KeyError:
                raise InvalidInputError(f"A value of {name} is needed to pack {dict(values)}.") from None
            except TypeError:
                raise InvalidInputError(f"{name}={values[name]!r} cannot be packed: it is no whole number.") from None
            if not 0 <= value < bound:
                raise InvalidInputError(f"{name}={value} cannot be packed: it must be in 0 to {bound - 1}.")
            packed += value * step
            step *= bound
        return packed

    def unpack(self, packed: int) -> dict[str, int]:
        """Give back the values of a packed integer."""
        if packed < 0:
            raise InvalidInputError(f"No data ID is packed as {packed}; packed numbers begin at 0.")
        values: dict[str, int] = {}
        for name, bound in self.bounds.items():
            packed, values[name] = divmod(packed, bound)
        if packed:
            raise InvalidInputError("The number is larger than any packed data ID.")
        return values
