# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pachon.base import NotFoundError, PachonError
from pachon.butler import Butler
from pachon.obs_base.errors import IngestError, TruncatedFitsError
from pachon.obs_base.nickel.instrument import Nickel
from pachon.obs_base.raw.ingest import RawIngestOptions, ingest_raws

RUN = "SimCam/raw/all"
NIGHT = 20250301


@pytest.fixture
def folder(simulated: Path, tmp_path: Path) -> Path:
    """A folder with one exposure, to be spoilt."""
    made = tmp_path / "raws"
    made.mkdir()
    for file in sorted((simulated / str(NIGHT)).glob("S20250301_0004_*.fits")):
        shutil.copy(file, made)
    return made


def edit(file: Path, **keywords: Any) -> None:
    with fits.open(file, mode="update") as hdus:
        for key, value in keywords.items():
            if value is None:
                del hdus[0].header[key]
            else:
                hdus[0].header[key] = value


def found(butler: Butler, exposure: int) -> list[int]:
    return sorted(
        int(ref.data_id["detector"])
        for ref in butler.query_datasets("raw", collections=RUN)
        if ref.data_id["exposure"] == exposure
    )


@pytest.mark.parametrize("transfer", ["copy", "symlink", "direct"])
@pytest.mark.parametrize("together", [False, True])
def test_everything_is_ingested(
    butler: Butler, simulated: Path, simulated_together: Path, transfer: str, together: bool
) -> None:
    source = simulated_together if together else simulated
    report = ingest_raws(butler, [str(source)], RawIngestOptions(transfer=transfer, threads=2))
    assert not report.failures
    assert len(report.refs) == 2 * 7 * 4
    assert report.total == (14 if together else 56)
    image = butler.get("raw", instrument="SimCam", exposure=202503010004, detector=3, collections=RUN)
    assert image.header["DETNUM"] == 3
    wcs = butler.get("raw.wcs", instrument="SimCam", exposure="S20250301_0004", detector="ccd3", collections=RUN)
    assert wcs.wcs.compare(image.wcs.wcs)
    # Again: nothing changes.
    again = ingest_raws(butler, [str(source)], RawIngestOptions(transfer=transfer))
    assert (len(again.refs), again.skipped, again.failures) == (0, 56, [])


def test_ids_are_the_same_everywhere(butler: Butler, folder: Path, tmp_path: Path) -> None:
    first = ingest_raws(butler, [str(folder)])
    with Butler.create(str(tmp_path / "other")) as other:
        from pachon.obs_base.simcam.instrument import SimCam

        SimCam().register(other)
        second = ingest_raws(other, [str(folder)])
    assert {ref.id for ref in first.refs} == {ref.id for ref in second.refs}


def test_records(butler: Butler, folder: Path) -> None:
    ingest_raws(butler, [str(folder)])
    (exposure,) = butler.fetch_records("exposure")
    assert exposure.obs_id == "S20250301_0004"
    assert exposure.physical_filter == "g"
    assert exposure.group == str(exposure.id)
    assert exposure.day_obs == NIGHT
    assert exposure.has_simulated is True
    assert exposure.tracking_dec == pytest.approx(-28, abs=0.1)
    assert exposure.timespan.end_ns - exposure.timespan.begin_ns == 60_000_000_000
    (day,) = butler.fetch_records("day_obs")
    assert str(day.timespan).startswith("[2025-03-01T16:00:00")


def test_a_place_that_is_not_there(butler: Butler, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere does not exist"):
        ingest_raws(butler, [str(tmp_path / "nowhere")])


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200_000])


def scribble(file: Path) -> None:
    file.write_text("this is a note, not an image")


BAD = {
    "cut short": (cut, "is cut short: it has 200000 bytes"),
    "no FITS": (scribble, "this is not a FITS file"),
    "missing key": (lambda file: edit(file, EXPID=None), "EXPID"),
    "missing beginning": (lambda file: edit(file, **{"DATE-BEG": None}), "DATE-BEG"),
    "missing end": (lambda file: edit(file, **{"DATE-END": None}), "DATE-END"),
    "bad date": (lambda file: edit(file, **{"DATE-BEG": "yesterday"}), "yesterday"),
    "no instrument": (lambda file: edit(file, INSTRUME=None), "it has no INSTRUME"),
    "foreign instrument": (lambda file: edit(file, INSTRUME="Webcam"), "INSTRUME = 'Webcam'"),
    "unknown filter": (lambda file: edit(file, FILTER="Q"), "Filter 'Q' is not one of SimCam: g, r, none."),
    "unknown detector": (lambda file: edit(file, DETNUM=9), "SimCam has no detector 9"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_keeps_no_other_out(
    butler: Butler, folder: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil, problem = BAD[case]
    bad = folder / "S20250301_0004_ccd1.fits"
    spoil(bad)
    report = ingest_raws(butler, [str(folder)])
    assert found(butler, 202503010004) == [0, 2, 3]
    (failure,) = report.bad_files
    message = str(failure)
    assert message.startswith(f"{bad}: ")
    assert problem in message
    assert "\n" not in message
    assert message in caplog.text
    with pytest.raises(IngestError, match="1 of 4 files could not be ingested"):
        report.check()
    # Once the file is mended it goes in alone.
    shutil.copy(folder / "S20250301_0004_ccd0.fits", bad)
    edit(bad, DETNUM=1)
    again = ingest_raws(butler, [str(folder)])
    assert (len(again.refs), again.skipped) == (1, 3)


def test_the_only_file_is_bad(butler: Butler, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = folder / "S20250301_0004_ccd1.fits"
    cut(bad)
    report = ingest_raws(butler, [str(bad)])
    with pytest.raises(TruncatedFitsError, match=r"ccd1\.fits: this FITS file is cut short"):
        report.check()
    assert caplog.text == "", "the error says it all"


def test_nothing_to_ingest(butler: Butler, folder: Path) -> None:
    with pytest.raises(
        NotFoundError, match=r"There is no file in .*/raws whose name matches the regular expression \.fz\$$"
    ):
        ingest_raws(butler, [str(folder)], RawIngestOptions(pattern=".fz$"))


def test_a_bad_file_leaves_nothing(butler: Butler, folder: Path) -> None:
    for file in folder.iterdir():
        cut(file)
    report = ingest_raws(butler, [str(folder)])
    assert len(report.bad_files) == 4
    assert len(butler.fetch_records("exposure")) == 0
    assert "SimCam/raw/all" not in butler.collections.query("*")


def test_fail_fast(butler: Butler, folder: Path) -> None:
    cut(folder / "S20250301_0004_ccd1.fits")
    with pytest.raises(TruncatedFitsError):
        ingest_raws(butler, [str(folder)], RawIngestOptions(fail_fast=True))
    assert len(butler.fetch_records("exposure")) == 0


def test_an_instrument_that_is_not_registered(butler: Butler, nickel_data: Path) -> None:
    report = ingest_raws(butler, [str(nickel_data / "2019-09-23" / "d3171.fits.fz")])
    (failure,) = report.bad_files
    assert "instrument 'Nickel' is not registered in this repository (SimCam)" in str(failure)
    assert "register-instrument" in str(failure)


def test_files_of_one_exposure_that_contradict(butler: Butler, folder: Path) -> None:
    edit(folder / "S20250301_0004_ccd2.fits", OBJECT="something else")
    report = ingest_raws(butler, [str(folder)])
    (failure,) = report.failed_exposures
    assert "target_name of exposure 202503010004 is 'something else' here and 'FIELD1'" in str(failure)
    assert found(butler, 202503010004) == [0, 1, 3]


def test_an_exposure_that_is_registered_otherwise(butler: Butler, folder: Path, simulated: Path) -> None:
    ingest_raws(butler, [str(folder / "S20250301_0004_ccd0.fits")])
    for detector in (1, 2, 3):
        edit(folder / f"S20250301_0004_ccd{detector}.fits", OBJECT="other")
    good = simulated / str(NIGHT) / "S20250301_0005_ccd0.fits"
    report = ingest_raws(butler, [str(folder / f"S20250301_0004_ccd{n}.fits") for n in (1, 2, 3)] + [str(good)])
    assert len(report.failed_exposures) == 3
    assert "target_name is 'FIELD1' and would be 'other'" in str(report.failed_exposures[0])
    assert found(butler, 202503010005) == [0]
    report = ingest_raws(
        butler,
        [str(folder / f"S20250301_0004_ccd{n}.fits") for n in (1, 2, 3)],
        RawIngestOptions(update_records=True),
    )
    assert (len(report.refs), report.updated, report.failures) == (3, 1, [])
    assert {record.target_name for record in butler.fetch_records("exposure") if record.seq_num == 4} == {"other"}


def test_existing_frames_can_be_refused(butler: Butler, folder: Path) -> None:
    ingest_raws(butler, [str(folder)])
    report = ingest_raws(butler, [str(folder)], RawIngestOptions(skip_existing=False))
    assert len(report.failed_ingests) == 4
    assert all(str(folder) in str(failure) for failure in report.failed_ingests)


def test_another_run(butler: Butler, folder: Path) -> None:
    report = ingest_raws(butler, [str(folder)], RawIngestOptions(output_run="u/me/raws", checksum=False))
    assert {ref.run for ref in report.refs} == {"u/me/raws"}


def test_move_takes_the_files(butler: Butler, folder: Path) -> None:
    ingest_raws(butler, [str(folder)], RawIngestOptions(transfer="move"))
    assert not list(folder.iterdir())
    assert butler.get("raw", instrument="SimCam", exposure=202503010004, detector=0, collections=RUN).shape == (
        512,
        536,
    )


def test_write_failure_is_of_its_file(butler: Butler, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = Butler.ingest

    def fail(self: Butler, files: Any, **options: Any) -> Any:
        if any("ccd1" in str(file.path) for file in files):
            raise PachonError("the disk is full")
        return ingest(self, files, **options)

    monkeypatch.setattr(Butler, "ingest", fail)
    report = ingest_raws(butler, [str(folder)])
    (failure,) = report.failed_ingests
    assert str(failure) == f"{folder}/S20250301_0004_ccd1.fits: the disk is full"
    assert len(report.refs) == 3


def test_real_frames(tmp_path: Path, nickel_data: Path) -> None:
    with Butler.create(str(tmp_path / "nickel")) as butler:
        Nickel().register(butler)
        report = ingest_raws(butler, [str(nickel_data)], RawIngestOptions(threads=2, transfer="symlink"))
        assert (len(report.refs), report.failures, report.total) == (60, [], 60)
        exposures = list(butler.fetch_records("exposure"))
        kinds: dict[str, int] = {}
        for exposure in exposures:
            kinds[exposure.observation_type] = kinds.get(exposure.observation_type, 0) + 1
        assert kinds == {"bias": 11, "dark": 6, "flat": 16, "science": 27}
        assert {exposure.day_obs for exposure in exposures} == {20190922, 20190923, 20240512}
        image = butler.get(
            "raw", instrument="Nickel", exposure="N20190923_3171", detector="CCD2", collections="Nickel/raw/all"
        )
        assert image.shape == (1024, 1056)
        assert np.median(image.data[:, 1030:]) == pytest.approx(790, abs=100)
