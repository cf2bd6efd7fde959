# SPDX-License-Identifier: BSD-3-Clause
"""Overlaps inside OR and NOT, products that are refused, and general results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lsst.sphgeom import DISJOINT

from pachon.datasets import DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable, Timespan, region_from_bytes
from pachon.dimensions.region import circle
from pachon.registry import SqlRegistry
from pachon.registry.errors import CalibrationLookupError, InvalidQueryError, QueryJoinError, UnimplementedQueryError
from pachon.registry.query.products import MOST_PRODUCT_ROWS
from pachon.registry.testing.example import fill_example


def _pairs(example: SqlRegistry, one: str, other: str) -> set[tuple[Any, Any]]:
    """Give the keys of all records of two elements whose regions overlap, in plain Python."""
    records = [list(example.dimension_records.fetch(name)) for name in (one, other)]
    return {
        (a.id, b.id)
        for a in records[0]
        for b in records[1]
        if not region_from_bytes(a.region_bytes).relate(region_from_bytes(b.region_bytes)) & DISJOINT
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("bias.timespan OVERLAPS exposure.timespan", {(e, d) for e in (1, 2) for d in (1, 2, 3)}),
        ("NOT (bias.timespan OVERLAPS exposure.timespan)", {(e, d) for e in (1, 2) for d in (2, 3, 4)}),
        (
            "exposure.timespan OVERLAPS bias.timespan OR detector = 4",
            {(e, d) for e in (1, 2) for d in (1, 2, 3, 4)},
        ),
        # One calibration is not valid at the time of the exposure because it overlaps another one.
        ("bias.timespan OVERLAPS dark.timespan", set()),
        ("bias.timespan OVERLAPS dark.timespan OR detector = 4", set()),
        ("dark.timespan OVERLAPS exposure.timespan AND bias.timespan OVERLAPS dark.timespan", set()),
        ("NOT (dark.timespan OVERLAPS exposure.timespan)", {(e, 1) for e in (1, 2)}),
        ("NOT (dark.timespan OVERLAPS exposure.timespan) AND bias.timespan OVERLAPS dark.timespan", {(1, 1), (2, 1)}),
        ("bias.timespan OVERLAPS note.timespan AND note.timespan OVERLAPS exposure.timespan", {(1, 1), (2, 1)}),
    ],
)
def test_written_overlaps_of_calibrations_stand_for_those_that_are_added(
    any_url: str, where: str, expected: set[tuple[int, int]]
) -> None:
    late = Timespan("2021-09-09T12:00:00", "2021-09-11T00:00:00")
    with SqlRegistry.create(any_url) as registry:
        fill_example(registry, Path(__file__).parents[1] / "data" / "example")
        for name in ("dark", "note"):
            kind = DatasetType(name, ["detector"], "int", universe=registry.universe, is_calibration=name == "dark")
            registry.dataset_types.register(kind)
            place = DataIdTable.from_rows(kind.dimensions, [{"instrument": "Cam1", "detector": 1}])
            table = DatasetTable(kind, place, new_ids(1), "imported_g")
            registry.datasets.insert(table)
            if name == "dark":
                registry.collections.certify("calib", list(table), late)
        searches = [
            DatasetSearch(dataset_type=name, collections=("calib" if name != "note" else "imported_g",))
            for name in ("bias", "dark", "note")
            if f"{name}." in where
        ]
        found = registry.query.data_ids(
            ["exposure", "detector"], datasets=searches, where=f"instrument = 'Cam1' AND exposure < 3 AND ({where})"
        )
        assert {(d["exposure"], d["detector"]) for d in found} == expected


def test_regions_that_do_not_overlap(example: SqlRegistry) -> None:
    near = _pairs(example, "visit", "tract")
    every = {(v, t) for v in (1, 2) for t in (0, 1)}
    found = example.query.data_ids(["visit", "tract"], where="NOT visit.region OVERLAPS tract.region")
    assert {(d["visit"], d["tract"]) for d in found} == every - near
    some = example.query.data_ids(
        ["visit", "tract"],
        where="instrument = 'Cam1' AND skymap = 'SkyMap1' AND (visit.region OVERLAPS tract.region OR tract = 1)",
    )
    assert {(d["visit"], d["tract"]) for d in some} == near | {(v, 1) for v in (1, 2)}


def test_pixels_inside_or(example: SqlRegistry) -> None:
    pixel = example.universe.pixelization("htm7")
    point = 253952
    where = f"instrument = 'Cam1' AND visit = 1 AND (htm7.region OVERLAPS POINT(0, 0) OR htm7 < {point})"
    found = example.query.data_ids(["visit", "htm7"], where=where)
    every = example.query.data_ids(["visit", "htm7"], where="instrument = 'Cam1' AND visit = 1")
    wanted = {
        d["htm7"] for d in every if d["htm7"] < point or not pixel.pixel(d["htm7"]).relate(circle(0, 0, 0)) & DISJOINT
    }
    assert {d["htm7"] for d in found} == wanted
    assert len(found) < len(every)
    overlap = "instrument = 'Cam1' AND NOT (visit.region OVERLAPS htm7.region) AND htm7 = 253952"
    table = DataIdTable.from_rows(example.universe.conform(["htm7"]), [{"htm7": 253952}])
    assert len(example.query.data_ids(["visit", "htm7"], where=overlap, tables=[table])) < 2


def test_unknown_regions_satisfy_neither_an_overlap_nor_its_negation(registry: SqlRegistry) -> None:
    registry.dimension_records.insert("skymap", [{"name": "sky", "hash": b"x", "tract_max": 3}])
    rows = [{"skymap": "sky", "id": i, "region": circle(10 * i, 0, 1) if i else None} for i in range(3)]
    registry.dimension_records.insert("tract", rows)
    for where, tracts in (
        ("NOT tract.region OVERLAPS POINT(10, 0)", {2}),
        ("tract.region OVERLAPS POINT(10, 0) OR tract.region = NULL", {0, 1}),
    ):
        assert {d["tract"] for d in registry.query.data_ids(["tract"], where=where)} == tracts


def test_large_products_are_refused(registry: SqlRegistry) -> None:
    insert = registry.dimension_records.insert
    insert("instrument", [{"name": "Cam"}])
    insert("physical_filter", [{"instrument": "Cam", "name": "r", "band": "r"}])
    insert("day_obs", [{"instrument": "Cam", "id": 20240101}])
    insert("group", [{"instrument": "Cam", "name": "g"}])
    shared = {"instrument": "Cam", "physical_filter": "r", "day_obs": 20240101, "group": "g"}
    insert("exposure", [{**shared, "id": i, "obs_id": str(i)} for i in range(400)])
    insert("skymap", [{"name": "sky", "hash": b"x", "tract_max": 400}])
    insert("tract", [{"skymap": "sky", "id": i} for i in range(400)])
    assert MOST_PRODUCT_ROWS < 400 * 400
    with pytest.raises(QueryJoinError) as caught:
        registry.query.data_ids(["exposure", "tract"])
    assert "400 of exposure" in str(caught.value)
    assert "400 of tract" in str(caught.value)
    assert "visit would relate them" in str(caught.value)
    with pytest.raises(QueryJoinError):
        list(registry.query.batches(registry.query.spec(["exposure", "tract"])))
    # What is dropped to find out why nothing is found may be what relates the parts.
    related = "instrument = 'Cam' AND skymap = 'sky' AND exposure.seq_num = tract"
    spec = registry.query.spec(["exposure", "tract"], where=related)
    assert "exposure.seq_num = tract" in registry.query.explain_empty(spec)[0]
    # A small part is no danger, nor are two that something relates.
    assert len(registry.query.data_ids(["exposure", "tract"], where="instrument = 'Cam' AND exposure < 100")) == 40_000
    assert len(registry.query.data_ids(["band", "tract"])) == 400
    assert (
        len(
            registry.query.data_ids(
                ["exposure", "tract"], where="instrument = 'Cam' AND skymap = 'sky' AND exposure.seq_num = tract"
            )
        )
        == 0
    )
    assert len(registry.query.data_ids(["visit", "exposure", "tract"])) == 0


def test_levels_of_one_pixelization_are_not_joined(example: SqlRegistry) -> None:
    with pytest.raises(
        QueryJoinError, match="Pixels of htm7 and htm9 cannot be joined: they are levels of one pixelization"
    ):
        example.query.data_ids(["htm7", "htm9"], where="htm7 = 253952 AND htm7.region OVERLAPS htm9.region")


def test_what_relates_regions_of_two_families(example: SqlRegistry) -> None:
    """A table of visits and patches relates these, but not the detectors of the visits."""
    universe = example.universe
    every = [(d["visit"], d["patch"], d["tract"]) for d in example.query.data_ids(["visit", "patch"])]
    rows = [{"instrument": "Cam1", "visit": v, "skymap": "SkyMap1", "tract": t, "patch": p} for v, p, t in every]
    table = DataIdTable.from_rows(universe.conform(["visit", "patch"]), rows)
    assert len(example.query.data_ids(["visit", "patch"], tables=[table])) == 10
    assert len(example.query.data_ids(["visit", "detector", "patch"], tables=[table])) == 20
    assert len(example.query.data_ids(["visit", "detector", "patch"])) == 20


def test_bounds_of_an_unknown_time_span(registry: SqlRegistry) -> None:
    registry.dimension_records.insert("instrument", [{"name": "Cam"}])
    registry.dimension_records.insert("day_obs", [{"instrument": "Cam", "id": 1}])

    def count(where: str) -> int:
        return len(registry.query.data_ids(["day_obs"], where=where))

    assert count("day_obs.timespan.end < T'2000-01-01'") == 1
    assert count("day_obs.timespan.begin = NULL") == 0
    assert count("day_obs.timespan = NULL") == 1
    assert count("day_obs.timespan.end < T'2000-01-01' AND day_obs.timespan != NULL") == 0
    assert count("day_obs.timespan OVERLAPS T'2000-01-01'") == 0
    assert count("NOT day_obs.timespan OVERLAPS T'2000-01-01'") == 0


def test_a_name_means_a_field_of_the_result_first(example: SqlRegistry) -> None:
    search = [DatasetSearch(dataset_type="calexp", collections=("proc",))]
    assert len(example.query.data_ids(["band"], where="name = 'g'", datasets=search)) == 1
    with pytest.raises(InvalidQueryError, match="ambiguous"):
        example.query.data_ids(["visit", "exposure"], where="seq_num = 1")


@pytest.mark.parametrize("fields", [["bias.run"], ["bias.collection"], ["bias.dataset_id", "bias.timespan"]])
def test_fields_of_ambiguous_calibrations_are_refused(example: SqlRegistry, fields: list[str]) -> None:
    searches = [DatasetSearch(dataset_type="bias", collections=("calib", "imported_g"))]
    where = "instrument = 'Cam1' AND detector > 1"

    def ask(dimensions: Sequence[str], *, where: str = where, find_first: bool = True, limit: int | None = None) -> int:
        found = example.query.general(
            dimensions,
            fields,
            datasets=searches,
            where=where,
            find_first=find_first,
            order_by=[f"-{dimensions[-1]}"],
            limit=limit,
        )
        return len(found)

    with pytest.raises(CalibrationLookupError, match=r"Several datasets bias .* 'calib'"):
        ask(["detector"])
    assert ask(["detector"], where="instrument = 'Cam1' AND detector IN (1, 4)") == 2
    assert ask(["detector"], limit=1) == 1
    assert ask(["exposure", "detector"]) == 10
    assert ask(["detector"], find_first=False) >= 3
    # Of an instrument all are wanted.
    assert ask(["instrument"], where="instrument = 'Cam1'") >= 1


def test_several_calibration_types_are_valid_at_one_time(example: SqlRegistry) -> None:
    types = example.query.general(
        ["exposure", "detector"],
        ["bias.dataset_id", "bias.run", "bias.timespan"],
        datasets=[DatasetSearch(dataset_type="bias", collections=("calib",))],
        where="instrument = 'Cam1' AND detector = 2",
        order_by="exposure",
    )
    assert [row["bias.run"] for row in types] == ["imported_g"] * 2 + ["imported_r"] * 2


def test_general_results_are_ordered_by_datasets_that_they_show(example: SqlRegistry) -> None:
    bias = [DatasetSearch(dataset_type="bias", collections=("chain",))]

    def found(*order: str, fields: Sequence[str] = ("bias.run",), **more: Any) -> list[tuple[Any, ...]]:
        table = example.query.general(["detector"], fields, datasets=bias, order_by=order, **more)
        return [(row["detector"], row[fields[0]]) for row in table]

    assert found("-bias.run", "detector") == [
        (2, "imported_r"), (4, "imported_r"), (1, "imported_g"), (3, "imported_g"),
    ]  # fmt: skip
    assert found("-bias.run", "-detector", limit=2) == [(4, "imported_r"), (2, "imported_r")]
    every = found("bias.run", "detector", find_first=False)
    assert len(every) == len(set(every)) == 6
    assert every == sorted(every, key=lambda row: row[::-1])
    assert found("run", "detector", fields=["run"]) == found("bias.run", "detector")
    assert len(found("bias.run", "bias.ingest_date", fields=["bias.dataset_id"], find_first=False)) == 6
    begins = found("-bias.timespan.begin", fields=["bias.timespan"], find_first=False)
    assert begins == sorted(begins, key=lambda row: row[1].begin_ns, reverse=True)
    with pytest.raises(InvalidQueryError, match=r"'bias.collection', which is not among the fields of the result"):
        found("bias.collection")
    with pytest.raises(InvalidQueryError, match=r"'bias.collection', which is not among the fields of the result"):
        found("bias.collection", fields=["bias.dataset_id"])
    with pytest.raises(InvalidQueryError, match="has not been joined"):
        found("raw.run")


def test_why_results_are_not_ordered_by_other_datasets(example: SqlRegistry) -> None:
    raw = [DatasetSearch(dataset_type="raw", collections=("proc",))]
    why = (
        r"cannot be ordered by a field of the dataset type 'raw', of which each may have several datasets\. .*'raw.run'"
    )
    with pytest.raises(InvalidQueryError, match=f"by '-raw.run': data IDs {why}"):
        example.query.data_ids(["exposure"], datasets=raw, order_by="-raw.run")
    with pytest.raises(InvalidQueryError, match=f"dimension records {why}"):
        example.query.records("exposure", datasets=raw, order_by="raw.run")
    with pytest.raises(InvalidQueryError, match=f"datasets of type 'bias' {why}"):
        example.query.datasets("bias", "chain", find_first=False, datasets=raw, order_by="raw.run")


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("exposure,detector", "give the names one by one: 'exposure', 'detector'"),
        ("exposure desc", "write -exposure; a '-' before a name reverses"),
        ("exposure ASC", "write exposure; "),
        ("-exposure.timespan", "which is a time span: write -exposure.timespan.begin or -exposure.timespan.end"),
    ],
)
def test_how_an_order_is_written(example: SqlRegistry, order: str, told: str) -> None:
    with pytest.raises(InvalidQueryError, match=f"cannot be ordered by '{order}'.*{told}"):
        example.query.data_ids(["exposure", "detector"], order_by=[order])


def test_general_results(example: SqlRegistry) -> None:
    raw = [DatasetSearch(dataset_type="raw", collections=("proc",))]
    fields = [
        "exposure.obs_id",
        "raw.collection",
        "exposure.can_see_sky",
        "exposure.tracking_ra",
        "exposure.timespan.begin",
    ]
    table = example.query.general(["exposure"], fields, datasets=raw, order_by="-exposure")
    rows = list(table)
    assert [row["exposure"] for row in rows] == [3, 2, 1]
    assert [row["exposure.can_see_sky"] for row in rows] == [False, True, True]
    assert [row["exposure.tracking_ra"] for row in rows] == [None, 11.5, 10.0]
    assert {row["raw.collection"] for row in rows} == {"proc"}
    assert table[0] == rows[0]
    assert list(table[1:]) == rows[1:]
    assert "exposure.obs_id" in repr(table)
    bias = [DatasetSearch(dataset_type="bias", collections=("chain",))]
    first = example.query.general(["detector"], ["bias.run"], datasets=bias, order_by="detector")
    assert [(r["detector"], r["bias.run"]) for r in first] == [
        (1, "imported_g"), (2, "imported_r"), (3, "imported_g"), (4, "imported_r"),
    ]  # fmt: skip
    every = example.query.general(["detector"], ["bias.run"], datasets=bias, find_first=False)
    assert len(every) == 6
    assert len(example.query.general(["instrument"], ["bias.run"], datasets=bias, find_first=False)) == 2
    both = example.query.general(["tract"], ["tract.region", "skymap.hash"])
    assert all(isinstance(r["tract.region"], bytes) for r in both)
    assert len(example.query.general(["visit"], ["htm7"])) == 5
    with pytest.raises(InvalidQueryError):
        example.query.general(["visit"], ["nope"])


@pytest.mark.parametrize("known", ["value", "table", "visit"])
def test_two_pixelizations_joined_only_with_each_other(example: SqlRegistry, known: str) -> None:
    cells, points = example.universe.pixelization("htm7"), example.universe.pixelization("healpix9")
    of_visit = example.query.data_ids(["visit", "htm7"], where="instrument = 'Cam1' AND visit = 1").columns["htm7"]
    pixels = sorted(set(of_visit.tolist()))
    if known == "value":
        found = example.query.data_ids(["htm7", "healpix9"], where=f"htm7 = {pixels[0]}")
        pixels = pixels[:1]
    elif known == "table":
        pixels = pixels[:2]
        table = DataIdTable.from_rows(example.universe.conform(["htm7"]), [{"htm7": pixel} for pixel in pixels])
        found = example.query.data_ids(["htm7", "healpix9"], tables=[table])
    else:
        overlaps = "visit.region OVERLAPS htm7.region AND healpix9.region OVERLAPS htm7.region"
        found = example.query.data_ids(
            ["visit", "htm7", "healpix9"], where=f"instrument = 'Cam1' AND visit = 1 AND {overlaps}"
        )
    expected = {
        (pixel, point)
        for pixel in pixels
        for begin, end in points.envelope(cells.pixel(pixel))
        for point in range(begin, end)
        if not cells.pixel(pixel).relate(points.pixel(point)) & DISJOINT
    }
    assert {(d["htm7"], d["healpix9"]) for d in found} == expected
    assert len(found) == len(expected) > 20


def test_the_other_pixelization_alone(example: SqlRegistry) -> None:
    both = example.query.data_ids(["htm7", "healpix9"], where="htm7 = 253952")
    alone = example.query.data_ids(["healpix9"], where="htm7 = 253952")
    assert {d["healpix9"] for d in alone} == {d["healpix9"] for d in both}
    assert len(example.query.data_ids(["htm7", "healpix9"], where="htm7 = 1")) == 0


def test_pixelizations_that_nothing_gives_are_refused(example: SqlRegistry) -> None:
    with pytest.raises(UnimplementedQueryError, match=r"say which pixel \(healpix9 = ...\)"):
        example.query.data_ids(["htm7", "healpix9"])
    with pytest.raises(UnimplementedQueryError, match="inside OR or NOT"):
        example.query.data_ids(
            ["htm7", "healpix9"], where="htm7 = 253952 AND NOT (htm7.region OVERLAPS healpix9.region) AND healpix9 = 1"
        )
