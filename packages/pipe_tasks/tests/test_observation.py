# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.dimensions import DataCoordinate, DimensionUniverse, RecordTable
from pachon.pipe_tasks.observation import exposure_seconds, find_record, is_wanted, select_inputs

UNIVERSE = DimensionUniverse.default()


def data_id(number=1, kind="flat", reason="dome", seconds=12.0, *, expanded=True):
    values = {"instrument": "Cam", "exposure": number, "detector": 0}
    bare = DataCoordinate.standardize(values, dimensions=["exposure", "detector"], universe=UNIVERSE)
    if not expanded:
        return bare
    row = {
        "instrument": "Cam",
        "id": number,
        "obs_id": f"o{number}",
        "physical_filter": "R",
        "group": "g",
        "day_obs": 20260101,
        "observation_type": kind,
        "observation_reason": reason,
        "exposure_time": seconds,
    }
    (record,) = RecordTable.from_rows(UNIVERSE["exposure"], [row])
    full = DataCoordinate.standardize(
        {**values, "physical_filter": "R", "band": "r", "group": "g", "day_obs": 20260101},
        dimensions=bare.group,
    )
    return full.expanded({"exposure": record} | dict.fromkeys(set(bare.group.elements) - {"exposure"}))


class Ref:
    def __init__(self, data_id):
        self.data_id = data_id


def test_the_record_says_how_long_it_was():
    assert exposure_seconds(data_id(), {"EXPTIME": 3.0}) == 12.0
    assert exposure_seconds(data_id(expanded=False), {"EXPTIME": 3.0}) == 3.0
    assert exposure_seconds(data_id(seconds=None), {"EXPTIME": 3}) == 3.0
    with pytest.raises(InvalidInputError, match="how long"):
        exposure_seconds(data_id(expanded=False), {})


def test_wanted_exposures():
    assert is_wanted(data_id(), ["flat"])
    assert is_wanted(data_id(), [])
    assert not is_wanted(data_id(), ["bias", "dark"])
    assert not is_wanted(data_id(), ["flat"], ["dome"])
    assert is_wanted(data_id(expanded=False), ["bias"])
    assert find_record(data_id(expanded=False), "exposure") is None
    assert find_record(data_id(), "visit") is None


def test_inputs_of_other_exposures_are_left_out():
    flat, bias = Ref(data_id(1)), Ref(data_id(2, "bias", "calibration"))
    assert select_inputs({"raws": ("connection", [flat, bias])}, "raws", ["flat"]) == {"raws": ("connection", [flat])}
    assert select_inputs({"raws": ("connection", [flat])}, "raws", ["flat"]) == {}
    assert select_inputs({}, "raws", ["flat"]) == {}
