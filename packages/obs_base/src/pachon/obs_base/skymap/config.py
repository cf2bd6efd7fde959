# SPDX-License-Identifier: BSD-3-Clause
"""Settings of sky maps, as documents.

Names are the field's in `snake_case`; the spelling of LSST's configuration files
(``numRings``, ``tractOverlap``) is accepted too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class LegacyTractBuilder(_Settings):
    """Patches of a fixed inner size with a border that is cut at the edge of the tract."""

    kind: Literal["legacy"] = "legacy"
    patch_inner_dimensions: tuple[int, int] = (4000, 4000)
    """Width and height of the part of a patch that is its own (pixels)."""

    patch_border: int = Field(default=100, ge=0)
    """Pixels round the inner part that overlap the neighbours."""


class CellTractBuilder(_Settings):
    """Patches made of square cells; outer boxes may leave the tract."""

    kind: Literal["cells"] = "cells"
    cell_inner_dimensions: tuple[int, int] = (150, 150)
    cell_border: int = Field(default=50, ge=0)
    num_cells_per_patch_inner: int = Field(default=20, ge=1)
    num_cells_in_patch_border: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _square(self) -> Self:
        if self.cell_inner_dimensions[0] != self.cell_inner_dimensions[1]:
            raise ValueError(f"cells must be square, not {self.cell_inner_dimensions}")
        return self


class SkyMapSettings(_Settings):
    """What all sky maps have."""

    tract_overlap: float = Field(default=1.0, ge=0.0)
    """Minimum overlap between neighbouring tracts (deg)."""

    pixel_scale: float = Field(default=0.333, gt=0.0)
    """Size of a pixel at the centre of a tract (arcsec)."""

    projection: str = Field(default="STG", pattern="^[A-Z]{3}$")
    """FITS code of the projection: STG, TAN, CEA, MOL ..."""

    rotation: float = 0.0
    """Position angle of the tracts' y axis (deg, north through east)."""

    tract_builder: LegacyTractBuilder | CellTractBuilder = Field(
        default_factory=LegacyTractBuilder, discriminator="kind"
    )
    """How tracts are cut into patches."""

    @model_validator(mode="before")
    @classmethod
    def _patch_sizes_at_the_top(cls, values: Any) -> Any:
        """Accept sizes of legacy patches beside the other settings, and a builder without a kind."""
        if not isinstance(values, Mapping):
            return values
        settings = dict(values)
        builder: Any = settings.pop("tractBuilder", settings.pop("tract_builder", {}))
        if isinstance(builder, Mapping):
            builder = {"kind": "legacy", **builder}
            for name in ("patchInnerDimensions", "patch_inner_dimensions", "patchBorder", "patch_border"):
                if name in settings:
                    builder[name] = settings.pop(name)
        return {**settings, "tract_builder": builder}


class RingsSettings(SkyMapSettings):
    """A sky map of rings of equal declination height."""

    kind: Literal["rings"] = "rings"
    num_rings: int = Field(ge=1)
    """Rings between the two polar caps."""

    ra_start: float = 0.0
    """Right ascension of the centre of the first tract of each ring (deg)."""


class DiscreteSettings(SkyMapSettings):
    """A sky map of given centres and radii."""

    kind: Literal["discrete"] = "discrete"
    ra_list: tuple[float, ...]
    dec_list: tuple[float, ...]
    radius_list: tuple[float, ...]
    """Right ascension, declination and radius of each tract (deg)."""

    @model_validator(mode="after")
    def _equal_lengths(self) -> Self:
        lengths = {len(self.ra_list), len(self.dec_list), len(self.radius_list)}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError("ra_list, dec_list and radius_list must have one entry a tract")
        return self


class EquatSettings(SkyMapSettings):
    """A sky map of strips of equal width along the equator."""

    kind: Literal["equat"] = "equat"
    projection: str = Field(default="CEA", pattern="^[A-Z]{3}$")
    num_tracts: int = Field(default=4, ge=1)
    dec_range: tuple[float, float] = (-1.25, 1.25)
    """Lowest and highest declination (deg)."""
