# SPDX-License-Identifier: BSD-3-Clause
"""Half-open intervals of TAI in integer nanoseconds."""

from __future__ import annotations

import datetime
import math
import operator
import re
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pachon.base import InvalidInputError
from pachon.dimensions.leap_seconds import installed_leap_seconds

if TYPE_CHECKING:
    import numpy as np
    from astropy.time import Time

__all__ = ["MAX_NS", "Timespan", "iso_from_ns", "isos_from_ns", "ns_from_time", "time_from_ns"]

_SECOND_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _SECOND_NS
MAX_NS: Final = 47_482 * _DAY_NS
"""2100-01-01 00:00:00 TAI, the end of an interval without end."""
_UNIX_JD: Final = 2440587.5
_ISO = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9})\d*)?)?)?\s*(Z|[+-]\d\d:?\d\d)?\s*"
)
_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001  naive means TAI in this module


def ns_from_time(time: Any) -> int:
    """Give nanoseconds of TAI since 1970-01-01 00:00:00 TAI.

    Parameters
    ----------
    time
        An astropy ``Time`` (any scale), a ``datetime`` (naive: TAI; with a zone: UTC
        with that offset), an ISO string (TAI; with ``Z`` or an offset: UTC) or an
        integer that is such a number already.

    Raises
    ------
    InvalidInputError
        If the value is none of these.
    """
    if hasattr(time, "__index__") and not isinstance(time, bool):
        return _index(time)
    if isinstance(time, str):
        return _ns_from_iso(time)
    if isinstance(time, datetime.datetime):
        if time.tzinfo is None:
            return _ns_from_datetime(time)
        return _ns_from_utc(time)
    if hasattr(time, "jd1") and hasattr(time, "scale"):
        return _ns_from_astropy(time)
    raise InvalidInputError(
        f"A time is an astropy Time, a datetime or an ISO string; got {time!r} ({type(time).__name__})."
    )


def _index(time: Any) -> int:
    try:
        return operator.index(time)
    except TypeError:
        raise InvalidInputError(f"One time is needed, not several: {time!r}.") from None


def _ns_from_datetime(time: datetime.datetime) -> int:
    delta = time - _EPOCH
    return delta.days * _DAY_NS + delta.seconds * 1_000_000_000 + delta.microseconds * 1000


def _ns_from_utc(time: datetime.datetime) -> int:
    utc = time.astimezone(datetime.UTC).replace(tzinfo=None)
    ahead = installed_leap_seconds().before(utc.date())
    if ahead is not None:
        return _ns_from_datetime(utc) + ahead * _SECOND_NS
    # Before 1972 seconds of UTC had other lengths, and the years to come are astropy's business. It takes a while to import.
    from astropy.time import Time

    return _ns_from_astropy(Time(utc, scale="utc"))


def _ns_from_astropy(time: Time) -> int:
    if not getattr(time, "isscalar", False):
        raise InvalidInputError(f"One time is needed, not {getattr(time, 'size', 'several')}.")
    try:
        tai = time.tai
        days, part = float(tai.jd1) - _UNIX_JD, float(tai.jd2)
    except Exception as error:  # noqa: BLE001  # of astropy's, about scales and tables of the Earth's rotation
        why = " ".join(str(error).split())
        raise InvalidInputError(f"The time {time!s} ({time.scale}) cannot be brought to TAI: {why}.") from None
    if bool(getattr(time, "masked", False) and time.mask) or not math.isfinite(days + part):
        raise InvalidInputError("A time that is masked or not a number cannot bound a time span.")
    whole = int(days // 1)
    rest = (days - whole) + part
    return whole * _DAY_NS + round(rest * _DAY_NS)


def _ns_from_iso(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"Not an ISO date and time: {text!r} (for example 2026-01-31T12:00:00, TAI).")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        leap = second == "60" and zone is not None
        clock = int(hour or 0), int(minute or 0), 59 if leap else int(second or 0)
        stamp = datetime.datetime(int(year), int(month), int(day), *clock)  # noqa: DTZ001  naive means TAI
    except ValueError as error:
        raise InvalidInputError(f"Not a date and time: {text!r} ({error}).") from None
    nanoseconds = int((fraction or "").ljust(9, "0"))
    if zone is None:
        return _ns_from_datetime(stamp) + nanoseconds
    if zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        stamp -= sign * offset
    begin = _ns_from_utc(stamp.replace(tzinfo=datetime.UTC))
    if not leap:
        return begin + nanoseconds
    # Between this second and the next one of the calendar there is another one, or there is no leap second.
    after = _ns_from_utc(stamp.replace(tzinfo=datetime.UTC) + datetime.timedelta(seconds=1))
    if after - begin != 2 * _SECOND_NS:
        raise InvalidInputError(f"There is no leap second at {text!r}.")
    return begin + _SECOND_NS + nanoseconds


def iso_from_ns(ns: int) -> str:
    """Give the ISO text (TAI) of a number of nanoseconds, without trailing zeros of the fraction.

    Raises
    ------
    InvalidInputError
        If the year is not one of 1 to 9999.
    """
    days, rest = divmod(ns, _DAY_NS)
    seconds, fraction = divmod(rest, _SECOND_NS)
    try:
        stamp = _EPOCH + datetime.timedelta(days=days, seconds=seconds)
    except OverflowError:
        raise InvalidInputError(f"{ns} ns is in no year from 1 to 9999.") from None
    text = stamp.isoformat(timespec="seconds")
    return f"{text}.{fraction:09d}".rstrip("0") if fraction else text


def isos_from_ns(times: np.ndarray) -> list[str]:
    """Give the same text for each of many numbers of nanoseconds, shape (n,), int64."""
    import numpy as np  # whoever has an array has imported it

    return [text.rstrip("0").removesuffix(".") for text in np.datetime_as_string(times.view("datetime64[ns]")).tolist()]


def time_from_ns(ns: int) -> Time:
    """Give an astropy ``Time`` in TAI, exact to a nanosecond."""
    from astropy.time import Time

    days, rest = divmod(ns, _DAY_NS)
    return Time(_UNIX_JD + days, rest / _DAY_NS, format="jd", scale="tai")


class Timespan:
    """A half-open interval ``[begin, end)`` of TAI.

    Parameters
    ----------
    begin, end
        Whatever `ns_from_time` takes, or `None` for an interval without that bound.
        Bounds outside 1970 to 2100 are clamped with a warning. ``begin`` after
        ``end`` gives the empty interval; equal bounds give one of one nanosecond.

    Raises
    ------
    InvalidInputError
        If a bound is no time, or both are equal at a limit.
    """

    __slots__ = ("begin_ns", "end_ns")

    begin_ns: int
    """First nanosecond, TAI since 1970-01-01 TAI; 0 if there is no beginning."""
    end_ns: int
    """The nanosecond after the last; `MAX_NS` if there is no end."""

    MAX: ClassVar[int] = MAX_NS

    def __init__(self, begin: Any = None, end: Any = None) -> None:
        begin_ns = 0 if begin is None else _clamp(ns_from_time(begin))
        end_ns = MAX_NS if end is None else _clamp(ns_from_time(end))
        if begin_ns == end_ns:
            if begin_ns in (0, MAX_NS):
                raise InvalidInputError(f"A time span cannot begin and end at {iso_from_ns(begin_ns)}.")
            end_ns += 1
        elif begin_ns > end_ns:
            begin_ns, end_ns = MAX_NS, 0
        object.__setattr__(self, "begin_ns", begin_ns)
        object.__setattr__(self, "end_ns", end_ns)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Timespan cannot be changed.")

    @classmethod
    def from_ns(cls, begin_ns: int, end_ns: int) -> Timespan:
        """Make an interval of stored bounds; any ``begin >= end`` is the empty one."""
        self = object.__new__(cls)
        if begin_ns >= end_ns:
            begin_ns, end_ns = MAX_NS, 0
        object.__setattr__(self, "begin_ns", int(begin_ns))
        object.__setattr__(self, "end_ns", int(end_ns))
        return self

    @classmethod
    def empty(cls) -> Timespan:
        """Give the interval that contains nothing."""
        return cls.from_ns(MAX_NS, 0)

    @classmethod
    def for_day_obs(cls, day_obs: int, offset: int = 0) -> Timespan:
        """Give the 24 hours from TAI midnight of ``YYYYMMDD`` plus an offset in seconds."""
        try:
            if len(str(day_obs)) != len("YYYYMMDD"):
                raise ValueError
            day = datetime.datetime.strptime(str(day_obs), "%Y%m%d")  # noqa: DTZ007  naive means TAI
        except ValueError:
            raise InvalidInputError(f"Not a day of the form YYYYMMDD: {day_obs!r}.") from None
        try:
            seconds = operator.index(offset)
        except TypeError:
            raise InvalidInputError(f"The offset of a day is a whole number of seconds; got {offset!r}.") from None
        begin = _ns_from_datetime(day) + seconds * _SECOND_NS
        return cls(begin, begin + _DAY_NS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is inside."""
        return self.begin_ns >= self.end_ns

    @property
    def begin(self) -> Time | None:
        """The beginning as an astropy ``Time`` (TAI), or `None` if there is none."""
        return None if self.begin_ns == 0 else time_from_ns(self.begin_ns)

    @property
    def end(self) -> Time | None:
        """The end as an astropy ``Time`` (TAI), or `None` if there is none."""
        return None if self.end_ns == MAX_NS else time_from_ns(self.end_ns)

    def overlaps(self, other: Timespan) -> bool:
        """Whether the two share a nanosecond; an empty one overlaps nothing."""
        return self.end_ns > other.begin_ns and other.end_ns > self.begin_ns

    def contains(self, other: Any) -> bool:
        """Whether a time, or a whole time span, lies inside."""
        if isinstance(other, Timespan):
            return other.is_empty or (self.begin_ns <= other.begin_ns and other.end_ns <= self.end_ns)
        return self.begin_ns <= ns_from_time(other) < self.end_ns

    def intersection(self, *others: Timespan) -> Timespan:
        """Give what is common to all."""
        spans = (self, *others)
        return Timespan.from_ns(max(s.begin_ns for s in spans), min(s.end_ns for s in spans))

    def difference(self, other: Timespan) -> tuple[Timespan, ...]:
        """Give what is left without the other: none, one or two time spans, in order of time."""
        if not self.overlaps(other):
            return () if self.is_empty else (self,)
        parts = ((self.begin_ns, other.begin_ns), (other.end_ns, self.end_ns))
        return tuple(Timespan.from_ns(b, e) for b, e in parts if b < e)

    def to_json(self) -> list[int]:
        """Give ``[begin_ns, end_ns]``."""
        return [self.begin_ns, self.end_ns]

    @classmethod
    def from_json(cls, data: Any) -> Timespan:
        """Read ``[begin_ns, end_ns]``."""
        if not isinstance(data, list) or len(data) != 2 or not all(type(x) is int for x in data):
            raise InvalidInputError(f"A time span is written [begin_ns, end_ns]; got {data!r}.")
        if not all(0 <= bound <= MAX_NS for bound in data):
            raise InvalidInputError(f"The bounds of a time span are in 0 to {MAX_NS}; got {data!r}.")
        return cls.from_ns(data[0], data[1])

    def __lt__(self, other: Timespan) -> bool:
        if not isinstance(other, Timespan):
            return NotImplemented
        return not self.is_empty and not other.is_empty and self.end_ns <= other.begin_ns

    def __gt__(self, other: Timespan) -> bool:
        if not isinstance(other, Timespan):
            return NotImplemented
        return other < self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timespan):
            return NotImplemented
        return self.begin_ns == other.begin_ns and self.end_ns == other.end_ns

    def __hash__(self) -> int:
        return hash((self.begin_ns, self.end_ns))

    def __reduce__(self) -> tuple[Any, tuple[int, int]]:
        return Timespan.from_ns, (self.begin_ns, self.end_ns)

    def __repr__(self) -> str:
        return f"Timespan.from_ns({self.begin_ns}, {self.end_ns})"

    def __str__(self) -> str:
        if self.is_empty:
            return "(empty)"
        begin = "-∞" if self.begin_ns == 0 else iso_from_ns(self.begin_ns)
        end = "∞" if self.end_ns == MAX_NS else iso_from_ns(self.end_ns)
        return f"[{begin}, {end})"


def _clamp(ns: int) -> int:
    if 0 <= ns <= MAX_NS:
        return ns
    warnings.warn(f"{_shown(ns)} is outside 1970 to 2100 and is moved to the limit.", stacklevel=3)
    return min(max(ns, 0), MAX_NS)


def _shown(ns: int) -> str:
    try:
        return iso_from_ns(ns)
    except InvalidInputError:
        return f"{ns} ns"
