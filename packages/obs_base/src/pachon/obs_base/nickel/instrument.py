# SPDX-License-Identifier: BSD-3-Clause
"""The Lick Nickel 1 m telescope with its Direct Imaging Camera."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pachon.obs_base.filters import FilterDefinition, FilterDefinitions
from pachon.obs_base.instrument import Instrument
from pachon.obs_base.visit_region import CircleRegion, VisitRegionPolicy

if TYPE_CHECKING:
    from astro_metadata_translator import MetadataTranslator

__all__ = ["Nickel"]


class Nickel(Instrument):
    """One CCD of 1024 x 1024 binned pixels; the pointing of the headers is off by up to 104 arcsec."""

    name: ClassVar[str] = "Nickel"
    registered_name: ClassVar[str] = "nickel"
    package: ClassVar[str] = "pachon.obs_base.nickel"
    raw_formatter_name: ClassVar[str] = "nickel_raw"
    exposure_max: ClassVar[int] = 2100_00_00 * 100_000
    visit_region: ClassVar[VisitRegionPolicy] = CircleRegion(padding=120.0)

    @cached_property
    def filters(self) -> FilterDefinitions:
        """The filters of the wheel, and ``none`` for frames without light."""
        return FilterDefinitions(
            self.name,
            FilterDefinition(physical_filter="B", doc="Johnson B"),
            FilterDefinition(physical_filter="V", doc="Johnson V"),
            FilterDefinition(physical_filter="R", doc="Cousins R"),
            FilterDefinition(physical_filter="I", doc="Cousins I"),
            FilterDefinition(
                physical_filter="Open", band="white", doc="no filter", aliases=frozenset({"OPEN", "open"})
            ),
            FilterDefinition(physical_filter="none", doc="bias and dark: whatever is in the wheel means nothing"),
        )

    @property
    def translator(self) -> type[MetadataTranslator]:
        # The translators' library takes a second to import; only readers of headers need it.
        from pachon.obs_base.nickel.translator import NickelTranslator

        return NickelTranslator
