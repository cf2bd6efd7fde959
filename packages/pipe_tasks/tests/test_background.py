# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.background import estimate_background
from pachon.pipe_tasks.testing import render_stars


def scene(stars=60, seed=1):
    """A tilted sky of 100, noise 10, with stars on it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:400, :420]
    sky = 100.0 + 0.05 * x - 0.02 * y
    places = random.uniform(0, 400, (2, stars))
    light = render_stars(sky.shape, *places, random.uniform(2e3, 2e5, stars), 5.0)
    return sky, (sky + light + random.normal(0.0, 10.0, sky.shape)).astype(np.float32)


def test_stars_do_not_lift_the_sky():
    sky, data = scene()
    found = estimate_background(data, np.zeros(data.shape, dtype=bool), box=64)
    error = found.level - sky
    assert abs(np.median(error)) < 0.7
    assert np.std(error) < 1.5
    assert found.noise == pytest.approx(10.0, rel=0.05)
    assert found.level.dtype == np.float32
    assert found.median == pytest.approx(np.median(sky), abs=1.0)


def test_a_second_pass_is_better_than_one():
    sky, data = scene(stars=200)
    none = np.zeros(data.shape, dtype=bool)
    once, twice = (np.median(estimate_background(data, none, box=64, passes=n).level - sky) for n in (1, 2))
    assert abs(twice) < abs(once)


def test_masked_pixels_do_not_count():
    _, data = scene(stars=0)
    mask = np.zeros(data.shape, dtype=bool)
    mask[:, 100:103] = True
    data[mask] = 60000.0
    found = estimate_background(data, mask, box=64)
    assert abs(found.median - 101.5) < 8.0
    assert found.noise == pytest.approx(10.0, rel=0.05)


def test_an_image_smaller_than_a_box():
    found = estimate_background(np.full((20, 30), 7.0), np.zeros((20, 30), dtype=bool), box=128)
    assert found.level == pytest.approx(7.0)
