# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.mask_planes import MaskPlane
from pachon.pipe_tasks.source_detection import SourceFlag, detect_sources, detection_kernel
from pachon.pipe_tasks.testing import render_stars

SHAPE = (300, 320)


def image(x, y, flux, fwhm=4.0, noise=5.0, seed=1):
    light = render_stars(SHAPE, np.asarray(x, float), np.asarray(y, float), np.asarray(flux, float), fwhm)
    deviation = np.sqrt(light + noise**2)
    return np.random.default_rng(seed).normal(light, deviation), deviation, np.zeros(SHAPE, dtype=np.uint8)


def grid(flux):
    x, y = (axis.ravel() + 20.3 for axis in np.meshgrid(np.arange(0, 281, 28.7), np.arange(0, 261, 26.9)))
    return x, y, np.full(len(x), flux)


def test_centroids_are_as_good_as_noise_allows():
    x, y, flux = grid(20000.0)
    data, deviation, flags = image(x, y, flux)
    found = detect_sources(data, deviation, flags, fwhm=4.0)
    assert len(found) == len(x)
    distance = np.hypot(found["x"][:, None] - x, found["y"][:, None] - y).min(axis=1)
    # sigma / (S/N) is 0.012 pixels per axis.
    assert np.sqrt(np.mean(distance**2)) < 0.03
    assert not found["flags"].any()


def test_five_sigma_is_found_and_noise_is_not():
    x, y, _ = grid(1.0)
    # The matched filter's noise: 5 electrons times sqrt(4 pi) sigma.
    sigma = 4.0 / 2.3548
    data, deviation, flags = image(x, y, np.full(len(x), 11.0 * 5.0 * np.sqrt(4 * np.pi) * sigma))
    assert len(detect_sources(data, deviation, flags, fwhm=4.0)) > 0.95 * len(x)
    empty, deviation, flags = image([], [], [])
    assert len(detect_sources(empty, deviation, flags, fwhm=4.0)) <= 1


def test_neighbours_are_told_apart():
    data, deviation, flags = image([100.0, 107.0], [100.0, 100.0], [30000.0, 20000.0])
    found = detect_sources(data, deviation, flags, fwhm=4.0)
    assert len(found) == 2
    assert (found["flags"] & SourceFlag.BLENDED).any()


def test_bad_columns_are_no_sources_and_saturated_stars_are_one():
    data, deviation, flags = image([100.0], [150.0], [5e6])
    data[:, 30], data[0] = 60000.0, 60000.0
    flags[:, 30] = flags[0] = MaskPlane.BAD
    flags[data > 1e5] = MaskPlane.SATURATED
    found = detect_sources(data, deviation, flags, fwhm=4.0)
    near = np.hypot(found["x"] - 100.0, found["y"] - 150.0) < 3.0
    assert np.count_nonzero(near) == 1
    assert not np.any(np.abs(found["x"] - 30.0) < 3.0)


@pytest.mark.parametrize("fwhm", [1.5, 4.0, 20.0])
def test_the_kernel_has_sum_one_and_a_bounded_size(fwhm):
    kernel = detection_kernel(fwhm)
    assert kernel.shape == (7, 7)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
