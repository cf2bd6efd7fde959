# SPDX-License-Identifier: BSD-3-Clause
"""The simulated camera as an instrument."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pachon.obs_base.filters import FilterDefinition, FilterDefinitions
from pachon.obs_base.instrument import Instrument

if TYPE_CHECKING:
    from astro_metadata_translator import MetadataTranslator

__all__ = ["SimCam"]


class SimCam(Instrument):
    """Four CCDs whose truth is known; `pachon.obs_base.simcam.simulate` makes its frames."""

    name: ClassVar[str] = "SimCam"
    registered_name: ClassVar[str] = "simcam"
    package: ClassVar[str] = "pachon.obs_base.simcam"
    raw_formatter_name: ClassVar[str] = "simcam_raw"
    exposure_max: ClassVar[int] = 2100_00_00 * 10_000

    @cached_property
    def filters(self) -> FilterDefinitions:
        """Two filters, and ``none`` for bias frames."""
        return FilterDefinitions(
            self.name,
            FilterDefinition(physical_filter="g"),
            FilterDefinition(physical_filter="r"),
            FilterDefinition(physical_filter="none", doc="bias"),
        )

    @property
    def translator(self) -> type[MetadataTranslator]:
        # The translators' library takes a second to import; only readers of headers need it.
        from pachon.obs_base.simcam.translator import SimCamTranslator

        return SimCamTranslator
