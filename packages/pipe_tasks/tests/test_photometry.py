# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.table import Table

from pachon.pipe_tasks.mask_planes import MaskPlane
from pachon.pipe_tasks.photometry import blank_aperture_noise, measure_photometry
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.testing import render_stars

SHAPE = (400, 420)
FWHM = 4.0


def scene(flux_range=(3e3, 1e5), noise=5.0, seed=1):
    random = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(30.2, 400, 36.7), np.arange(30.4, 380, 36.3)))
    flux = random.uniform(*flux_range, len(x))
    light = render_stars(SHAPE, x, y, flux, FWHM)
    deviation = np.sqrt(light + noise**2)
    sources = Table({"x": x, "y": y, "flags": np.zeros(len(x), dtype=np.int32)})
    return flux, random.normal(light, deviation), deviation, np.zeros(SHAPE, dtype=np.uint8), sources


def test_fluxes_and_their_errors_are_right():
    flux, data, deviation, flags, sources = scene()
    found = measure_photometry(data, deviation, flags, sources, fwhm=FWHM)
    assert np.median(found.flux / flux) == pytest.approx(1.0, abs=0.005)
    assert np.median(found.large_flux / flux) == pytest.approx(1.0, abs=0.005)
    for value, error in ((found.flux, found.flux_error), (found.large_flux, found.large_flux_error)):
        pull = (value - flux * np.median(value / flux)) / error
        assert np.std(pull) == pytest.approx(1.0, abs=0.2)
    assert np.median(found.half_light_radius) == pytest.approx(FWHM / 2, rel=0.05)
    # A Gaussian has 1 - 2^-4 of its light within one FWHM; pixels make it a little wider.
    assert found.aperture_correction == pytest.approx(1 / (1 - 2**-4), abs=0.015)
    assert found.n_correction > 20
    assert not found.flags.any()


def test_the_small_aperture_is_better_for_faint_sources():
    _, data, deviation, flags, sources = scene(flux_range=(100.0, 3000.0))
    found = measure_photometry(data, deviation, flags, sources, fwhm=FWHM)
    assert np.median(found.flux_error) < 0.75 * np.median(found.large_flux_error)


def test_without_bright_stars_a_gaussian_is_assumed():
    _, data, deviation, flags, sources = scene(flux_range=(100.0, 200.0))
    found = measure_photometry(data, deviation, flags, sources, fwhm=FWHM)
    assert found.n_correction == 0
    assert found.aperture_correction == pytest.approx(1 / (1 - 2**-4))


def test_flags_of_apertures():
    _, data, deviation, flags, sources = scene()
    x, y = np.asarray(sources["x"]), np.asarray(sources["y"])
    flags[round(y[0]), round(x[0])] = MaskPlane.SATURATED
    flags[round(y[1]) + 2, round(x[1])] = MaskPlane.BAD
    flags[round(y[2]) + 7, round(x[2])] = MaskPlane.NO_DATA
    sources["x"][3] = 5.0
    found = measure_photometry(data, deviation, flags, sources, fwhm=FWHM).flags
    assert found[:5].tolist() == [SourceFlag.SATURATED, SourceFlag.BAD, SourceFlag.EDGE, SourceFlag.EDGE, 0]


def test_blank_apertures_see_the_noise():
    random = np.random.default_rng(1)
    data = random.normal(0.0, 3.0, SHAPE)
    blocked = np.zeros(SHAPE, dtype=bool)
    blocked[100:200] = True
    data[100:200] = 1e5
    assert blank_aperture_noise(data, blocked, radius=4.0) == pytest.approx(3.0 * np.sqrt(np.pi) * 4.0, rel=0.1)
    assert np.isnan(blank_aperture_noise(data, ~blocked & (data < np.inf), radius=4.0, apertures=30))
