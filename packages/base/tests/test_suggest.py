# SPDX-License-Identifier: BSD-3-Clause
from pachon.base import closest


def test_close_names_are_suggested_in_their_own_case() -> None:
    assert closest("vist", ["visit", "detector"]) == " Did you mean 'visit'?"
    assert closest("exposureinfo", ["ExposureInfo"]) == " Did you mean 'ExposureInfo'?"


def test_nothing_close_gives_nothing() -> None:
    assert closest("zzz", ["visit", "detector"]) == ""
    assert closest("zzz", []) == ""
