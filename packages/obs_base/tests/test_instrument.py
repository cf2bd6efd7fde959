# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from pachon.base import InvalidInputError, PachonError
from pachon.butler import Butler
from pachon.obs_base.errors import UnknownInstrumentError
from pachon.obs_base.instrument_lookup import find_instrument, instrument_of_record, registered_instruments
from pachon.obs_base.nickel.instrument import Nickel
from pachon.obs_base.record_sync import RecordConflictError
from pachon.obs_base.simcam.instrument import SimCam
from pachon.pipe_base.instrument import PipelineInstrument


class MyCam(SimCam):
    name: ClassVar[str] = "MyCam"


class Renamed(SimCam):
    exposure_max: ClassVar[int] = 7


@pytest.mark.parametrize(
    "name", ["nickel", "Nickel", "lsst.obs.nickel.Nickel", "pachon.obs_base.nickel.instrument.Nickel"]
)
def test_lookup(name: str) -> None:
    assert isinstance(find_instrument(name), Nickel)


def test_instruments_serve_pipelines() -> None:
    for instrument in registered_instruments().values():
        assert isinstance(instrument(), PipelineInstrument)


def test_unknown_instrument() -> None:
    with pytest.raises(
        UnknownInstrumentError, match=r"no instrument 'nikel'; known: nickel, simcam\. Did you mean 'nickel'"
    ):
        find_instrument("nikel")
    with pytest.raises(PachonError) as caught:
        find_instrument("no.such.module.Cam")
    assert "no.such.module" in str(caught.value)
    with pytest.raises(InvalidInputError):
        find_instrument("pathlib.Path")


def test_a_record_imports_nothing() -> None:
    assert isinstance(instrument_of_record("Nickel", "lsst.obs.nickel.Nickel"), Nickel)
    with pytest.raises(UnknownInstrumentError, match=r"MyCam \(test_instrument.MyCam\)"):
        instrument_of_record("MyCam", "test_instrument.MyCam")


def test_short_name_of_a_repository(butler: Butler) -> None:
    class Other(SimCam):
        name = "OtherName"

    Other().register(butler)
    assert isinstance(find_instrument("OtherName", butler=butler), SimCam)


def test_register(tmp_path: Path) -> None:
    with Butler.create(str(tmp_path / "repo")) as butler:
        assert Nickel().register(butler)
        assert not Nickel().register(butler)
        (record,) = butler.fetch_records("instrument")
        assert (record.name, record.detector_max, record.class_name) == ("Nickel", 1, "nickel")
        (detector,) = butler.fetch_records("detector")
        assert (detector.id, detector.full_name, detector.purpose) == (0, "CCD2", "SCIENCE")
        bands = {one.name: one.band for one in butler.fetch_records("physical_filter")}
        assert bands["V"] == "V"
        assert bands["Open"] == "white"
        assert "none" in bands


def test_a_changed_definition_needs_to_be_said(butler: Butler) -> None:
    with pytest.raises(RecordConflictError, match=r"instrument SimCam is registered with other values: visit_max is"):
        Renamed().register(butler)
    assert Renamed().register(butler, update=True)
    (record,) = butler.fetch_records("instrument")
    assert record.exposure_max == 7


def test_nothing_is_half_registered(butler: Butler) -> None:
    class Broken(SimCam):
        name = "B" * 40  # too long for the column

    with pytest.raises(PachonError):
        Broken().register(butler)
    assert len(butler.fetch_records("instrument")) == 1


def test_collection_prefix() -> None:
    assert Nickel().collection_prefix == "Nickel"
    assert Nickel("u/me").collections.raws == "u/me/raw/all"


def test_group_id() -> None:
    assert Nickel().group_id("2025-03-01T01:02#7") == 2025030101027
    assert Nickel().group_id("x") == 0
