# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from pachon.base import FormatError, InvalidInputError
from pachon.datasets import DatasetRef, DatasetType, StorageClasses
from pachon.datastore.formatter import FileDescriptor
from pachon.dimensions import DimensionUniverse
from pachon.obs_base.nickel.formatter import NickelRawFormatter
from pachon.obs_base.raw.formatter import RawFormatter
from pachon.obs_base.simcam.formatter import SimCamRawFormatter
from pachon.obs_base.simcam.instrument import SimCam
from pachon.obs_base.simcam.plan import SimulationPlan
from pachon.obs_base.simcam.simulate import simulate_raws


def read(formatter: type[RawFormatter], path: Path, *, detector: int = 0, component: str | None = None) -> Any:
    storage_class = StorageClasses.default()["CCDData"]
    universe = DimensionUniverse.default()
    raw = DatasetType("raw", ("instrument", "exposure", "detector"), "CCDData", universe=universe)
    ref = DatasetRef(raw, {"instrument": "X", "exposure": 1, "detector": detector}, "run")
    descriptor = FileDescriptor(write_storage_class=storage_class, read_storage_class=storage_class)
    with path.open("rb") as stream:
        return formatter(descriptor, ref=ref).read_from_stream(stream, component=component, expected_size=-1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    plan = SimulationPlan(visits=1, biases=1, flats=0)
    simulate_raws(folder / "apart", SimCam().camera, plan)
    simulate_raws(folder / "together", SimCam().camera, plan, multi_extension=True)
    return folder


def test_detectors_of_a_whole_exposure(simulated: Path) -> None:
    together = simulated / "together" / "20250301" / "S20250301_0002.fits"
    for detector in range(4):
        apart = simulated / "apart" / "20250301" / f"S20250301_0002_ccd{detector}.fits"
        one = read(SimCamRawFormatter, apart, detector=detector)
        same = read(SimCamRawFormatter, together, detector=detector)
        assert isinstance(same, CCDData)
        assert np.array_equal(one.data, same.data)
        assert same.header["DETNUM"] == detector
        assert same.header["OBSID"] == "S20250301_0002"
        assert same.wcs.wcs.compare(one.wcs.wcs)
    with pytest.raises(FormatError, match="no image of detector 7"):
        read(SimCamRawFormatter, together, detector=7)


def test_components(simulated: Path) -> None:
    path = simulated / "apart" / "20250301" / "S20250301_0002_ccd1.fits"
    whole = read(SimCamRawFormatter, path, detector=1)
    assert whole.unit == "adu"
    assert whole.data.dtype == np.uint16
    assert whole.data.dtype.isnative
    assert np.array_equal(read(SimCamRawFormatter, path, detector=1, component="image"), whole.data)
    header = read(SimCamRawFormatter, path, detector=1, component="header")
    assert header["FILTER"] == "g"
    assert "CRVAL1" not in header
    assert read(SimCamRawFormatter, path, detector=1, component="wcs").wcs.compare(whole.wcs.wcs)
    assert read(SimCamRawFormatter, path, detector=1, component="mask") is None
    with pytest.raises(InvalidInputError, match=r"no component 'imag'.*Did you mean 'image'"):
        read(SimCamRawFormatter, path, detector=1, component="imag")


def test_a_bias_has_no_wcs(simulated: Path) -> None:
    path = simulated / "apart" / "20250301" / "S20250301_0001_ccd1.fits"
    assert read(SimCamRawFormatter, path, detector=1).wcs is None
    assert read(SimCamRawFormatter, path, detector=1, component="wcs") is None


def test_a_file_that_is_cut_short(simulated: Path, tmp_path: Path) -> None:
    whole = (simulated / "apart" / "20250301" / "S20250301_0001_ccd1.fits").read_bytes()
    path = tmp_path / "cut.fits"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError):
        read(SimCamRawFormatter, path, detector=1)


def test_real_frames(nickel_data: Path) -> None:
    packed = nickel_data / "2019-09-23" / "d3171.fits.fz"
    image = read(NickelRawFormatter, packed)
    assert image.shape == (1024, 1056)
    assert image.unit == "adu"
    assert image.header["OBSNUM"] == 3171
    assert (image.data[:, 256] == 65535).mean() > 0.8
    assert image.wcs.wcs.crval[1] == pytest.approx(0.43333, abs=1e-4)
    assert read(NickelRawFormatter, nickel_data / "2019-09-23" / "d3021.fits.fz").wcs is None
    assert read(NickelRawFormatter, nickel_data / "2019-09-23" / "d3009.fits.fz").wcs is None
    assert read(NickelRawFormatter, nickel_data / "2024-05-12" / "d1035.fits.fz").wcs is not None


def test_an_unpacked_frame_is_the_same(nickel_data: Path, tmp_path: Path) -> None:
    packed = nickel_data / "2019-09-23" / "d3171.fits.fz"
    with fits.open(packed) as hdus:
        header = hdus[1].header.copy()
        header.remove("XTENSION", ignore_missing=True)
        fits.PrimaryHDU(hdus[1].data, header).writeto(tmp_path / "d3171.fits")
    one, same = read(NickelRawFormatter, packed), read(NickelRawFormatter, tmp_path / "d3171.fits")
    assert np.array_equal(one.data, same.data)
    assert same.header["OBJECT"].strip() == "landolt"
