# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pytest

from pachon.dimensions import (
    DataCoordinate,
    DataIdValueError,
    DimensionRecord,
    DimensionUniverse,
    InconsistentDataIdError,
    RecordTable,
    Timespan,
    UnknownDimensionError,
)
from pachon.dimensions.region import circle

UNIVERSE = DimensionUniverse.default()
EXPOSURE = UNIVERSE.conform(["exposure"])


def test_minimal_and_full():
    minimal = DataCoordinate.standardize(instrument="Cam", exposure=1, universe=UNIVERSE)
    assert not minimal.is_full
    assert minimal.required == {"instrument": "Cam", "exposure": 1}
    full = DataCoordinate.standardize(
        minimal, dimensions=EXPOSURE, physical_filter="R", band="r", day_obs=20200101, group="g"
    )
    assert full.is_full
    assert full == minimal
    assert hash(full) == hash(minimal)
    assert full["band"] == "r"
    with pytest.raises(DataIdValueError, match="value of band is not known"):
        minimal["band"]


def test_numbers_of_other_types_become_int():
    data_id = DataCoordinate.standardize({"instrument": "Cam", "exposure": np.int64(5)}, universe=UNIVERSE)
    assert type(data_id["exposure"]) is int


@pytest.mark.parametrize("value", [None, "1", 1.0, True, b"x"])
def test_values_of_a_wrong_type_are_refused(value):
    with pytest.raises(DataIdValueError, match="exposure"):
        DataCoordinate.standardize(instrument="Cam", exposure=value, universe=UNIVERSE)


def test_missing_value_names_the_dimension():
    with pytest.raises(DataIdValueError, match="lacks a value for instrument"):
        DataCoordinate.standardize(exposure=1, universe=UNIVERSE)


def test_defaults_fill_but_never_override_or_add():
    defaults = DataCoordinate.standardize(instrument="Default", skymap="sky", universe=UNIVERSE)
    data_id = DataCoordinate.standardize(exposure=1, universe=UNIVERSE, defaults=defaults)
    assert data_id["instrument"] == "Default"
    assert "skymap" not in data_id.group
    other = DataCoordinate.standardize(instrument="Mine", exposure=1, universe=UNIVERSE, defaults=defaults)
    assert other["instrument"] == "Mine"


def test_keys_outside_the_wanted_dimensions_are_ignored_only_then():
    values = {"instrument": "Cam", "exposure": 1, "detector": 3}
    assert DataCoordinate.standardize(values, dimensions=EXPOSURE).group is EXPOSURE
    with pytest.raises(UnknownDimensionError, match="detectr"):
        DataCoordinate.standardize(instrument="Cam", detectr=3, universe=UNIVERSE)


def test_implied_values_that_were_given_are_kept_for_the_check():
    data_id = DataCoordinate.standardize(instrument="Cam", exposure=1, physical_filter="wrong", dimensions=EXPOSURE)
    assert dict(data_id.given) == {"physical_filter": "wrong"}
    with pytest.raises(InconsistentDataIdError, match=r"physical_filter='R'.*physical_filter='wrong'"):
        data_id.expanded(_records())


def _records() -> dict[str, DimensionRecord]:
    rows = {
        "instrument": {"name": "Cam"},
        "exposure": {
            "instrument": "Cam", "id": 1, "day_obs": 20200101, "group": "g", "physical_filter": "R", "obs_id": "o1",
            "timespan": Timespan("2020-01-01", "2020-01-02"),
        },
        "day_obs": {"instrument": "Cam", "id": 20200101, "timespan": Timespan.for_day_obs(20200101, 3600)},
        "group": {"instrument": "Cam", "name": "g"},
        "physical_filter": {"instrument": "Cam", "name": "R", "band": "r"},
    }  # fmt: skip
    return {name: RecordTable.from_rows(UNIVERSE[name], [row])[0] for name, row in rows.items()}


def test_expansion_takes_implied_values_from_records():
    data_id = DataCoordinate.standardize(instrument="Cam", exposure=1, dimensions=EXPOSURE).expanded(_records())
    assert data_id.full["band"] == "r"
    assert data_id.timespan == Timespan("2020-01-01", "2020-01-02")
    assert data_id.region is None
    again = pickle.loads(pickle.dumps(data_id))
    assert again == data_id
    assert again.records["exposure"].obs_id == "o1"


def test_region_of_an_expanded_data_id():
    tract = RecordTable.from_rows(UNIVERSE["tract"], [{"skymap": "s", "tract": 3, "region": circle(10, 0, 1)}])[0]
    skymap = RecordTable.from_rows(UNIVERSE["skymap"], [{"name": "s", "hash": b"x"}])[0]
    data_id = DataCoordinate.standardize(skymap="s", tract=3, universe=UNIVERSE)
    expanded = data_id.expanded({"skymap": skymap, "tract": tract})
    assert expanded.region == circle(10, 0, 1)


def test_subset_and_union():
    full = DataCoordinate.standardize(instrument="Cam", exposure=1, dimensions=EXPOSURE).expanded(_records())
    assert full.subset(["physical_filter"]).full == {"instrument": "Cam", "physical_filter": "R", "band": "r"}
    minimal = DataCoordinate.standardize(instrument="Cam", physical_filter="R", universe=UNIVERSE)
    with pytest.raises(DataIdValueError, match="no value for band"):
        minimal.subset(["band"])
    detector = DataCoordinate.standardize(instrument="Cam", detector=2, universe=UNIVERSE)
    assert full.union(detector).required == {"instrument": "Cam", "detector": 2, "exposure": 1}
    other = DataCoordinate.standardize(instrument="Other", detector=2, universe=UNIVERSE)
    with pytest.raises(InconsistentDataIdError, match="instrument='Cam' and instrument='Other'"):
        full.union(other)


def test_empty_data_id():
    empty = DataCoordinate.empty(UNIVERSE)
    assert empty.is_full
    assert empty.required == {}
    assert DataCoordinate.standardize({}, universe=UNIVERSE) == empty
