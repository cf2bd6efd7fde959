# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.ctrl_mpexec.data_id_tables import read_data_id_table
from pachon.dimensions import DataIdTable, DimensionUniverse


def read(path):
    return read_data_id_table(str(path), DimensionUniverse.default())


def test_a_table_of_text(tmp_path):
    (tmp_path / "t.csv").write_text("instrument,visit\nCam,1\n\nCam,2\nCam,1\n")
    assert sorted(data_id["visit"] for data_id in read(tmp_path / "t.csv")) == [1, 2]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "", "has no columns"),
        ("t.csv", "instrument,visit\nCam,1\nCam\n", "has a row with 1 values for its 2 columns: Cam"),
        ("t.parquet", "instrument,visit", "cannot be read"),
        ("t.yaml", "- 1", "cannot be read: Format could not be identified"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_in_a_line(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError, match=said) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.ecsv", "t.parquet", "é"])
def test_a_table_that_is_not_there(tmp_path, name):
    with pytest.raises(NotFoundError, match=f"There is no table .*{name}"):
        read(tmp_path / name)


def test_a_column_that_would_follow_from_an_expression_that_nothing_satisfies(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("detector\n1\n")
    universe = DimensionUniverse.default()
    with pytest.raises(InvalidInputError, match=r"it needs instrument too\. It does not follow from the expression"):
        read_data_id_table(str(path), universe, lambda dimensions: DataIdTable.from_rows(dimensions, ()))
    with pytest.raises(InvalidInputError, match=r"it needs instrument too\.$"):
        read_data_id_table(str(path), universe)
