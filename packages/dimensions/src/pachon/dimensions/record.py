# SPDX-License-Identifier: BSD-3-Clause
"""A light view of one dimension record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pachon.dimensions.element import DimensionElement
from pachon.dimensions.timespan import Timespan

__all__ = ["DimensionRecord"]


class DimensionRecord:
    """The fields of one record of an element, as attributes.

    Fields are those of `DimensionElement.columns`; a null is `None`, ``region`` is an
    lsst-sphgeom region (ICRS), ``timespan`` a `Timespan`.
    """

    __slots__ = ("_values", "element")

    element: DimensionElement

    def __init__(self, element: DimensionElement, values: Mapping[str, Any]) -> None:
        self.element = element
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            value = self._values[name]
        except KeyError:
            raise AttributeError(
                f"A record of {self.element.name!r} has no field {name!r}; "
                f"it has {', '.join(self.element.column_names)}."
            ) from None
        if name == "region" and isinstance(value, bytes):
            # Decoding waits until somebody looks.
            from pachon.dimensions.region import region_from_bytes

            return region_from_bytes(value)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Give a field by name, or the default if the element has no such field."""
        return getattr(self, name) if name in self._values else default

    def key(self, dimension: str) -> Any:
        """Give the value of a dimension that the record has as key or implies."""
        return self._values[self.element.key_name(dimension)]

    @property
    def region_bytes(self) -> bytes | None:
        """The stored form of the region, or `None`."""
        value = self._values.get("region")
        if value is None or isinstance(value, bytes):
            return value
        return bytes(value.encode())

    def as_dict(self) -> dict[str, Any]:
        """Give all fields by name, decoded."""
        return {name: getattr(self, name) for name in self._values}

    def as_stored(self) -> dict[str, Any]:
        """Give all fields by name; the region in its stored form."""
        return {n: self.region_bytes if n == "region" else v for n, v in self._values.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DimensionRecord):
            return NotImplemented
        return self.element.name == other.element.name and self.as_stored() == other.as_stored()

    def __hash__(self) -> int:
        return hash((self.element.name, *(self._values[c.name] for c in self.element.key_columns)))

    def __reduce__(self) -> tuple[Any, tuple[DimensionElement, dict[str, Any]]]:
        return DimensionRecord, (self.element, self.as_stored())

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value!s}" if isinstance(value, Timespan) else f"{name}={value!r}"
            for name, value in self._values.items()
            if name != "region"
        )
        return f"{self.element.name}({shown})"
