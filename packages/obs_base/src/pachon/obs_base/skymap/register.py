# SPDX-License-Identifier: BSD-3-Clause
"""Bring a sky map into a repository: its records and its dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pachon.base import ConflictError
from pachon.datasets import CollectionType, DatasetType
from pachon.obs_base.collection_names import SKY_MAPS
from pachon.obs_base.skymap.records import iter_tract_records, sky_map_records
from pachon.obs_base.skymap.sky_map import SkyMap

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["SKY_MAP_TYPE", "register_sky_map"]

SKY_MAP_TYPE = "skyMap"
"""Dataset type of sky maps: {skymap}, storage class ``SkyMap``."""


def register_sky_map(butler: Butler, name: str, sky_map: SkyMap, *, run: str = SKY_MAPS) -> bool:
    """Register the records of a sky map, and store it.

    Parameters
    ----------
    butler
        A writeable butler.
    name
        Value of the dimension ``skymap``.
    sky_map
        The sky map.
    run
        RUN that keeps it.

    Returns
    -------
    bool
        False if the same sky map of this name was there already.

    Raises
    ------
    ConflictError
        If the name belongs to another sky map, or this one has another name.

    Notes
    -----
    Records are written all or none. If this is interrupted between them and the dataset, doing it
    again completes it.
    """
    has_records = _check_records(butler, name, sky_map)
    dataset_type = DatasetType(SKY_MAP_TYPE, ("skymap",), "SkyMap", universe=butler.universe)
    if not has_records:
        with butler.transaction():
            butler.dimension_records.insert("skymap", sky_map_records(butler.universe, name, sky_map))
            for tracts, patches in iter_tract_records(butler.universe, name, sky_map):
                butler.dimension_records.insert("tract", tracts)
                butler.dimension_records.insert("patch", patches)
    butler.dataset_types.register(dataset_type)
    butler.collections.register(run, CollectionType.RUN)
    if butler.find_dataset(dataset_type, {"skymap": name}, collections=[run]) is None:
        butler.put(sky_map, dataset_type, {"skymap": name}, run=run)
        return True
    return not has_records


def _check_records(butler: Butler, name: str, sky_map: SkyMap) -> bool:
    """Tell whether the records of this very sky map are there."""
    for record in butler.fetch_records("skymap"):
        same_hash = bytes(record.hash) == sky_map.hash
        if record.name == name and not same_hash:
            raise ConflictError(f"There is another sky map {name!r} with other settings.")
        if same_hash and record.name != name:
            raise ConflictError(f"This sky map is registered already, as {record.name!r}.")
        if same_hash:
            return True
    return False
