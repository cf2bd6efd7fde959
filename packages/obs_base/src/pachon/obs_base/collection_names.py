# SPDX-License-Identifier: BSD-3-Clause
"""Names of the collections that belong to an instrument."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from pachon.base import InvalidInputError

__all__ = ["CollectionNames", "format_timestamp", "reference_catalogue_collection"]

SKY_MAPS = "skymaps"
"""RUN of all sky maps."""

_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})")


@dataclass(frozen=True, slots=True)
class CollectionNames:
    """The conventional names below a prefix, which is the instrument's name unless somebody says another."""

    prefix: str

    def _join(self, *parts: str) -> str:
        bad = [part for part in parts if not part.strip("/ ")]
        if bad:
            raise InvalidInputError(f"A collection name below {self.prefix!r} cannot have the empty part {bad[0]!r}.")
        return "/".join((self.prefix, *parts))

    @property
    def raws(self) -> str:
        """RUN of the raw frames."""
        return self._join("raw", "all")

    @property
    def umbrella(self) -> str:
        """CHAINED collection that users search by default."""
        return self._join("defaults")

    def calibrations(self, *labels: str) -> str:
        """CALIBRATION collection of certified calibrations."""
        return self._join("calib", *labels)

    def unbounded(self, *labels: str) -> str:
        """RUN of calibrations that are valid for ever: the camera."""
        return self._join("calib", *labels, "unbounded")

    def curated(self, calibration_date: str | datetime.datetime, *labels: str) -> str:
        """RUN of curated calibrations of a date (`format_timestamp`)."""
        return self._join("calib", *labels, "curated", format_timestamp(calibration_date))


def reference_catalogue_collection(*labels: str) -> str:
    """Give the collection of reference catalogues, which belong to no instrument."""
    return "/".join(("refcats", *labels))


def format_timestamp(when: str | datetime.datetime) -> str:
    """Give a time as ``YYYYmmddTHHMMSSZ`` (UTC).

    Parameters
    ----------
    when
        A `datetime`, or ISO text: extended (``2019-09-22T00:00:00``) with or without zone, or
        basic (``20190922T000000Z``) with zone. Without a zone it is UTC.

    Raises
    ------
    InvalidInputError
        If the text is no such time.
    """
    if isinstance(when, str):
        basic = _BASIC.fullmatch(when.strip())
        text = "{}-{}-{}T{}:{}:{}{}".format(*basic.groups()) if basic else when.strip()
        try:
            when = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInputError(f"{when!r} is no ISO date and time, such as 2019-09-22T00:00:00.") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
