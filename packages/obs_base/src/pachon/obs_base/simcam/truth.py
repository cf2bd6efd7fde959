# SPDX-License-Identifier: BSD-3-Clause
"""The simulated sky: stars whose places and magnitudes are known."""

from __future__ import annotations

import math

import numpy as np
from astropy.table import Table

from pachon.obs_base.simcam.plan import FIELD, SimulationPlan

BRIGHTEST, FAINTEST = 14.5, 21.5
STANDARD_LIMIT = 18.0
"""Stars brighter than this (in r) are in the reference catalogue."""

_HALF_WIDTH = 0.11


def make_stars(plan: SimulationPlan) -> Table:
    """Give the true stars: ``id``, ``ra``, ``dec`` (ICRS, deg), ``g`` and ``r`` (mag).

    Numbers grow with magnitude as on the sky, and no two stars are closer than 6 arcsec.
    """
    random = np.random.default_rng([plan.seed, 4711])
    stretch = math.cos(math.radians(FIELD[1]))
    kept: list[tuple[float, float]] = []
    for _ in range(plan.stars * 20):
        if len(kept) == plan.stars:
            break
        x, y = random.uniform(-_HALF_WIDTH, _HALF_WIDTH, 2)
        if all(math.hypot(x - a, y - b) > 6.0 / 3600.0 for a, b in kept):
            kept.append((float(x), float(y)))
    offsets = np.asarray(kept).reshape(-1, 2)
    # Cumulative counts as 10^(0.3 m): more faint stars than bright ones.
    low, high = 10 ** (0.3 * BRIGHTEST), 10 ** (0.3 * FAINTEST)
    r = np.log10(random.uniform(low, high, len(offsets))) / 0.3
    # Some bright ones always, for registration and photometry.
    bright = min(len(offsets), max(20, len(offsets) // 6))
    r[:bright] = random.uniform(BRIGHTEST, STANDARD_LIMIT, bright)
    color = np.clip(random.normal(0.6, 0.35, len(offsets)), -0.2, 1.6)
    return Table(
        {
            "id": np.arange(1, len(offsets) + 1),
            "ra": FIELD[0] + offsets[:, 0] / stretch,
            "dec": FIELD[1] + offsets[:, 1],
            "g": r + color,
            "r": r,
        },
        units={"ra": "deg", "dec": "deg", "g": "mag", "r": "mag"},
        meta={"frame": "ICRS", "seed": plan.seed, "description": "all simulated stars"},
    )


def reference_catalogue(stars: Table) -> Table:
    """Give the standard stars: the bright ones, isolated by 12 arcsec from all others."""
    x = np.asarray(stars["ra"]) * math.cos(math.radians(FIELD[1]))
    y = np.asarray(stars["dec"])
    distance = np.hypot(x[:, np.newaxis] - x[np.newaxis, :], y[:, np.newaxis] - y[np.newaxis, :])
    np.fill_diagonal(distance, np.inf)
    isolated = distance.min(axis=1) > 12.0 / 3600.0 if len(stars) > 1 else np.ones(len(stars), dtype=bool)
    standards = stars[isolated & (np.asarray(stars["r"]) < STANDARD_LIMIT)]
    standards.meta["description"] = "standard stars with true magnitudes"
    return standards
