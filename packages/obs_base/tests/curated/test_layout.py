# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from pachon.base import FormatError
from pachon.dimensions import Timespan
from pachon.obs_base.curated.calibration_file import read_curated_file
from pachon.obs_base.curated.layout import find_curated_files, validity_ranges
from pachon.obs_base.curated_type import CuratedType
from pachon.obs_base.simcam.instrument import SimCam

CAMERA, FILTERS = SimCam().camera, SimCam().filters
BY_DETECTOR = CuratedType(name="defects", dimensions=("detector",), storage_class="Defects")
BY_BOTH = CuratedType(name="curve", dimensions=("detector", "physical_filter"), storage_class="AstropyTable")
PLAIN = CuratedType(name="atmosphere", dimensions=(), storage_class="AstropyTable")


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_by_detector(tmp_path: Path) -> None:
    put(tmp_path, "ccd0/2025-03-10.ecsv", "ccd0/2025-01-01.ecsv", "ccd1/2025-01-01T12:00:00.yaml", "README.md")
    found = find_curated_files(tmp_path, BY_DETECTOR, CAMERA, FILTERS)
    assert [[file.path.name for file in files] for files in found] == [
        ["2025-01-01.ecsv", "2025-03-10.ecsv"],
        ["2025-01-01T12:00:00.yaml"],
    ]
    assert [files[0].detector for files in found] == [0, 1]


def test_detector_before_filter(tmp_path: Path) -> None:
    put(tmp_path, "ccd0/g/2025-01-01.ecsv", "ccd0/r/2025-01-01.ecsv")
    found = find_curated_files(tmp_path, BY_BOTH, CAMERA, FILTERS)
    assert [(files[0].detector, files[0].physical_filter) for files in found] == [(0, "g"), (0, "r")]


def test_without_levels(tmp_path: Path) -> None:
    put(tmp_path, "2025-01-01.json")
    found = find_curated_files(tmp_path, PLAIN, CAMERA, FILTERS)
    assert len(found) == 1
    assert found[0][0].detector is None


def test_unknown_detector(tmp_path: Path) -> None:
    put(tmp_path, "ccd9/2025-01-01.ecsv")
    with pytest.raises(FormatError, match="ccd9 stands for no detector of the instrument; there are ccd0"):
        find_curated_files(tmp_path, BY_DETECTOR, CAMERA, FILTERS)


def test_bad_date(tmp_path: Path) -> None:
    put(tmp_path, "ccd0/first.ecsv")
    with pytest.raises(FormatError, match="no ISO date"):
        find_curated_files(tmp_path, BY_DETECTOR, CAMERA, FILTERS)


def test_validity(tmp_path: Path) -> None:
    put(tmp_path, "ccd0/2025-03-10.ecsv", "ccd0/2025-01-01.ecsv")
    (files,) = find_curated_files(tmp_path, BY_DETECTOR, CAMERA, FILTERS)
    first, last = validity_ranges(files)
    # UTC is 37 seconds behind TAI.
    assert first == Timespan("2025-01-01T00:00:37", "2025-03-10T00:00:37")
    assert last == Timespan("2025-03-10T00:00:37", None)


HEADER = (
    "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x0, datatype: int32}\n# meta: {META}\n# schema: astropy-2.0\nx0\n3\n"
)


@pytest.mark.parametrize(
    ("meta", "problem"),
    [
        (
            "INSTRUME: simcam, OBSTYPE: defects, DETECTOR: 1, CALIBDATE: x",
            "DETECTOR of its metadata is 1 and should be 0",
        ),
        ("INSTRUME: nickel, OBSTYPE: defects, DETECTOR: 0, CALIBDATE: x", "INSTRUME of its metadata is 'nickel'"),
        ("INSTRUME: simcam, DETECTOR: 0, CALIBDATE: x", "OBSTYPE of its metadata is None"),
        ("INSTRUME: simcam, OBSTYPE: defects, DETECTOR: 0", "no CALIBDATE"),
    ],
)
def test_metadata_are_checked(tmp_path: Path, meta: str, problem: str) -> None:
    put(tmp_path, "ccd0/2025-01-01.ecsv")
    (tmp_path / "ccd0/2025-01-01.ecsv").write_text(HEADER.replace("META", meta))
    ((file,),) = find_curated_files(tmp_path, BY_DETECTOR, CAMERA, FILTERS)
    with pytest.raises(FormatError, match=problem):
        read_curated_file(file, BY_DETECTOR, "simcam")


@pytest.mark.parametrize("name", ["nickel", "simcam"])
def test_what_ships_is_sound(name: str) -> None:
    from pachon.obs_base.instrument_lookup import find_instrument

    instrument = find_instrument(name)
    assert instrument.curated_root is not None
    folder = instrument.curated_root / instrument.policy_name / "defects"
    found = find_curated_files(folder, BY_DETECTOR, instrument.camera, instrument.filters)
    assert {files[0].detector for files in found} == {detector.id for detector in instrument.camera}
    for files in found:
        for file in files:
            table, _ = read_curated_file(file, BY_DETECTOR, instrument.policy_name)
            assert set(table.colnames) >= {"x0", "y0", "width", "height"}
