# SPDX-License-Identifier: BSD-3-Clause
"""Registered visits put where catalogued stars say that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray
from pachon.pipe_tasks.projection import pixels_to_pixels, sky_to_pixels, wcs_from_cards
from pachon.pipe_tasks.registration import VisitRegistration

__all__ = ["anchor_groups"]


def anchor_groups(
    results: Sequence[VisitRegistration],
    catalogs: Mapping[int, Mapping[int, Any]],
    zero_points: Mapping[int, Any],
    tract_wcs: Any,
) -> list[VisitRegistration]:
    """Move groups of visits so that their standard stars lie at catalogued places.

    Parameters
    ----------
    results
        From `register_visits`, in pixels of the tract.
    catalogs
        Visit -> detector -> source catalogue, with the WCS of the pointing in the meta.
    zero_points
        Visit -> table of `visit_zero_point`: standard stars with sky position, detector and pixels.
    tract_wcs : WCS
        Of the tract.

    Returns
    -------
    list of VisitRegistration
        In the same order. A group none of whose visits shows standards stays where the pointing puts it.
    """
    missing: dict[int, list[FloatArray]] = {}
    for result in results:
        table = zero_points.get(result.visit)
        if table is None or not result.used:
            continue
        for detector, catalog in catalogs[result.visit].items():
            stars = table[np.asarray(table["detector"]) == detector]
            if not len(stars) or "wcs" not in catalog.meta:
                continue
            pixels = np.column_stack([np.asarray(stars[axis], dtype=float) for axis in ("x", "y")])
            sky = np.column_stack([np.asarray(stars[axis], dtype=float) for axis in ("ra", "dec")])
            seen = result.transform.apply(pixels_to_pixels(wcs_from_cards(catalog.meta["wcs"]), tract_wcs, pixels))
            missing.setdefault(result.group, []).append(sky_to_pixels(tract_wcs, sky) - seen)
    shifts = {group: np.median(np.concatenate(parts), axis=0) for group, parts in missing.items()}
    return [
        replace(
            result,
            is_anchored=True,
            transform=replace(
                result.transform,
                dx=result.transform.dx + float(shifts[result.group][0]),
                dy=result.transform.dy + float(shifts[result.group][1]),
            ),
        )
        if result.used and result.group in shifts
        else result
        for result in results
    ]
