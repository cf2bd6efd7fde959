# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.pipe_tasks.overscan import subtract_overscan
from pachon.pipe_tasks.testing import SimulatedDetector


def test_a_drifting_level_is_taken_off():
    detector = SimulatedDetector()
    raw = detector.expose(0.0, seed=1, drift=40.0)
    image = subtract_overscan(raw, detector)
    assert image.shape == (320, 300)
    assert image.data.dtype == np.float32
    residual = image.data - detector.bias_structure()
    # 24 - 2 * 4 columns and a cubic: the level of a row is known to a small fraction of the noise.
    assert np.abs(residual.mean(axis=1)).max() < 1.0
    assert abs(residual.mean()) < 0.1
    assert image.header["OSLEVEL"] == pytest.approx(1042.0, abs=1.0)
    assert image.header["OSNOISE"] == pytest.approx(detector.read_noise / detector.gain, rel=0.05)


def test_one_level_leaves_the_slope():
    detector = SimulatedDetector()
    raw = detector.expose(0.0, seed=1, drift=40.0)
    residual = subtract_overscan(raw, detector, model="constant").data - detector.bias_structure()
    assert residual[-50:].mean() - residual[:50].mean() == pytest.approx(4.0 * 270 / 320, abs=0.3)


def test_rows_follow_what_a_polynomial_cannot():
    detector = SimulatedDetector(overscan=48)
    raw = detector.expose(0.0, seed=1)
    raw.data = raw.data + (10.0 * (np.arange(320) % 2))[:, None]
    residual = subtract_overscan(raw, detector, model="rows").data - detector.bias_structure()
    assert abs(residual[::2].mean() - residual[1::2].mean()) < 0.2


def test_a_prescan_is_cut_off_and_the_wcs_follows():
    from pachon.pipe_tasks.testing import SimulatedField, SimulatedPointing

    detector = SimulatedDetector(x_offset=10)
    field = SimulatedField(stars=5)
    raw = field.raw(detector, SimulatedPointing())
    image = subtract_overscan(raw, detector)
    assert image.shape == (320, 300)
    assert image.wcs.wcs.crpix[0] == pytest.approx(raw.wcs.wcs.crpix[0] - 10)


def test_without_overscan_nothing_is_subtracted():
    detector = SimulatedDetector(overscan=0)
    image = subtract_overscan(detector.expose(0.0, seed=1), detector)
    assert image.data.mean() == pytest.approx(1000.0 + detector.bias_structure().mean(), abs=0.5)
    assert "OSLEVEL" not in image.header


def test_a_frame_that_is_too_small_is_refused():
    detector = SimulatedDetector()
    with pytest.raises(InvalidInputError, match="300 x 320 pixels does not hold"):
        subtract_overscan(detector.expose(0.0, seed=1)[:, :300], detector)
