# SPDX-License-Identifier: BSD-3-Clause
"""Text of a time literal to nanoseconds of TAI."""

from __future__ import annotations

import re
import warnings
from decimal import Decimal

from pachon.base import InvalidInputError
from pachon.dimensions.timespan import ns_from_time

__all__ = ["parse_time"]

_SCALES = ("tai", "tcb", "tcg", "tdb", "tt", "ut1", "utc")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?|[+-]?\.[0-9]+")
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]*)?)?"
_ISO = re.compile(rf"{_DATE}( {_CLOCK})?")
_ISOT = re.compile(rf"[+-]?0*{_DATE}T{_CLOCK}")
_YDAY = re.compile(rf"[0-9]{{4}}:[0-9]{{1,3}}(:{_CLOCK})?")
_STRICT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?")
_FORMAT = re.compile(r"[a-z][a-z0-9_]*")
_EPOCH_MJD = 40_587
_DAY_NS = 86_400 * 1_000_000_000
_MOST_DAYS = 10_000_000
_DEFAULT_SCALE = {"iso": "utc", "isot": "utc", "fits": "utc", "yday": "utc", "unix": "utc", "cxcsec": "tt"}


def parse_time(text: str) -> int:
    """Give the nanoseconds (TAI, since 1970-01-01 TAI) of ``[format/]value[/scale]``.

    Raises
    ------
    InvalidInputError
        If it cannot be read; the message says why.
    """
    form, value, scale = _split(text.strip())
    if value.endswith("+00:00"):
        value = value.removesuffix("+00:00")
    elif value.endswith("Z") and form in (None, "iso", "isot", "fits"):
        value, scale = value.removesuffix("Z"), scale or "utc"
    if form is None:
        form = _guess_format(value)
    scale = scale or _DEFAULT_SCALE.get(form, "tai")
    if form in ("iso", "isot") and _STRICT.fullmatch(value):
        if scale == "tai":
            return ns_from_time(value)
        # Astropy, unlike ourselves, takes a leap second that there was not for the next second.
        if scale == "utc" and ":60" not in value:
            with warnings.catch_warnings():
                # Of years of which astropy says that leap seconds are unknown.
                warnings.simplefilter("ignore")
                return ns_from_time(f"{value}Z")
    if scale == "tai" and form == "mjd" and _NUMBER.fullmatch(value) and abs(float(value)) < _MOST_DAYS:
        return round((Decimal(value) - _EPOCH_MJD) * _DAY_NS)
    return _by_astropy(form, value, scale)


def _split(text: str) -> tuple[str | None, str, str | None]:
    match [part.strip() for part in text.split("/")]:
        case [value]:
            return None, value, None
        case [form, value] if _FORMAT.fullmatch(form):
            return form, value, None
        case [value, scale] if scale.lower() in _SCALES:
            return None, value, scale.lower()
        case [form, value, scale] if _FORMAT.fullmatch(form) and scale.lower() in _SCALES:
            return form, value, scale.lower()
        case _:
            raise InvalidInputError(
                "A time is written [format/]value[/scale], as in T'2024-05-01 12:00' or T'mjd/60431.5/tai', "
                f"with a scale of {', '.join(_SCALES)}"
            )


def _guess_format(value: str) -> str:
    for pattern, form in ((_NUMBER, "mjd"), (_ISO, "iso"), (_ISOT, "isot"), (_YDAY, "yday")):
        if pattern.fullmatch(value):
            return "fits" if value.startswith(("+", "-")) and form == "isot" else form
    raise InvalidInputError(
        f"The time {value!r} is none of the known forms: a date, a date with hours and minutes, year:day, or an MJD"
    )


def _by_astropy(form: str, value: str, scale: str) -> int:
    # Astropy takes a third of a second to import; most queries name no time.
    from astropy.time import Time

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ns_from_time(Time(value, format=form, scale=scale))
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInputError(f"The time {value!r} cannot be read: {str(error).splitlines()[0]}") from None
