# SPDX-License-Identifier: BSD-3-Clause
import astropy.units as u
import numpy as np
import pytest
from astropy.stats import mad_std

from pachon.pipe_tasks.mask_planes import MaskPlane, set_flags
from pachon.pipe_tasks.photometry import blank_aperture_noise
from pachon.pipe_tasks.resampling import merge_warps, resample, to_rate
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing
from pachon.pipe_tasks.testing.simulated_sky_map import tangent_wcs

DETECTOR = SimulatedDetector()
SHAPE = (400, 420)


def target(scale=0.4, angle=0.0):
    return tangent_wcs(150.0, 20.0, scale=scale, center=(211.3, 198.7), angle=angle)


def sky_image(field=None, pointing=None):
    field = field or SimulatedField(stars=1, size=1000.0)
    pointing = pointing or SimulatedPointing()
    image = field.image(DETECTOR, pointing)
    image.data -= np.float32(pointing.sky * pointing.exposure_time)
    return image


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize("angle", [0.0, 10.0, 182.0])
def test_noise_is_what_it_is_said_to_be(kernel, angle):
    image = sky_image()
    warp = resample(image, image.wcs, target(angle=angle), SHAPE, kernel=kernel)
    good = warp.flags == 0
    assert good.mean() > 0.5
    pull = warp.data[good] / warp.uncertainty.array[good]
    assert mad_std(pull) == pytest.approx(1.0, abs=0.03)
    # A sum over many pixels has the noise of as many original ones.
    large = blank_aperture_noise(warp.data, ~good, radius=8.0, apertures=3000)
    independent = np.median(warp.uncertainty.array[good]) * np.sqrt(np.pi) * 8.0
    assert large / independent == pytest.approx(warp.header["NOISCORR"], rel=0.12)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize("scale", [0.33, 0.4, 0.5])
def test_flux_is_kept(kernel, scale):
    image = sky_image(SimulatedField(stars=12, size=80.0))
    warp = resample(image, image.wcs, target(scale=scale), SHAPE, kernel=kernel)
    assert np.where(warp.flags == 0, warp.data, 0.0).sum() == pytest.approx(image.data.sum(), rel=0.002)
    doubled = resample(image, image.wcs, target(scale=scale), SHAPE, kernel=kernel, scale=2.0)
    np.testing.assert_allclose(doubled.data, 2.0 * warp.data, rtol=1e-5)
    np.testing.assert_allclose(doubled.uncertainty.array, 2.0 * warp.uncertainty.array, rtol=1e-5)


def test_stars_are_where_the_wcs_says():
    from pachon.pipe_tasks.source_catalog import make_source_catalog

    field, pointing = SimulatedField(stars=12, size=80.0), SimulatedPointing(east=5.0, north=-8.0, angle=3.0)
    image = sky_image(field, pointing)
    warp = resample(image, image.wcs, target(), SHAPE)
    catalog, _ = make_source_catalog(warp.data, np.where(warp.flags == 0, warp.uncertainty.array, 1e6), warp.flags)
    truth = field.truth()
    places = np.column_stack(target().all_world2pix(truth["ra"], truth["dec"], 0))
    bright = catalog[:8]
    distance = np.hypot(bright["x"][:, None] - places[:, 0], bright["y"][:, None] - places[:, 1]).min(axis=1)
    assert distance.max() < 0.1


def test_flags_move_with_the_pixels():
    image = sky_image()
    flags = np.zeros(image.shape, dtype=np.uint8)
    flags[:, 150] = MaskPlane.BAD | MaskPlane.SATURATED
    flags[100:103, 40:43] = MaskPlane.SATURATED
    image.data[:, 150] = 60000.0
    set_flags(image, flags)
    warp = resample(image, image.wcs, target(), SHAPE)
    bad = (warp.flags & MaskPlane.BAD) != 0
    # One column becomes one or two.
    assert 300 < np.count_nonzero(bad) < 900
    assert np.abs(warp.data[(warp.flags & MaskPlane.NO_DATA) == 0]).max() < 300.0
    assert 5 < np.count_nonzero(warp.flags & MaskPlane.SATURATED) < 40
    outside = (warp.flags & MaskPlane.NO_DATA) != 0
    assert outside[0, 0]
    assert (warp.data[outside] == 0).all()
    assert warp.mask[outside].all()


def test_an_image_elsewhere_gives_nothing():
    image = sky_image()
    assert resample(image, image.wcs, tangent_wcs(151.0, 20.0, scale=0.4, center=(200.0, 200.0)), SHAPE) is None


def test_the_input_is_left_alone():
    image = sky_image()
    before = image.data.copy(), image.flags.copy(), np.array(image.wcs.wcs.crpix)
    resample(image, image.wcs, target(), SHAPE)
    for left, right in zip(before, (image.data, image.flags, image.wcs.wcs.crpix), strict=True):
        np.testing.assert_array_equal(left, right)


def test_detectors_are_put_together():
    left, right = (sky_image(pointing=SimulatedPointing(east=e, seed=s)) for e, s in ((40.0, 1), (-40.0, 2)))
    warps = [resample(image, image.wcs, target(), SHAPE) for image in (left, right)]
    seen = [(warp.flags & MaskPlane.NO_DATA) == 0 for warp in warps]
    merged = merge_warps(*warps)
    np.testing.assert_array_equal((merged.flags & MaskPlane.NO_DATA) == 0, seen[0] | seen[1])
    assert merged.data[seen[1] & ~seen[0]] == pytest.approx(warps[1].data[seen[1] & ~seen[0]])


def test_rates():
    image = sky_image()
    rate = to_rate(image)
    assert rate.unit == u.electron / u.s
    np.testing.assert_allclose(rate.data * 30.0, image.data, rtol=1e-6)
    np.testing.assert_allclose(rate.uncertainty.array * 30.0, image.uncertainty.array, rtol=1e-6)
    assert rate.flags is image.flags
