# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datasets import StorageClasses
from pachon.datastore import Composites, DatastoreConfigError
from pachon.datastore.testing import ExampleData

EXAMPLE = ExampleData()
CLASSES = StorageClasses.default()


@pytest.mark.parametrize(
    ("default", "disassembled", "expected"),
    [
        (False, {}, False),
        (True, {}, True),
        (False, {"CCDData": True}, True),
        (True, {"CCDData": False}, False),
        (False, {"CCDData": True, "pvi": False}, False),
        (False, {"visit+detector": True}, True),
        (False, {"instrument<Cam>": {"pvi": True}}, True),
        (False, {"instrument<Other>": {"pvi": True}}, False),
    ],
)
def test_decisions(default, disassembled, expected):
    composites = Composites(default, disassembled, EXAMPLE.universe)
    ref = EXAMPLE.ref(EXAMPLE.dataset_type("pvi", ("visit", "detector"), "CCDData"))
    assert composites.disassembles(ref, CLASSES.get("CCDData")) is expected


def test_only_composites_are_taken_apart():
    composites = Composites(True, {"NumpyArray": True}, EXAMPLE.universe)
    ref = EXAMPLE.ref(EXAMPLE.dataset_type("x", ("visit",), "NumpyArray"))
    assert composites.disassembles(ref, CLASSES.get("NumpyArray")) is False


def test_only_booleans():
    with pytest.raises(DatastoreConfigError, match="true or false"):
        Composites(False, {"CCDData": "yes"}, EXAMPLE.universe)
