# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.nddata import CCDData, StdDevUncertainty, VarianceUncertainty

from pachon.base import InvalidInputError
from pachon.pipe_tasks.combination import combine_frames, find_outliers


def frames(count, sigma=2.0, shape=(60, 70), seed=1, level=100.0):
    random = np.random.default_rng(seed)
    return [
        CCDData(
            random.normal(level, sigma, shape).astype(np.float32),
            unit="adu",
            uncertainty=StdDevUncertainty(np.full(shape, sigma)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_noise_falls_with_the_root_of_the_number(count):
    master = combine_frames(frames(count))
    assert master.data.dtype == np.float32
    assert master.unit == "adu"
    assert np.std(master.data) == pytest.approx(2.0 / count**0.5, rel=0.06)
    assert np.median(master.uncertainty.array) == pytest.approx(2.0 / count**0.5, rel=0.01)
    assert master.header["NCOMBINE"] == count
    assert not master.mask.any()
    if count > 1:
        assert master.header["NOISRATI"] == pytest.approx(1.0, abs=0.06)


def test_a_particle_hit_is_rejected_even_among_three():
    images = frames(3)
    images[1].data[10, 20] += 500.0
    master = combine_frames(images)
    assert master.data[10, 20] == pytest.approx(100.0, abs=6.0)
    assert master.uncertainty.array[10, 20] == pytest.approx(2.0 / 2**0.5, rel=0.01)


def test_two_frames_cannot_tell_who_is_wrong():
    images = frames(2)
    images[1].data[10, 20] += 500.0
    assert combine_frames(images).data[10, 20] == pytest.approx(350.0, abs=6.0)


def test_masked_values_take_no_part():
    images = frames(4)
    for image in images:
        image.mask = np.zeros(image.shape, dtype=bool)
        image.mask[5, 5] = True
    images[0].mask[7, 7] = True
    images[0].data[7, 7] = 1e6
    master = combine_frames(images)
    assert master.mask[5, 5]
    assert master.data[5, 5] == 0.0
    assert not master.mask[7, 7]
    assert master.data[7, 7] == pytest.approx(100.0, abs=6.0)
    assert master.uncertainty.array[7, 7] == pytest.approx(2.0 / 3**0.5, rel=0.01)


def test_weights():
    images = [*frames(1, sigma=1.0, seed=1), *frames(1, sigma=3.0, seed=2)]
    master = combine_frames(images, weights=[9.0, 1.0])
    assert np.std(master.data) == pytest.approx(0.9**0.5, rel=0.05)
    assert np.median(master.uncertainty.array) == pytest.approx(0.9**0.5, rel=0.01)


def test_any_kind_of_uncertainty():
    images = frames(3)
    for image in images:
        image.uncertainty = VarianceUncertainty(image.uncertainty.array**2)
    assert np.median(combine_frames(images).uncertainty.array) == pytest.approx(2.0 / 3**0.5, rel=0.01)


def test_missing_things_are_refused():
    with pytest.raises(InvalidInputError, match="no frames"):
        combine_frames([])
    with pytest.raises(InvalidInputError, match="uncertainty"):
        combine_frames([CCDData(np.zeros((3, 3)), unit="adu")])


def test_outliers_of_less_than_three_valid_values():
    values = np.array([0.0, 0.0, 0.0, 100.0]).reshape(4, 1, 1)
    ones = np.ones_like(values)
    masked = np.zeros(values.shape, dtype=bool)
    assert find_outliers(values, ones, masked, clip=5.0).ravel().tolist() == [False, False, False, True]
    masked[:2] = True
    assert not find_outliers(values, ones, masked, clip=5.0).any()


def test_noise_of_masked_values_does_not_count():
    # Where most images have no data their deviation is 0, which must not make all others outliers.
    values = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]).reshape(7, 1, 1)
    deviation = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).reshape(7, 1, 1)
    assert not find_outliers(values, deviation, deviation == 0, clip=3.0).any()
