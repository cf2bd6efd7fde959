# SPDX-License-Identifier: BSD-3-Clause
"""A simulated detector, field and sky map whose truth is known, and measures of the sky, for tests of tasks and pipelines."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_tasks.testing.simulated_detector import PixelRectangle, SimulatedCamera, SimulatedDetector
    from pachon.pipe_tasks.testing.simulated_field import SimulatedField, SimulatedPointing
    from pachon.pipe_tasks.testing.simulated_sky_map import SimulatedSkyMap
    from pachon.pipe_tasks.testing.sky_statistics import box_medians, mark_sources, noise_of_sums
    from pachon.pipe_tasks.testing.star_image import render_stars

__all__ = [
    "PixelRectangle",
    "SimulatedCamera",
    "SimulatedDetector",
    "SimulatedField",
    "SimulatedPointing",
    "SimulatedSkyMap",
    "box_medians",
    "mark_sources",
    "noise_of_sums",
    "render_stars",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "SimulatedCamera": "pachon.pipe_tasks.testing.simulated_detector",
        "SimulatedDetector": "pachon.pipe_tasks.testing.simulated_detector",
        "SimulatedField": "pachon.pipe_tasks.testing.simulated_field",
        "SimulatedPointing": "pachon.pipe_tasks.testing.simulated_field",
        "SimulatedSkyMap": "pachon.pipe_tasks.testing.simulated_sky_map",
        "PixelRectangle": "pachon.pipe_tasks.testing.simulated_detector",
        "box_medians": "pachon.pipe_tasks.testing.sky_statistics",
        "mark_sources": "pachon.pipe_tasks.testing.sky_statistics",
        "noise_of_sums": "pachon.pipe_tasks.testing.sky_statistics",
        "render_stars": "pachon.pipe_tasks.testing.star_image",
    },
)
