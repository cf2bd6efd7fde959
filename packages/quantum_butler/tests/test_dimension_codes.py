# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pachon.dimensions import DataIdTable, DimensionUniverse
from pachon.quantum_butler.dimension_codes import DimensionCodes, pack_codes

ROWS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9)), min_size=1, max_size=20)


def table(rows):
    group = DimensionUniverse.default().conform(["detector"])
    return DataIdTable.from_rows(group, [{"instrument": i, "detector": d} for i, d in rows])


@given(ROWS, ROWS)
def test_equal_values_have_equal_codes_in_all_tables(first, second):
    tables = [table(first), table(second)]
    codes = DimensionCodes.collect(tables)
    assert codes.values["instrument"].tolist() == sorted({i for i, _ in first + second})
    for part, rows in zip(tables, (first, second), strict=True):
        coded = codes.encode(part)
        assert codes.values["instrument"][coded["instrument"]].tolist() == [i for i, _ in rows]
        assert codes.values["detector"][coded["detector"]].tolist() == [d for _, d in rows]


def test_find_gives_minus_one_for_strangers():
    codes = DimensionCodes.collect([table([("a", 1), ("b", 5)])])
    assert codes.find("detector", np.array([5, 2, 1, 9])).tolist() == [1, -1, 0, -1]
    assert codes.find("instrument", np.array(["b", "x"], dtype=object)).tolist() == [1, -1]
    assert codes.find("visit", np.array([1])).tolist() == [-1]


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 300)), min_size=2))
def test_packed_codes_sort_as_the_codes_do(rows):
    array = np.array(rows)
    packed = pack_codes([array[:, 0], array[:, 1]], len(rows))
    assert packed.shape == (len(rows), 8)
    assert [rows[i] for i in sorted(range(len(rows)), key=lambda i: packed[i].tobytes())] == sorted(rows)
