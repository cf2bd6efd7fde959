# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.pipe_tasks.mask_planes import MaskPlane
from pachon.pipe_tasks.source_catalog import SourceSettings
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing
from pachon.pipe_tasks.visit_image import add_snaps, characterize_image

DETECTOR, FIELD = SimulatedDetector(), SimulatedField(size=110.0, stars=40)


def test_from_raw_frame_to_catalogue(process):
    pointing = SimulatedPointing(sky=20.0)
    image, catalog = characterize_image(
        process(FIELD.raw(DETECTOR, pointing)), settings=SourceSettings(fwhm_guess=6.0), background_box=64
    )
    # The flat was scaled to a median of 1, the true response has another.
    scale = np.median(DETECTOR.response())
    assert image.header["SKYLEVEL"] == pytest.approx(600.0 * scale, rel=0.01)
    assert abs(np.median(image.data)) < 2.0
    assert catalog.meta["fwhm"] == pytest.approx(4.06, rel=0.06)
    assert catalog.meta["fwhm_arcsec"] == pytest.approx(1.63, rel=0.06)
    flux, pixels = FIELD.true_flux(pointing) * scale, FIELD.true_pixels(DETECTOR, pointing)
    clear = (pixels > 20).all(axis=1) & (pixels < (280, 300)).all(axis=1) & (flux > 20000)
    for (x, y), expected in zip(pixels[clear], flux[clear], strict=True):
        row = catalog[np.argmin(np.hypot(catalog["x"] - x, catalog["y"] - y))]
        assert row["flux"] == pytest.approx(expected, rel=0.03)
        assert np.hypot(row["x"] - x, row["y"] - y) < 0.1
    assert catalog.meta["image_shape"] == [320, 300]
    assert catalog.meta["wcs"]["CTYPE1"] == "RA---TAN"
    limit = -2.5 * np.log10(catalog.meta["limiting_flux"] / 30.0)
    assert catalog.meta["limiting_magnitude"] == pytest.approx(limit, abs=1e-3)
    np.testing.assert_array_equal(image.mask, image.flags != 0)


def test_the_catalogue_survives_its_file(process, tmp_path):
    from astropy.table import Table

    _, catalog = characterize_image(process(FIELD.raw(DETECTOR, SimulatedPointing())))
    catalog.write(tmp_path / "c.ecsv", format="ascii.ecsv")
    again = Table.read(tmp_path / "c.ecsv", format="ascii.ecsv")
    assert again.meta["wcs"] == catalog.meta["wcs"]
    assert again["flux"].unit == catalog["flux"].unit
    assert again.meta["exposure_time"] == 30.0


def test_snaps_are_added():
    one, two = (FIELD.image(DETECTOR, SimulatedPointing(seed=seed)) for seed in (1, 2))
    two.flags[3, 4] = MaskPlane.COSMIC_RAY
    total = add_snaps([one, two])
    np.testing.assert_allclose(total.data, one.data + two.data, rtol=1e-6)
    np.testing.assert_allclose(
        total.uncertainty.array, np.hypot(one.uncertainty.array, two.uncertainty.array), rtol=1e-6
    )
    assert total.header["EXPTIME"] == 60.0
    assert one.header["EXPTIME"] == 30.0
    assert total.flags[3, 4] == MaskPlane.COSMIC_RAY
    assert add_snaps([one]) is one
    with pytest.raises(InvalidInputError):
        add_snaps([])


def test_an_image_without_wcs_has_no_sky_positions():
    image = FIELD.image(DETECTOR, SimulatedPointing())
    image.wcs = None
    _, catalog = characterize_image(image)
    assert "ra" not in catalog.colnames
    assert "wcs" not in catalog.meta
