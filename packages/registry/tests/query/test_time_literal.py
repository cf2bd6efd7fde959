# SPDX-License-Identifier: BSD-3-Clause
import datetime
import subprocess
import sys
import warnings
from decimal import Decimal

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.dimensions.timespan import MAX_NS, iso_from_ns, ns_from_time
from pachon.registry.query.time_literal import parse_time

TEN_SEPTEMBER = 1_631_232_000_000_000_000
LEAP = 37_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-09-10", TEN_SEPTEMBER + LEAP),
        ("2021-09-10/tai", TEN_SEPTEMBER),
        ("2021-09-10 00:00", TEN_SEPTEMBER + LEAP),
        ("2021-09-10T00:00:00.0", TEN_SEPTEMBER + LEAP),
        ("2021-09-10T00:00:00Z", TEN_SEPTEMBER + LEAP),
        ("2021-09-10 00:00:00+00:00", TEN_SEPTEMBER + LEAP),
        ("59467.0", TEN_SEPTEMBER),
        ("59467", TEN_SEPTEMBER),
        ("mjd/59467.0/utc", TEN_SEPTEMBER + LEAP),
        ("jd/2459467.5", TEN_SEPTEMBER),
        ("2021:253", TEN_SEPTEMBER + LEAP),
        ("2021:253:00:00", TEN_SEPTEMBER + LEAP),
        ("unix/1631232000", TEN_SEPTEMBER + LEAP),
        ("iso/2021-09-10/TAI", TEN_SEPTEMBER),
    ],
)
def test_forms(text: str, expected: int) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2021-09-10 03",
        "2021-13-40",
        "2021-09-10/nope",
        "nope/1.0",
        "a/b/c/d",
        "2021-09-10 00:00+01:00",
    ],
)
def test_errors(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_time(text)
    assert "\n" not in str(caught.value)


@given(st.integers(0, MAX_NS - 1))
def test_tai_is_exact(ns: int) -> None:
    assert parse_time(f"{iso_from_ns(ns)}/tai") == ns


@given(
    st.datetimes(datetime.datetime(1972, 1, 1), datetime.datetime(2026, 12, 31)),  # noqa: DTZ001  of the scale below
    st.sampled_from(["utc", "tai"]),
)
def test_dates_mean_what_they_mean_to_astropy(time: datetime.datetime, scale: str) -> None:
    assert parse_time(f"{time}/{scale}") == ns_from_time(Time(time, scale=scale))


@given(st.decimals(0, 100_000, places=12))
def test_mjd_means_what_it_means_to_astropy(mjd: Decimal) -> None:
    assert parse_time(f"{mjd:f}") == ns_from_time(Time(f"{mjd:f}", format="mjd", scale="tai"))


@pytest.mark.parametrize("text", ["2016-12-31 23:59:60", "2020-12-31 23:59:60"])
def test_leap_seconds(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert parse_time(text) == ns_from_time(Time(text, scale="utc"))


@pytest.mark.parametrize("text", ["2021-09-10", "2021-09-10T12:30:00", "59467.25", "2021-09-10 01:02/tai"])
def test_common_forms_need_no_astropy(text: str) -> None:
    code = "import sys; from pachon.registry.query.time_literal import parse_time\nparse_time(sys.argv[1]); sys.exit('astropy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, text], check=True)
