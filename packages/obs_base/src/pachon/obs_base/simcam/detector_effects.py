# SPDX-License-Identifier: BSD-3-Clause
"""What the simulated detectors do to an image: bias, sensitivity, defects.

The patterns are facts of the camera: they depend on detector, night and filter and not on the
seed of a simulation, so that the defects that ship with the package are right for all of them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pachon.obs_base.box import Box
from pachon.obs_base.camera import Camera, Detector

Image = NDArray[np.float64]

DEFECTS_CHANGED = 20250310
"""Observing day from which each detector has one bad column more."""

_BIAS_LEVELS = (1010.0, 985.0, 1040.0, 1000.0)


def defect_boxes(detector: int, day_obs: int) -> list[tuple[Box, str]]:
    """Give boxes of bad pixels, in the trimmed image, each with what is wrong there."""
    random = np.random.default_rng([77, detector])
    hot, dead, late = (int(column) for column in random.choice(np.arange(20, 490), 3, replace=False))
    x, y = (int(value) for value in random.integers(50, 450, 2))
    boxes = [
        (Box(hot, 0, 1, 512), "hot column"),
        (Box(dead, 120, 2, 392), "dead columns"),
        (Box(x, y, 6, 4), "hot pixels"),
        (Box(0, 0, 512, 1), "edge row"),
    ]
    if day_obs >= DEFECTS_CHANGED:
        boxes.append((Box(late, 0, 1, 512), "hot column, new"))
    return boxes


def bias_level(detector: Detector, night_drift: float) -> float:
    """Give the level of the overscan (ADU)."""
    return _BIAS_LEVELS[detector.id % len(_BIAS_LEVELS)] + night_drift


@lru_cache(maxsize=64)
def bias_structure(detector: Detector, day_obs: int) -> Image:
    """Give what the data section has above the overscan in a frame of no light (ADU)."""
    random = np.random.default_rng([78, detector.id, day_obs])
    height, width = detector.bbox.shape
    columns = random.normal(0.0, 2.0, width)
    rows = 9.0 * np.exp(-np.arange(height) / 60.0)
    structure = 6.0 + columns[np.newaxis, :] + rows[:, np.newaxis]
    for box, reason in defect_boxes(detector.id, day_obs):
        if "hot" in reason:
            structure[box.slices] += 300.0
        if reason == "edge row":
            structure[box.slices] += 40.0
    return np.asarray(structure)


def response_of(camera: Camera, detector: Detector, day_obs: int, band: str) -> Image:
    """Give the relative sensitivity of each pixel: vignetting, tilt, dust, pixel to pixel; 1 in the camera's mean."""
    return _sensitivity(camera, detector, day_obs, band) / _mean_sensitivity(camera, day_obs, band)


@lru_cache(maxsize=16)
def _mean_sensitivity(camera: Camera, day_obs: int, band: str) -> float:
    return float(np.mean([np.mean(_sensitivity(camera, detector, day_obs, band)) for detector in camera]))


@lru_cache(maxsize=64)
def _sensitivity(camera: Camera, detector: Detector, day_obs: int, band: str) -> Image:
    height, width = detector.bbox.shape
    y, x = np.mgrid[:height, :width].astype(float)
    plane_x, plane_y = detector.to_focal_plane(x, y)
    radius = camera.radius() * 3600.0 / camera.plate_scale
    distance = np.hypot(plane_x, plane_y) / radius
    tilt = {"g": 0.04, "r": -0.03}.get(band, 0.0)
    response = (1.0 - 0.2 * distance**2) * (1.0 + tilt * np.asarray(plane_x) / radius)
    random = np.random.default_rng([79, detector.id, day_obs])
    for _ in range(3):
        x0, y0, size = random.uniform(60, width - 60), random.uniform(60, height - 60), random.uniform(15, 30)
        ring = (np.hypot(x - x0, y - y0) - size) / 4.0
        response *= 1.0 - 0.05 * np.exp(-0.5 * ring**2)
    response *= 1.0 + np.random.default_rng([80, detector.id]).normal(0.0, 0.008, response.shape)
    for box, reason in defect_boxes(detector.id, day_obs):
        if "dead" in reason:
            response[box.slices] = 0.02
    return np.asarray(response)
