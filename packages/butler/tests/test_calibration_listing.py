# SPDX-License-Identifier: BSD-3-Clause
"""Validity ranges as a list, compared with what was certified."""

import random
from itertools import pairwise

from pachon.butler import Butler
from pachon.butler.calibration_listing import list_calibrations
from pachon.datasets import CollectionType
from pachon.dimensions import Timespan
from pachon.dimensions.timespan import MAX_NS, iso_from_ns, ns_from_time

START, STEP = ns_from_time("2026-01-01"), 3_600_000_000_001


def test_ranges_and_gaps_of_many_data_ids(butler: Butler) -> None:
    chosen = random.Random(5)
    certified: list[tuple[str, int, int, int, str, str]] = []
    for collection in ("calib/b", "calib/a"):
        butler.collections.register(collection, CollectionType.CALIBRATION)
        for detector in (3, 0, 1):
            bounds = sorted(chosen.sample(range(30), 12))
            spans = [span for span in pairwise(bounds) if chosen.random() < 0.7]
            for number, (begin, end) in enumerate(spans):
                run = f"{collection}/{detector}/{number}"
                ref = butler.put({}, "bias", detector=detector, run=run)
                span = (
                    0 if begin == bounds[0] else START + begin * STEP,
                    MAX_NS if end == bounds[-1] else START + end * STEP,
                )
                butler.collections.certify(collection, [ref], Timespan.from_ns(*span))
                certified.append((collection, detector, *span, run, str(ref.id)))
    certified.sort()

    def shown(begin: int, end: int) -> tuple[str | None, str | None]:
        return None if begin == 0 else iso_from_ns(begin), None if end == MAX_NS else iso_from_ns(end)

    ranges = [(place, detector, *shown(begin, end), *rest) for place, detector, begin, end, *rest in certified]
    with_gaps = []
    for (before, row), shown_row in zip(pairwise([None, *certified]), ranges, strict=True):
        if before is not None and row is not None and before[:2] == row[:2] and before[3] < row[2]:
            with_gaps.append((*row[:2], *shown(before[3], row[2]), None, None))
        with_gaps.append(shown_row)
    assert len(ranges) < len(with_gaps)
    for gaps, wanted in ((False, ranges), (True, with_gaps)):
        (table,) = list_calibrations(butler, gaps=gaps).tables
        columns = ("collection", "detector", "begin (TAI)", "end (TAI)", "run", "id")
        assert list(zip(*(table[name] for name in columns), strict=True)) == wanted
        assert set(table["type"]) == {"bias"}
    for limit in (1, 5, 12, len(ranges)):
        # The first ranges, and no gap where a range is left out.
        (table,) = list_calibrations(butler, gaps=True, limit=limit).tables
        shown_rows = list(zip(*(table[name] for name in columns), strict=True))
        assert shown_rows == with_gaps[: with_gaps.index(ranges[limit - 1]) + 1]
        assert set(table["instrument"]) == {"Cam"}
