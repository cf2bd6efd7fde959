# SPDX-License-Identifier: BSD-3-Clause
"""The equatorial sky map: strips of equal width in right ascension."""

from __future__ import annotations

import struct
from typing import ClassVar

from pachon.obs_base.skymap.config import EquatSettings
from pachon.obs_base.skymap.sky_map import SkyMap
from pachon.obs_base.skymap.tract import Tract


class EquatSkyMap(SkyMap):
    """Tract 0 begins at right ascension 0; the reference point of each lies on the equator."""

    kind: ClassVar[str] = "equat"
    hash_name: ClassVar[str] = "EquatSkyMap"
    settings: EquatSettings

    def __len__(self) -> int:
        return self.settings.num_tracts

    def _make_tract(self, index: int) -> Tract:
        width = 360.0 / self.settings.num_tracts
        low, high = self.settings.dec_range
        first, last = index * width, (index + 1) * width
        middle = (index + 0.5) * width
        vertices = [(first, low), (last, low), (last, high), (first, high)]
        return self._vertex_tract(index, vertices, (middle, 0.5 * (low + high)), crval_dec=0.0)

    def find_tract(self, ra: float, dec: float) -> Tract:
        return self[min(int(ra % 360.0 / (360.0 / self.settings.num_tracts)), self.settings.num_tracts - 1)]

    def _with_neighbours(self, tracts: set[int]) -> list[int]:
        return sorted({(index + step) % len(self) for index in tracts for step in (-1, 0, 1)})

    def _packed_settings(self) -> bytes:
        return struct.pack("<i2d", self.settings.num_tracts, *self.settings.dec_range)
