# SPDX-License-Identifier: BSD-3-Clause
"""The delegate of ``CCDData``: astropy's image with mask, uncertainty, header and WCS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pachon.datasets.delegate import StorageClassDelegate

__all__ = ["CCDDataDelegate"]


class CCDDataDelegate(StorageClassDelegate):
    """Names the pixels ``image`` and puts an image together with its unit."""

    def get_component(self, obj: Any, component: str) -> Any:
        """Give a component; ``image`` is the array of pixels."""
        return super().get_component(obj, "data" if component == "image" else component)

    def disassemble(self, obj: Any, subset: Iterable[str] | None = None) -> dict[str, Any]:
        """Give the stored components; the header gets the unit of the pixels, of which no component else knows."""
        parts = super().disassemble(obj, subset)
        if "header" in parts:
            parts["header"] = parts["header"].copy()
            parts["header"]["BUNIT"] = obj.unit.to_string()
        return parts

    def assemble(self, components: Mapping[str, Any], pytype: type[Any]) -> Any:
        """Make an image; its unit is that of the header's BUNIT, or none."""
        parts = dict(components)
        header = parts.get("header")
        unit = header.get("BUNIT", "") if header is not None else ""
        return pytype(
            parts["image"],
            mask=parts.get("mask"),
            uncertainty=parts.get("uncertainty"),
            wcs=parts.get("wcs"),
            header=header,
            unit=unit or "",
        )
