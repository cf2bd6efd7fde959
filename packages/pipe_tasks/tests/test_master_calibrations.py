# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.master_calibrations import (
    NoUsableFramesError,
    master_bias,
    master_dark,
    master_flat,
    scale_flats,
)
from pachon.pipe_tasks.testing import SimulatedDetector


def test_bias_is_the_structure(detector, bias):
    assert bias.unit == "adu"
    assert bias.header["NCOMBINE"] == 5
    error = (bias.data - detector.bias_structure()) / bias.uncertainty.array
    assert np.std(error) == pytest.approx(1.0, abs=0.08)
    assert np.median(bias.uncertainty.array) == pytest.approx(6.0 / 1.6 / 5**0.5, rel=0.05)


def test_flat_is_the_response(detector, flat):
    assert flat.unit == ""
    assert np.median(flat.data) == pytest.approx(1.0, abs=1e-4)
    truth = detector.response() / np.median(detector.response())
    error = (flat.data - truth) / flat.uncertainty.array
    assert np.std(error) == pytest.approx(1.0, abs=0.05)
    assert flat.header["FLATLVL"] == pytest.approx(25000.0 * np.median(detector.response()), rel=0.01)


def test_flats_of_unsuitable_level_are_left_out(detector, bias):
    raws = [detector.expose(level, seed=i) for i, level in enumerate((500.0, 20000.0, 21000.0, 200000.0))]
    flat = master_flat(raws, detector, bias=bias)
    assert (flat.header["NCOMBINE"], flat.header["NREJECT"]) == (2, 2)
    with pytest.raises(NoUsableFramesError, match="medians: 4"):
        master_flat(raws[:1], detector, bias=bias)


def test_dark_current(detector, bias):
    raws = [detector.expose(20.0 * seconds, seed=i) for i, seconds in enumerate((10.0, 30.0, 30.0))]
    dark = master_dark(raws, [10.0, 30.0, 30.0], detector, bias=bias)
    assert dark.unit == "electron / s"
    assert np.median(dark.data / detector.response()) == pytest.approx(20.0, rel=0.01)


def test_nothing_to_combine(detector):
    with pytest.raises(NoUsableFramesError, match="bias"):
        master_bias([], detector)
    with pytest.raises(NoUsableFramesError, match="exposure time"):
        master_dark([detector.expose(0.0, seed=1)], [0.0], detector)


def test_flats_of_a_camera_get_one_scale():
    detectors = [SimulatedDetector(efficiency=1.0, seed=3), SimulatedDetector(efficiency=0.8, seed=4)]
    flats = [master_flat([d.expose(20000.0, seed=i) for i in range(3)], d) for d in detectors]
    scaled = scale_flats(flats)
    # The same light gives the same electrons on both, once divided.
    ratio = [np.median(d.response()) / np.median(f.data) for d, f in zip(detectors, scaled, strict=True)]
    assert ratio[1] / ratio[0] == pytest.approx(1.0, abs=0.005)
    assert np.mean([f.header["FLATSCAL"] for f in scaled]) == pytest.approx(1.0, abs=1e-5)
    alone = scale_flats(flats, by_level=False)
    assert all(np.median(f.data) == pytest.approx(1.0, abs=1e-4) for f in alone)
