# SPDX-License-Identifier: BSD-3-Clause
import pytest

import pachon.datasets
from pachon.base import InvalidInputError
from pachon.datasets import CollectionType, DatasetExistence
from pachon.datasets.collection import LONGEST_NAME, find_name_fault


def test_truth_of_existence():
    true = [flags for flags in map(DatasetExistence, range(16)) if flags]
    assert true == [DatasetExistence.VERIFIED, DatasetExistence.KNOWN]


def test_collection_types_are_stored_numbers():
    assert [member.value for member in CollectionType] == [1, 2, 3, 4]
    assert CollectionType.parse(" calibration ") is CollectionType.CALIBRATION
    with pytest.raises(InvalidInputError, match="Did you mean 'TAGGED'"):
        CollectionType.parse("taged")


@pytest.mark.parametrize(
    "name",
    ["a", "u/me/run 1", "raw.all", "...", "a/.b", "a/butler.yaml", "a/.definitions", "ünter/lauf", "x" * LONGEST_NAME],
)
def test_names_of_collections(name):
    assert find_name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "1 to 128 characters"),
        ("x" * (LONGEST_NAME + 1), "1 to 128 characters"),
        ("me run/*", "for patterns"),
        ("run[1]", "for patterns"),
        ("a\nb", "cannot be printed"),
        ("a ", "a blank or a '/'"),
        ("/a", "a blank or a '/'"),
        ("a/", "a blank or a '/'"),
        ("a//b", "a folder that is not its own"),
        ("a/./b", "a folder that is not its own"),
        ("..", "a folder that is not its own"),
        ("run/.receipts", "keeps files in the folder"),
        (".lost+found/run", "keeps files in the folder"),
        (".definitions", "keeps files in the folder"),
        ("butler.yaml", "keeps files in the folder"),
        ("registry.sqlite3-journal", "keeps files in the folder"),
        ("registry.sqlite3-removal/run", "keeps files in the folder"),
    ],
)
def test_no_names_of_collections(name, reason):
    fault = find_name_fault(name)
    assert fault is not None
    assert "is no name for a collection" in fault
    assert reason in fault


def test_all_names_exist():
    for name in pachon.datasets.__all__:
        assert getattr(pachon.datasets, name) is not None
