# SPDX-License-Identifier: BSD-3-Clause
"""Every example of the query language, with its number of rows or its kind of error."""

import datetime
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from lsst.sphgeom import DISJOINT, LonLat

from pachon.base import PachonError
from pachon.datasets import DatasetSearch
from pachon.dimensions import Timespan
from pachon.registry import (
    CalibrationLookupError,
    InvalidQueryError,
    MissingCollectionError,
    MissingDatasetTypeError,
    SqlRegistry,
    UnimplementedQueryError,
)
from pachon.registry.errors import (
    QueryGovernorError,
    QueryJoinError,
    QueryNameError,
    QuerySyntaxError,
    QueryTypeError,
)

X = "instrument='Cam1' AND "

DETECTORS: list[tuple[str, int, dict[str, Any]]] = [
    ("", 6, {}),
    ("instrument = 'Cam1' AND detector = 1", 1, {}),
    ("detector.purpose = 'SCIENCE'", 3, {}),
    ("instrument='Cam1' and detector in (1..4:2)", 2, {}),
    ("instrument='Cam1' AND detector IN (1 .. 3 : 2)", 2, {}),
    ("instrument='Cam1' AND detector NOT IN (1..4:2, 2)", 1, {}),
    ("instrument='Cam1' AND detector IN (1.0)", 1, {}),
    ("instrument='Cam1' AND detector > 1.5", 3, {}),
    ("instrument='Cam1' AND detector % 2 = 1", 2, {}),
    ("instrument='Cam1' AND detector / 2 = 1", 1, {}),
    ("instrument='Cam1' OR instrument='Cam2' AND detector=1", 5, {}),
    ("(instrument='Cam1' OR instrument='Cam2') AND detector=1", 2, {}),
    ("instrument > 'A' AND detector=1", 2, {}),
    ("NOT (instrument='Cam1' AND detector=1)", 5, {}),
    ("detector.raft != 'A'", 2, {}),
    ("NULL = detector.raft", 2, {}),
    ("detector.raft IN (NULL, 'A')", 4, {}),
    ("detector.raft NOT IN (NULL, 'A')", 2, {}),
    ("GLOB(instrument, 'Cam?') AND detector = 1", 2, {}),
    ("raft = 'A'", 2, {}),
    ("name = 'Cam1'", 4, {}),
    ("instrument.name='Cam1' AND detector.id=1", 1, {}),
    ("1 = 1", 6, {}),
    ("1 = 2", 0, {}),
    ("instrument='Cam1' AND detector IN (:d, 4)", 3, {"d": {1, 2}}),
    ("instrument='Cam1' AND detector NOT IN (:d)", 4, {"d": []}),
    ("instrument='Cam1' AND instrument='Cam2'", 0, {}),
    # Where pachon is more generous.
    ("instrument IN (:i) AND detector = 1", 1, {"i": ["Cam1"]}),
    ("instrument='Cam1' AND detector + 0.5 > 2", 3, {}),
    ("TRUE", 6, {}),
    ("FALSE OR name = 'Cam2'", 2, {}),
    ("detector.raft = :x", 2, {"x": None}),
    ("GLOB(detector.raft, '*')", 4, {}),
]

SINCE = datetime.datetime(2021, 9, 10)  # noqa: DTZ001  # TAI
EXPOSURES: list[tuple[str, int, dict[str, Any]]] = [
    ("exposure.timespan.begin > T'2021-09-10'", 2, {}),
    (X + "exposure.timespan.begin > t'59467.0'", 2, {}),
    (X + "exposure.timespan.begin > T'jd/2459467.5'", 2, {}),
    (X + "exposure.timespan.begin > T'2021:253:00:00'", 2, {}),
    (X + "exposure.timespan.begin >= T'2021-09-09 03:00:00/tai'", 4, {}),
    (X + "exposure.timespan.begin > T'2021-09-09 03:00:00/tai'", 3, {}),
    (X + "exposure.timespan OVERLAPS T'2021-09-10 13:00:10/tai'", 1, {}),
    (X + "exposure.timespan OVERLAPS (T'2021-09-10 13:00:30/tai', NULL)", 1, {}),
    (X + "(NULL, T'2021-09-10') OVERLAPS exposure.timespan", 2, {}),
    (X + "exposure.timespan OVERLAPS (T'2021-09-11', T'2021-09-10')", 0, {}),
    (X + "NOT (exposure.timespan OVERLAPS (T'2021-09-10', T'2021-09-11'))", 2, {}),
    (X + "exposure.timespan OVERLAPS :ts", 2, {"ts": Timespan("2021-09-10", None)}),
    (X + "exposure.timespan OVERLAPS (:since, NULL)", 2, {"since": SINCE}),
    ("exposure.can_see_sky", 2, {}),
    ("NOT exposure.can_see_sky", 1, {}),
    ("exposure.can_see_sky = NULL", 1, {}),
    ("exposure.can_see_sky = FALSE", 1, {}),
    ("exposure.tracking_ra < 100", 2, {}),
    ("exposure.tracking_ra * 2.0 > 22", 1, {}),
    ("exposure.tracking_ra * 2 > 22", 1, {}),
    ("exposure.exposure_time IN (30, 45.0)", 3, {}),
    ("exposure.exposure_time IN (:x)", 3, {"x": [30, 45]}),
    ("exposure.seq_num IN (-5..1)", 2, {}),
    ("seq_num = 1", 2, {}),
    ("observation_type = 'flat'", 1, {}),
    ("band = 'g'", 1, {}),
    ("visit.name = '1' AND instrument = 'Cam1'", 1, {}),
    (X + "exposure.day_obs = 20210910", 2, {}),
    (X + "visit.day_obs = 20210909", 2, {}),
    ("GLOB(observation_type, :x)", 1, {"x": "f*"}),
    ("2 + 3 * 4 = 14", 4, {}),
    ("7 / 2 = 3", 0, {}),
    ("7 / 2 = 3.5", 4, {}),
    ("-7 % 3 = -1", 4, {}),
    ("exposure.timespan = day_obs.timespan", 0, {}),
]

DATA_IDS: list[tuple[list[str], str, int]] = [
    (["visit"], "visit.region OVERLAPS POINT(0.1, 0.4)", 1),
    (["visit"], "visit.region OVERLAPS REGION('CIRCLE 5 0 4')", 0),
    (["visit"], "visit.region OVERLAPS CIRCLE(5, 0, 4)", 0),
    (["visit"], "visit.region OVERLAPS BOX(0, 0, 3, 3)", 2),
    (["visit"], "visit.region OVERLAPS BOX(0, 0, -3, 3)", 0),
    (["visit"], "htm7.region OVERLAPS POINT(0, 0)", 1),
    (["visit", "tract"], "", 3),
    (["visit", "patch"], "", 10),
    (["visit", "detector", "patch"], "", 20),
    (["visit", "htm7"], "", 5),
    (["exposure", "visit"], "", 2),
    (["exposure", "tract"], "", 8),
    (
        ["visit", "tract", "htm7"],
        "visit.region OVERLAPS htm7.region AND tract.region OVERLAPS htm7.region",
        6,
    ),
    # Where pachon is more generous.
    (["visit"], "instrument='Cam1' AND (visit.region OVERLAPS POINT(0.1, 0.4) OR visit=1)", 2),
    (["visit", "healpix3"], "", 2),
    (["visit", "tract", "healpix3"], "visit.region OVERLAPS healpix3.region AND visit.region OVERLAPS tract.region", 3),
    (["visit"], "NOT visit.region OVERLAPS POINT(0.1, 0.4)", 1),
    ([], "instrument = 'Cam1'", 1),
    ([], "instrument = 'Cam3'", 0),
]


@pytest.mark.parametrize(("where", "count", "bind"), DETECTORS)
def test_detectors(example: SqlRegistry, where: str, count: int, bind: dict[str, Any]) -> None:
    assert len(example.query.data_ids(["detector"], where=where, bind=bind)) == count


@pytest.mark.parametrize(("where", "count", "bind"), EXPOSURES)
def test_exposures(example: SqlRegistry, where: str, count: int, bind: dict[str, Any]) -> None:
    assert len(example.query.data_ids(["exposure"], where=where, bind=bind)) == count


@pytest.mark.parametrize(("dimensions", "where", "count"), DATA_IDS)
def test_data_ids(example: SqlRegistry, dimensions: list[str], where: str, count: int) -> None:
    found = example.query.data_ids(dimensions, where=where)
    assert len(found) == count
    assert found.is_full


@pytest.mark.parametrize("pixels", ["htm9", "healpix8"])
def test_other_pixels_are_computed(example: SqlRegistry, pixels: str) -> None:
    where = "visit = 1 AND instrument = 'Cam1'"
    found = example.query.data_ids(["visit", pixels], where=where)
    region = example.query.records("visit", where=where)[0].region
    grid = example.universe.pixelization(pixels)
    near = [i for begin, end in grid.envelope(region) for i in range(begin, end)]
    touching = [i for i in near if not grid.pixel(i).relate(region) & DISJOINT]
    assert sorted(found.column(pixels).tolist()) == touching


@pytest.mark.parametrize(
    ("dataset_type", "collections", "where", "find_first", "count"),
    [
        ("bias", ["imported_g", "imported_r"], "", True, 4),
        ("bias", ["imported_g", "imported_r"], "", False, 6),
        ("bias", ["calib"], "instrument='Cam1' AND exposure=1", True, 3),
        ("bias", ["calib"], "bias.timespan OVERLAPS T'2021-09-09'", True, 3),
        ("bias", ["imported_g"], "ingest_date > T'2020-01-01'", True, 3),
        ("bias", ["imported_g", "imported_r"], "run = 'imported_g'", False, 3),
        ("bias", ["imported_g"], "dataset_id = UUID('e15ab039-bc8b-4135-87c5-90902a7c0b22')", True, 1),
        ("raw", ["proc"], "visit.region OVERLAPS CIRCLE(0,0,1)", True, 4),
        ("bias", ["tagged", "imported_r"], "", False, 3),
        ("bias", ["imported_*"], "", False, 6),
        ("bias", ["chain"], "", True, 4),
        ("bias", ["calib"], "", False, 6),
    ],
)
def test_datasets(
    example: SqlRegistry, dataset_type: str, collections: list[str], where: str, find_first: bool, count: int
) -> None:
    found = example.query.datasets(dataset_type, collections, where=where, find_first=find_first)
    assert len(found) == count
    assert found.data_ids.is_full


def test_find_first_takes_the_first_collection(example: SqlRegistry) -> None:
    found = {ref.data_id["detector"]: ref.run for ref in example.query.datasets("bias", "chain")}
    assert found == {1: "imported_g", 2: "imported_r", 3: "imported_g", 4: "imported_r"}


def test_calibrations_as_a_constraint(example: SqlRegistry) -> None:
    search = DatasetSearch(dataset_type="bias", collections=("calib",))
    found = example.query.data_ids(["exposure", "detector"], where="instrument='Cam1'", datasets=[search])
    assert len(found) == 12


@pytest.mark.parametrize(
    ("element", "where", "count"), [("band", "", 2), ("visit_detector_region", "", 8), ("patch", "cell_x = 0", 6)]
)
def test_records(example: SqlRegistry, element: str, where: str, count: int) -> None:
    assert len(example.query.records(element, where=where)) == count


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("detector=1", 1),
        ("", 4),
        ("instrument='Cam2' OR detector=1", 3),
        # Whether it is null says nothing of a value.
        ("instrument != NULL", 4),
        ("NOT (instrument = NULL) AND detector=1", 1),
        ("instrument.name != NULL AND instrument IN ('Cam1', 'Cam2')", 6),
    ],
)
def test_default_governor(example: SqlRegistry, where: str, count: int) -> None:
    assert len(example.query.data_ids(["detector"], where=where, defaults={"instrument": "Cam1"})) == count


def test_default_governor_of_what_is_joined(example: SqlRegistry) -> None:
    search = DatasetSearch(dataset_type="bias", collections=("imported_g",))
    for instrument, count in (("Cam1", 1), ("Cam2", 0)):
        found = example.query.data_ids(["skymap"], datasets=[search], defaults={"instrument": instrument})
        assert len(found) == count
        assert len(example.query.data_ids(["skymap"], defaults={"instrument": instrument})) == 1


@pytest.mark.parametrize("dimensions", [["skymap"], []])
def test_default_governor_of_what_a_condition_joins(example: SqlRegistry, dimensions: list[str]) -> None:
    for instrument, count in (("Cam1", 1), ("Cam2", 0)):
        defaults = {"instrument": instrument}
        for where in ("detector.purpose = 'SCIENCE'", "NOT detector.raft = 'B'", "exposure.seq_num = 1"):
            assert len(example.query.data_ids(dimensions, where=where, defaults=defaults)) == count
    where = "detector.purpose = 'SCIENCE' AND instrument > 'Cam'"
    assert len(example.query.data_ids(dimensions, where=where, defaults={"instrument": "Cam2"})) == 1


def test_default_governor_of_what_a_shown_field_joins(example: SqlRegistry) -> None:
    general = example.query.general
    every = {row["detector.full_name"] for row in general(["skymap"], ["detector.full_name"])}
    by_default = [
        {
            row["detector.full_name"]
            for row in general(["skymap"], ["detector.full_name"], defaults={"instrument": name})
        }
        for name in ("Cam1", "Cam2")
    ]
    assert by_default == [
        {
            row["detector.full_name"]
            for row in general(["detector"], ["detector.full_name"], where=f"instrument = '{name}'")
        }
        for name in ("Cam1", "Cam2")
    ]
    assert every == by_default[0] | by_default[1]
    assert every not in by_default


def test_alternate_keys_of_a_governor_mention_it(example: SqlRegistry) -> None:
    (skymap,) = example.query.records("skymap", where="skymap = 'SkyMap1'")
    found = example.query.data_ids(["tract"], where="skymap.hash = :hash AND tract = 0", bind={"hash": skymap.hash})
    assert [data_id["skymap"] for data_id in found] == ["SkyMap1"]


@pytest.mark.parametrize("value", [LonLat.fromDegrees(0.1, 0.4), SkyCoord(0.1, 0.4, unit="deg")])
def test_positions_on_the_sky(example: SqlRegistry, value: Any) -> None:
    assert len(example.query.data_ids(["visit"], where="visit.region OVERLAPS :place", bind={"place": value})) == 1


D, E, V, B = ["detector"], ["exposure"], ["visit"], "bias"


@pytest.mark.parametrize(
    ("result", "where", "error"),
    [
        (D, "detector = 1", QueryGovernorError),
        (D, "detector.full_name = 'Aa'", QueryGovernorError),
        (D, "instrument != NULL AND detector = 1", QueryGovernorError),
        (E, "exposure.day_obs = 20210910", QueryGovernorError),
        (D, "instrument='Cam1' AND detector = 'Aa'", QueryTypeError),
        (D, "instrument='Cam1' AND 1 < detector < 3", QueryTypeError),
        (E, "exposure.can_see_sky = 1", QueryTypeError),
        (E, "exposure.exposure_time IN (30..60)", QueryTypeError),
        (E, "exposure.timespan > T'2021-09-10'", QueryTypeError),
        (E, "exposure.timespan.begin > '2021-09-10'", QueryTypeError),
        (E, "exposure.timespan.end - exposure.timespan.begin > 1", QueryTypeError),
        (E, "NULL = NULL", QueryTypeError),
        (E, "exposure.tracking_ra > NULL", QueryTypeError),
        (E, X + "exposure.timespan OVERLAPS ('2021-09-10', '2021-09-11')", QueryTypeError),
        (E, X + "(exposure.timespan.begin, NULL) OVERLAPS exposure.timespan", QueryTypeError),
        (B, "bias.dataset_id = 'e15ab039-bc8b-4135-87c5-90902a7c0b22'", QueryTypeError),
        (D, "glob(detector, 'a')", QueryTypeError),
        (D, "glob('A', detector.raft)", QuerySyntaxError),
        (V, "POINT(0,0) OVERLAPS CIRCLE(0,0,1)", QueryTypeError),
        (D, "instrument='Cam1' AND detector IN (4..1)", QueryTypeError),
        (D, "detector IN (1..4:0)", QuerySyntaxError),
        (D, "detector IN ()", QuerySyntaxError),
        (D, "detector IN (1+1)", QuerySyntaxError),
        (D, "detector IN (1,)", QuerySyntaxError),
        (D, "instrument == 'Cam1'", QuerySyntaxError),
        (D, "instrument <> 'Cam1'", QuerySyntaxError),
        (D, "instrument LIKE 'Cam1'", QuerySyntaxError),
        (D, "instrument BETWEEN 'A' AND 'B'", QuerySyntaxError),
        (D, "instrument IS NOT NULL", QuerySyntaxError),
        (D, 'instrument = "Cam1"', QuerySyntaxError),
        (D, "!x", QuerySyntaxError),
        (D, "instrument = 'Cam1' # c", QuerySyntaxError),
        (D, "instrument = 'Cam1';", QuerySyntaxError),
        (D, "'it''s' = 'x'", QuerySyntaxError),
        (D, "0x1", QuerySyntaxError),
        (D, "a.b.c.d = 1", QuerySyntaxError),
        (D, "T '2021-09-10'", QuerySyntaxError),
        (E, "exposure.timespan.begin > T'2021-09-10/nope'", QuerySyntaxError),
        (V, "visit.region OVERLAPS POLYGON(-1,-1,1,-1)", QuerySyntaxError),
        (V, "visit.region OVERLAPS POINT(0)", QuerySyntaxError),
        (V, "visit.region OVERLAPS POINT(0, 91)", QueryTypeError),
        (V, "visit.region OVERLAPS REGION('CIRCLE 1')", QueryTypeError),
        (V, "visit.region = visit.region", QueryTypeError),
        (D, "nope = 1", QueryNameError),
        (D, "detector.nope = 1", QueryNameError),
        (D, "INSTRUMENT = 'Cam1'", QueryNameError),
        (E, "exposure.band='g'", QueryNameError),
        (E, "timespan.begin > T'2021-09-10'", QueryNameError),
        (D, "ingest_date > T'2020-01-01'", QueryNameError),
        (B, "flat.run = 'imported_g'", QueryNameError),
        (D, "detector = :nope", QueryNameError),
        (D, "'x'", QueryTypeError),
        (D, "detector", QueryTypeError),
        (D, "instrument='Cam1' AND detector = :x", QueryTypeError),
        (D, "instrument='\ud800'", QueryTypeError),
        (D, "instrument='\0'", QueryTypeError),
        (E, "exposure.timespan OVERLAPS day_obs.timespan", QueryJoinError),
        (["visit", "tract", "htm7"], "", QueryJoinError),
        (V, "visit.region OVERLAPS POINT(0,0) OR visit=1", QueryGovernorError),
        (["htm7"], "", UnimplementedQueryError),
    ],
)
def test_errors(example: SqlRegistry, result: str | list[str], where: str, error: type[PachonError]) -> None:
    def ask() -> object:
        if isinstance(result, str):
            return example.query.datasets(result, "imported_g", where=where, bind={"x": object()})
        return example.query.data_ids(result, where=where, bind={"x": object()})

    with pytest.raises(error) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_errors_of_searches(example: SqlRegistry) -> None:
    with pytest.raises(CalibrationLookupError):
        example.query.datasets("bias", "calib")
    # Detector 1 has one bias, 2 and 3 have two.
    (only,) = example.query.datasets("bias", "calib", order_by="detector", limit=1)
    assert only.data_id["detector"] == 1
    with pytest.raises(CalibrationLookupError):
        example.query.datasets("bias", "calib", order_by="detector", limit=2)
    with pytest.raises(InvalidQueryError):
        example.query.datasets("bias", "*")
    with pytest.raises(InvalidQueryError):
        example.query.data_ids(E, order_by="exposure.can_see_sky")
    with pytest.raises(MissingCollectionError):
        example.query.datasets("bias", "nope")
    with pytest.raises(MissingDatasetTypeError):
        example.query.datasets("nope", "imported_g")
