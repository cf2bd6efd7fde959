# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import datetime

import pytest

from pachon.base import InvalidInputError
from pachon.obs_base.collection_names import CollectionNames, format_timestamp, reference_catalogue_collection

NAMES = CollectionNames("Nickel")


def test_names() -> None:
    assert NAMES.raws == "Nickel/raw/all"
    assert NAMES.umbrella == "Nickel/defaults"
    assert NAMES.calibrations() == "Nickel/calib"
    assert NAMES.calibrations("DM-1", "x") == "Nickel/calib/DM-1/x"
    assert NAMES.unbounded("a") == "Nickel/calib/a/unbounded"
    assert NAMES.curated("2019-09-22", "a") == "Nickel/calib/a/curated/20190922T000000Z"
    assert reference_catalogue_collection("gaia") == "refcats/gaia"


def test_an_empty_label_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="empty part"):
        NAMES.calibrations("")


@pytest.mark.parametrize(
    "when",
    [
        "2019-09-22T01:02:03",
        "2019-09-22T01:02:03Z",
        "2019-09-22T03:02:03+02:00",
        "20190922T010203Z",
        datetime.datetime(2019, 9, 22, 1, 2, 3, tzinfo=datetime.UTC),
    ],
)
def test_timestamp(when: str | datetime.datetime) -> None:
    assert format_timestamp(when) == "20190922T010203Z"


def test_bad_timestamp() -> None:
    with pytest.raises(InvalidInputError, match="'yesterday' is no ISO date"):
        format_timestamp("yesterday")
