# SPDX-License-Identifier: BSD-3-Clause
"""How a tract's box is cut into patches (and patches into cells)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pachon.obs_base.box import Box
from pachon.obs_base.skymap.config import CellTractBuilder, LegacyTractBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchGrid:
    """The sizes, in pixels, that follow from the settings."""

    inner_width: int
    inner_height: int
    border: int
    is_clipped: bool
    """Whether outer boxes end at the edge of the tract."""

    cell_size: int = 0
    """Inner width and height of a cell; 0 without cells."""

    cell_border: int = 0
    cells_inner: int = 0
    """Cells along the inner part of a patch."""

    cells_in_border: int = 0

    @classmethod
    def from_settings(cls, settings: LegacyTractBuilder | CellTractBuilder) -> PatchGrid:
        """Give the sizes of either kind."""
        if isinstance(settings, LegacyTractBuilder):
            width, height = settings.patch_inner_dimensions
            return cls(inner_width=width, inner_height=height, border=settings.patch_border, is_clipped=True)
        cell = settings.cell_inner_dimensions[0]
        inner = cell * settings.num_cells_per_patch_inner
        return cls(
            inner_width=inner,
            inner_height=inner,
            border=settings.num_cells_in_patch_border * cell + settings.cell_border,
            is_clipped=False,
            cell_size=cell,
            cell_border=settings.cell_border,
            cells_inner=settings.num_cells_per_patch_inner,
            cells_in_border=settings.num_cells_in_patch_border,
        )

    @property
    def cells_per_side(self) -> int:
        """Cells along a whole patch, borders included."""
        return self.cells_inner + 2 * self.cells_in_border

    def fit(self, box: Box) -> tuple[int, int, Box]:
        """Grow a box to whole patches.

        Returns
        -------
        nx, ny : int
            Patches in x and y.
        grown : Box
            The box of these patches, centred on the given one to the pixel.
        """
        nx, ny = -(-box.width // self.inner_width), -(-box.height // self.inner_height)
        width, height = nx * self.inner_width, ny * self.inner_height
        x0 = box.x0 - (width - box.width) // 2
        y0 = box.y0 - (height - box.height) // 2
        return nx, ny, Box(x0, y0, width, height)

    def inner_box(self, x: int, y: int) -> Box:
        """Give the inner box of the patch in column ``x`` and row ``y``."""
        return Box(x * self.inner_width, y * self.inner_height, self.inner_width, self.inner_height)

    def outer_box(self, x: int, y: int, tract: Box) -> Box:
        """Give the outer box of a patch of a tract."""
        grown = self.inner_box(x, y).grown(self.border)
        return grown.intersection(tract) if self.is_clipped else grown

    def pack(self, settings: LegacyTractBuilder | CellTractBuilder) -> bytes:
        """Give the bytes of the settings that go into a sky map's hash."""
        if isinstance(settings, LegacyTractBuilder):
            return struct.pack("<iii", *settings.patch_inner_dimensions, settings.patch_border)
        return struct.pack(
            "<iiiii",
            *settings.cell_inner_dimensions,
            settings.cell_border,
            settings.num_cells_per_patch_inner,
            settings.num_cells_in_patch_border,
        )
