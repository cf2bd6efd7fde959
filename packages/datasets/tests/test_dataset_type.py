# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest

from pachon.base import InvalidInputError
from pachon.datasets import DatasetType, StorageClasses, UnknownComponentError
from pachon.dimensions import DimensionUniverse

UNIVERSE = DimensionUniverse.default()


@pytest.mark.parametrize("name", ["raw", "_x", "a.b.c", "A1"])
def test_legal_names(name):
    dataset_type = DatasetType(name, ["detector"], "CCDData", universe=UNIVERSE)
    assert dataset_type.parent_name == name.split(".")[0]
    assert pickle.loads(pickle.dumps(dataset_type)) == dataset_type


@pytest.mark.parametrize("name", ["", "1a", "a b", "a..b", "a.", "ä", "x" * 129, "a'; drop table"])
def test_illegal_names(name):
    with pytest.raises(InvalidInputError, match="is no name for a dataset type"):
        DatasetType(name, (), "CCDData")


@pytest.mark.parametrize("name", ["instrument", "visit", "visit_definition", "htm7"])
def test_names_of_elements_are_refused(name):
    with pytest.raises(InvalidInputError, match="is a dimension element"):
        DatasetType(name, ["detector"], "CCDData", universe=UNIVERSE)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"storage_class": None}, "storage_class is a storage class or its name, not None"),
        ({"storage_class": 3}, "storage_class is a storage class or its name, not 3"),
        ({"is_calibration": "no"}, "is_calibration is true or false, not 'no'"),
        ({"is_calibration": 2}, "is_calibration is true or false, not 2"),
        ({"universe": "default"}, "universe is that of dimensions .*, not 'default'"),
    ],
)
def test_arguments_of_a_wrong_kind(wrong, message):
    right = {"dimensions": ["detector"], "storage_class": "CCDData", "is_calibration": True, "universe": UNIVERSE}
    assert DatasetType("raw", **right).is_calibration
    with pytest.raises(InvalidInputError, match=f"raw: {message}"):
        DatasetType("raw", **{**right, **wrong})


def test_dimensions_wait_for_a_universe():
    waiting = DatasetType("raw", ["exposure", "detector"], "CCDData")
    with pytest.raises(InvalidInputError, match="pass universe="):
        _ = waiting.dimensions
    known = waiting.conform(UNIVERSE)
    assert known.dimensions is UNIVERSE.conform(["exposure", "detector"])
    assert DatasetType.from_document(known.to_document(), UNIVERSE) == known


def test_another_meaning_of_a_dimension_is_refused():
    document = {
        "version": 1, "skypix": dict(UNIVERSE.document["skypix"]),
        "elements": {"detector": {"keys": [{"name": "id", "type": "int"}]}},
    }  # fmt: skip
    other = DimensionUniverse.from_document(document)
    small = DatasetType("raw", ["detector"], "CCDData", universe=other)
    with pytest.raises(InvalidInputError, match="in this universe"):
        small.conform(UNIVERSE)


def test_components():
    classes = StorageClasses.default()
    raw = DatasetType("raw", ["exposure", "detector"], "CCDData", universe=UNIVERSE)
    wcs = raw.component_type("wcs", classes)
    assert (wcs.name, wcs.component, wcs.storage_class, wcs.parent_type()) == ("raw.wcs", "wcs", "Wcs", raw)
    with pytest.raises(UnknownComponentError, match="has no component 'psf': it has image, mask"):
        raw.component_type("psf", classes)
