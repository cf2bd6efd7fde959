# SPDX-License-Identifier: BSD-3-Clause
import datetime
import pickle

import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis.strategies import integers, lists

from pachon.base import InvalidInputError
from pachon.dimensions import Timespan
from pachon.dimensions.testing.strategies import timespans
from pachon.dimensions.timespan import MAX_NS, iso_from_ns, isos_from_ns, ns_from_time, time_from_ns


def test_limits():
    assert ns_from_time("1970-01-01T00:00:00") == 0
    assert ns_from_time("2100-01-01") == MAX_NS == Timespan(None, None).end_ns
    assert Timespan(None, None).begin is None


def test_scales():
    utc = ns_from_time(Time("2021-09-10T00:00:00", scale="utc"))
    assert utc - ns_from_time("2021-09-10") == 37_000_000_000
    assert ns_from_time(datetime.datetime(2021, 9, 10, tzinfo=datetime.UTC)) == utc
    assert ns_from_time("2021-09-10T00:00:00Z") == utc
    assert ns_from_time("2021-09-10T02:00:00+02:00") == utc
    assert ns_from_time(datetime.datetime(2021, 9, 10)) == ns_from_time("2021-09-10T00:00")  # noqa: DTZ001


def test_nanoseconds_are_exact():
    ns = ns_from_time("2031-05-06T07:08:09.123456789")
    assert ns % 1_000_000_000 == 123456789
    assert iso_from_ns(ns) == "2031-05-06T07:08:09.123456789"
    assert ns_from_time(time_from_ns(ns)) == ns


@given(lists(integers(0, MAX_NS) | integers(0, MAX_NS // 10**9).map(lambda seconds: seconds * 10**9)))
def test_many_times_have_the_texts_of_each(times: list[int]) -> None:
    assert isos_from_ns(np.array(times, dtype=np.int64)) == [iso_from_ns(time) for time in times]


def test_bounds_that_are_equal_or_reversed():
    assert Timespan("2020-01-01", "2020-01-01").end_ns - Timespan("2020-01-01", None).begin_ns == 1
    assert Timespan("2020-01-02", "2020-01-01").is_empty
    with pytest.raises(InvalidInputError, match="begin and end at"):
        Timespan("1970-01-01", "1970-01-01")


def test_outside_the_limits_is_clamped_with_a_warning():
    with pytest.warns(UserWarning, match="moved to the limit"):
        assert Timespan("1950-01-01", "2020-01-01").begin_ns == 0


@pytest.mark.parametrize("bad", ["yesterday", "2020-13-01", "2020-01-01T25:00:00", object(), 1.5])
def test_no_time(bad):
    with pytest.raises(InvalidInputError):
        Timespan(bad, None)


def test_day_obs():
    day = Timespan.for_day_obs(20240512, 12 * 3600)
    assert str(day) == "[2024-05-12T12:00:00, 2024-05-13T12:00:00)"
    with pytest.raises(InvalidInputError, match="YYYYMMDD"):
        Timespan.for_day_obs(20241332)


@given(timespans(), timespans())
def test_algebra(a, b):
    common = a.intersection(b)
    assert a.overlaps(b) == b.overlaps(a) == (not common.is_empty and not a.is_empty and not b.is_empty)
    assert a.contains(common)
    assert b.contains(common)
    parts = a.difference(b)
    assert all(a.contains(part) and not part.overlaps(b) and not part.is_empty for part in parts)
    length = sum(part.end_ns - part.begin_ns for part in parts)
    if not a.is_empty:
        kept = common.end_ns - common.begin_ns if a.overlaps(b) else 0
        assert length + kept == a.end_ns - a.begin_ns
    assert not (a < b and a.overlaps(b))
    assert pickle.loads(pickle.dumps(a)) == a == Timespan.from_json(a.to_json())


def test_empty():
    empty = Timespan.empty()
    assert empty == Timespan.from_ns(5, 5)
    assert not empty.overlaps(empty)
    assert Timespan("2020-01-01", "2020-01-02").contains(empty)
    assert not empty < Timespan(None, None)


def test_cannot_be_changed():
    with pytest.raises(AttributeError):
        Timespan(None, None).begin_ns = 3
