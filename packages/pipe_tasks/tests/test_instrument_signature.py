# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.stats import mad_std
from astropy.table import Table

from pachon.pipe_tasks.instrument_signature import raw_to_electrons, remove_signature
from pachon.pipe_tasks.mask_planes import MaskPlane
from pachon.pipe_tasks.testing import SimulatedDetector


def blocks(data, size=40):
    """Medians of blocks of pixels."""
    rows, columns = (n // size * size for n in data.shape)
    cut = data[:rows, :columns].reshape(rows // size, size, columns // size, size)
    return np.median(cut, axis=(1, 3))


def test_uniform_light_is_uniform_again(detector, process):
    level = 3000.0
    image = process(detector.expose(level, seed=500, drift=25.0))
    assert image.unit == "electron"
    assert image.data.dtype == image.uncertainty.array.dtype == np.float32
    # The flat is of median 1, the true response nearly so.
    assert np.median(image.data) == pytest.approx(level * np.median(detector.response()), rel=0.005)


def test_flat_fielding_reduces_the_large_scale_residual(detector, process):
    raw = detector.expose(3000.0, seed=500)
    before, after = blocks(process(raw, flat=None).data), blocks(process(raw).data)
    before, after = before / np.median(before), after / np.median(after)
    assert np.std(before) > 0.03
    assert np.std(after) < 0.1 * np.std(before)


@pytest.mark.parametrize("level", [300.0, 3000.0, 20000.0])
def test_the_stated_noise_is_that_of_the_pixels(detector, process, level):
    image = process(detector.expose(level, seed=501))
    expected = np.median(image.data)
    ratio = mad_std((image.data - expected) / image.uncertainty.array)
    assert ratio == pytest.approx(1.0, abs=0.03)


def test_flags(detector, bias, flat):
    raw = detector.expose(100.0, seed=502)
    raw.data[50, 60] = 65000
    defects = Table({"x0": [10], "y0": [0], "width": [2], "height": [320]})
    broken = flat.copy()
    broken.data[5, 6] = 0.01
    image = remove_signature(raw_to_electrons(raw, detector, bias=bias), flat=broken, defects=defects)
    assert image.flags[50, 60] == MaskPlane.SATURATED
    assert image.flags[100, 10] == image.flags[100, 11] == MaskPlane.BAD
    assert image.flags[100, 12] == 0
    assert image.flags[5, 6] == MaskPlane.BAD
    assert np.isfinite(image.data).all()
    np.testing.assert_array_equal(image.mask, image.flags != 0)


def test_read_noise_is_measured_or_taken(detector, bias):
    noisy = SimulatedDetector(read_noise=12.0)
    raw = noisy.expose(0.0, seed=1)
    measured = raw_to_electrons(raw, detector, bias=bias)
    assert measured.header["RDNOISE"] == pytest.approx(12.0, rel=0.05)
    assert raw_to_electrons(raw, detector, bias=bias, measure_read_noise=False).header["RDNOISE"] == 6.0


def test_dark_current_goes_with_time(detector, bias):
    dark = CCDData(np.full((320, 300), 2.0, dtype=np.float32), unit="electron / s")
    image = raw_to_electrons(detector.expose(0.0, seed=3), detector, bias=bias)
    result = remove_signature(image, dark=dark, exposure_time=30.0)
    assert np.median(image.data - result.data) == pytest.approx(60.0, abs=1e-3)


def test_the_input_is_left_alone(detector, bias, flat):
    raw = detector.expose(100.0, seed=502)
    before = raw.data.copy()
    image = raw_to_electrons(raw, detector, bias=bias)
    flags = image.flags.copy()
    remove_signature(image, flat=flat, defects=Table({"x0": [1], "y0": [1], "width": [1], "height": [1]}))
    np.testing.assert_array_equal(raw.data, before)
    np.testing.assert_array_equal(image.flags, flags)
