# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.nddata import CCDData, StdDevUncertainty

from pachon.pipe_tasks.testing import box_medians, mark_sources, noise_of_sums, render_stars


def test_box_medians():
    data = np.add.outer(np.arange(100.0), np.zeros(70))
    usable = np.ones(data.shape, dtype=bool)
    usable[:32, 32:64] = False
    medians = box_medians(data, usable, side=32)
    assert medians.shape == (3, 2)
    np.testing.assert_allclose(medians[:, 0], [15.5, 47.5, 79.5])
    assert np.isnan(medians[0, 1])


@pytest.mark.parametrize("side", [1, 4])
def test_noise_of_sums(side):
    data = np.random.default_rng(1).normal(5.0, 2.0, (400, 401))
    usable = np.ones(data.shape, dtype=bool)
    usable[::50] = False
    assert noise_of_sums(data, usable, side=side) == pytest.approx(2.0 * side, rel=0.05)
    assert np.isnan(noise_of_sums(data, np.zeros(data.shape, dtype=bool), side=side))


def test_sources_are_marked_and_noise_is_not():
    noise = np.random.default_rng(2).normal(0.0, 3.0, (300, 300))
    x, y, flux = (np.array(values) for values in ([100.0, 200.0], [50.0, 220.0], [3000.0, 800.0]))
    stars = render_stars(noise.shape, x, y, flux, fwhm=3.0)
    image = CCDData(
        noise + stars,
        unit="electron",
        uncertainty=StdDevUncertainty(np.full(noise.shape, 3.0)),
        mask=np.zeros(noise.shape, dtype=bool),
    )
    marked = mark_sources(image)
    assert marked[stars > 3.0].all()
    assert marked.mean() < 0.03
