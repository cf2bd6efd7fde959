# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from pachon.base import FormatError
from pachon.obs_base.observation import translate_header

HEADER: dict[str, Any] = {
    "INSTRUME": "Nickel Direct Camera",
    "OBSTYPE": "OBJECT",
    "OBJECT": "landolt           ",
    "OBSNUM": 3171,
    "EXPTIME": 5,
    "FILTNAM": "V                 ",
    "DATE-BEG": "2019-09-24T06:14:57.63",
    "DATE-END": "2019-09-24T06:15:02.63",
    "RA": "19:37:37.02       ",
    "DEC": "-8:26:00.2       ",
    "HA": "-0:41:10.71       ",
    "AIRMASS": 1.63,
    "CD1_2": -3.94e-06,
    "CD2_2": -0.0001027,
}


def translate(**changes: Any) -> Any:
    header = {key: value for key, value in {**HEADER, **changes}.items() if value is not None}
    return translate_header(header, path="d3171.fits")


def test_science() -> None:
    info = translate()
    assert info.instrument == "Nickel"
    assert info.exposure_id == 2019092303171
    assert info.observation_id == "N20190923_3171"
    assert info.observing_day == 20190923
    assert info.observation_type == info.observation_reason == "science"
    assert info.physical_filter == "V"
    assert info.object == "landolt"
    assert info.can_see_sky is True
    assert info.tracking_radec.dec.deg == pytest.approx(-8.43339, abs=1e-5)
    assert info.boresight_rotation_angle.deg == pytest.approx(182.2, abs=0.01)
    assert info.datetime_begin.tai.isot == "2019-09-24T06:15:34.630"


@pytest.mark.parametrize(
    ("keywords", "kind", "reason", "filter_name", "sky"),
    [
        ({"OBSTYPE": "DARK", "EXPTIME": 0, "OBJECT": "bias_frame_001"}, "bias", "calibration", "none", False),
        ({"OBSTYPE": "DARK", "EXPTIME": 15, "OBJECT": "dark"}, "dark", "calibration", "none", False),
        ({"OBJECT": "flat_frame_001"}, "flat", "dome", "V", False),
        ({"OBJECT": "flat_b", "FILTNAM": "B  "}, "flat", "dome", "B", False),
        ({"OBJECT": "test_flats"}, "flat", "test", "V", False),
        ({"OBJECT": "sky flat"}, "flat", "sky", "V", True),
    ],
)
def test_kinds(keywords: dict[str, Any], kind: str, reason: str, filter_name: str, sky: bool) -> None:
    info = translate(**keywords)
    assert (info.observation_type, info.observation_reason) == (kind, reason)
    assert info.physical_filter == filter_name
    assert info.can_see_sky is sky
    assert info.tracking_radec is None


@pytest.mark.parametrize(
    ("begin", "day"),
    [
        ("2019-09-23T00:30:23.23", 20190922),  # afternoon of the 22nd in California
        ("2019-09-23T21:36:26.98", 20190923),
        ("2019-09-24T06:14:57.63", 20190923),
        ("2019-09-23T19:59:00.00", 20190922),
    ],
)
def test_observing_day(begin: str, day: int) -> None:
    assert translate(**{"DATE-BEG": begin, "DATE-END": None}).observing_day == day


def test_the_same_number_of_two_nights_differs() -> None:
    first = translate(**{"DATE-BEG": "2019-09-23T06:00:00"})
    second = translate(**{"DATE-BEG": "2019-09-24T06:00:00"})
    assert first.exposure_id != second.exposure_id


@pytest.mark.parametrize("key", ["OBSNUM", "DATE-BEG", "EXPTIME", "OBSTYPE", "OBJECT", "FILTNAM"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(FormatError) as caught:
        translate(**{key: None})
    message = str(caught.value)
    assert message.startswith("d3171.fits: ")
    assert key in message
    assert "\n" not in message


def test_unknown_instrument_is_named() -> None:
    with pytest.raises(FormatError, match=r"d3171.fits: .*INSTRUME.*"):
        translate(INSTRUME=None)
    with pytest.raises(FormatError, match=r"no translator knows this header \(INSTRUME = 'Webcam'\)"):
        translate(INSTRUME="Webcam")


@pytest.mark.parametrize(
    ("name", "kind"), [("nickel-bias", "bias"), ("nickel-flat", "flat"), ("nickel-science", "science")]
)
def test_real_headers(header_data: Path, name: str, kind: str) -> None:
    header = fits.Header.fromstring((header_data / "text" / f"{name}.hdr").read_text(), sep="\n")
    info = translate_header(header, path=name)
    assert info.observation_type == kind
    assert info.observing_day == 20190922
    # Altitude from hour angle and declination agrees with the telescope's own airmass.
    assert 1 / math.sin(info.altaz_begin.alt.rad) == pytest.approx(header["AIRMASS"], rel=0.01)
