# SPDX-License-Identifier: BSD-3-Clause
"""Each kind of table is read as each other one; the libraries that make them are optional."""

from typing import Any

import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.datasets import StorageClasses

CLASSES = StorageClasses.default()
ARRAYS = {"a": np.array([1, 2, 3]), "b": np.array(["x", "", "ñ"]), "c": np.array([0.5, np.nan, 2.0])}
KINDS = {
    "ArrowTable": "pyarrow", "ArrowAstropy": "astropy", "DataFrame": "pandas", "ArrowNumpy": "numpy", "ArrowNumpyDict": "numpy",
    "AstropyTable": "astropy",
}  # fmt: skip


def make(kind: str) -> Any:
    match kind:
        case "ArrowTable":
            return pytest.importorskip("pyarrow").table(ARRAYS)
        case "ArrowAstropy" | "AstropyTable":
            return pytest.importorskip("astropy.table").Table(ARRAYS)
        case "DataFrame":
            return pytest.importorskip("pandas").DataFrame(ARRAYS)
        case "ArrowNumpy":
            made = np.zeros(3, dtype=[("a", "i8"), ("b", "U1"), ("c", "f8")])
            for name, column in ARRAYS.items():
                made[name] = column
            return made
    return ARRAYS


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("given", KINDS)
def test_each_table_is_read_as_each_other(given: str, wanted: str) -> None:
    for library in ("pyarrow", KINDS[wanted]):
        pytest.importorskip(library)
    table = make(given)
    assert CLASSES[wanted].can_convert(CLASSES[given])
    found = CLASSES[wanted].coerce(table)
    assert isinstance(found, CLASSES[wanted].pytype)
    for name, column in ARRAYS.items():
        np.testing.assert_array_equal(np.asarray(found[name]), column)


def test_units_and_masks_are_kept() -> None:
    pytest.importorskip("pyarrow")
    tables = pytest.importorskip("astropy.table")
    table = tables.Table(
        {"flux": tables.MaskedColumn([1.0, 2.0], mask=[False, True], unit="nJy"), "pair": np.arange(4).reshape(2, 2)}
    )
    found = CLASSES["ArrowAstropy"].coerce(CLASSES["ArrowTable"].coerce(table))
    assert str(found["flux"].unit) == "nJy"
    assert found["flux"].mask.tolist() == [False, True]
    assert found["pair"].tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("wrong", [np.arange(3), {"a": np.arange(2), "b": np.arange(3)}], ids=["plain", "uneven"])
def test_what_is_no_table(wrong: Any) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(InvalidInputError):
        CLASSES["ArrowTable"].coerce(wrong)


def test_a_header_is_read_as_a_mapping() -> None:
    fits = pytest.importorskip("astropy.io.fits")
    header = fits.Header([("OBJECT", "M 31"), ("EXPTIME", 3.5), ("COMMENT", "no keyword")])
    assert CLASSES["StructuredDataDict"].can_convert(CLASSES["FitsHeader"])
    assert CLASSES["StructuredDataDict"].coerce(header) == {"OBJECT": "M 31", "EXPTIME": 3.5}
    assert CLASSES["FitsHeader"].coerce({"OBJECT": "M 31"})["OBJECT"] == "M 31"
