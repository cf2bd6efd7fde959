# SPDX-License-Identifier: BSD-3-Clause
"""The rings sky map: two polar caps and rings of equal declination height."""

from __future__ import annotations

import math
import struct
from typing import ClassVar

from pachon.obs_base.skymap.config import RingsSettings
from pachon.obs_base.skymap.sky_map import VERSION, SkyMap
from pachon.obs_base.skymap.tract import Tract


class RingsSkyMap(SkyMap):
    """Tract 0 is the south pole; then ring by ring to the north, each eastward from ``ra_start``."""

    kind: ClassVar[str] = "rings"
    hash_name: ClassVar[str] = "RingsSkyMap"
    settings: RingsSettings

    def __init__(self, settings: RingsSettings, *, version: int = VERSION) -> None:
        super().__init__(settings, version=version)
        self.ring_height = math.pi / (settings.num_rings + 1)
        """Height of a ring (radians); each polar cap is half of one."""
        self.ring_counts: list[int] = []
        """Tracts in each ring, from the south."""
        for ring in range(settings.num_rings):
            start = self.ring_height * (ring + 0.5) - 0.5 * math.pi
            stop = start + self.ring_height
            widest = min(math.fabs(start), math.fabs(stop))
            self.ring_counts.append(int(2.0 * math.pi * math.cos(widest) / self.ring_height) + 1)

    def __len__(self) -> int:
        return sum(self.ring_counts) + 2

    def ring_of(self, index: int) -> tuple[int, int]:
        """Give the ring of a tract and its place there; ring -1 and the last are the poles."""
        if index == 0:
            return -1, 0
        if index == len(self) - 1:
            return self.settings.num_rings, 0
        ring, place = 0, index - 1
        # Version 0 stays one place longer in each ring; sky maps made so are still in use.
        late = 1 if self.version == 0 else 0
        while ring < self.settings.num_rings and place >= self.ring_counts[ring] + late:
            place -= self.ring_counts[ring]
            ring += 1
        return ring, place

    def _make_tract(self, index: int) -> Tract:
        ring, place = self.ring_of(index)
        if ring == -1:
            ra, dec = 0.0, -90.0
        elif ring == self.settings.num_rings:
            ra, dec = 0.0, 90.0
        else:
            dec = math.degrees(self.ring_height * (ring + 1) - 0.5 * math.pi)
            ra = (360.0 * place / self.ring_counts[ring] + self.settings.ra_start) % 360.0
        return self._circle_tract(index, ra, dec, math.degrees(0.5 * self.ring_height))

    def find_tract(self, ra: float, dec: float) -> Tract:
        return self[self._index(*self._ring_and_place(ra, dec))]

    def _ring_and_place(self, ra: float, dec: float) -> tuple[int, int]:
        first = self.ring_height * 0.5 - 0.5 * math.pi
        lat = math.radians(dec)
        if lat < first:
            return -1, 0
        if lat > -first:
            return self.settings.num_rings, 0
        ring = min(int((lat - first) / self.ring_height), self.settings.num_rings - 1)
        count = self.ring_counts[ring]
        place = int(((ra - self.settings.ra_start) % 360.0) / (360.0 / count) + 0.5)
        return ring, 0 if place == count else place

    def _index(self, ring: int, place: int) -> int:
        if ring == -1:
            return 0
        if ring == self.settings.num_rings:
            return len(self) - 1
        return sum(self.ring_counts[:ring]) + 1 + place

    def _with_neighbours(self, tracts: set[int]) -> list[int]:
        near: set[int] = set()
        for index in tracts:
            tract = self[index]
            ring, _ = self.ring_of(index)
            for other in range(max(-1, ring - 1), min(self.settings.num_rings, ring + 1) + 1):
                if other in (-1, self.settings.num_rings):
                    near.add(self._index(other, 0))
                    continue
                count = self.ring_counts[other]
                if ring in (-1, self.settings.num_rings):
                    near.update(self._index(other, place) for place in range(count))
                    continue
                nearest = round(((tract.center[0] - self.settings.ra_start) % 360.0) / (360.0 / count))
                near.update(self._index(other, (nearest + step) % count) for step in (-1, 0, 1))
        return sorted(near)

    def _packed_settings(self) -> bytes:
        return struct.pack("<id", self.settings.num_rings, self.settings.ra_start)
