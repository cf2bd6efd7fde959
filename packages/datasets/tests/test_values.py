# SPDX-License-Identifier: BSD-3-Clause
import pytest

import pachon.datasets
from pachon.base import InvalidInputError
from pachon.datasets import CollectionType, DatasetExistence


def test_truth_of_existence():
    true = [flags for flags in map(DatasetExistence, range(16)) if flags]
    assert true == [DatasetExistence.VERIFIED, DatasetExistence.KNOWN]


def test_collection_types_are_stored_numbers():
    assert [member.value for member in CollectionType] == [1, 2, 3, 4]
    assert CollectionType.parse(" calibration ") is CollectionType.CALIBRATION
    with pytest.raises(InvalidInputError, match="Did you mean 'TAGGED'"):
        CollectionType.parse("taged")


def test_all_names_exist():
    for name in pachon.datasets.__all__:
        assert getattr(pachon.datasets, name) is not None
