# SPDX-License-Identifier: BSD-3-Clause
"""The discrete sky map: tracts at given places."""

from __future__ import annotations

import struct
from typing import ClassVar

import numpy as np

from pachon.obs_base.skymap import sphere
from pachon.obs_base.skymap.config import DiscreteSettings
from pachon.obs_base.skymap.sky_map import SkyMap
from pachon.obs_base.skymap.tract import Tract


class DiscreteSkyMap(SkyMap):
    """One tract for each centre and radius of the settings, in their order."""

    kind: ClassVar[str] = "discrete"
    hash_name: ClassVar[str] = "DiscreteSkyMap"
    settings: DiscreteSettings

    def __len__(self) -> int:
        return len(self.settings.ra_list)

    def _make_tract(self, index: int) -> Tract:
        s = self.settings
        return self._circle_tract(index, s.ra_list[index], s.dec_list[index], s.radius_list[index])

    def find_tract(self, ra: float, dec: float) -> Tract:
        distances = sphere.separation(ra, dec, np.asarray(self.settings.ra_list), self.settings.dec_list)
        return self[int(np.argmin(distances))]

    def _with_neighbours(self, tracts: set[int]) -> list[int]:
        return list(range(len(self)))

    def _packed_settings(self) -> bytes:
        s = self.settings
        count = f"<{len(self)}d"
        return b"".join(struct.pack(count, *values) for values in (s.ra_list, s.dec_list, s.radius_list))
