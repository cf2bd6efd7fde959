# SPDX-License-Identifier: BSD-3-Clause
import datetime
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.dimensions.leap_seconds import installed_leap_seconds, parse_leap_seconds
from pachon.dimensions.timespan import ns_from_time

TABLE = """\
#  File expires on 28 June 2027
#    MJD        Date        TAI-UTC (s)
    41317.0    1  1 1972       10
    41499.0    1  7 1972       11
"""


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ((1971, 12, 31), None),
        ((1972, 1, 1), 10),
        ((1972, 6, 30), 10),
        ((1972, 7, 1), 11),
        ((2027, 6, 27), 11),
        ((2027, 6, 28), None),
    ],
)
def test_days(day: tuple[int, int, int], expected: int | None) -> None:
    assert parse_leap_seconds(TABLE).before(datetime.date(*day)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        TABLE.replace("expires", "ends"),
        TABLE.replace("28 June", "31 June"),
        TABLE + "nonsense\n",
        TABLE.replace("1  7 1972", "32 7 1972"),
        TABLE.replace("1  7 1972", "1  7 1970"),
    ],
)
def test_unknown_forms_tell_nothing(text: str) -> None:
    assert parse_leap_seconds(text).before(datetime.date(2020, 1, 1)) is None


@given(st.datetimes(datetime.datetime(1972, 1, 1), datetime.datetime(2026, 12, 31)))  # noqa: DTZ001  UTC below
def test_same_as_astropy(time: datetime.datetime) -> None:
    from astropy.time import Time

    assert ns_from_time(time.replace(tzinfo=datetime.UTC)) == ns_from_time(Time(time, scale="utc"))


def test_astropy_is_not_imported() -> None:
    assert installed_leap_seconds().days
    code = (
        "import sys; from pachon.dimensions.timespan import ns_from_time\n"
        "ns_from_time('2021-09-10T00:00:00Z'); sys.exit('astropy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
