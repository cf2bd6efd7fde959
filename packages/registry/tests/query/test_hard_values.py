# SPDX-License-Identifier: BSD-3-Clause
"""Values at the ends of their types, very long expressions, and text that looks like SQL: both databases answer alike."""

import datetime
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.datasets import CollectionType, DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable
from pachon.registry import MissingCollectionError, SqlRegistry
from pachon.registry.errors import QueryTypeError
from pachon.registry.testing.example import fill_example

CAM = "instrument = 'Cam1' AND "
ODD = 'O\'Brien "x" é%_\\ ;--'
LARGE = 2**53 + 1


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlRegistry]:
    """The example with an instrument and detectors that are hard to write."""
    from pachon.registry.testing.postgresql import shared_server

    url = f"sqlite:///{tmp_path_factory.mktemp('odd')}/registry.sqlite3"
    if request.param == "postgresql":
        url = shared_server().url(shared_server().create_database())
    with SqlRegistry.create(url) as registry:
        fill_example(registry, Path(__file__).parents[1] / "data" / "example")
        registry.dimension_records.insert("instrument", [{"name": ODD}])
        rows = [{"instrument": ODD, "id": i, "full_name": f"[{i}]*?\\"} for i in (1, LARGE, 2**62)]
        registry.dimension_records.insert("detector", rows)
        yield registry


def _count(registry: SqlRegistry, where: str, dimension: str = "detector", **bind: Any) -> int:
    return len(registry.query.data_ids([dimension], where=where, bind=bind))


@pytest.mark.parametrize(
    ("where", "bind", "dimension", "count"),
    [
        ("exposure.tracking_ra < :x", {"x": math.inf}, "exposure", 2),
        ("exposure.tracking_ra > :x", {"x": -math.inf}, "exposure", 2),
        ("exposure.tracking_ra IN (:x)", {"x": [math.inf, 10.0, *range(100, 3000)]}, "exposure", 1),
        ("exposure.tracking_ra IN (:x)", {"x": [math.inf, 10.0]}, "exposure", 1),
        (f"{CAM}detector IN (:x)", {"x": True}, "detector", 1),
        (f"{CAM}detector IN (:x)", {"x": [True, 2]}, "detector", 2),
        (f"{CAM}detector IN (1.0, 2.5, 3)", {}, "detector", 2),
        (f"instrument = :i AND detector IN ({LARGE}, 1.5)", {"i": ODD}, "detector", 1),
        (f"instrument = :i AND detector = {LARGE - 1}.0", {"i": ODD}, "detector", 0),
        ("instrument = :i AND detector = :d", {"i": ODD, "d": 2.0**62}, "detector", 1),
        (f"{CAM}detector IN (-9223372036854775807..9223372036854775807:3)", {}, "detector", 1),
        (f"{CAM}detector IN (-5..4:3)", {}, "detector", 2),
        (f"{CAM}detector IN (1..9223372036854775807:9223372036854775806)", {}, "detector", 1),
        (f"{CAM}detector % 0 = 1 OR {CAM}detector / 0 = 1", {}, "detector", 0),
        ("instrument = :i AND GLOB(detector.full_name, :p)", {"i": ODD, "p": "[[]*"}, "detector", 0),
        ("instrument = :i AND GLOB(detector.full_name, :p)", {"i": ODD, "p": "[?]\\*\\?\\\\"}, "detector", 1),
        ("instrument = :i AND GLOB(detector.full_name, :p)", {"i": ODD, "p": "[*"}, "detector", 3),
        ("exposure.timespan.begin > T'0001-01-01'", {}, "exposure", 4),
        ("exposure.timespan.begin < T'9999-12-31'", {}, "exposure", 4),
        ("exposure.timespan OVERLAPS T'mjd/1e300/tai'", {}, "exposure", 0),
        ("exposure.timespan.begin > :t", {"t": datetime.datetime(1, 1, 1)}, "exposure", 4),  # noqa: DTZ001  TAI
    ],
)
def test_ends_of_types(odd: SqlRegistry, where: str, bind: dict[str, Any], dimension: str, count: int) -> None:
    assert _count(odd, where, dimension, **bind) == count


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        # The detectors are 1, 2**53 + 1 and 2**62; what does not fit is unknown, also under NOT.
        ("detector + 9223372036854775807 > 0", 0),
        ("NOT (detector + 9223372036854775807 > 0)", 0),
        ("detector + 9223372036854775806 > 0", 1),
        ("detector + detector > 0", 2),
        ("detector + detector - detector = detector", 2),
        ("0 - detector - 9223372036854775807 < 0", 1),
        ("0 - detector - 9223372036854775806 < 0", 1),
        ("detector * 2048 > 0", 1),
        ("detector * 1023 > 0", 2),
        ("detector * -2 < 0", 3),
        ("-(0 - detector - detector) > 0", 2),
        ("(detector * 2048) % 2 = 0", 1),
        ("(detector * 4 + 1) * 0 = 0", 2),
        ("detector * 2 + 0.5 > 0", 2),
        ("detector + 0.5 > 0", 3),
        ("(detector / 2) % 2 = 0", 3),
        ("(7 / 2) % 2 = 1", 3),
        ("detector / 2 + 1 = 1.5", 1),
    ],
)
def test_integers_that_do_not_fit_are_unknown(odd: SqlRegistry, condition: str, count: int) -> None:
    assert _count(odd, f"instrument = :i AND {condition}", i=ODD) == count


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        # tracking_ra is 10.0, 11.5, and null twice.
        ("exposure.tracking_ra * 1e308 > 0", 0),
        ("exposure.tracking_ra * 1e307 > 0", 2),
        ("exposure.tracking_ra * -1e308 < 0", 0),
        ("exposure.tracking_ra / 1e-308 > 0", 0),
        ("exposure.tracking_ra / 1e-307 > 0", 2),
        ("1.0 / (exposure.tracking_ra * 1e308) = 0", 0),
        ("exposure.tracking_ra * 1e-308 * 1e-308 = 0", 2),
        ("exposure.tracking_ra / 1e308 / 1e308 = 0", 2),
        ("exposure.tracking_ra * 1e307 + 1e308 > 0", 0),
        ("exposure.tracking_ra + 1e308 > 0", 2),
        ("0.0 - 1e308 - exposure.tracking_ra * 1e307 < 0", 0),
        ("exposure.tracking_ra * 0.0 = 0", 2),
        ("exposure.tracking_ra + :infinity > 0", 0),
        ("exposure.tracking_ra * :infinity > 0", 0),
        ("exposure.tracking_ra / :infinity = 0", 2),
        (":infinity / exposure.tracking_ra > 0", 0),
        ("-exposure.tracking_ra < 0", 2),
    ],
)
def test_fractions_that_do_not_fit_are_unknown(odd: SqlRegistry, condition: str, count: int) -> None:
    bind = {"infinity": math.inf} if ":infinity" in condition else {}
    assert _count(odd, f"{CAM}{condition}", "exposure", **bind) == count


def test_calculations_may_be_long_and_nested(odd: SqlRegistry) -> None:
    assert _count(odd, f"{CAM}detector{' + 1' * 99} = 100") == 1
    assert _count(odd, f"{CAM}{'(' * 5}detector{' + 1) % 1000' * 5} = 6") == 1
    deep = f"{CAM}{'(' * 30}detector{' + 1) % 1000' * 30} = 31"
    if odd._state.dialect == "sqlite":
        with pytest.raises(InvalidInputError, match="nested too deep for the database; write it with fewer"):
            _count(odd, deep)
    else:
        assert _count(odd, deep) == 1
    assert _count(odd, f"{CAM}{'(' * 30}detector{' * 2.0) / 2' * 30} = 1") == 1


@pytest.mark.parametrize("value", [math.nan, [1.0, math.nan]])
def test_nan_is_refused(odd: SqlRegistry, value: Any) -> None:
    with pytest.raises(QueryTypeError, match="NaN"):
        _count(odd, "exposure.tracking_ra IN (:x)", "exposure", x=value)
    with pytest.raises(QueryTypeError, match="NaN"):
        _count(odd, "visit.region OVERLAPS CIRCLE(0, 0, :x)", "visit", x=math.nan)


def test_what_does_not_fit_into_64_bits(odd: SqlRegistry) -> None:
    with pytest.raises(QueryTypeError, match="64 bits"):
        _count(odd, f"{CAM}detector > -:x", x=-(2**63))


@pytest.mark.parametrize("count", [99, 101, 3000, 15_000])
def test_long_rows_of_conditions(odd: SqlRegistry, count: int) -> None:
    either = " OR ".join(f"detector = {n}" for n in range(2, count))
    assert _count(odd, f"{CAM}({either})") == 3
    assert _count(odd, f"{CAM}NOT ({either})") == 1
    assert _count(odd, CAM + " AND ".join(f"detector != {n}" for n in range(2, count))) == 1


@pytest.mark.parametrize("names", [[f"coadd_{'x' * 70}_{letter}" for letter in "ab"], ["image", "Image", "iMage"]])
def test_names_of_dataset_types_that_databases_mix_up(any_url: str, names: list[str]) -> None:
    with SqlRegistry.create(any_url) as registry:
        fill_example(registry, Path(__file__).parents[1] / "data" / "example")
        registry.collections.register("long", CollectionType.RUN)
        for name in names:
            dataset_type = DatasetType(name, ["exposure", "detector"], "Image", universe=registry.universe)
            registry.dataset_types.register(dataset_type)
            rows = [{"instrument": "Cam1", "exposure": 1, "detector": detector} for detector in (1, 2)]
            table = DataIdTable.from_rows(dataset_type.dimensions, rows)
            registry.datasets.insert(DatasetTable(dataset_type, table, new_ids(2), "long"))
        searches = [DatasetSearch(dataset_type=name, collections=("long",)) for name in names]
        where = " AND ".join(f"{name}.run = 'long' AND {name}.ingest_date > T'2020-01-01'" for name in names)
        assert len(registry.query.data_ids(["exposure", "detector"], datasets=searches, where=where)) == 2
        fields = [f"{name}.run" for name in names]
        assert len(registry.query.general(["exposure", "detector"], fields, datasets=searches)) == 2


@pytest.mark.parametrize("text", ["\x00", "\ud800", "'; DROP TABLE collection; --"])
def test_odd_collections(odd: SqlRegistry, text: str) -> None:
    with pytest.raises((MissingCollectionError, InvalidInputError)):
        odd.query.datasets("bias", [text])


def test_names_are_data(odd: SqlRegistry) -> None:
    assert _count(odd, "instrument = :i AND detector = 1", i=ODD) == 1
    assert len(odd.query.data_ids(["detector"], data_id={"instrument": ODD})) == 3
    assert len(odd.query.data_ids(["detector"], defaults={"instrument": ODD})) == 3


@pytest.mark.parametrize("order", ["exposure.timespan.begin", "-exposure.timespan.end"])
def test_order_by_a_bound_of_a_time_span_with_datasets(odd: SqlRegistry, order: str) -> None:
    search = DatasetSearch(dataset_type="raw", collections=("proc",))
    expected = [3, 2, 1] if order.startswith("-") else [1, 2, 3]
    found = odd.query.data_ids(["exposure"], datasets=[search], order_by=[order])
    assert found.column("exposure").tolist() == expected
    datasets = odd.query.datasets("raw", "proc", order_by=[order, "detector"])
    assert [ref.data_id["exposure"] for ref in datasets][::2] == expected
    table = odd.query.general(["exposure"], ["exposure.timespan.begin", "raw.run"], datasets=[search], order_by=[order])
    assert table.arrays["exposure"][0].decode().tolist() == expected
