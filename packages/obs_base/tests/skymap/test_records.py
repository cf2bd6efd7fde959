# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pachon.dimensions import DimensionUniverse
from pachon.obs_base.skymap.kinds import make_sky_map
from pachon.obs_base.skymap.records import iter_tract_records, sky_map_records

SKY_MAP = make_sky_map(
    "rings", {"numRings": 3, "pixelScale": 60.0, "patchInnerDimensions": [1000, 1000], "tractOverlap": 0.1}
)


def test_records() -> None:
    universe = DimensionUniverse.default()
    (record,) = sky_map_records(universe, "three", SKY_MAP)
    assert (record.name, record.tract_max) == ("three", 26)
    assert bytes(record.hash) == SKY_MAP.hash
    tables = list(iter_tract_records(universe, "three", SKY_MAP, batch=10))
    assert [len(tracts) for tracts, _ in tables] == [10, 10, 6]
    tracts, patches = tables[0]
    assert [one.id for one in tracts] == list(range(10))
    assert sum(len(SKY_MAP[i]) for i in range(10)) == len(patches)
    last = patches[len(patches) - 1]
    assert (last.tract, last.id) == (9, len(SKY_MAP[9]) - 1)
    assert (last.cell_x, last.cell_y) == (SKY_MAP[9][last.id].x, SKY_MAP[9][last.id].y)
    nx, ny = SKY_MAP[9].patch_shape
    assert nx <= record.patch_nx_max
    assert ny <= record.patch_ny_max
