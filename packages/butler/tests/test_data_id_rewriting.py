# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pachon.butler import Butler
from pachon.butler.data_id_rewriting import plan_rewriting
from pachon.dimensions import DataIdValueError, DimensionUniverse

UNIVERSE = DimensionUniverse.default()
RAW = UNIVERSE.conform(["exposure", "detector"])

TABLE: list[tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, Any]]]] = [
    ({"exposure": 1, "detector": 2}, {"exposure": 1, "detector": 2}, {}),
    ({"detector": "S01"}, {}, {"detector": {"full_name": "S01"}}),
    ({"exposure": "obs3"}, {}, {"exposure": {"obs_id": "obs3"}}),
    ({"exposure.obs_id": "obs3"}, {}, {"exposure": {"obs_id": "obs3"}}),
    ({"exposure.id": 3}, {"exposure": 3}, {}),
    ({"exposure": 3, "exposure.id": 3}, {"exposure": 3}, {}),
    ({"day_obs": 20260101, "seq_num": 2}, {"day_obs": 20260101}, {"exposure": {"seq_num": 2}}),
    ({"raft": "R1", "name_in_raft": "S0"}, {}, {"detector": {"raft": "R1", "name_in_raft": "S0"}}),
    ({"exposure": 1, "seq_num": 1}, {"exposure": 1}, {"exposure": {"seq_num": 1}}),
    ({"exposure.day_obs": 20260101, "exposure.seq_num": 2}, {"day_obs": 20260101}, {"exposure": {"seq_num": 2}}),
    ({"obs_id": "obs3", "full_name": "S01"}, {}, {"detector": {"full_name": "S01"}, "exposure": {"obs_id": "obs3"}}),
]


@pytest.mark.parametrize(("given", "values", "conditions"), TABLE)
def test_plan(given: dict[str, Any], values: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> None:
    plan = plan_rewriting(given, RAW, is_calibration=False)
    assert plan.values == values
    assert plan.conditions == conditions
    assert list(plan.conditions) == UNIVERSE.sorted(plan.conditions)


def test_numpy_integers_and_strings() -> None:
    np = pytest.importorskip("numpy")
    plan = plan_rewriting({"exposure": np.int64(3), "detector": np.str_("S01")}, RAW, is_calibration=False)
    assert plan.values == {"exposure": 3}
    assert plan.conditions == {"detector": {"full_name": "S01"}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seq_nu": 1}, "unknown keys: seq_nu.*Did you mean 'seq_num'"),
        ({"nope": 1, "exposure": 1}, "unknown keys: nope"),
        ({"exposur.obs_id": "x"}, "no dimension 'exposur'.*'exposure'"),
        ({"exposure.obsid": "x"}, "no field 'obsid'.*'obs_id'"),
        ({"exposure": 3, "exposure.id": 4}, "contradict"),
    ],
)
def test_bad_keys(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataIdValueError, match=message):
        plan_rewriting(given, RAW, is_calibration=False)


def test_an_exposure_is_preferred_to_a_visit() -> None:
    both = UNIVERSE.conform(["exposure", "visit"])
    assert plan_rewriting({"seq_num": 1}, both, is_calibration=False).conditions == {"exposure": {"seq_num": 1}}
    visit = UNIVERSE.conform(["visit"])
    assert plan_rewriting({"seq_num": 1}, visit, is_calibration=False).conditions == {"visit": {"seq_num": 1}}


def test_fields_of_temporal_dimensions_of_a_calibration() -> None:
    bias = UNIVERSE.conform(["detector"])
    plan = plan_rewriting({"detector": 1, "day_obs": 20260101, "seq_num": 1}, bias, is_calibration=True)
    assert plan.conditions == {"exposure": {"seq_num": 1}}
    with pytest.raises(DataIdValueError, match="unknown keys"):
        plan_rewriting({"detector": 1, "seq_num": 1}, bias, is_calibration=False)


def test_an_ambiguous_field_must_be_spelled_out() -> None:
    names = UNIVERSE.conform(["physical_filter", "group"])
    with pytest.raises(DataIdValueError, match=r"'name' could be|unknown keys"):
        plan_rewriting({"name": "x"}, names, is_calibration=False)


@pytest.fixture
def stored(butler: Butler) -> Butler:
    for exposure in (1, 2, 3):
        butler.put({"exposure": exposure}, "raw", exposure=exposure, detector=1)
    for visit in (1, 3):
        butler.put({"visit": visit}, "pvi", visit=visit, detector=1)
    return butler


@pytest.mark.parametrize(
    ("dataset_type", "data_id", "expected"),
    [
        ("raw", {"exposure": 2, "detector": 1}, {"exposure": 2}),
        ("raw", {"exposure": "obs2", "detector": "S01"}, {"exposure": 2}),
        ("raw", {"day_obs": 20260102, "seq_num": 1, "raft": "R0", "name_in_raft": "S1"}, {"exposure": 3}),
        ("raw", {"exposure.seq_num": 2, "exposure.day_obs": 20260101, "detector": 1}, {"exposure": 2}),
        ("raw", {"group": "g2", "exposure.seq_num": 2, "detector": 1}, {"exposure": 2}),
        ("pvi", {"visit": "v3", "detector": 1}, {"visit": 3}),
        ("pvi", {"visit": 1, "physical_filter": "Cam-g", "detector": 1}, {"visit": 1}),
    ],
)
def test_alternate_spellings_find_datasets(
    stored: Butler, dataset_type: str, data_id: dict[str, Any], expected: dict[str, int]
) -> None:
    assert stored.get(dataset_type, data_id) == expected
    found = stored.find_dataset(dataset_type, data_id)
    assert found is not None
    assert stored.exists(dataset_type, data_id)
    assert [ref.id for ref in stored.query_datasets(dataset_type, data_id=data_id)] == [found.id]


@pytest.mark.parametrize(
    ("data_id", "message"),
    [
        ({"detector": "S09", "exposure": 1}, "No detector record with .*full_name='S09'"),
        ({"seq_num": 1, "detector": 1}, "2 exposure records with .*seq_num=1.*tells them apart"),
        ({"exposure": 1, "seq_num": 2, "detector": 1}, "No exposure record"),
        ({"exposure": 1}, "lacks a value for detector"),
        ({"exposure": 1, "detector": None}, "must not be null"),
        ({"exposure": 1, "detector": 1.5}, "must be of type int"),
    ],
)
def test_what_is_not_one_record_is_an_error(stored: Butler, data_id: dict[str, Any], message: str) -> None:
    with pytest.raises(DataIdValueError, match=message):
        stored.find_dataset("raw", data_id)


def test_the_preferred_visit_system_decides(stored: Butler) -> None:
    # A second visit with the seq_num and day of another, of a system that the camera does not prefer.
    stored.dimension_records.insert(
        "visit",
        [{"instrument": "Cam", "id": 901, "name": "w1", "physical_filter": "Cam-g", "day_obs": 20260101, "seq_num": 1}],
    )
    stored.dimension_records.insert("visit_system_membership", [{"instrument": "Cam", "visit": 901, "visit_system": 1}])
    assert stored.get("pvi", day_obs=20260101, seq_num=1, detector=1) == {"visit": 1}
