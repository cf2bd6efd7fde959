# SPDX-License-Identifier: BSD-3-Clause
"""The sky map: tracts that cover a part of the sky or all of it."""

from __future__ import annotations

import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from pachon.base import NotFoundError
from pachon.obs_base.skymap import sphere
from pachon.obs_base.skymap.config import SkyMapSettings
from pachon.obs_base.skymap.patch_grid import PatchGrid
from pachon.obs_base.skymap.tract import Patch, Tract, make_wcs

VERSION = 1
"""Version of sky maps that are made now; version 0 numbers tracts of rings off by one."""


class SkyMap(ABC):
    """An ordered set of tracts, made from settings alone.

    ``sky_map[i]`` gives a tract, made when asked for; ``len`` counts them; equality is equality
    of the hash.
    """

    kind: ClassVar[str]
    """Name in configurations and in the stored form."""

    hash_name: ClassVar[str]
    """Name that goes into the hash; it is shared with other implementations."""

    def __init__(self, settings: SkyMapSettings, *, version: int = VERSION) -> None:
        self.settings = settings
        self.version = version
        self.grid = PatchGrid.from_settings(settings.tract_builder)
        self._tract = lru_cache(maxsize=64)(self._make_tract)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _make_tract(self, index: int) -> Tract:
        """Make one tract; ``index`` is valid."""

    @abstractmethod
    def find_tract(self, ra: float, dec: float) -> Tract:
        """Give the tract whose inner region holds a direction (deg), or that is nearest to it."""

    @abstractmethod
    def _packed_settings(self) -> bytes:
        """Give the bytes of this kind's own settings for the hash."""

    def __getitem__(self, tract: int) -> Tract:
        if not 0 <= int(tract) < len(self):
            raise NotFoundError(f"The {self.kind} sky map has tracts 0 to {len(self) - 1}, and no {tract}.")
        return self._tract(int(tract))

    def __iter__(self) -> Iterator[Tract]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SkyMap) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"<SkyMap {self.kind}: {len(self)} tracts, {self.hash.hex()[:8]}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (type(self), self.settings, self.version)

    @property
    def hash(self) -> bytes:
        """SHA-1 of kind and settings, 20 bytes: what the ``skymap`` record holds."""
        s = self.settings
        packed = self.grid.pack(s.tract_builder) + struct.pack(
            "<dd3sd", s.tract_overlap, s.pixel_scale, s.projection.encode(), s.rotation
        )
        return hashlib.sha1(  # an identifier shared with LSST, not a safeguard
            self.hash_name.encode() + packed + self._packed_settings(), usedforsecurity=False
        ).digest()

    def to_document(self) -> dict[str, Any]:
        """Give the stored form: plain values, as `sky_map_from_document` reads them."""
        return {"version": self.version, **self.settings.model_dump(mode="json")}

    def find_patches(self, ra: sphere.Floats, dec: sphere.Floats) -> list[Patch]:
        """Give the patches, of all tracts, that directions (deg) may touch."""
        found: dict[tuple[int, int], Patch] = {}
        tracts = {self.find_tract(float(a), float(d)).id for a, d in zip(np.ravel(ra), np.ravel(dec), strict=True)}
        for index in self._with_neighbours(tracts):
            for patch in self[index].find_patches(ra, dec):
                found[index, patch.id] = patch
        return [found[key] for key in sorted(found)]

    def _with_neighbours(self, tracts: set[int]) -> list[int]:
        """Give tracts, and those that may overlap them."""
        return sorted(tracts)

    def _circle_tract(self, index: int, ra: float, dec: float, radius: float) -> Tract:
        """Make the tract that holds a circle (deg) and the overlap round it."""
        points = sphere.offset(
            np.full(4, ra), np.full(4, dec), [90.0, 0.0, 270.0, 180.0], radius + self.settings.tract_overlap
        )
        wcs = self._projection(ra, dec)
        return Tract(index, wcs=wcs, points=list(zip(*points, strict=True)), grid=self.grid, center=(ra, dec))

    def _vertex_tract(
        self, index: int, vertices: list[tuple[float, float]], center: tuple[float, float], crval_dec: float
    ) -> Tract:
        """Make the tract that holds vertices (deg) and half the overlap round each."""
        half = self.settings.tract_overlap / 2.0
        if half == 0.0:
            points = vertices
        else:
            angles = np.arange(24) * 15.0
            points = [
                pair
                for ra, dec in vertices
                for pair in zip(*sphere.offset(np.full(24, ra), np.full(24, dec), angles, half), strict=True)
            ]
        wcs = self._projection(center[0], crval_dec)
        return Tract(index, wcs=wcs, points=points, grid=self.grid, center=center)

    def _projection(self, ra: float, dec: float) -> Any:
        s = self.settings
        return make_wcs(
            ra,
            dec,
            pixel_scale=s.pixel_scale,
            projection=s.projection,
            rotation=s.rotation,
            crpix=(0.0, 0.0),
        )


def _remake(sky_map_class: Any, settings: SkyMapSettings, version: int) -> SkyMap:
    sky_map: SkyMap = sky_map_class(settings, version=version)
    return sky_map
