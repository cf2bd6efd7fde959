# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.dimensions import (
    NULL_NS,
    Categorical,
    DataCoordinate,
    DataIdTable,
    DimensionUniverse,
    RecordTable,
    Timespan,
    combine_codes,
    match_rows,
)
from pachon.dimensions.region import circle
from pachon.dimensions.testing.strategies import data_ids

UNIVERSE = DimensionUniverse.default()
DETECTOR = UNIVERSE.conform(["exposure", "detector"])


@given(st.one_of(st.lists(st.integers(-(2**60), 2**60)), st.lists(st.text(max_size=4))))
def test_categorical_round_trip(items):
    column = Categorical.encode(items)
    assert column.tolist() == items
    assert column.decode().tolist() == items
    assert sorted(set(items)) == column.values.tolist()
    both = Categorical.concat([column, column])
    assert both.tolist() == items * 2


def test_compacted_drops_unused_values():
    column = Categorical.encode(["a", "b", "c"]).take(np.array([2, 0]))
    assert column.compacted().values.tolist() == ["a", "c"]
    assert column.compacted().tolist() == ["c", "a"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1)), max_size=30))
def test_combined_keys_are_equal_and_sorted_as_the_rows(rows):
    columns = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    # The product of these sizes overflows 64 bits: the compression on the way is what is tested.
    keys = combine_codes(columns, [4, 2**40, 2**40], len(rows))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            assert (keys[i] < keys[j]) == (a < b)


@given(st.lists(data_ids(DETECTOR), max_size=8), st.data())
def test_table_of_data_ids(rows, data):
    table = DataIdTable.from_rows(DETECTOR, rows)
    assert table.is_full
    assert list(table) == rows
    assert [table[i] for i in range(len(table))] == rows
    distinct = table.distinct()
    assert list(distinct) == sorted(set(rows))
    order = np.array(data.draw(st.permutations(range(len(rows)))), dtype=np.int64)
    shuffled = table.take(order)
    matches = match_rows(table, shuffled, DETECTOR.required)
    assert all(shuffled[int(m)] == row for m, row in zip(matches, rows, strict=True))


def test_match_rows_says_what_is_missing():
    left = DataIdTable.from_arrays(
        UNIVERSE.conform(["detector"]), {"instrument": ["A", "A", "B"], "detector": [1, 2, 1]}
    )
    right = DataIdTable.from_arrays(UNIVERSE.conform(["detector"]), {"instrument": ["A"], "detector": [2]})
    assert match_rows(left, right, ["instrument", "detector"]).tolist() == [-1, 0, -1]
    assert match_rows(right, left, ["instrument"]).tolist() == [0]


def test_projection():
    table = DataIdTable.from_arrays(
        UNIVERSE.conform(["detector", "tract"]),
        {"instrument": ["A"] * 3, "detector": [2, 1, 2], "skymap": ["s"] * 3, "tract": [7, 7, 8]},
    )
    assert list(table.project(["detector"])) == [{"instrument": "A", "detector": 1}, {"instrument": "A", "detector": 2}]
    assert len(table.project(["detector"], distinct=False)) == 3
    assert len(table.project([])) == 1
    assert len(table[:0].project([])) == 0


def test_missing_column():
    with pytest.raises(InvalidInputError, match="lacks detector"):
        DataIdTable.from_arrays(UNIVERSE.conform(["detector"]), {"instrument": ["A"]})


def test_records_round_trip():
    region, span = circle(5, 5, 0.1), Timespan("2020-01-01", "2020-01-02")
    rows = [
        {"instrument": "C", "visit": 1, "name": "v1", "physical_filter": "R", "day_obs": 20200101, "exposure_time": 30,
         "region": region, "timespan": span},
        {"instrument": "C", "id": 2, "name": "v2", "physical_filter": "R", "day_obs": 20200101},
    ]  # fmt: skip
    table = RecordTable.from_rows(UNIVERSE["visit"], rows)
    first, second = table
    assert (first.id, first.exposure_time, first.region, first.timespan) == (1, 30.0, region, span)
    assert (second.exposure_time, second.region, second.timespan, second.seq_num) == (None,) * 4
    assert table.columns["timespan_begin"].tolist() == [span.begin_ns, NULL_NS]
    assert RecordTable.from_rows(UNIVERSE["visit"], list(table))[0] == first
    assert list(table.data_ids(UNIVERSE, ["day_obs"]).distinct()) == [{"instrument": "C", "day_obs": 20200101}]
    assert first.key("visit") == 1
    with pytest.raises(AttributeError, match="no field 'seeing'"):
        _ = first.seeing


def test_records_from_columns():
    table = RecordTable.from_rows(
        UNIVERSE["detector"], {"instrument": ["C", "C"], "id": np.arange(2), "full_name": ["a", "b"]}
    )
    assert [record.full_name for record in table] == ["a", "b"]


ROWS = [("C", 0, "a"), ("C", 1, "b")]


@pytest.mark.parametrize(
    "table",
    [
        Table(rows=ROWS, names=["instrument", "detector", "full_name"]),
        np.array(ROWS, dtype=[("instrument", "U2"), ("id", "i4"), ("full_name", "U2")]),
    ],
    ids=["astropy", "numpy"],
)
def test_records_from_tables(table):
    made = RecordTable.from_rows(UNIVERSE["detector"], table)
    assert [(r.instrument, r.id, r.full_name) for r in made] == ROWS


@pytest.mark.parametrize("rows", ["ab", 3, None, [3], [None], ["abc"], np.arange(3)])
def test_what_is_no_record(rows):
    with pytest.raises(InvalidInputError, match=r"ecords? of 'detector'.*; got"):
        RecordTable.from_rows(UNIVERSE["detector"], rows)


@pytest.mark.parametrize("nan", [float("nan"), np.float32("nan"), np.float64("nan")])
def test_not_a_number_is_a_null(nan):
    metadata = [{"name": "gain", "type": "float", "nullable": False}, {"name": "noise", "type": "float"}]
    name = {"name": "name", "type": "string", "length": 8}
    document = dict(UNIVERSE.document) | {
        "namespace": "gains",
        "elements": {"amplifier": {"keys": [name], "metadata": metadata}},
        "topology": {},
    }
    amplifier = DimensionUniverse.from_document(document)["amplifier"]
    (record,) = RecordTable.from_rows(amplifier, [{"name": "a", "gain": 1.5, "noise": nan}])
    assert (record.gain, record.noise) == (1.5, None)
    with pytest.raises(InvalidInputError, match=r"amplifier\.gain must not be null"):
        RecordTable.from_rows(amplifier, [{"name": "a", "gain": nan}])


@pytest.mark.parametrize(
    ("element", "row", "message"),
    [
        ("detector", {"instrument": "C", "id": 1, "full_name": "a", "colour": 1}, "no field 'colour'"),
        ("detector", {"instrument": "C", "id": "1", "full_name": "a"}, "detector.id is of type int"),
        ("detector", {"instrument": "C", "id": 1}, "detector.full_name must not be null"),
        ("detector", {"instrument": "C", "id": 1, "full_name": "x" * 33}, "at most 32 characters"),
        ("detector", {"instrument": None, "id": 1, "full_name": "x"}, "detector.instrument must not be null"),
        ("detector", {"instrument": "C", "id": 1, "detector": 2, "full_name": "x"}, "contradict"),
        ("patch", {"skymap": "s", "tract": 1, "id": 1, "cell_x": 1}, "patch.cell_y must not be null"),
        ("skymap", {"name": "s", "hash": b"x" * 41}, "at most 40 bytes"),
        (
            "visit",
            {"instrument": "C", "id": 1, "name": "v", "physical_filter": "R", "day_obs": 1, "region": "x"},
            "must be a region",
        ),
        ("day_obs", {"instrument": "C", "id": 1, "datetime_begin": None}, "together replace timespan"),
        ("band", {"name": "r"}, "are derived"),
        ("htm7", {"id": 1}, "are derived"),
        ("detector", {"instrument": "C", "id": 2**63, "full_name": "x"}, "64 bits"),
    ],
)
def test_records_that_are_refused(element, row, message):
    with pytest.raises(InvalidInputError, match=message):
        RecordTable.from_rows(UNIVERSE[element], [row])


def test_defaults_of_the_empty_group():
    table = DataIdTable(UNIVERSE.empty, {}, 2)
    assert list(table) == [DataCoordinate.empty(UNIVERSE)] * 2
