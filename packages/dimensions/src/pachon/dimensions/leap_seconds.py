# SPDX-License-Identifier: BSD-3-Clause
"""How far TAI is ahead of UTC, from the table of the Earth rotation service that astropy uses, without importing astropy."""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["LeapSeconds", "installed_leap_seconds", "parse_leap_seconds"]

_EXPIRES = re.compile(r"#.*expires on\s+(\d{1,2} \w+ \d{4})")
_LINE = re.compile(r"\s*\d+(?:\.\d*)?\s+(\d+)\s+(\d+)\s+(\d{4})\s+(\d+)\s*")


class LeapSeconds(NamedTuple):
    """The table: of each day from which on TAI - UTC has another value that day and that value; and when it expires."""

    days: tuple[datetime.date, ...]
    seconds: tuple[int, ...]
    expires: datetime.date

    def before(self, day: datetime.date) -> int | None:
        """Give TAI - UTC of a day in seconds; `None` if the table does not tell it."""
        if not self.days or not self.days[0] <= day < self.expires:
            return None
        return self.seconds[bisect_right(self.days, day) - 1]


@cache
def installed_leap_seconds() -> LeapSeconds:
    """Give the table that came with astropy; an empty one if there is none."""
    spec = find_spec("astropy_iers_data")
    if spec is None or spec.origin is None:
        return LeapSeconds((), (), datetime.date.min)
    try:
        text = (Path(spec.origin).parent / "data" / "Leap_Second.dat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return LeapSeconds((), (), datetime.date.min)
    return parse_leap_seconds(text)


def parse_leap_seconds(text: str) -> LeapSeconds:
    """Read a table; an empty one if it is not in the form that is known, or does not say when it expires."""
    expires = _EXPIRES.search(text)
    rows = [_LINE.fullmatch(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        last = datetime.datetime.strptime(expires[1], "%d %B %Y").date() if expires else None  # noqa: DTZ007  a day only
        days = tuple(datetime.date(int(row[3]), int(row[2]), int(row[1])) for row in rows if row)
    except ValueError:
        last, days = None, ()
    if last is None or not rows or None in rows or list(days) != sorted(days):
        return LeapSeconds((), (), datetime.date.min)
    return LeapSeconds(days, tuple(int(row[4]) for row in rows if row), last)
