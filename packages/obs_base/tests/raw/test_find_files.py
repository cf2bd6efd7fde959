# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.obs_base.raw.find_files import find_raw_files


def names(groups: list[list[object]]) -> list[list[str]]:
    return [[str(uri).rpartition("/")[2] for uri in group] for group in groups]


def test_groups_of_folders(tmp_path: Path) -> None:
    for name in ("a/x.fits", "a/y.fits.fz", "a/notes.txt", "a/b/z.fit", "c.fits.gz", "d.fitsy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    named = tmp_path / "a" / "notes.txt"
    groups = find_raw_files([str(tmp_path), str(named), str(tmp_path / "a")])
    assert names(groups) == [["notes.txt"], ["c.fits.gz"], ["x.fits", "y.fits.fz"], ["z.fit"]]


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"^/.*/nothing does not exist\.$"):
        find_raw_files([str(tmp_path / "nothing")])


def test_a_bad_pattern(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is no regular expression"):
        find_raw_files([str(tmp_path)], "(")
