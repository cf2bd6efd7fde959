# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.wcs import WCS

from pachon.pipe_tasks.projection import (
    correct_wcs,
    pixel_scale,
    pixels_to_pixels,
    pixels_to_sky,
    sky_to_pixels,
    wcs_from_cards,
    wcs_to_cards,
)
from pachon.pipe_tasks.similarity import Similarity
from pachon.pipe_tasks.testing.simulated_sky_map import tangent_wcs

POINTS = np.array([[0.0, 0.0], [300.0, 10.0], [120.5, 260.2]])


def tract_wcs():
    return tangent_wcs(150.0, 20.0, scale=0.37, center=(1000.0, 900.0))


def sip_wcs():
    wcs = tangent_wcs(150.01, 20.005, scale=0.4, center=(150.0, 160.0), angle=182.0)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    a[2, 0], b[0, 2] = 2e-6, -1e-6
    from astropy.wcs import Sip

    wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    wcs.wcs.set()
    return wcs


def test_there_and_back():
    wcs = sip_wcs()
    np.testing.assert_allclose(sky_to_pixels(wcs, pixels_to_sky(wcs, POINTS)), POINTS, atol=1e-6)
    assert pixels_to_sky(wcs, np.zeros((0, 2))).shape == sky_to_pixels(wcs, np.zeros((0, 2))).shape == (0, 2)


def test_pixel_scale():
    assert pixel_scale(tract_wcs()) == pytest.approx(0.37)


def test_cards_keep_distortion():
    wcs = sip_wcs()
    again = wcs_from_cards(wcs_to_cards(wcs))
    np.testing.assert_allclose(again.all_pix2world(POINTS, 0), wcs.all_pix2world(POINTS, 0), atol=1e-9)


def test_frames_are_told_apart():
    """FK5 and ICRS differ by some hundredths of an arcsecond."""
    wcs = tract_wcs()
    wcs.wcs.radesys, wcs.wcs.equinox = "FK5", 2000.0
    wcs.wcs.set()
    difference = (pixels_to_sky(wcs, POINTS) - wcs.all_pix2world(POINTS, 0)) * 3600
    assert 1e-4 < np.abs(difference).max() < 0.1


@pytest.mark.parametrize("make", [sip_wcs, lambda: tangent_wcs(150.0, 20.0, scale=0.4, center=(150.0, 160.0))])
@pytest.mark.parametrize("keeps_cd", [True, False])
@pytest.mark.parametrize(
    "transform",
    [
        Similarity(dx=279.0, dy=-34.0, pivot=(1000.0, 900.0)),
        Similarity(dx=-20.0, dy=150.0, rotation=0.1, scale=1.0005, pivot=(900.0, 950.0)),
        Similarity(),
    ],
)
def test_a_corrected_wcs_puts_pixels_where_the_transformation_does(make, transform, keeps_cd):
    wcs = make() if keeps_cd else wcs_from_cards(wcs_to_cards(make()))
    assert wcs.wcs.has_cd() == keeps_cd
    corrected = correct_wcs(wcs, tract_wcs(), transform, (320, 300)).apply(wcs)
    expected = transform.apply(pixels_to_pixels(wcs, tract_wcs(), POINTS))
    np.testing.assert_allclose(pixels_to_pixels(corrected, tract_wcs(), POINTS), expected, atol=2e-3)
    # The input is left alone, and the result survives a file.
    assert wcs.wcs.crval[0] == make().wcs.crval[0]
    again = WCS(corrected.to_header(relax=True))
    np.testing.assert_allclose(pixels_to_pixels(again, tract_wcs(), POINTS), expected, atol=2e-3)
