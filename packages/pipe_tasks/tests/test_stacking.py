# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.stats import mad_std

from pachon.base import InvalidInputError
from pachon.pipe_tasks.mask_planes import MaskPlane, set_flags
from pachon.pipe_tasks.photometry import blank_aperture_noise
from pachon.pipe_tasks.resampling import resample, to_rate
from pachon.pipe_tasks.stacking import stack_warps
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing
from pachon.pipe_tasks.testing.simulated_sky_map import tangent_wcs

SHAPE = (80, 90)


def warp(sigma=1.0, seed=1, level=0.0, correlation=1.0):
    random = np.random.default_rng(seed)
    image = CCDData(
        random.normal(level, sigma, SHAPE).astype(np.float32),
        unit="electron / s",
        uncertainty=StdDevUncertainty(np.full(SHAPE, sigma, dtype=np.float32)),
    )
    image.header["EXPTIME"], image.header["NOISCORR"], image.header["FWHM"] = 30.0, correlation, 4.0
    set_flags(image, np.zeros(SHAPE, dtype=np.uint8))
    return image


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_equal_images(count):
    stack = stack_warps([warp(seed=i) for i in range(count)])
    assert np.std(stack.image.data) == pytest.approx(count**-0.5, rel=0.05)
    assert np.median(stack.image.uncertainty.array) == pytest.approx(count**-0.5, rel=0.01)
    assert np.median(stack.n_images) == count
    assert stack.weights == pytest.approx([1 / count] * count)
    assert stack.image.header["EXPTIME"] == 30.0 * count
    assert stack.image.data.dtype == np.float32


def test_weights_by_variance_are_better():
    images = [warp(1.0, 1), warp(1.0, 2), warp(3.0, 3)]
    best, equal = stack_warps(images), stack_warps(images, weighting="equal")
    assert np.std(best.image.data) == pytest.approx((1 + 1 + 1 / 9) ** -0.5, rel=0.05)
    assert np.std(equal.image.data) == pytest.approx(11**0.5 / 3, rel=0.05)
    for stack in (best, equal):
        assert np.median(stack.image.uncertainty.array) == pytest.approx(np.std(stack.image.data), rel=0.05)


def test_a_satellite_is_left_out_and_a_star_is_not():
    images = [warp(seed=i) for i in range(4)]
    images[2].data[40, 40:60] += 500.0
    for image, seeing in zip(images, (1.0, 1.4, 0.7, 1.0), strict=True):
        image.data[20, 20] += 1000.0 * seeing
    stack = stack_warps(images)
    assert np.abs(stack.image.data[40, 40:60]).max() < 4.0
    assert (stack.n_images[40, 40:60] == 3).all()
    assert (stack.image.flags[40, 45] & MaskPlane.CLIPPED) != 0
    assert not stack.image.mask[40, 45]
    assert stack.image.data[20, 20] == pytest.approx(1025.0, abs=5.0)
    assert stack.n_images[20, 20] == 4
    assert stack_warps(images, clip=None).image.data[40, 50] > 100.0


def test_missing_pixels():
    images = [warp(seed=i) for i in range(3)]
    for i, image in enumerate(images):
        flags = image.flags.copy()
        flags[:, : 10 * (i + 1)] = MaskPlane.NO_DATA
        flags[5, 50] = MaskPlane.BAD
        flags[6, 60] = MaskPlane.SATURATED
        set_flags(image, flags)
    stack = stack_warps(images)
    assert [int(stack.n_images[50, x]) for x in (5, 15, 25, 35)] == [0, 1, 2, 3]
    assert stack.image.flags[50, 5] == MaskPlane.NO_DATA
    assert stack.n_images[5, 50] == 0
    assert stack.n_images[6, 60] == 3
    assert stack.image.flags[6, 60] & MaskPlane.SATURATED
    assert stack.image.uncertainty.array[50, 15] == pytest.approx(1.0, rel=0.01)


def test_correlation_is_carried_over():
    stack = stack_warps([warp(seed=i, correlation=1.5) for i in range(3)])
    assert stack.image.header["NOISCORR"] == pytest.approx(1.5)


def test_nothing_to_stack():
    with pytest.raises(InvalidInputError):
        stack_warps([])


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_a_coadd_of_equally_resampled_images_is_as_deep_as_noise_predicts(kernel):
    """Within 15 %, by pixels and by apertures on blank sky."""
    detector, field = SimulatedDetector(), SimulatedField(stars=40, size=110.0, brightest=16.0)
    target, shape = tangent_wcs(150.0, 20.0, scale=0.4, center=(150.2, 160.1)), (320, 300)
    pointings = [SimulatedPointing(east=1.3 * i, north=-0.7 * i, sky=6.0 + 2 * i, seed=i) for i in range(6)]
    warps = []
    for pointing in pointings:
        image = field.image(detector, pointing)
        image.data -= np.float32(pointing.sky * pointing.exposure_time)
        warps.append(resample(to_rate(image), image.wcs, target, shape, kernel=kernel))
    stack = stack_warps(warps)
    stars = field.truth()
    x, y = target.all_world2pix(stars["ra"], stars["dec"], 0)
    rows, columns = np.indices(shape)
    blocked = stack.n_images < len(warps)
    for x0, y0 in zip(x, y, strict=True):
        blocked |= np.hypot(columns - x0, rows - y0) < 14.0
    for measure in (
        lambda data: mad_std(data[~blocked]),
        lambda data: blank_aperture_noise(data, blocked, radius=3.0, apertures=4000),
    ):
        single = np.array([measure(image.data) for image in warps])
        predicted = np.sqrt(np.sum((np.array(stack.weights) * single) ** 2))
        assert measure(stack.image.data) == pytest.approx(predicted, rel=0.15)
        # The factor itself: by the root of six, had all the same sky.
        assert 2.0 < np.median(single) / measure(stack.image.data) < 2.9
