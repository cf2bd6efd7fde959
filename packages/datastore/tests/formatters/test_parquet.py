# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from pachon.base import InvalidInputError
from pachon.datasets.arrow_tables import arrow_from, arrow_to
from pachon.datastore.formatters.parquet import choose_columns
from pachon.datastore.testing.formatter_suite import FormatterSuite


def astropy_table():
    made = Table(
        {
            "id": np.arange(4),
            "flux": np.array([1.5, np.nan, 3.0, 4.0], dtype=np.float32),
            "name": ["a", "bcd", "", "é"],
            "raw": np.array([b"x", b"yz", b"", b"abc"]),
            "shape": np.arange(24, dtype=np.int16).reshape(4, 3, 2),
            "good": [True, False, True, True],
        },
        meta={"survey": "x", "list": [1, 2]},
    )
    made["flux"].unit = u.nJy
    made["flux"].description = "what was measured"
    made["flag"] = MaskedColumn([1, 2, 3, 4], mask=[False, True, False, True])
    made["text"] = MaskedColumn(["p", "q", "r", "s"], mask=[True, False, False, False])
    return made


def same_astropy(found, given):
    if found.colnames != given.colnames or dict(found.meta) != dict(given.meta):
        return False
    for name in given.colnames:
        a, b = found[name], given[name]
        if a.dtype != b.dtype or a.shape != b.shape or a.unit != b.unit or a.description != b.description:
            return False
        if not np.array_equal(np.ma.getmaskarray(np.ma.asarray(a)), np.ma.getmaskarray(np.ma.asarray(b))):
            return False
        if not np.array_equal(np.ma.compressed(a), np.ma.compressed(b), equal_nan=a.dtype.kind == "f"):
            return False
    return True


class TestArrow(FormatterSuite):
    formatter = "parquet"
    storage_class = "ArrowTable"

    def examples(self):
        return [
            pa.table({"a": [1, None, 3], "b": ["x", "y", None], "c": [[1], [], [2, 3]]}),
            pa.table({"a": pa.array([], type=pa.int32())}),
        ]

    def is_same(self, found, given):
        return found.equals(given)

    def get(self, datastore, ref, written, component, **options):
        part = ref.with_dataset_type(ref.dataset_type.component_type(component, datastore.storage_classes))
        return datastore.get(part, records=written, **options)

    def test_components_without_rows(self, datastore, ref):
        written = datastore.write_many([(self.examples()[0], ref)])
        assert self.get(datastore, ref, written, "columns") == ["a", "b", "c"]
        assert self.get(datastore, ref, written, "rowcount") == 3
        assert self.get(datastore, ref, written, "schema").names == ["a", "b", "c"]

    def test_columns(self, datastore, ref):
        written = datastore.write_many([(self.examples()[0], ref)])
        found = datastore.get(ref, records=written, parameters={"columns": ["c", "a"]})
        assert found.column_names == ["c", "a"]
        assert datastore.get(ref, records=written, parameters={"columns": "b"}).column_names == ["b"]
        with pytest.raises(ValueError, match="no column 'z'"):
            datastore.get(ref, records=written, parameters={"columns": ["z"]})

    @pytest.mark.parametrize("storage_class", ["DataFrame", "ArrowAstropy", "ArrowNumpy", "ArrowNumpyDict"])
    def test_read_as_any_other_table(self, datastore, ref, storage_class):
        written = datastore.write_many([(pa.table({"a": [1, 2], "b": ["x", "y"]}), ref)])
        found = datastore.get(ref, records=written, storage_class=storage_class)
        assert list(found["a"]) == [1, 2]
        assert list(found["b"]) == ["x", "y"]

    def test_rowcount_in_the_metadata(self, datastore, ref):
        written = datastore.write_many([(self.examples()[0], ref)])
        assert datastore.get(ref, records=written).schema.metadata[b"lsst::arrow::rowcount"] == b"3"


class TestPandas(FormatterSuite):
    formatter = "parquet"
    storage_class = "DataFrame"

    def examples(self):
        columns = pd.MultiIndex.from_product([["g", "r"], ["flux", "err"]])
        return [
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            pd.DataFrame({"a": [1.5, 2.5]}, index=pd.Index([10, 20], name="objectId")),
            pd.DataFrame(np.arange(8).reshape(2, 4), columns=columns),
        ]

    def is_same(self, found, given):
        pd.testing.assert_frame_equal(found, given)
        return True

    def test_columns_keep_the_index(self, datastore, ref):
        written = datastore.write_many([(self.examples()[1], ref)])
        found = datastore.get(ref, records=written, parameters={"columns": ["a"]})
        pd.testing.assert_frame_equal(found, self.examples()[1])
        part = ref.with_dataset_type(ref.dataset_type.component_type("columns", datastore.storage_classes))
        assert datastore.get(part, records=written) == ["a"]


class TestAstropy(FormatterSuite):
    formatter = "parquet"
    storage_class = "ArrowAstropy"

    def examples(self):
        return [astropy_table(), Table({"a": np.array([], dtype=float)}), astropy_table()[:0]]

    def is_same(self, found, given):
        return same_astropy(found, given)

    def test_some_columns_keep_their_notes(self, datastore, ref):
        written = datastore.write_many([(astropy_table(), ref)])
        found = datastore.get(ref, records=written, parameters={"columns": ["fl*"]})
        assert found.colnames == ["flux", "flag"]
        assert found["flux"].unit == u.nJy

    def test_strip_metadata(self, datastore, ref):
        written = datastore.write_many([(astropy_table(), ref)])
        found = datastore.get(ref, records=written, parameters={"strip_astropy_meta_yaml": True})
        assert found["flux"].unit is None
        assert not found.meta

    def test_masks_are_nulls(self, datastore, ref):
        written = datastore.write_many([(astropy_table(), ref)])
        arrow = datastore.get(ref, records=written, storage_class="ArrowTable")
        assert arrow["flag"].to_pylist() == [1, None, 3, None]


class TestStructuredArray(FormatterSuite):
    formatter = "parquet"
    storage_class = "ArrowNumpy"
    unwritable = (np.arange(3),)

    def examples(self):
        made = np.zeros(3, dtype=[("a", "i4"), ("b", "f8", (2,)), ("c", "U5"), ("d", "S2")])
        made["c"] = ["x", "", "ñ"]
        return [made, made[:0]]

    def is_same(self, found, given):
        return found.dtype == given.dtype and np.array_equal(found, given)


class TestMapping(FormatterSuite):
    formatter = "parquet"
    storage_class = "ArrowNumpyDict"
    unwritable = ({"a": [1, 2], "b": [1]},)

    def examples(self):
        return [{"a": np.arange(3), "b": np.array(["x", "yy", ""])}]

    def is_same(self, found, given):
        return found.keys() == given.keys() and all(np.array_equal(found[k], given[k]) for k in given)


def test_mixin_columns():
    table = QTable({"t": Time(["2025-01-01", "2025-01-02"], scale="tai"), "x": [1, 2] * u.m, "n": [1, 2]})
    found = arrow_to(arrow_from(table), "astropy.table.QTable")
    assert (found["t"] == table["t"]).all()
    assert (found["x"] == table["x"]).all()
    partial = arrow_to(arrow_from(table).select(["n", "x"]), "astropy.table.QTable")
    assert partial.colnames == ["n", "x"]


def test_what_is_no_table():
    with pytest.raises(TypeError, match="no table"):
        arrow_from(3)
    with pytest.raises(InvalidInputError, match="cannot be made"):
        arrow_to(pa.table({"a": [1]}), "builtins.set")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("b", ["b"]),
        (["c", "a"], ["c", "a"]),
        ("*", ["a", "b", "c", "ab", "A"]),
        (["b*", "a*"], ["b", "a", "ab"]),
        (["a", "a", "a?"], ["a", "ab"]),
        (["[ab]"], ["a", "b"]),
    ],
)
def test_choose_columns(wanted, expected):
    assert choose_columns(wanted, ["a", "b", "c", "ab", "A"]) == expected


@pytest.mark.parametrize("wanted", ["z", "B", "z*", ["a", "zz"]])
def test_unknown_columns(wanted):
    with pytest.raises(ValueError, match="no column"):
        choose_columns(wanted, ["a", "b", "c", "ab", "A"])
