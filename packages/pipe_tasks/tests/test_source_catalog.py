# SPDX-License-Identifier: BSD-3-Clause
import astropy.units as u
import numpy as np
import pytest

from pachon.pipe_tasks.source_catalog import SourceSettings, make_source_catalog
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing


@pytest.fixture(scope="module")
def measured():
    detector, pointing = SimulatedDetector(), SimulatedPointing()
    field = SimulatedField(size=110.0, stars=40)
    image = field.image(detector, pointing)
    data = image.data - pointing.sky * pointing.exposure_time
    settings = SourceSettings(fwhm_guess=6.0)
    found = make_source_catalog(
        data, image.uncertainty.array, image.flags, settings=settings, exposure_time=30.0, wcs=image.wcs
    )
    return field, detector, pointing, found


def test_columns_and_units(measured):
    catalog, quality = measured[-1]
    assert catalog["x"].unit == u.pix
    assert catalog["ra"].unit == u.deg
    assert catalog["flux"].unit == u.electron
    assert catalog["instrumental_magnitude"].unit == u.mag
    assert catalog["id"].tolist() == list(range(1, len(catalog) + 1))
    assert np.all(np.diff(catalog["flux"]) <= 0)
    assert catalog.meta["flag_bits"]["SATURATED"] == 0
    assert quality.n_sources == len(catalog)


def test_the_stars_of_the_field_are_found_where_and_as_bright_as_they_are(measured):
    field, detector, pointing, (catalog, quality) = measured
    truth, pixels, flux = field.truth(), field.true_pixels(detector, pointing), field.true_flux(pointing)
    assert quality.fwhm == pytest.approx(4.06, rel=0.05)
    inside = (pixels > 15).all(axis=1) & (pixels[:, 0] < 285) & (pixels[:, 1] < 305)
    deep = inside & (flux > 2.0 * quality.limiting_flux)
    found = np.column_stack([catalog["x"], catalog["y"]])
    distance = np.hypot(*(pixels[:, None] - found[None]).transpose(2, 0, 1))
    nearest = distance.argmin(axis=1)
    assert (distance.min(axis=1)[deep] < 1.0).mean() > 0.95
    matched = deep & (distance.min(axis=1) < 1.0)
    rows = catalog[nearest[matched]]
    assert np.median(rows["flux"] / flux[matched]) == pytest.approx(1.0, abs=0.02)
    separation = np.hypot(
        (rows["ra"] - truth["ra"][matched]) * np.cos(np.deg2rad(field.dec)), rows["dec"] - truth["dec"][matched]
    )
    assert np.median(separation) * 3600 < 0.05
    pull = distance.min(axis=1)[matched] / np.asarray(rows["position_error"])
    assert 0.5 < np.median(pull) < 3.0
    zero = np.median(truth["mag_v"][matched] - rows["instrumental_magnitude"])
    assert zero == pytest.approx(field.zero_point, abs=0.02)
    assert not np.any(rows["flags"] & SourceFlag.NOT_STELLAR)


def test_the_limit_is_five_times_the_noise(measured):
    catalog, quality = measured[-1]
    faint = catalog[catalog["flux"] < 3 * quality.limiting_flux]
    assert np.median(faint["flux"] / faint["signal_to_noise"]) * 5 == pytest.approx(quality.limiting_flux, rel=0.15)


def test_an_empty_image_gives_an_empty_catalogue_with_all_columns(measured):
    full = measured[-1][0]
    wcs = measured[0].wcs(measured[1], measured[2])
    shape = (100, 120)
    empty, quality = make_source_catalog(np.zeros(shape), np.ones(shape), np.zeros(shape, dtype=np.uint8), wcs=wcs)
    assert len(empty) == 0
    assert empty.colnames == full.colnames
    assert quality.n_fwhm == 0
    assert quality.fwhm == 5.0


def test_a_particle_hit_is_not_stellar(measured):
    field, detector, pointing, _ = measured
    image = field.image(detector, pointing)
    data = image.data - pointing.sky * pointing.exposure_time
    data[150, 60] += 50000.0
    catalog, _ = make_source_catalog(data, image.uncertainty.array, image.flags)
    hit = catalog[np.hypot(catalog["x"] - 60, catalog["y"] - 150) < 1.5]
    assert len(hit) == 1
    assert hit["flags"][0] & SourceFlag.NOT_STELLAR
