# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from pachon.base import FormatError, InvalidInputError
from pachon.butler import Butler
from pachon.dimensions import Timespan
from pachon.obs_base.curated.write import write_curated_calibrations
from pachon.obs_base.simcam.instrument import SimCam


class Movable(SimCam):
    """The simulated camera with its curated calibrations elsewhere."""

    root: Path

    @property
    def curated_root(self) -> Any:
        return self.root


@pytest.fixture
def movable(tmp_path: Path) -> Movable:
    with resources.as_file(resources.files("pachon.obs_base") / "curated_calibrations") as shipped:
        shutil.copytree(shipped, tmp_path / "curated")
    instrument = Movable()
    instrument.root = tmp_path / "curated"
    return instrument


def test_camera_and_defects(butler: Butler) -> None:
    report = write_curated_calibrations(butler, SimCam())
    assert report.collection == "SimCam/calib"
    assert report.counts == {"camera": 1, "defects": 8}
    camera = butler.get("camera", instrument="SimCam", collections="SimCam/calib")
    assert camera == SimCam().camera
    assert butler.collections.query("SimCam/calib/*") == [
        "SimCam/calib/curated/20250101T000000Z",
        "SimCam/calib/curated/20250310T000000Z",
        "SimCam/calib/unbounded",
    ]


def test_validity(butler: Butler) -> None:
    write_curated_calibrations(butler, SimCam())

    def rows(when: str) -> int:
        ref = butler.find_dataset(
            "defects",
            instrument="SimCam",
            detector=0,
            collections="SimCam/calib",
            timespan=Timespan(when, when),
        )
        return -1 if ref is None else len(butler.get(ref))

    assert rows("2024-12-31T00:00:00") == -1
    assert rows("2025-03-01T00:00:00") == 4
    # The date in the file's name is UTC.
    assert rows("2025-03-10T00:00:36") == 4
    assert rows("2025-03-10T00:00:38") == 5
    assert rows("2045-03-10") == 5


def test_labels_and_collection(butler: Butler) -> None:
    assert write_curated_calibrations(butler, SimCam(), labels=["a", "b"]).collection == "SimCam/calib/a/b"
    assert write_curated_calibrations(butler, SimCam(), prefix="other", labels=["x"]).collection == "other/calib/x"
    assert write_curated_calibrations(butler, SimCam(), collection="mine").collection == "mine"
    assert "mine/unbounded" in butler.collections.query("mine/*")


def test_labels_may_be_needed(butler: Butler) -> None:
    class Strict(SimCam):
        curated_labels = None

    with pytest.raises(InvalidInputError, match="SimCam needs a label or a collection"):
        write_curated_calibrations(butler, Strict())


def test_twice_changes_nothing(butler: Butler) -> None:
    write_curated_calibrations(butler, SimCam())
    before = len(list(butler.query_datasets("defects", collections="SimCam/calib/curated/*", find_first=False)))
    again = write_curated_calibrations(butler, SimCam())
    assert (again.counts, again.known) == ({"camera": 1, "defects": 8}, 9)
    after = len(list(butler.query_datasets("defects", collections="SimCam/calib/curated/*", find_first=False)))
    assert before == after == 8


def test_a_bad_file_leaves_nothing(butler: Butler, movable: Movable) -> None:
    file = movable.root / "simcam" / "defects" / "ccd3" / "2025-03-10.ecsv"
    file.write_text(file.read_text().replace("DETECTOR: 3", "DETECTOR: 2"))
    with pytest.raises(FormatError, match="DETECTOR of its metadata is 2 and should be 3"):
        write_curated_calibrations(butler, movable)
    assert butler.collections.query("SimCam/calib*") == []


def test_no_files_at_all(butler: Butler, movable: Movable) -> None:
    shutil.rmtree(movable.root / "simcam")
    assert write_curated_calibrations(butler, movable).counts == {"camera": 1}
