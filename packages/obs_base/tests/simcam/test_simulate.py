# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from pachon.base import ConflictError
from pachon.obs_base.observation import translate_file
from pachon.obs_base.simcam.detector_effects import defect_boxes
from pachon.obs_base.simcam.instrument import SimCam
from pachon.obs_base.simcam.plan import NIGHTS, SimulationPlan, iter_exposures
from pachon.obs_base.simcam.simulate import simulate_raws

CAMERA = SimCam().camera
PLAN = SimulationPlan(visits=1, biases=2, flats=1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate_raws(folder, CAMERA, PLAN)
    return folder


def test_files(simulated: Path) -> None:
    files = sorted(simulated.glob("2025*/*.fits"))
    assert len(files) == 2 * (2 + 2 + 2) * 4
    truth = Table.read(simulated / "truth" / "exposures.ecsv")
    assert len(truth) == 12
    standards = Table.read(simulated / "truth" / "reference_stars.ecsv")
    stars = Table.read(simulated / "truth" / "stars.ecsv")
    assert 50 < len(standards) < len(stars) == 600


def test_the_seed_decides(tmp_path: Path, simulated: Path) -> None:
    small = SimulationPlan(visits=1, biases=0, flats=0)
    same = simulate_raws(tmp_path / "same", CAMERA, small)
    again = simulate_raws(tmp_path / "again", CAMERA, small)
    other = simulate_raws(tmp_path / "other", CAMERA, SimulationPlan(seed=2, visits=1, biases=0, flats=0))
    assert [one.read_bytes() for one in same] == [one.read_bytes() for one in again]
    assert fits.getdata(same[0]).mean() != fits.getdata(other[0]).mean()


def test_every_header_translates(simulated: Path) -> None:
    filters = SimCam().filters
    for file in sorted(simulated.glob("2025*/*_ccd2.fits")):
        ((_, info),) = translate_file(fits.getheader(file), None, path=str(file))
        assert info.instrument == "SimCam"
        assert info.detector_num == 2
        assert str(info.observing_day) == file.parent.name
        assert file.name.startswith(str(info.observation_id))
        filters.get(str(info.physical_filter))


def test_whole_exposures(tmp_path: Path) -> None:
    files = simulate_raws(tmp_path / "x", CAMERA, SimulationPlan(visits=1, biases=0, flats=0), multi_extension=True)
    assert len(files) == 4
    primary, second = fits.getheader(files[0]), fits.getheader(files[0], 1)
    translated = translate_file(primary, second, path=str(files[0]))
    assert [info.detector_num for _, info in translated] == [0, 1, 2, 3]
    assert len({info.exposure_id for _, info in translated}) == 1


def test_a_folder_with_files_is_refused(simulated: Path) -> None:
    with pytest.raises(ConflictError, match="is not empty"):
        simulate_raws(simulated, CAMERA, PLAN)


def test_stars_are_where_the_truth_says(simulated: Path) -> None:
    exposure = next(e for e in iter_exposures(PLAN) if e.kind == "science")
    stars = Table.read(simulated / "truth" / "stars.ecsv")
    bright = stars[stars["r"] < 16.5]
    found = 0
    for detector in CAMERA:
        image = fits.getdata(simulated / str(exposure.day_obs) / f"{exposure.obs_id}_{detector.name}.fits").astype(
            float
        )
        wcs = CAMERA.wcs(detector.id, ra=exposure.ra, dec=exposure.dec, sky_angle=exposure.sky_angle)
        x, y = wcs.wcs_world2pix(np.asarray(bright["ra"]), np.asarray(bright["dec"]), 0)
        for column, row in zip(np.round(x).astype(int), np.round(y).astype(int), strict=True):
            if 20 < column < 490 and 20 < row < 490:
                stamp = image[row - 6 : row + 7, column - 6 : column + 7]
                peak = np.unravel_index(np.argmax(stamp), stamp.shape)
                found += abs(peak[0] - 6) <= 1 and abs(peak[1] - 6) <= 1
    assert found >= 10


def test_photon_and_read_noise(simulated: Path) -> None:
    detector = CAMERA[1]
    biases = [fits.getdata(one).astype(float) for one in sorted(simulated.glob("20250301/*000[12]_ccd1.fits"))]
    difference = (biases[0] - biases[1])[100:400, 200:300]
    noise = np.std(difference - difference.mean(axis=1, keepdims=True)) / np.sqrt(2) * detector.gain
    assert noise == pytest.approx(detector.read_noise, rel=0.05)


def test_nights_differ(simulated: Path) -> None:
    first, second = (
        np.median(
            [fits.getdata(one).astype(float)[:, :512] for one in sorted(simulated.glob(f"{night}/*000[12]_ccd0.fits"))],
            axis=0,
        )
        for night in NIGHTS
    )
    assert np.std(np.median(first - second, axis=0)) > 1.5
    assert len(defect_boxes(0, NIGHTS[1])) == len(defect_boxes(0, NIGHTS[0])) + 1


def test_defects_of_the_package_are_those_that_are_simulated() -> None:
    instrument = SimCam()
    assert instrument.curated_root is not None
    for detector in CAMERA:
        folder = instrument.curated_root / "simcam" / "defects" / detector.name
        for date, night in (("2025-01-01", NIGHTS[0]), ("2025-03-10", NIGHTS[1])):
            table = Table.read((folder / f"{date}.ecsv").read_text(), format="ascii.ecsv")
            boxes = [box for box, _ in defect_boxes(detector.id, night)]
            assert [(r["x0"], r["y0"], r["width"], r["height"]) for r in table] == [
                (box.x0, box.y0, box.width, box.height) for box in boxes
            ]
