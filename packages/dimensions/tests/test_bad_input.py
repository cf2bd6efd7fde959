# SPDX-License-Identifier: BSD-3-Clause
"""Wrong universes, data IDs, records, regions and times: each error says what is wrong and where."""

import datetime
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.time import Time
from astropy.utils import iers

from pachon.base import FormatError, InvalidInputError, NotFoundError
from pachon.dimensions import (
    DataCoordinate,
    DataIdValueError,
    DimensionPacker,
    DimensionUniverse,
    InconsistentUniverseError,
    RecordTable,
    Timespan,
    UnknownDimensionError,
)
from pachon.dimensions.region import circle, region_from_bytes, region_to_bytes
from pachon.dimensions.timespan import MAX_NS, ns_from_time

UNIVERSE = DimensionUniverse.default()
KEY = [{"name": "id", "type": "int"}]
NAME = [{"name": "name", "type": "string", "length": 8}]
HTM = {"class": "lsst.sphgeom.HtmPixelization", "max_level": 9}


def masked_time() -> Time:
    time = Time("2024-01-01")
    time[...] = np.ma.masked
    return time


def document(elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 1, "namespace": "t", "skypix": {"common": "htm7", "htm": HTM}, "elements": elements, **more}


@pytest.mark.parametrize(
    ("elements", "word"),
    [
        ({"a b": {"keys": KEY}}, "'a b' needs another name"),
        ({"": {"keys": KEY}}, "needs another name"),
        ({"x" * 56: {"keys": KEY}}, "at most 55"),
        ({"x" * 70_000: {"keys": KEY}}, "needs another name"),
        ({"a'; DROP TABLE x": {"keys": KEY}}, "needs another name"),
        ({"größe": {"keys": KEY}}, "needs another name"),
        ({"1a": {"keys": KEY}}, "beginning with no digit"),
        ({"a\0": {"keys": KEY}}, "needs another name"),
        ({"Visit": {"keys": KEY}, "visit": {"keys": KEY}}, "'Visit' is there already"),
        ({"htm7": {"keys": KEY}}, "'htm7' is there already"),
        ({"a": {"keys": [{"name": "x y", "type": "int"}]}}, "Column a. 'x y'"),
        ({"a": {"keys": KEY, "metadata": [{"name": "region", "type": "hash", "nbytes": 3}]}}, "in 'topology' instead"),
        ({"a": {"keys": KEY, "metadata": [{"name": "ID", "type": "int"}]}}, "column 'id' is listed twice"),
        ({"a": {"keys": KEY, "metadata": [*KEY]}}, "column 'id' is listed twice"),
        ({"a": {"keys": NAME}, "b": {"keys": KEY, "requires": ["a"], "metadata": [{"name": "a", "type": "int"}]}}, "column 'a' is the name of a dimension"),
        ({"a": {"keys": NAME}, "b": {"keys": KEY, "requires": ["a"], "implies": ["a"]}}, "implies 'a', which it requires already"),
        ({"a": {"keys": KEY, "requires": ["a"]}}, "a -> a"),
        ({"a": {"keys": KEY, "implies": ["b"]}, "b": {"keys": KEY, "implies": ["c"]}, "c": {"keys": KEY, "requires": ["a"]}}, "a -> b -> c -> a"),
        ({"a": {"keys": KEY}, "b": {"requires": ["a"]}, "c": {"keys": KEY, "requires": ["b"]}}, "'b', which is a combination"),
        ({"a": {"keys": KEY}, "b": {"requires": ["a"], "populated_by": "c"}, "c": {"keys": KEY}}, "populated by 'c', which it does not require"),
        ({"a": {"keys": KEY, "requires": ["aa"]}, "ab": {"keys": KEY}}, r"'aa', which does not exist"),
        ({"a": {"keys": [{"name": "h", "type": "hash", "nbytes": 4}]}}, "must be an int or a string, not hash"),
        ({"a": {"keys": [{"name": "n", "type": "string", "length": 0}]}}, "elements.a.keys.0.length"),
        ({"a": {"keys": KEY, "metadata": [{"name": "h", "type": "hash"}]}}, "a.h is a hash and needs 'nbytes'"),
        ({"a": {"keys": KEY, "metadata": [{"name": "t", "type": "timespan"}]}}, "elements.a.metadata.0.type"),
        ({"a": {"keys": "id"}}, "elements.a.keys: .*'id'"),
        ({"a": None}, "elements.a"),
        ({"a": {"keys": NAME, "governor": "perhaps"}}, "elements.a.governor: .*'perhaps'"),
        ({"a": {"keys": KEY, "implied_union_target": "zz"}}, "union of 'zz', which does not imply it"),
        ({"g": {"keys": NAME, "governor": True, "requires": ["a"]}, "a": {"keys": KEY}}, "governor cannot depend"),
    ],
)  # fmt: skip
def test_universes_with_wrong_elements(elements: dict[str, Any], word: str) -> None:
    with pytest.raises(FormatError, match=word) as caught:
        DimensionUniverse.from_document(document(elements))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": None}, "version"),
        ({"version": "eight"}, "version: .*'eight'"),
        ({1: 2}, "a key that is no text"),
        ({"elements": {True: {}, "a": {}}}, "a key that is no text"),
        ({"elements": []}, "elements"),
        ({"skypix": {}}, "skypix.common"),
        ({"skypix": {"common": "htm7"}}, "skypix.common"),
        ({"skypix": {"common": "htm10", "htm": HTM}}, "must name one level.*'htm10'"),
        ({"skypix": {"common": "htm0", "htm": HTM}}, "must name one level"),
        ({"skypix": {"common": 7, "htm": HTM}}, "must name one level"),
        ({"skypix": {"common": "htm7", "htm": {**HTM, "max_level": 25}}}, "levels 1 to 25; htm has 0 to 24"),
        ({"skypix": {"common": "htm7", "htm": {**HTM, "min_level": -1}}}, "levels -1 to 9"),
        ({"skypix": {"common": "htm7", "htm": {**HTM, "min_level": 8, "max_level": 7}}}, "levels 8 to 7"),
        ({"skypix": {"common": "htm7", "htm": {**HTM, "max_level": "nine"}}}, "whole number as max_level"),
        ({"skypix": {"common": "htm7", "htm": {**HTM, "class": "os.system"}}}, "unknown class 'os.system'"),
        ({"skypix": {"common": "htm7", "htm": ["x"]}}, "needs a mapping with 'class'"),
        ({"topology": {"spatial": {"f": ["b"]}}}, "names 'b', which does not exist"),
        ({"topology": {"spatial": {"f": ["a"], "g": ["a"]}}}, "'f' and 'g'"),
        ({"topology": {"spatial": {"htm": ["a"]}}}, "name of a pixelization"),
        ({"topology": {"temporal": {"f": []}}}, "has no members"),
        ({"topology": {"temporal": {"f": "a"}}}, "topology.temporal.f"),
    ],
)
def test_wrong_universes(change: dict[str, Any], word: str) -> None:
    wrong = {k: v for k, v in (document({"a": {"keys": KEY}}) | change).items() if v is not None}
    with pytest.raises(FormatError, match=word):
        DimensionUniverse.from_document(wrong)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [\nb", "is not YAML"),
        ("- a\n- b\n", "no YAML mapping"),
        ("version: 1\nversion: 2\n", "the key 'version' is there twice"),
        ("elements:\n  visit: {}\n  visit: {}\n", "'visit' is there twice"),
        ("!!python/object/apply:os.getcwd []\n", "is not YAML"),
    ],
)
def test_texts_that_are_no_universe(text: str, word: str) -> None:
    with pytest.raises(FormatError, match=word):
        DimensionUniverse.from_yaml(text)


def test_files(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    text = "version: {}\nnamespace: t\nskypix: {{common: htm1, htm: {{class: lsst.sphgeom.HtmPixelization}}}}\nelements: {{}}\n"
    for number, folder in enumerate((first, second)):
        folder.mkdir()
        (folder / "u.yaml").write_text(text.format(number))
    (second / "only.yaml").write_text(text.format(7))
    (first / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert DimensionUniverse.from_yaml("u.yaml", [first, second]).version == 0
    assert DimensionUniverse.from_yaml("only.yaml", [first, tmp_path / "absent", second]).version == 7
    with pytest.raises(NotFoundError, match=r"no\.yaml"):
        DimensionUniverse.from_yaml("no.yaml", [first])
    with pytest.raises(FormatError, match="UTF-8"):
        DimensionUniverse.from_yaml("bytes.yaml", [first])


def test_unknown_keys_are_warned_about_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    DimensionUniverse.from_document(
        document(
            {"a": {"keys": [{"name": "id", "type": "int", "lenght": 3}]}},
            skypix={"common": "htm7", "htm": {**HTM, "maxlevel": 3}},
            topology={"spatail": {}},
            packers={"p": {}},
        )
    )
    for key in ("lenght", "maxlevel", "spatail"):
        assert f"'{key}'" in caplog.text
    assert "packers" not in caplog.text


def test_every_level_of_sphgeom() -> None:
    skypix = {
        "common": "htm0",
        "htm": {"class": "lsst.sphgeom.HtmPixelization", "min_level": 0},
        "healpix": {"class": "lsst.sphgeom.HealpixPixelization", "min_level": 0, "max_level": None},
    }
    universe = DimensionUniverse.from_document(document({}, skypix=skypix))
    assert len(universe.elements) == 25 + 18
    for level in range(25):
        begin, end = universe.pixelization(f"htm{level}").universe()[0]
        assert (begin, end) == (8 * 4**level, 16 * 4**level)
    for level in range(18):
        assert list(universe.pixelization(f"healpix{level}").universe()) == [(0, 12 * 4**level)]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"instrument": "C", "detector": None}, "detector must not be null"),
        ({"instrument": None, "detector": 1}, "instrument must not be null"),
        ({"instrument": "C", "detector": "1"}, r"detector must be of type int; got '1' \(str\)"),
        ({"instrument": 1, "detector": 1}, r"instrument must be of type string; got 1 \(int\)"),
        ({"instrument": "C", "detector": True}, "detector must be of type int; got True"),
        ({"instrument": "C", "detector": np.True_}, "detector must be of type int"),
        ({"instrument": "C", "detector": 1.0}, "detector must be of type int"),
        ({"instrument": "C", "detector": np.array([1, 2])}, "detector must be of type int"),
        ({"instrument": "C", "detector": 2**63}, "detector must fit in 64 bits"),
        ({"instrument": "C", "detector": [1]}, "detector must be of type int"),
        ({"instrument": b"C", "detector": 1}, "instrument must be of type string"),
        ({"instrument": "x" * 33, "detector": 1}, "instrument must be text of at most 32 characters; .* has 33"),
        ({"instrument": "x" * 65536, "detector": 1}, "has 65,536"),
        ({"instrument": "a\0b", "detector": 1}, "instrument .* a character that cannot be stored"),
        ({"instrument": "\ud800", "detector": 1}, "instrument .* a character that cannot be stored"),
    ],
)
def test_wrong_values(values: dict[str, Any], word: str) -> None:
    with pytest.raises(DataIdValueError, match=word) as caught:
        DataCoordinate.standardize(values, universe=UNIVERSE)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("wrong", ["visit", 3, [("visit", 3)]])
def test_data_ids_that_are_no_mappings(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="mapping of dimensions to values; got"):
        DataCoordinate.standardize(wrong, universe=UNIVERSE)


@pytest.mark.parametrize("wrong", [None, 3, [["visit"]]])
def test_dimensions_that_are_no_names(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="Dimensions are a list of names; got"):
        UNIVERSE.conform(wrong)


def test_names_are_data() -> None:
    for text in ("O'Brien", '"; DROP TABLE instrument; --', "%(x)s :y ?", "ΑΒΓ🔭", " "):
        data_id = DataCoordinate.standardize({"instrument": text}, universe=UNIVERSE)
        assert data_id["instrument"] == text


@pytest.mark.parametrize("name", ["detectr", "", "x" * 65536, "a\0", "'"])
def test_unknown_dimensions(name: str) -> None:
    with pytest.raises(UnknownDimensionError) as caught:
        UNIVERSE.conform([name])
    assert len(str(caught.value)) < 200
    with pytest.raises(UnknownDimensionError):
        DataCoordinate.standardize({"instrument": "C", name: 1}, universe=UNIVERSE)
    with pytest.raises(UnknownDimensionError):
        UNIVERSE["visit_definitio"]


def test_dimensions_of_other_universes() -> None:
    other = DimensionUniverse.from_document(document({"detector": {"keys": KEY}}))
    with pytest.raises(InconsistentUniverseError, match="the namespaces differ"):
        UNIVERSE.adopt(other.conform(["detector"]))
    older = DimensionUniverse.from_document(
        {**document({"instrument": {"keys": NAME, "governor": True}, "exposure": {"keys": KEY, "requires": ["instrument"]}, "pet": {"keys": KEY}}), "namespace": "daf_butler", "version": 0}
    )  # fmt: skip
    assert UNIVERSE.is_compatible_with(older)
    assert UNIVERSE.adopt(older.conform(["instrument"])) is UNIVERSE.conform(["instrument"])
    with pytest.raises(
        InconsistentUniverseError, match="version 0 do not carry over to daf_butler version 8: there it is"
    ):
        UNIVERSE.adopt(older.conform(["exposure"]))
    with pytest.raises(InconsistentUniverseError, match="no dimension 'pet'"):
        UNIVERSE.adopt(older.conform(["pet"]))


def visit(**fields: Any) -> RecordTable:
    row = {"instrument": "C", "id": 1, "name": "v", "physical_filter": "r", "day_obs": 20240101}
    return RecordTable.from_rows(UNIVERSE["visit"], [{**row, **fields}])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"region": "c"}, r"region must be a region of lsst.sphgeom, or its bytes; got 'c' \(str\)"),
        ({"region": b"garbage"}, "7 bytes are no region"),
        ({"region": b""}, "0 bytes are no region"),
        ({"region": region_to_bytes(circle(0, 0, 1))[:-1]}, "no region"),
        ({"region": (10, 20)}, "must be a region"),
        ({"region": UNIVERSE.pixelization("htm7")}, "must be a region"),
        ({"timespan": (1, 2)}, "timespan must be a Timespan"),
        ({"timespan": "2024"}, "timespan must be a Timespan"),
        ({"datetime_begin": "2024-01-01"}, "datetime_begin and datetime_end together"),
        ({"id": "1"}, "visit.id is of type int"),
        ({"visit": 2}, "visit=2 and id=1 contradict"),
        ({"name": None}, "visit.name must not be null"),
        ({"name": "x" * 65536}, "at most 64 characters"),
        ({"name": "a\0"}, "NUL"),
        ({"exposure_time": "long"}, "exposure_time is of type float"),
        ({"exposure_tim": 1.0}, "no field 'exposure_tim'. Did you mean 'exposure_time'"),
        ({"seq_num": 1.5}, "seq_num is of type int"),
    ],
)
def test_wrong_fields(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidInputError, match=word) as caught:
        visit(**fields)
    assert len(str(caught.value)) < 400


def test_regions_of_every_kind() -> None:
    from lsst.sphgeom import Angle, Box, ConvexPolygon, Ellipse, IntersectionRegion, LonLat, UnionRegion, UnitVector3d

    points = [UnitVector3d(LonLat.fromDegrees(*p)) for p in ((0, 0), (1, 0), (0, 1))]
    small = circle(0, 0, 1)
    for region in (
        small,
        Box(LonLat.fromDegrees(0, 0), LonLat.fromDegrees(1, 1)),
        ConvexPolygon(points),
        Ellipse(points[0], points[1], Angle.fromDegrees(2)),
        UnionRegion(small, circle(3, 0, 1)),
        IntersectionRegion(small, circle(1, 0, 1)),
    ):
        data = region_to_bytes(region)
        for stored in (visit(region=region)[0], visit(region=data)[0]):
            assert stored.region_bytes == region_to_bytes(stored.region) == data
    with pytest.raises(InvalidInputError, match="A str is no region"):
        region_from_bytes("c")  # type: ignore[arg-type]


# Times.


@pytest.mark.parametrize("scale", ["utc", "tai", "tt", "tdb", "tcg", "tcb"])
def test_scales_are_brought_to_tai(scale: str) -> None:
    tai = Time("2021-09-10T12:00:00", scale="tai")
    assert abs(ns_from_time(getattr(tai, scale)) - ns_from_time("2021-09-10T12:00:00")) < 100


def test_the_rotation_of_the_earth() -> None:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        near = ns_from_time(Time("2015-01-01T00:00:00", scale="ut1"))
        assert abs(near - ns_from_time(Time("2015-01-01T00:00:00", scale="utc"))) < 10**9
    with pytest.raises(InvalidInputError, match=r"local.* cannot be brought to TAI"):
        ns_from_time(Time("2015-01-01T00:00:00", scale="local"))


def test_leap_seconds() -> None:
    before, leap, after = (
        ns_from_time(t) for t in ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z")
    )
    assert (leap - before, after - leap) == (10**9, 10**9)
    assert ns_from_time(Time("2016-12-31T23:59:60.25", scale="utc")) == leap + 250_000_000
    assert ns_from_time("2016-12-31T23:59:60.25Z") == leap + 250_000_000
    assert ns_from_time("2017-01-01T00:59:60+01:00") == leap
    span = Timespan("2016-12-31T23:59:59Z", "2017-01-01T00:00:00Z")
    assert span.end_ns - span.begin_ns == 2 * 10**9
    for wrong in ("2016-12-30T23:59:60Z", "2016-12-31T12:00:60Z"):
        with pytest.raises(InvalidInputError, match="no leap second"):
            ns_from_time(wrong)
    with pytest.raises(InvalidInputError, match="Not a date and time"):
        ns_from_time("2016-12-31T23:59:60")  # TAI has none


@pytest.mark.parametrize(
    "bad",
    [
        "", "now", "2024", "2024-02-30", "2024-01-01T24:00:01", "2024-01-01 12", "x" * 65536, "2024-01-01\0",
        b"2024-01-01", True, 1.5, float("nan"), datetime.date(2024, 1, 1), [1, 2], np.array([1, 2]), Time(["2024-01-01"] * 2),
        masked_time(),
    ],
    ids=repr,
)  # fmt: skip
def test_no_times(bad: Any) -> None:
    with pytest.raises(InvalidInputError):
        Timespan(bad, None)


def test_whole_numbers_of_numpy_are_nanoseconds() -> None:
    assert Timespan(np.int64(5), np.uint8(7)) == Timespan.from_ns(5, 7)


@pytest.mark.parametrize(
    "far",
    [
        "1969-12-31T23:59:59",
        "2100-01-01T00:00:01",
        -(10**30),
        10**30,
        Time(1e9, format="jd", scale="tai"),
        datetime.datetime(9999, 1, 1),  # noqa: DTZ001
    ],
)
def test_times_out_of_range_are_moved_to_the_limit(far: Any) -> None:
    with pytest.warns(UserWarning, match="moved to the limit"), warnings.catch_warnings():
        span = Timespan(far, None) if ns_from_time(far) < 0 else Timespan(None, far)
    assert span == Timespan(None, None)


def test_empty_and_endless_time_spans() -> None:
    forever, empty = Timespan(None, None), Timespan.empty()
    assert (forever.begin, forever.end, str(forever)) == (None, None, "[-∞, ∞)")
    assert (empty.begin_ns, empty.end_ns, str(empty)) == (MAX_NS, 0, "(empty)")
    assert forever.difference(forever) == ()
    assert forever.difference(empty) == (forever,)
    assert empty.difference(forever) == ()
    for wrong in ((None, "1970-01-01"), ("2100-01-01", None), ("2100-01-01", "2100-01-01")):
        with pytest.raises(InvalidInputError, match="cannot begin and end at"):
            Timespan(*wrong)
    for form in (None, [1], [1, 2, 3], ["1", "2"], [True, 2], {"a": 1}, [-1, 5], [0, MAX_NS + 1]):
        with pytest.raises(InvalidInputError):
            Timespan.from_json(form)


def test_what_time_spans_are_not_compared_with() -> None:
    for other in (3, "2024-01-01", None):
        with pytest.raises(TypeError, match="not supported between"):
            _ = Timespan() < other
        with pytest.raises(TypeError, match="not supported between"):
            _ = Timespan() > other
    with pytest.raises(InvalidInputError, match=r"whole number of seconds; got 1\.5"):
        Timespan.for_day_obs(20240101, 1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("day", [0, 2024, 2024123, 202401011, 20240230, "x", None, True])
def test_no_days(day: Any) -> None:
    with pytest.raises(InvalidInputError, match="YYYYMMDD"):
        Timespan.for_day_obs(day)


def test_packers() -> None:
    for bounds in ({"a": 0}, {"a": -1}, {"a": None}, {"a": 1.5}):
        with pytest.raises(InvalidInputError, match="bound of a"):
            DimensionPacker(bounds=bounds)  # type: ignore[arg-type]
    packer = DimensionPacker(bounds={"detector": 3, "visit": 10})
    for values in ({"detector": 3, "visit": 1}, {"detector": -1, "visit": 1}, {"detector": 1}, {"detector": "1", "visit": 1}, {"detector": 1, "visit": None}):  # fmt: skip
        with pytest.raises(InvalidInputError):
            packer.pack(values)
    for packed in (-1, 30):
        with pytest.raises(InvalidInputError):
            packer.unpack(packed)
    assert {packer.pack(packer.unpack(n)) for n in range(30)} == set(range(30))
    assert packer.pack({"detector": np.int64(1), "visit": 2}) == 7
