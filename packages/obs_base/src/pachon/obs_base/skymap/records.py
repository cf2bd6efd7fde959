# SPDX-License-Identifier: BSD-3-Clause
"""The dimension records of a sky map, its tracts and its patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pachon.dimensions import DimensionUniverse, RecordTable
from pachon.obs_base.skymap import sphere
from pachon.obs_base.skymap.sky_map import SkyMap

__all__ = ["iter_tract_records", "sky_map_records"]


def sky_map_records(universe: DimensionUniverse, name: str, sky_map: SkyMap) -> RecordTable:
    """Give the one record of ``skymap``."""
    shapes = [tract.patch_shape for tract in sky_map]
    row = {
        "name": name,
        "hash": sky_map.hash,
        "tract_max": len(sky_map),
        "patch_nx_max": max(nx for nx, _ in shapes),
        "patch_ny_max": max(ny for _, ny in shapes),
    }
    return RecordTable.from_rows(universe["skymap"], [row])


def iter_tract_records(
    universe: DimensionUniverse, name: str, sky_map: SkyMap, *, batch: int = 200
) -> Iterator[tuple[RecordTable, RecordTable]]:
    """Give the records of ``tract`` and ``patch``, some tracts at a time.

    The region of a tract is the polygon of its box, that of a patch the polygon of its outer box.
    """
    for first in range(0, len(sky_map), batch):
        chosen = range(first, min(first + batch, len(sky_map)))
        yield _tables(universe, name, sky_map, chosen)


def _tables(
    universe: DimensionUniverse, name: str, sky_map: SkyMap, indices: Sequence[int]
) -> tuple[RecordTable, RecordTable]:
    tract_vertices = []
    tract_ids, patch_ids, cell_x, cell_y, patch_vertices = [], [], [], [], []
    for index in indices:
        tract = sky_map[index]
        patches = list(tract)
        vertices = tract.vertices([tract.bbox, *(patch.outer_bbox for patch in patches)])
        tract_vertices.append(vertices[:1])
        patch_vertices.append(vertices[1:])
        tract_ids += [tract.id] * len(patches)
        patch_ids += [patch.id for patch in patches]
        cell_x += [patch.x for patch in patches]
        cell_y += [patch.y for patch in patches]
    tracts = RecordTable(
        universe["tract"],
        {
            "skymap": _repeated(name, len(indices)),
            "id": np.asarray(indices, dtype=np.int64),
            "region": _regions(tract_vertices),
        },
    )
    patches_table = RecordTable(
        universe["patch"],
        {
            "skymap": _repeated(name, len(patch_ids)),
            "tract": np.asarray(tract_ids, dtype=np.int64),
            "id": np.asarray(patch_ids, dtype=np.int64),
            "cell_x": np.asarray(cell_x, dtype=np.int64),
            "cell_y": np.asarray(cell_y, dtype=np.int64),
            "region": _regions(patch_vertices),
        },
    )
    return tracts, patches_table


def _repeated(value: str, count: int) -> np.ndarray:
    column = np.empty(count, dtype=object)
    column[:] = value
    return column


def _regions(vertices: Sequence[sphere.Floats]) -> np.ndarray:
    encoded = sphere.polygons_as_bytes(np.concatenate(vertices))
    column = np.empty(len(encoded), dtype=object)
    column[:] = encoded
    return column
