# SPDX-License-Identifier: BSD-3-Clause
"""The tasks of the science pipeline, one after the other, on one detector of simulated visits."""

import numpy as np
import pytest
from astropy.table import Table

from pachon.pipe_base import NoWorkFound
from pachon.pipe_base.testing import run_task
from pachon.pipe_tasks import (
    CharacterizeTask,
    CoaddTask,
    DetectCoaddTask,
    IsrTask,
    RegistrationTask,
    SummaryTask,
    WarpTask,
    ZeroPointTask,
    master_bias,
    master_flat,
)
from pachon.pipe_tasks.testing import SimulatedSkyMap

SKY_MAP = SimulatedSkyMap(ra=150.0, dec=20.0, inner=300, columns=1, rows=1)
BAND = {"band": "V", "physical_filter": "V", "day_obs": 20260101}
TRACT = {"skymap": "sky", "tract": 0}


@pytest.fixture(scope="module")
def calibrations(camera):
    detector = camera[0]
    bias = master_bias([detector.expose(0.0, seed=i) for i in range(5)], detector)
    return {
        "bias": bias,
        "flat": master_flat([detector.expose(25000.0, seed=20 + i) for i in range(4)], detector, bias=bias),
    }


@pytest.fixture(scope="module")
def images(camera, field, pointings, calibrations):
    """Signature removed."""
    defects = Table({"x0": [30], "y0": [0], "width": [1], "height": [220]})
    return {
        visit: run_task(
            IsrTask,
            {"raw": field.raw(camera[0], pointing), "camera": camera, "defects": defects, **calibrations},
            data_id={"exposure": visit, "detector": 0},
        ).outputs.image
        for visit, pointing in pointings.items()
    }


@pytest.fixture(scope="module")
def visits(images):
    """Image and catalogue of each visit."""
    return {
        visit: run_task(CharacterizeTask, {"exposures": [image]}, data_id={"visit": visit, "detector": 0}).outputs
        for visit, image in images.items()
    }


def gathered(visits, attribute, name):
    """Arguments of a task that gathers a dataset of all visits."""
    return (
        {name: [getattr(visits[visit], attribute) for visit in visits]},
        {name: [{"visit": visit, "detector": 0, **BAND} for visit in visits]},
    )


@pytest.fixture(scope="module")
def registration(visits, zero_points):
    inputs, data_ids = gathered(visits, "catalog", "catalogs")
    return run_task(
        RegistrationTask,
        {**inputs, "sky_map": SKY_MAP, "zero_points": list(zero_points.values())},
        data_id=TRACT,
        data_ids={**data_ids, "zero_points": [{"visit": visit} for visit in zero_points]},
    ).outputs.registration


@pytest.fixture(scope="module")
def warps(visits, registration):
    return {
        visit: run_task(
            WarpTask,
            {"images": [outputs.image], "registration": registration, "sky_map": SKY_MAP},
            data_id={"visit": visit, "patch": 0, **TRACT},
            data_ids={"images": [{"visit": visit, "detector": 0}]},
        ).outputs.warp
        for visit, outputs in visits.items()
    }


@pytest.fixture(scope="module")
def coadd(warps):
    return run_task(
        CoaddTask,
        {"warps": list(warps.values())},
        data_id={"patch": 0, "band": "V", **TRACT},
        data_ids={"warps": [{"visit": visit} for visit in warps]},
    ).outputs


@pytest.fixture(scope="module")
def zero_points(visits, field):
    config = ZeroPointTask.config_class()
    config.tolerance = 1.5  # the catalogue is exact, the field small and crowded
    return {
        visit: run_task(
            ZeroPointTask,
            {"catalogs": [outputs.catalog], "standards": [field.truth()[:8]]},
            config=config,
            data_id={"visit": visit, **BAND},
            data_ids={"catalogs": [{"detector": 0}]},
        ).outputs.zero_point
        for visit, outputs in visits.items()
    }


@pytest.fixture(scope="module")
def coadd_catalog(coadd, registration, zero_points):
    return run_task(
        DetectCoaddTask,
        {
            "coadd": coadd.coadd,
            "n_images": coadd.n_images,
            "registrations": [registration],
            "zero_points": list(zero_points.values()),
            "sky_map": SKY_MAP,
        },
        data_id={"patch": 0, "band": "V", **TRACT},
        data_ids={"zero_points": [{"visit": visit} for visit in zero_points]},
    ).outputs.catalog


def test_isr(images, calibrations):
    image = images[1]
    assert image.header["EXPTIME"] == 30.0
    assert (image.flags[:, 30] != 0).all()
    # 8 electrons a second of sky for 30 s.
    assert np.median(image.data) == pytest.approx(240.0, rel=0.05)


def test_isr_without_some_steps(camera, field, pointings):
    config = IsrTask.config_class()
    config.do_bias = config.do_flat = config.do_defects = False
    connections = IsrTask.config_class.connections_class(config=config)
    assert set(connections.prerequisite_inputs) == {"camera"}
    run = run_task(
        IsrTask,
        {"raw": field.raw(camera[0], pointings[1]), "camera": camera},
        config=config,
        data_id={"exposure": 1, "detector": 0},
    )
    assert run.outputs.image.unit == "electron"
    assert run.metadata["overscan_level"] == pytest.approx(1015.0, abs=3.0)


def test_isr_searches_long_exposures_for_hits(camera, field, pointings, calibrations):
    raw = field.raw(camera[0], pointings[1])
    raw.data[100:103, 120] = 9000
    config = IsrTask.config_class()
    config.cosmic_ray_time = 30.0
    inputs = {"raw": raw, "camera": camera, **calibrations}
    run = run_task(IsrTask, inputs, config=config, data_id={"exposure": 1, "detector": 0})
    assert run.metadata["cosmic_ray_pixels"] >= 3
    assert run.outputs.image.mask[100:103, 120].all()


def test_visits(visits):
    for outputs in visits.values():
        assert outputs.catalog.meta["fwhm"] == pytest.approx(4.06, rel=0.08)
        assert len(outputs.catalog) > 25


def test_registration_is_better_than_a_third_of_a_pixel(registration):
    assert registration["used"].all()
    assert max(registration["rms"]) < 0.3
    assert min(registration["n_matched"]) > 10
    scale = {int(row["visit"]): float(row["flux_scale"]) for row in registration}
    assert scale[4] / scale[1] == pytest.approx(1 / 0.6, rel=0.03)


def test_registration_without_standards(visits):
    inputs, data_ids = gathered(visits, "catalog", "catalogs")
    config = RegistrationTask.config_class()
    config.anchor = False
    arguments = {**inputs, "sky_map": SKY_MAP}
    alone = run_task(RegistrationTask, arguments, config=config, data_id=TRACT, data_ids=data_ids).outputs.registration
    assert not alone["is_anchored"].any()
    assert alone["used"].all()
    none = run_task(RegistrationTask, arguments, data_id=TRACT, data_ids=data_ids).outputs.registration
    assert not none["is_anchored"].any()


def test_warps_show_the_same_stars_at_the_same_place(warps):
    from pachon.pipe_tasks import make_source_catalog

    places = []
    for warp in warps.values():
        deviation = np.where(warp.flags == 0, warp.uncertainty.array, 1e6)
        catalog, _ = make_source_catalog(warp.data, deviation, warp.flags)
        places.append(np.column_stack([catalog["x"], catalog["y"]])[:10])
    for other in places[1:]:
        distance = np.hypot(*(places[0][:, None] - other[None]).transpose(2, 0, 1)).min(axis=1)
        assert np.median(distance) < 0.1


def test_coadd(coadd, warps):
    assert coadd.coadd.unit == "electron / s"
    assert coadd.n_images.max() == 4
    assert [coadd.coadd.header[f"VISIT{i:02d}"] for i in range(4)] == [1, 2, 3, 4]
    assert coadd.coadd.header["EXPTIME"] == 120.0


def test_zero_points(zero_points, field):
    for visit, table in zero_points.items():
        # The flat's median is 1 while the response's is not: a few hundredths of a magnitude, and a cloud.
        expected = field.zero_point + 2.5 * np.log10(0.6 if visit == 4 else 1.0)
        assert table.meta["zero_point"] == pytest.approx(expected, abs=0.06)
        assert table.meta["visit"] == visit


def test_coadd_catalog(coadd_catalog, field):
    truth = field.truth()
    bright = coadd_catalog[(coadd_catalog["signal_to_noise"] > 60) & (coadd_catalog["flags"] == 0)]
    assert len(bright) > 5
    assert np.isfinite(bright["magnitude"]).all()
    matched = [
        (row["magnitude"] - truth["mag_v"][distance.argmin()])
        for row in bright
        if (
            distance := np.hypot((truth["ra"] - row["ra"]) * np.cos(np.deg2rad(20.0)), truth["dec"] - row["dec"]) * 3600
        ).min()
        < 0.15
    ]
    assert len(matched) > 5
    assert np.median(np.abs(matched)) < 0.04


def test_summary(visits, registration, zero_points, coadd_catalog):
    inputs, data_ids = gathered(visits, "catalog", "catalogs")
    table = run_task(
        SummaryTask,
        {
            **inputs,
            "registration": registration,
            "zero_points": list(zero_points.values()),
            "coadd_catalogs": [coadd_catalog],
        },
        data_id=TRACT,
        data_ids={
            **data_ids,
            "zero_points": [{"visit": visit} for visit in zero_points],
            "coadd_catalogs": [{"patch": 0, "band": "V"}],
        },
    ).outputs.summary
    assert table["kind"].tolist() == ["visit"] * 4 + ["coadd"]
    assert table.meta["largest_rms"] < 0.3
    single, coadd = np.median(table["limiting_magnitude"][:3]), table["limiting_magnitude"][4]
    assert coadd - single == pytest.approx(2.5 * np.log10(3.4**0.5), abs=0.25)


def test_a_visit_that_is_not_registered_has_no_warp(visits, registration):
    changed = registration.copy()
    changed["used"] = False
    with pytest.raises(NoWorkFound, match="Visit 1"):
        run_task(
            WarpTask,
            {"images": [visits[1].image], "registration": changed, "sky_map": SKY_MAP},
            data_id={"visit": 1, "patch": 0, **TRACT},
            data_ids={"images": [{"visit": 1, "detector": 0}]},
        )


def test_no_standards_no_zero_point(visits):
    inputs = {"catalogs": [visits[1].catalog]}
    with pytest.raises(NoWorkFound, match="no standard stars"):
        run_task(ZeroPointTask, inputs, data_id={"visit": 1, **BAND}, data_ids={"catalogs": [{"detector": 0}]})


def test_no_stars_no_registration(visits):
    empty = visits[1].catalog[:0]
    with pytest.raises(NoWorkFound, match="stars to match"):
        run_task(
            RegistrationTask,
            {"catalogs": [empty], "sky_map": SKY_MAP},
            data_id=TRACT,
            data_ids={"catalogs": [{"visit": 1, "detector": 0, **BAND}]},
        )
