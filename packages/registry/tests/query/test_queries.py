# SPDX-License-Identifier: BSD-3-Clause
"""Order, limits, given tables, records, plans and explanations of queries."""

import itertools
import re
import uuid
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.datasets import DatasetSearch, DatasetType
from pachon.dimensions import DataIdTable, UnknownDimensionError
from pachon.registry import InvalidQueryError, MissingCollectionError, SqlRegistry
from pachon.registry.collection_names import match_glob
from pachon.registry.errors import QueryNameError
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.sql_values import longest_list
from pachon.registry.query.tree import All, Any_, Comparison, Constant, Key
from pachon.registry.testing.example import load_records
from pachon.registry.testing.statements import noted_statements


def _column(found: Any, name: str) -> list[Any]:
    return list(found.column(name).tolist())


def test_names_outside_of_the_expression_are_told_as_what_they_are(example: SqlRegistry) -> None:
    with pytest.raises(QueryNameError) as caught:
        example.query.data_ids(["detector"], where="instrument = 'Cam1'", order_by="-detecter")
    assert str(caught.value) == (
        "Results cannot be ordered by '-detecter': The name 'detecter' is not known. Did you mean 'detector'?"
    )
    with pytest.raises(QueryNameError, match=r"^There is no column 'detector\.nam': 'detector' has no field 'nam'"):
        example.query.general(["detector"], ["detector.nam"], where="instrument = 'Cam1'")


def test_order(example: SqlRegistry) -> None:
    query = example.query.data_ids
    assert _column(query(["exposure"], order_by="-exposure"), "exposure") == [4, 3, 2, 1]
    ascending = query(["exposure"], order_by=["exposure.tracking_ra", "-exposure"])
    assert _column(ascending, "exposure") == [1, 2, 4, 3]
    descending = query(["exposure"], order_by=["-tracking_ra", "exposure"])
    assert _column(descending, "exposure") == [3, 4, 2, 1]
    assert _column(query(["exposure"], order_by="exposure.timespan.begin", limit=2), "exposure") == [1, 2]
    datasets = example.query.datasets("bias", ["imported_r", "imported_g"], order_by=["-detector"])
    assert _column(datasets.data_ids, "detector") == [4, 3, 2, 1]
    by_run = example.query.datasets(
        "bias", ["imported_r", "imported_g"], order_by=["run", "detector"], find_first=False
    )
    assert [(r.run[-1], r.data_id["detector"]) for r in by_run] == [(r, d) for r, ds in _RUNS for d in ds]
    records = example.query.records("patch", order_by=["-tract", "cell_y", "-cell_x"], limit=3)
    assert [(r.tract, r.cell_y, r.cell_x) for r in records] == [(1, 0, 1), (1, 0, 0), (1, 1, 1)]


_RUNS = (("g", (1, 2, 3)), ("r", (2, 3, 4)))


@pytest.mark.parametrize("order", ["", "nope", "exposure.can_see_sky", "1", "exposure = 1", "visit", "bias.run"])
def test_bad_orders(example: SqlRegistry, order: str) -> None:
    with pytest.raises(InvalidQueryError):
        example.query.data_ids(["exposure"], order_by=[order])


def test_limit(example: SqlRegistry) -> None:
    query = example.query.data_ids
    assert len(query(["detector"], limit=2)) == 2
    assert len(query(["detector"], limit=20)) == 6
    assert len(query(["detector"], limit=-6)) == 6
    assert len(query(["detector"], limit=0)) == 0
    with pytest.raises(InvalidQueryError):
        query(["detector"], where="nope = 1", limit=0)
    with pytest.warns(UserWarning, match="more than 2"):
        assert len(query(["detector"], limit=-2)) == 2
    with warnings.catch_warnings():
        # Only a number is given, be it counted here or by the database.
        warnings.simplefilter("error")
        assert example.query.count(example.query.spec(["detector"], limit=-2)) == 2
        touching = example.query.spec(["visit", "detector"], where="visit.region OVERLAPS CIRCLE(0, 0, 0.7)", limit=-2)
        assert example.query.count(touching) == 2
    # Rows are dropped after the database here: the limit counts what is left.
    where = "visit.region OVERLAPS CIRCLE(0, 0, 0.7)"
    every = query(["visit", "detector"], where=where)
    assert len(query(["visit", "detector"], where=where, limit=len(every) - 1)) == len(every) - 1
    assert len(example.query.datasets("bias", ["imported_g", "imported_r"], limit=3)) == 3
    assert len(example.query.records("detector", limit=5)) == 5


def test_a_limit_stops_the_database_where_datasets_are_in_several_collections(example: SqlRegistry) -> None:
    collections = ["calib", "tagged", "imported_r", "imported_g"]
    asked: dict[str, Any] = {"find_first": False, "where": "instrument = 'Cam1' AND exposure > 0"}
    every = {ref.id for ref in example.query.datasets("bias", collections, **asked)}
    assert len(every) > 4
    with noted_statements(example) as noted:
        for number in range(1, len(every) + 2):
            del noted[:]
            found = [ref.id for ref in example.query.datasets("bias", collections, limit=number, **asked)]
            assert len(set(found)) == len(found) == min(number, len(every))
            assert every.issuperset(found)
            (select,) = [s for s, _ in noted if "exposure" in s and "EXPLAIN" not in s]
            assert "LIMIT" in select
        with pytest.warns(UserWarning, match="more than 2"):
            assert len(example.query.datasets("bias", collections, limit=-2, **asked)) == 2


def test_data_id(example: SqlRegistry) -> None:
    query = example.query.data_ids
    assert len(query(["detector"], data_id={"instrument": "Cam1"})) == 4
    assert len(query(["detector"], data_id={"instrument": "Cam1", "exposure": 3})) == 4
    assert len(query(["detector"], data_id={"instrument": "Cam1", "detector": np.int64(3)})) == 1
    with pytest.raises(InvalidQueryError):
        query(["detector"], data_id={"detector": 3})
    with pytest.raises(InvalidInputError):
        query(["detector"], data_id={"instrument": "Cam1", "detector": "3"})
    with pytest.raises(UnknownDimensionError):
        query(["detector"], data_id={"detektor": 3})


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("instrment = 'Cam1'", "The name 'instrment' is not known. Did you mean 'instrument'?"),
        (
            "exposure.observation_typ = 'a'",
            "'exposure' has no field 'observation_typ'. Did you mean 'observation_type'?",
        ),
        (
            "detector.qwxyz = 'a'",
            "'detector' has no field 'qwxyz'. It has instrument, id, full_name, name_in_raft, raft, purpose.",
        ),
        ("instrument = Cam1", "The name 'Cam1' is not known. Text stands in single quotes: 'Cam1'."),
        ("instrument IN ('Cam1', Cam2)", "The name 'Cam2' is not known. Text stands in single quotes: 'Cam2'."),
        ("exposure.target_name = None", "The name 'None' is not known: what has no value is NULL."),
        (
            "exposure.timespan.start > T'2025-01-01'",
            "The name 'exposure.timespan.start' is not known: a time span has begin and end.",
        ),
        ("exposure.begin > T'2025-01-01'", "'exposure' has no field 'begin'. Write exposure.timespan.begin."),
    ],
)
def test_unknown_names(example: SqlRegistry, where: str, message: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["exposure"], where=where)
    assert str(caught.value).endswith(f": {message}")


def test_unknown_fields_of_datasets(example: SqlRegistry) -> None:
    with pytest.raises(InvalidQueryError, match=r"'raw' has no field 'runn'\. Did you mean 'run'\?"):
        example.query.datasets("raw", "proc", where="raw.runn = 'proc'")
    with pytest.raises(InvalidQueryError, match=r"'raw' has no field 'file'\. It has dataset_id, run,"):
        example.query.datasets("raw", "proc", where="raw.file = 'proc'")


def test_text_that_is_bound_for_a_time(example: SqlRegistry) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["exposure"], where="exposure.timespan.begin > :t", bind={"t": "2025-01-01"})
    assert "datetime and string. A time is bound as an astropy Time." in str(caught.value)


@pytest.mark.parametrize(
    ("where", "ending"),
    [
        ("detector = '1'", "= does not take int and string. Write the number without quotes."),
        ("detector = 'D1'", "= does not take int and string. There is also detector.full_name."),
        ("'a' < exposure", "< does not take string and int. There is also exposure.obs_id."),
        ("day_obs = '2025-01-01'", "A day is a number: 20250101."),
        (
            "exposure.timespan.begin > '2025-01-01'",
            "> does not take datetime and string. A time is written T'2025-01-01'.",
        ),
        (
            "exposure.timespan > T'2025-01-01'",
            "datetime. Write exposure.timespan.begin or exposure.timespan.end, or OVERLAPS.",
        ),
        ("exposure.timespan.begin > 20250101", "A time is written T'2024-05-01 12:00', and a day T'2024-05-01'."),
        ("exposure.exposure_time > '3e1'", "> does not take float and string. Write the number without quotes."),
        ("exposure.exposure_time > 'long'", "> does not take float and string."),
        ("detector IN (1-5)", "A list of IN cannot hold expressions; ranges are written start..stop:stride."),
        ("exposure.timespan OVERLAPS '2025'", "OVERLAPS does not take timespan and string. A time is written T'2025'."),
    ],
)
def test_text_that_cannot_be_compared(example: SqlRegistry, where: str, ending: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["exposure", "detector"], where=where)
    assert str(caught.value).endswith(ending)


def test_how_regions_are_written_is_said(example: SqlRegistry) -> None:
    with pytest.raises(
        InvalidQueryError, match=r"'CIRCLE ICRS 1 2 3' cannot be read: .*; it is CIRCLE ra dec radius, RANGE"
    ):
        example.query.data_ids(["visit"], where="visit.region OVERLAPS REGION('CIRCLE ICRS 1 2 3')")
    for text, reason in (
        ("CIRCLE nan 0 1", "NaN is no number of degrees"),
        ("RANGE 0 1 0 +NaN", "NaN"),
        ("CIRCLE inf 0 1", "infinity is no place on the sky"),
        ("POLYGON 0 0 1 0 -1e400 1", "infinity is no place"),
        (" ", "it is empty"),
    ):
        with pytest.raises(InvalidQueryError, match=f"The region '{re.escape(text)}' cannot be read: {reason}"):
            example.query.data_ids(["visit"], where=f"visit.region OVERLAPS REGION('{text}')")
    for text, function in (
        ("CIRCLE 1 2 3", "CIRCLE(1, 2, 3)"),
        ("RANGE 1 2 3 4", "BOX(1.5, 3.5, 1, 1)"),
        ("POLYGON 1 1 2 1 2 2", "POLYGON(1, 1, 2, 1, 2, 2)"),
    ):
        found, wanted = (
            example.query.data_ids(["visit"], where=f"visit.region OVERLAPS {region}", order_by="visit")
            for region in (f"REGION('{text}')", function)
        )
        assert _column(found, "visit") == _column(wanted, "visit")


@pytest.mark.parametrize(("operator", "word"), [("&&", "AND"), ("||", "OR"), ("&", "AND")])
def test_operators_of_other_languages(example: SqlRegistry, operator: str, word: str) -> None:
    with pytest.raises(InvalidQueryError, match=rf"There is no operator '.'; write {word}\."):
        example.query.data_ids(["exposure"], where=f"exposure = 1 {operator} exposure = 2")


def test_tables(example: SqlRegistry) -> None:
    universe = example.universe
    rows = [{"instrument": "Cam1", "detector": d, "exposure": e} for d, e in ((1, 2), (3, 4), (9, 9))]
    table = DataIdTable.from_rows(universe.conform(["detector", "exposure"]), rows)
    found = example.query.data_ids(["detector", "exposure"], tables=[table], order_by="detector")
    assert (_column(found, "detector"), _column(found, "exposure")) == ([1, 3], [2, 4])
    assert _column(found, "band") == ["r", "r"]
    assert _column(
        example.query.data_ids(["exposure"], tables=[table], where="detector = 3", data_id=_CAM), "exposure"
    ) == [4]
    assert len(example.query.datasets("raw", "proc", tables=[table])) == 1
    twice = DataIdTable.concat([table, table])
    assert len(example.query.data_ids(["detector"], tables=[twice, table])) == 2
    # What a table relates needs no overlap.
    pairs = DataIdTable.from_rows(
        universe.conform(["visit", "tract"]),
        [
            {"instrument": "Cam1", "visit": v, "skymap": "SkyMap1", "tract": t}
            for v, t in itertools.product((1, 2), (0, 1))
        ],
    )
    assert len(example.query.data_ids(["visit", "tract"], tables=[pairs])) == 4
    assert len(example.query.data_ids(["visit", "tract"])) == 3


_CAM = {"instrument": "Cam1"}


def test_large_tables(example: SqlRegistry) -> None:
    group = example.universe.conform(["detector", "exposure"])
    many = 100_000
    columns = {
        "instrument": np.array(["Cam1"] * many, dtype=object),
        "detector": np.arange(many) % 300,
        "exposure": np.arange(many) // 300,
    }
    table = DataIdTable.from_arrays(group, columns)
    assert len(example.query.data_ids(group, tables=[table])) == 16


def test_long_lists_of_ids(example: SqlRegistry) -> None:
    known = example.query.datasets("raw", "proc").uuids()
    ids = [*known[:2], *(uuid.UUID(int=i) for i in range(50_000))]
    assert len(example.query.datasets("raw", "proc", where="dataset_id IN (:ids)", bind={"ids": ids})) == 2
    names = [f"x{i}" for i in range(50_000)]
    where = "instrument NOT IN (:names) AND detector NOT IN (:numbers)"
    found = example.query.data_ids(["detector"], where=where, bind={"names": names, "numbers": range(2, 60_000)})
    assert len(found) == 2


def test_words_that_numbers_have_are_text_in_long_lists(registry: SqlRegistry) -> None:
    load_records(registry, "instrument", {"name": "Cam1"})
    names = ("Infinity", "9e999", "-Infinity", "NaN")
    load_records(registry, "physical_filter", *({"instrument": "Cam1", "name": name, "band": "g"} for name in names))
    many = ["Infinity", "NaN", *(f"filter {i}" for i in range(3000))]
    found = registry.query.data_ids(
        ["physical_filter"], where="instrument = 'Cam1' AND physical_filter IN (:many)", bind={"many": many}
    )
    assert sorted(found.columns["physical_filter"].tolist()) == ["Infinity", "NaN"]


def test_many_lists_in_one_expression(example: SqlRegistry) -> None:
    def count(dimension: str, condition: str) -> int:
        return len(example.query.data_ids([dimension], where=f"instrument = 'Cam1' AND ({condition})"))

    # More values than PostgreSQL takes parameters: of one column, and of two.
    lists = [range(5 + 50 * i, 55 + 50 * i) for i in range(1400)]
    assert count("detector", " OR ".join(f"detector IN ({_listed(values)})" for values in [*lists, [1]])) == 1
    pairs = [f"detector IN ({_listed(v)}) AND exposure NOT IN ({_listed(v)})" for v in [*lists[:700], range(2, 54)]]
    assert count("exposure", " OR ".join(pairs)) == 1


@pytest.mark.parametrize(
    ("dimension", "test", "others", "expected"),
    [
        ("detector", "detector = {}", "detector IN (2..3) OR detector = 0.5", 4),
        ("detector", "detector = {}.0", "detector = 1.5", 4),
        (
            "detector",
            "detector.raft = 'x{}'",
            "detector.raft = 'A' OR detector.raft IN ('C', NULL) OR detector IN (4)",
            3,
        ),
        ("exposure", "exposure.obs_id = 'obs{}'", "exposure.obs_id = exposure.observation_type", 4),
        ("exposure", "exposure.timespan.begin = T'{}.0'", "exposure.timespan.begin IN (T'2021-09-10 13:00:00/tai')", 1),
    ],
)
def test_many_alternatives(example: SqlRegistry, dimension: str, test: str, others: str, expected: int) -> None:
    def count(condition: str) -> int:
        return len(example.query.data_ids([dimension], where=f"instrument = 'Cam1' AND {condition}"))

    for many in (60, 3000):
        either = f"({' OR '.join([*(test.format(i) for i in range(many)), others])})"
        assert count(either) == expected
        unknown = count("detector.raft = NULL AND detector != 4") if "raft" in test else 0
        assert count(f"NOT {either}") == 4 - expected - unknown


def test_alternatives_count_as_values_of_lists() -> None:
    key = Key(dimension="detector", type="int")
    each = Any_(
        operands=tuple(Comparison(operator="=", left=key, right=Constant(value=i, type="int")) for i in range(1900))
    )
    assert longest_list([All(operands=(each,) * 10)]) > 1
    assert longest_list([All(operands=(each,) * 11)]) == 1


def test_more_values_than_a_statement_takes(example: SqlRegistry) -> None:
    if example._state.dialect == "sqlite":
        pytest.skip("how many values SQLite takes depends on how it was built")
    ranges = ", ".join(f"{10 * i}..{10 * i + 3}" for i in range(33_000))
    with pytest.raises(InvalidQueryError, match=r"more single values .* give many as a list, IN \(:name\) with a bind"):
        len(example.query.data_ids(["detector"], where=f"instrument = 'Cam1' AND detector IN ({ranges})"))


def _listed(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))


def test_a_long_line_is_shown_near_the_place_that_is_wrong(example: SqlRegistry) -> None:
    numbers = _listed(range(100, 1000))
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["detector"], where=f"instrument = 'Cam1' AND detector IN ({numbers}, 'Aa', {numbers})")
    line, caret = caught.value.pointer.split("\n")
    assert line.startswith("...")
    assert line.endswith("...")
    assert len(line) < 130
    assert line[caret.index("^") :].startswith("'Aa'")
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["detector"], where=f"detecter IN ({numbers})")
    line, caret = caught.value.pointer.split("\n")
    assert (line[:16], line[-3:], caret) == ("detecter IN (100", "...", "^")


def test_searches_constrain(example: SqlRegistry) -> None:
    raw = DatasetSearch(dataset_type="raw", collections=("proc",))
    calexp = DatasetSearch(dataset_type="calexp", collections=("proc", "imported_g"))
    assert _column(example.query.data_ids(["exposure"], datasets=[raw], order_by="exposure"), "exposure") == [1, 2, 3]
    both = example.query.data_ids(["exposure", "detector"], datasets=[raw, calexp], order_by=["exposure", "detector"])
    assert len(both) == 4
    found = example.query.datasets("bias", "chain", datasets=[raw])
    assert sorted(_column(found.data_ids, "detector")) == [1, 2]
    glob = DatasetSearch(dataset_type="bias", collections=("imported_*",))
    assert len(example.query.data_ids(["detector"], datasets=[glob])) == 4
    other = DatasetSearch(dataset_type="raw", collections=("imported_g",))
    with pytest.raises(InvalidQueryError, match="raw"):
        example.query.data_ids(["exposure"], datasets=[raw, other])


def test_storage_class_of_the_result(example: SqlRegistry) -> None:
    bias = example.dataset_types.get("bias")
    asked = bias.with_storage_class("Other")
    assert example.query.datasets(asked, "imported_g").dataset_type.storage_class == "Other"
    with pytest.raises(InvalidInputError):
        example.query.datasets(DatasetType("bias", ["exposure"], "X", universe=example.universe), "imported_g")


def test_records(example: SqlRegistry) -> None:
    found = example.query.records("exposure", where="observation_type = 'science'", order_by="exposure")
    assert [r.obs_id for r in found] == ["obs1", "obs2"]
    assert len(example.query.records("visit_definition", data_id={"instrument": "Cam1", "visit": 1})) == 1
    assert len(example.query.records("detector", where="visit = 1", data_id=_CAM)) == 4
    assert [r.name for r in example.query.records("band", order_by="-band")] == ["r", "g"]
    pixels = example.query.records("htm7", where="visit = 1", data_id=_CAM)
    assert len(pixels) > 1
    assert pixels[0].region is not None


def test_plans_can_be_read(example: SqlRegistry) -> None:
    spec = example.query.spec(
        ["visit", "tract"],
        where="visit > 1 AND visit.region OVERLAPS POINT(0, 0)",
        data_id=_CAM,
        order_by="-visit",
        limit=3,
    )
    shown = str(example.query.plan(spec))
    for part in ("pixels of visit", "exact overlap of tract with visit", "visit > 1", "order by -visit", "limit 3"):
        assert part in shown
    assert "SELECT" in example.query.sql(spec)


def test_both_dialects_compile(example: SqlRegistry) -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    spec = example.query.spec(
        ["exposure", "detector"],
        where="GLOB(obs_id, 'a?') AND exposure.timespan OVERLAPS T'2021-09-10' AND detector IN (1..9:2) AND exposure / 2 > 1",
        data_id=_CAM,
        datasets=[DatasetSearch(dataset_type="bias", collections=("calib",))],
        order_by=["-exposure"],
    )
    plan = example.query.plan(spec)
    schema = example.query._state.schema
    texts = {}
    for name, dialect in (("sqlite", sqlite.dialect()), ("postgresql", postgresql.dialect())):
        texts[name] = str(compile_plan(plan, schema, name).compile(dialect=dialect))
    assert " GLOB " in texts["sqlite"]
    assert " LIKE " in texts["postgresql"]


@pytest.mark.parametrize(
    ("dimensions", "where", "words"),
    [
        (["detector"], "instrument = 'Cam1' AND detector = 77", ["detector 77", "4 exists"]),
        (["exposure"], "instrument = 'Cam1' AND exposure = 0", ["exposure 0", "1 exists"]),
        (["detector"], "instrument = 'Cam11'", ["Cam11", "Cam1"]),
        (["detector"], "instrument = 'Cam1' AND instrument = 'Cam2'", ["instrument", "Cam1", "Cam2"]),
        (["detector"], "detector.raft = 'Z'", ["detector.raft = 'Z'"]),
        (["detector"], "instrument = 'Cam2' AND raft = 'A'", ["raft", "together"]),
        (["subfilter"], "", ["subfilter"]),
        (["visit"], "visit.region OVERLAPS POINT(180, 0)", ["visit.region OVERLAPS"]),
    ],
)
def test_explanations(example: SqlRegistry, dimensions: list[str], where: str, words: list[str]) -> None:
    spec = example.query.spec(dimensions, where=where)
    assert len(example.query.data_ids(dimensions, where=where)) == 0
    reasons = example.query.explain_empty(spec)
    assert reasons
    for word in words:
        assert any(word in reason for reason in reasons), reasons


def test_explanations_of_searches(example: SqlRegistry) -> None:
    def why(dataset_type: str, *collections: str, **conditions: Any) -> str:
        search = DatasetSearch(dataset_type=dataset_type, collections=collections)
        group = example.dataset_types.get(dataset_type).dimensions
        return " ".join(example.query.explain_empty(example.query.spec(group, result=search, **conditions)))

    assert why("bias", "imported_g") == ""
    assert "imported_g" in why("coadd", "imported_g")
    assert "No collections" in why("bias")
    assert "Cam2" in why("bias", "imported_g", where="instrument = 'Cam2'")
    assert "together" in why("bias", "imported_g", where="instrument = 'Cam1' AND detector = 4")
    assert "ingest_date" in why("bias", "imported_g", where="ingest_date < T'2020-01-01'")
    assert len(example.query.datasets("bias", [])) == 0


def test_facts(example: SqlRegistry) -> None:
    facts = example.facts({"instrument": "Cam1"})
    raw, bias = (example.dataset_types.get(name) for name in ("raw", "bias"))
    assert facts.fetch_dataset_types(["raw", "nope"]) == {"raw": raw}
    assert facts.fetch_collections(["chain", "nope"])["chain"].children == ("tagged", "imported_g", "imported_r")
    assert facts.flatten_collections(["chain"]) == ("tagged", "imported_g", "imported_r")
    data_ids = facts.fetch_data_ids(example.universe.conform(["exposure", "detector"]), where="exposure > 2")
    assert len(data_ids) == 8
    found = facts.fetch_datasets(raw, ["proc"], data_ids=data_ids)
    assert len(found) == 2
    assert found.data_ids.is_full
    assert len(facts.fetch_datasets(bias, ["calib", "chain"], data_ids=data_ids)) == 4
    assert len(facts.fetch_datasets(bias, ["calib", "chain"])) == 4
    assert len(facts.fetch_datasets(bias, ["calib", "chain"], where="detector > 2")) == 2
    assert len(facts.fetch_validity(bias, ["calib", "chain"], data_ids=data_ids)) == 13
    assert len(facts.fetch_records("exposure", data_ids)) == 2
    assert facts.explain_empty(example.universe.conform(["detector"]), where="detector = 77")


@pytest.mark.parametrize("name", ["id", "exposure.id", "exposure", "timespan.begin", "exposure.timespan.begin"])
def test_records_are_ordered_by_their_own_field(example: SqlRegistry, name: str) -> None:
    ascending = example.query.records("exposure", order_by=name)
    assert [r.id for r in ascending] == [1, 2, 3, 4]
    descending = example.query.records("exposure", order_by=f"-{name}", limit=3)
    assert [r.id for r in descending] == [4, 3, 2]


def test_own_fields_of_records(example: SqlRegistry) -> None:
    assert [r.name for r in example.query.records("physical_filter", order_by="-name")][:2] == ["Cam2-G", "Cam1-R2"]
    assert len(example.query.records("exposure", where="instrument = 'Cam1' AND id = 3")) == 1
    # A name that only another element has, or that two results have, means what it means elsewhere.
    assert len(example.query.records("detector", where="name = 'Cam1'")) == 4
    with pytest.raises(QueryNameError, match="ambiguous"):
        example.query.data_ids(["exposure"], order_by="id")


def test_fields_of_datasets_without_their_type_are_those_of_the_result(example: SqlRegistry) -> None:
    joined = [DatasetSearch(dataset_type="raw", collections=("proc",))]
    where = "run = 'imported_g' AND instrument = 'Cam1' AND exposure = 1"
    found = example.query.datasets("bias", ["imported_g", "imported_r"], where=where, datasets=joined)
    assert {(r.run, r.data_id["detector"]) for r in found} == {("imported_g", 1), ("imported_g", 2)}
    joined.append(DatasetSearch(dataset_type="bias", collections=("imported_g",)))
    rows = example.query.general(["detector"], ["bias.run"], where="run = 'imported_g'", datasets=joined)
    assert len(rows) == 2
    with pytest.raises(QueryNameError, match=r"'run' is ambiguous: write raw\.run or bias\.run"):
        example.query.data_ids(["detector"], where="run = 'imported_g'", datasets=joined)


@pytest.mark.parametrize(
    ("where", "column", "advice"),
    [
        (
            "ccd = 3",
            1,
            "There are the dimensions band, instrument, day_obs, group, physical_filter, exposure, and fields",
        ),
        ("filter = 'r'", 1, "Did you mean 'physical_filter'?"),
        ("exposure.band = 'r'", 1, "Write band alone"),
        ("exposure.timespan.begin > T2021-09-10", 27, "A time is written T'2021-09-10'."),
        ("exposure.timespan.begin > T'10/09/2021'", 27, "as in T'2024-05-01 12:00'"),
        ("exposure.timespan > T'2021-09-10'", 1, "Write exposure.timespan.begin or exposure.timespan.end, or OVERLAPS"),
        ("exposure.can_see_sky = 1", 1, "Write exposure.can_see_sky alone, or NOT exposure.can_see_sky"),
        ("exposure.obs_id = 1", 1, "Text stands in single quotes: '1'"),
        ("visit OVERLAPS CIRCLE(0, 0, 1)", 1, "Write visit.region"),
        ("day_obs = '2021-09-09'", 1, "A day is a number: 20210909"),
        ("exposure IN (1:3)", 15, "a range is written start..stop"),
        ("exposure IN [1, 3]", 13, "Lists stand in parentheses"),
        ("band = 'r', exposure = 1", 11, "conditions are joined by AND or OR"),
        ("band = 'r' exposure = 1", 12, "conditions are joined by AND or OR"),
        ("visit.region CONTAINS POINT(0, 0)", 14, "compared by OVERLAPS"),
        ("exposure > 1 AND < 3", 18, "each condition names its column"),
    ],
)
def test_mistakes_are_told_with_what_to_write(example: SqlRegistry, where: str, column: int, advice: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        example.query.data_ids(["exposure"], where=where)
    assert f"line 1, column {column}, " in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize("pixels", ["htm7", "htm9"])
def test_the_region_of_a_pixel_is_never_null(example: SqlRegistry, pixels: str) -> None:
    every = len(example.query.data_ids(["visit", pixels]))
    assert every > 0
    assert len(example.query.data_ids(["visit", pixels], where=f"{pixels}.region != NULL")) == every
    assert len(example.query.data_ids(["visit", pixels], where=f"{pixels}.region = NULL")) == 0
    # Named alone it is joined, as by any other condition.
    assert len(example.query.data_ids(["visit"], where=f"NOT (NULL = {pixels}.region)")) == 2


def test_bound_iterators_can_be_asked_twice(example: SqlRegistry) -> None:
    where = "instrument = 'Cam1' AND detector IN (:d)"
    spec = example.query.spec(["detector"], where=where, bind={"d": iter([1, 2])})
    assert [example.query.count(spec), len(example.query.fetch(spec)), example.query.count(spec)] == [2, 2, 2]
    values = [1, 2]
    spec = example.query.spec(["detector"], where=where, bind={"d": values})
    values.append(3)
    assert example.query.count(spec) == 2


def test_times_of_datasets_are_compared_with_times(example: SqlRegistry) -> None:
    with pytest.raises(InvalidQueryError, match=r"A time is written T'2025-01-01'\."):
        example.query.datasets("raw", "proc", where="ingest_date > '2025-01-01'")


def test_a_plan_shows_how_many_rows_are_wanted(example: SqlRegistry) -> None:
    plan = example.query.plan(example.query.spec(["detector"], limit=-20))
    assert str(plan).splitlines()[-1] == "  limit 20"


def test_a_collection_that_is_removed_while_a_pattern_is_compared(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of PostgreSQL that writes sees at once what others commit."""
    with SqlRegistry.create(postgres_url) as registry, SqlRegistry.open(postgres_url, writeable=True) as other:
        registry.dataset_types.register(DatasetType("note", [], "int", universe=registry.universe))
        for name in ("run/1", "run/2"):
            registry.collections.register(name)

        def match(pattern: str, names: Iterable[str]) -> list[str]:
            matched = match_glob(pattern, names)
            assert matched == ["run/1", "run/2"]
            other.collections.remove("run/2")
            return matched

        monkeypatch.setattr("pachon.registry.query.search_facts.match_glob", match)
        with registry.write():
            assert len(registry.query.datasets("note", "run/*", find_first=False)) == 0
        other.collections.register("run/2")
        with registry.write(), pytest.raises(MissingCollectionError, match="run/2"):
            registry.query.datasets("note", ["run/*", "run/2"], find_first=False)
