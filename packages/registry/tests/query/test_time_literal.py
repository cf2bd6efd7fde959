# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.dimensions.timespan import MAX_NS, iso_from_ns
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
