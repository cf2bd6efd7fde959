# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import warnings
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from pachon.base import InvalidInputError
from pachon.obs_base.box import Box
from pachon.obs_base.camera import Camera

FILES = resources.files("pachon.obs_base")
NICKEL = Camera.from_yaml(FILES / "nickel" / "camera.yaml")
SIMCAM = Camera.from_yaml(FILES / "simcam" / "camera.yaml")


def test_detectors_by_id_and_name() -> None:
    assert len(SIMCAM) == 4
    assert [detector.name for detector in SIMCAM] == ["ccd0", "ccd1", "ccd2", "ccd3"]
    assert SIMCAM[2] is SIMCAM["ccd2"]
    assert SIMCAM.detector_max == 4
    with pytest.raises(KeyError, match="no detector 9"):
        SIMCAM[9]


def test_nickel_sections() -> None:
    detector = NICKEL[0]
    assert detector.bbox == Box(0, 0, 1024, 1024)
    assert detector.overscan_sections == (Box(1024, 0, 32, 1024),)
    assert NICKEL.pixel_scale(0) == pytest.approx(0.370, abs=0.001)
    # Half the diagonal of 6.3 arcmin.
    assert NICKEL.radius() * 60 == pytest.approx(4.47, abs=0.02)


def test_json_round_trip() -> None:
    assert Camera.model_validate_json(SIMCAM.model_dump_json()) == SIMCAM


@pytest.mark.parametrize("detector", range(4))
def test_focal_plane_there_and_back(detector: int) -> None:
    x, y = SIMCAM[detector].to_focal_plane(100.0, 7.0)
    assert SIMCAM[detector].from_focal_plane(x, y) == pytest.approx((100.0, 7.0))


def test_simulated_detectors_do_not_overlap() -> None:
    left = SIMCAM[0].to_focal_plane(511.5, 0)[0]
    right = SIMCAM[1].to_focal_plane(-0.5, 0)[0]
    assert (right - left) / SIMCAM[0].pixel_size == pytest.approx(24.0)


def test_wcs_orientation() -> None:
    wcs = SIMCAM.wcs(0, ra=53.0, dec=-28.0, sky_angle=0.0)
    ra, dec = wcs.wcs_pix2world([100, 110, 100], [100, 100, 110], 0)
    assert ra[1] < ra[0]  # +x to the west
    assert dec[2] > dec[0]  # +y to the north
    # The boresight is in the middle of the gap, up and to the right of detector 0.
    x, y = wcs.wcs_world2pix([53.0], [-28.0], 0)
    assert (x[0], y[0]) == pytest.approx((523.5, 523.5), abs=1e-6)


def test_wcs_is_that_of_real_headers(header_data: Path) -> None:
    text = (header_data / "text" / "nickel-science.hdr").read_text()
    header = fits.Header.fromstring(text, sep="\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        real = WCS(header)
    ours = NICKEL.wcs(0, ra=header["CRVAL1"], dec=header["CRVAL2"], sky_angle=182.2)
    x, y = np.array([0.0, 1023.0, 0.0, 1023.0]), np.array([0.0, 0.0, 1023.0, 1023.0])
    there = np.array(real.wcs_pix2world(x, y, 0))
    here = np.array(ours.wcs_pix2world(x, y, 0))
    assert np.abs(there - here).max() * 3600 < 0.1


def test_bad_document(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text("name: X\nplate_scale: -1\ndetectors: []\n")
    with pytest.raises(InvalidInputError, match="is not a camera document"):
        Camera.from_yaml(path)
    path.write_text("a: [")
    with pytest.raises(InvalidInputError, match="is not a camera document"):
        Camera.from_yaml(path)
    document = json.loads(SIMCAM.model_dump_json())
    document["detectors"][0]["data_section"]["width"] = 600
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match="not inside"):
        Camera.from_yaml(path)
