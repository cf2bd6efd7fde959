# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.point_source_width import measure_fwhm
from pachon.pipe_tasks.source_detection import detect_sources
from pachon.pipe_tasks.testing import render_stars

SHAPE = (300, 320)


def scene(fwhm, hits=0):
    random = np.random.default_rng(3)
    x, y = random.uniform(20, 280, (2, 25))
    light = render_stars(SHAPE, x, y, random.uniform(1e4, 1e5, 25), fwhm)
    data = random.normal(light, np.sqrt(light + 25.0))
    rows, columns = random.integers(20, 280, (2, hits))
    data[rows, columns] += 20000.0
    return data, np.sqrt(np.maximum(data, 0) + 25.0), np.zeros(SHAPE, dtype=np.uint8)


@pytest.mark.parametrize("fwhm", [2.5, 4.0, 9.0])
@pytest.mark.parametrize("guess", [0.7, 1.5])
def test_the_true_width_is_found(fwhm, guess):
    data, deviation, flags = scene(fwhm)
    sources = detect_sources(data, deviation, flags, fwhm=guess * fwhm)
    found, stars = measure_fwhm(data, flags > 0, sources, guess=guess * fwhm)
    assert stars >= 5
    # A Gaussian integrated over pixels is wider than the Gaussian: by 1 / 12 in variance.
    assert found == pytest.approx(np.hypot(fwhm, 2.3548 / 12**0.5), rel=0.05)


def test_particle_hits_do_not_make_it_narrow():
    data, deviation, flags = scene(4.0, hits=20)
    sources = detect_sources(data, deviation, flags, fwhm=4.0)
    assert measure_fwhm(data, flags > 0, sources, guess=4.0)[0] == pytest.approx(4.06, rel=0.06)


def test_no_stars():
    data, deviation, flags = np.zeros(SHAPE), np.ones(SHAPE), np.zeros(SHAPE, dtype=np.uint8)
    sources = detect_sources(data, deviation, flags, fwhm=4.0)
    fwhm, stars = measure_fwhm(data, flags > 0, sources, guess=4.0)
    assert np.isnan(fwhm)
    assert stars == 0
