# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.base import FormatError, InvalidInputError, NotFoundError
from pachon.obs_base.box import Box
from pachon.obs_base.skymap.kinds import make_sky_map, sky_map_from_document
from pachon.obs_base.skymap.rings import RingsSkyMap

HSC = {"numRings": 120, "projection": "TAN", "tractOverlap": 1 / 60, "pixelScale": 0.168}
"""The map that the Hyper Suprime-Cam survey and the DESC simulations publish their tracts in."""


def rings(**changes: Any) -> RingsSkyMap:
    sky_map = make_sky_map("rings", {**HSC, **changes})
    assert isinstance(sky_map, RingsSkyMap)
    return sky_map


def test_number_of_tracts() -> None:
    assert len(rings()) == 18938
    assert len(make_sky_map("rings", {"num_rings": 3})) == 26


@pytest.mark.parametrize(
    ("name", "ra", "dec", "tract"),
    [
        ("COSMOS", 150.12, 2.2, 9813),
        ("DC2", 56.6, -36.4, 3828),
        ("south pole", 10.0, -90.0, 0),
        ("north pole", 0, 90, 18937),
    ],
)
def test_published_tracts(name: str, ra: float, dec: float, tract: int) -> None:
    found = rings().find_tract(ra, dec)
    assert found.id == tract
    assert found.contains(ra, dec)


def test_published_geometry() -> None:
    tract = rings()[9813]
    assert tract.patch_shape == (9, 9)
    assert tract.bbox == Box(0, 0, 36000, 36000)
    assert tract[4, 4].inner_bbox == Box(16000, 16000, 4000, 4000)
    assert tract[40].outer_bbox == Box(15900, 15900, 4200, 4200)
    assert tract[0].outer_bbox == Box(0, 0, 4100, 4100)
    assert tract.find_patch(150.12, 2.2).id == 41


def test_version_zero_numbers_tracts_late() -> None:
    new, old = rings(), make_sky_map("rings", HSC, version=0)
    assert isinstance(old, RingsSkyMap)
    first_of_second_ring = 1 + new.ring_counts[0]
    assert new.ring_of(first_of_second_ring) == (1, 0)
    assert old.ring_of(first_of_second_ring) == (0, new.ring_counts[0])
    assert sky_map_from_document(old.to_document()).version == 0


def test_first_tract_of_a_ring_wraps() -> None:
    sky_map = rings()
    assert sky_map.find_tract(359.9999, 0.0).id == sky_map.find_tract(0.0001, 0.0).id


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 359.999), st.floats(-1, 1))
def test_every_direction_is_in_its_tract(ra: float, sine: float) -> None:
    sky_map = make_sky_map("rings", {"numRings": 15, "pixelScale": 10.0, "tractOverlap": 0.1})
    dec = math.degrees(math.asin(sine))
    tract = sky_map.find_tract(ra, dec)
    assert tract.contains(ra, dec)
    patch = tract.find_patch(ra, dec)
    x, y = tract.to_pixels(np.array([ra]), np.array([dec]))
    assert patch.inner_bbox.contains(x[0], y[0])
    found = sky_map.find_patches(np.array([ra]), np.array([dec]))
    assert (tract.id, patch.id) in {(one.tract, one.id) for one in found}


def test_stored_form_and_pickle() -> None:
    sky_map = rings()
    assert sky_map_from_document(sky_map.to_document()) == sky_map
    again = pickle.loads(pickle.dumps(sky_map))
    assert again == sky_map
    assert again[9813].wcs.wcs.compare(sky_map[9813].wcs.wcs)
    assert len({sky_map, again, rings(numRings=60)}) == 2


def test_hash_is_of_all_settings() -> None:
    maps = [
        rings(),
        rings(raStart=1.0),
        rings(rotation=1.0),
        rings(projection="STG"),
        rings(pixelScale=0.2),
        rings(patchBorder=50),
        rings(patchInnerDimensions=[4000, 2000]),
        rings(tractOverlap=0.5),
        rings(tractBuilder={"kind": "cells"}),
    ]
    assert len({one.hash for one in maps}) == len(maps)
    assert all(len(one.hash) == 20 for one in maps)


def test_wrong_settings() -> None:
    with pytest.raises(InvalidInputError, match=r"no sky map of kind 'ring'.*Did you mean 'rings'"):
        make_sky_map("ring", {})
    with pytest.raises(InvalidInputError, match="Setting 'numRings' of the rings sky map: Field required"):
        make_sky_map("rings", {})
    with pytest.raises(InvalidInputError, match="Setting 'projection'"):
        rings(projection="T")
    with pytest.raises(InvalidInputError, match="Setting 'numRing' of the rings sky map: Extra inputs"):
        rings(numRing=3)
    with pytest.raises(FormatError, match="no stored sky map"):
        sky_map_from_document({"kind": "rings"})
    with pytest.raises(FormatError, match="cannot be read"):
        sky_map_from_document({"kind": "rings", "version": 1})
    with pytest.raises(NotFoundError, match="tracts 0 to 18937"):
        rings()[18938]
    with pytest.raises(NotFoundError, match="9 x 9 patches"):
        rings()[5][81]
