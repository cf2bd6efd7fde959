# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import FormatError
from pachon.dimensions import DimensionGroup, DimensionUniverse, UnknownDimensionError
from pachon.dimensions.testing.strategies import universe_documents

UNIVERSE = DimensionUniverse.default()
SKYPIX = {"common": "htm7", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 24}}


def test_order_of_the_default_universe():
    names = list(UNIVERSE.elements)
    assert names[:2] == ["band", "healpix1"]
    assert names[17:20] == ["healpix17", "htm1", "htm2"]
    assert [n for n in names if not UNIVERSE[n].is_skypix] == [
        "band", "instrument", "skymap", "ssp_hypothesis_table",
        "day_obs", "detector", "group", "physical_filter", "ssp_balanced_index", "ssp_hypothesis_bundle",
        "subfilter", "tract", "visit_system",
        "exposure", "patch", "visit",
        "visit_definition", "visit_detector_region", "visit_system_membership",
    ]  # fmt: skip


def test_identity_of_the_default_universe():
    assert (UNIVERSE.namespace, UNIVERSE.version, UNIVERSE.common_skypix) == ("daf_butler", 8, "htm7")
    assert DimensionUniverse.default() is UNIVERSE
    assert pickle.loads(pickle.dumps(UNIVERSE)) is UNIVERSE
    assert UNIVERSE.governors == ("instrument", "skymap")


def test_columns_of_exposure():
    assert UNIVERSE["exposure"].column_names == (
        "instrument", "id", "day_obs", "group", "physical_filter", "obs_id", "exposure_time", "dark_time",
        "observation_type", "observation_reason", "seq_num", "seq_start", "seq_end", "target_name",
        "science_program", "tracking_ra", "tracking_dec", "sky_angle", "azimuth", "zenith_angle",
        "has_simulated", "can_see_sky", "timespan",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "required", "implied", "extra"),
    [
        (["exposure", "detector"], "instrument detector exposure", "band day_obs group physical_filter", ""),
        (["visit", "exposure"], "instrument exposure visit", "band day_obs group physical_filter", "visit_definition"),
        (
            ["visit", "detector", "tract"],
            "instrument skymap detector tract visit",
            "band day_obs physical_filter",
            "visit_detector_region",
        ),
        (["band"], "band", "", ""),
        (["subfilter", "physical_filter"], "instrument physical_filter subfilter", "band", ""),
        (["band", "patch"], "band skymap tract patch", "", ""),
        ([], "", "", ""),
    ],
)
def test_conform(names, required, implied, extra):
    group = UNIVERSE.conform(names)
    assert group.required == tuple(required.split())
    assert group.implied == tuple(implied.split())
    assert [e for e in group.elements if e not in group] == extra.split()


def test_lookup_order_puts_implied_dimensions_after_what_implies_them():
    group = UNIVERSE.conform(["exposure", "detector"])
    assert group.lookup_order == (
        "instrument", "detector", "exposure", "day_obs", "group", "physical_filter", "band",
    )  # fmt: skip


def test_group_algebra():
    visit, patch = UNIVERSE.conform(["visit"]), UNIVERSE.conform(["patch"])
    assert (visit | patch).names == UNIVERSE.conform(["visit", "patch"]).names
    assert UNIVERSE.conform(["instrument"]) <= visit
    assert not visit <= patch
    assert (visit & UNIVERSE.conform(["exposure"])).required == ("instrument", "day_obs", "physical_filter")
    assert visit == set(visit.names)
    assert pickle.loads(pickle.dumps(visit)) is visit


def test_difference_closes_again():
    difference = UNIVERSE.conform(["exposure", "detector"]) - UNIVERSE.conform(["detector"])
    assert "instrument" in difference


def test_unknown_dimension_suggests():
    with pytest.raises(UnknownDimensionError, match=r"There is no dimension 'detectr'\. Did you mean 'detector'\?"):
        UNIVERSE.conform(["detectr"])


def test_pixelizations_number_as_published():
    from lsst.sphgeom import LonLat, UnitVector3d

    point = UnitVector3d(LonLat.fromDegrees(10, 20))
    assert UNIVERSE.pixelization("htm7").index(point) == 257476
    assert UNIVERSE.pixelization("htm7").index(UnitVector3d(LonLat.fromDegrees(0, 0))) == 253952
    assert UNIVERSE.pixelization("healpix5").index(point) == 4965


def _document(**elements):
    return {"version": 1, "namespace": "t", "skypix": SKYPIX, "elements": elements}


KEY = [{"name": "id", "type": "int"}]


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"a": {"keys": KEY, "requires": ["b"]}, "b": {"keys": KEY, "requires": ["a"]}}, "a -> b -> a"),
        ({"a": {"requires": []}}, "combination and needs 'requires'"),
        ({"a": {"keys": KEY, "governor": True}}, "governor needs a string"),
        ({"a": {"keys": KEY, "requires": ["zz"]}}, "'zz', which does not exist"),
        ({"a": {"keys": KEY, "always_join": True}}, "for combinations only"),
        ({"a": {"keys": [{"name": "x", "type": "string"}]}}, "needs 'length'"),
        ({"a": {"keys": [{"name": "x", "type": "float"}]}}, "cannot be of type float"),
        ({"a": {"keys": KEY, "implied_union_target": "b"}, "b": {"keys": KEY}}, "does not imply it"),
        ({"a": {"keys": [{"name": "x", "type": "colour"}]}}, "elements.a.keys.0.type"),
    ],
)
def test_mistakes_of_a_universe_file(elements, message):
    with pytest.raises(FormatError, match=message):
        DimensionUniverse.from_document(_document(**elements))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"elemnts": {}}, "'elemnts' in its top level. Did you mean 'elements'"),
        ({"topology": {"spatal": {}}}, "'spatal' in 'topology'. Did you mean 'spatial'"),
        ({"elements": {"b": {"keys": KEY, "reqires": ["a"]}}}, "'reqires' in element 'b'. Did you mean 'requires'"),
        ({"elements": {"b": {"keys": [{**KEY[0], "nulable": False}]}}}, "'nulable' in column b.id. Did you mean 'nullable'"),
        ({"skypix": {**SKYPIX, "htm": {**SKYPIX["htm"], "max_levl": 3}}}, "'max_levl' in the sky pixelization 'htm'"),
    ],
)  # fmt: skip
def test_a_misspelled_key_of_a_new_universe_is_refused(change, message, caplog):
    document = {**_document(a={"keys": KEY}), **change}
    with pytest.raises(FormatError, match=message):
        DimensionUniverse.from_document(document, is_new=True)
    with pytest.raises(FormatError, match=message):
        DimensionUniverse.from_text(yaml.safe_dump(document), "u.yaml")
    # Data that were stored with it must stay readable.
    assert DimensionUniverse.from_document(document) is not None
    assert "is ignored" in caplog.text


@pytest.mark.parametrize(
    ("skypix", "message"),
    [
        ({"common": "htm07", "htm": SKYPIX["htm"]}, "must name one level"),
        ({"common": "q3c5", "q3c": {"class": "lsst.sphgeom.Q3cPixelization"}}, "unknown class"),
    ],
)
def test_mistakes_of_skypix(skypix, message):
    with pytest.raises(FormatError, match=message):
        DimensionUniverse.from_document({"version": 1, "skypix": skypix, "elements": {}})


def test_unknown_keys_are_warned_about(caplog):
    DimensionUniverse.from_document(_document(a={"keys": KEY, "requirs": []}) | {"elementz": 1})
    assert "'elementz'" in caplog.text
    assert "'requirs'" in caplog.text


def test_legacy_storage_key():
    document = _document(
        a={"keys": [{"name": "n", "type": "string", "length": 8}], "storage": {"cls": "x.QueryDimensionRecordStorage", "view_of": "b"}},
        b={"keys": KEY, "implies": ["a"], "storage": {"cls": "x.CachingDimensionRecordStorage", "nested": {"cls": "x.TableDimensionRecordStorage"}}},
    )  # fmt: skip
    universe = DimensionUniverse.from_document(document)
    assert universe["a"].implied_union_target == "b"
    assert not universe["a"].has_table
    assert universe["b"].cached


def test_other_content_is_another_universe():
    one = DimensionUniverse.from_document(_document(a={"keys": KEY}))
    other = DimensionUniverse.from_document(_document(a={"keys": KEY, "doc": "changed"}))
    assert one != other
    assert one is DimensionUniverse.from_document(_document(a={"keys": KEY}))


@given(universe_documents(), st.data())
def test_groups_of_random_universes_are_closed(document, data):
    universe = DimensionUniverse.from_document(document)
    names = [n for n, e in universe.dimensions.items() if not e.is_skypix]
    group = universe.conform(data.draw(st.sets(st.sampled_from(names))))
    for name in group:
        assert set(universe[name].required) <= set(group)
        assert set(universe[name].implied) <= set(group)
    assert set(group.required) | set(group.implied) == set(group)
    assert not set(group.required) & set(group.implied)
    assert set(group.lookup_order) == set(group.elements)
    assert universe.conform(group.names) is group


def test_a_document_that_changes_later_changes_no_universe() -> None:
    document = copy.deepcopy(dict(UNIVERSE.document)) | {"namespace": "mine"}
    first = DimensionUniverse.from_document(document)
    document["version"] = 9
    document["elements"]["extra"] = {"keys": [{"name": "id", "type": "int"}]}
    second = DimensionUniverse.from_document(document)
    assert "extra" not in first.document["elements"]
    assert pickle.loads(pickle.dumps(first)) is first
    assert "extra" in second


def test_groups_and_sets_of_names_on_either_side() -> None:
    visit, both = UNIVERSE.conform(["visit"]), UNIVERSE.conform(["visit", "detector"])
    assert {"detector"} | visit == visit | {"detector"} == both
    assert isinstance({"detector"} | visit, DimensionGroup)
    assert {"instrument", "tract"} & visit == UNIVERSE.conform(["instrument"])
    assert {"visit", "detector"} - visit == UNIVERSE.conform(["detector"])
    assert visit ^ both == both ^ visit == UNIVERSE.conform(["detector"])
    assert {"instrument", "tract"} ^ UNIVERSE.conform(["instrument"]) == UNIVERSE.conform(["tract"])


def test_the_sample_of_the_format_can_be_read():
    universe = DimensionUniverse.from_yaml(Path(__file__).parent / "data" / "universe-library.yaml")
    assert (universe.namespace, universe.version, universe.governors) == ("library", 1, ("library",))
    loan = universe.conform(["loan"])
    assert (loan.required, loan.implied) == (("library", "book", "loan"), ("colour",))
    assert universe["loan"].temporal == "loans"
    assert [key.name for key in universe["book"].alternate_keys] == ["signature"]
