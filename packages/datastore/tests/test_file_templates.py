# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datasets import DatasetRef, DatasetType
from pachon.datastore import DatastoreConfigError, FileTemplates, TemplateError
from pachon.datastore.testing import ExampleData
from pachon.dimensions import DataCoordinate, DimensionUniverse

EXAMPLE = ExampleData()
RAW = EXAMPLE.dataset_type("raw", ("exposure", "detector"), "CCDData")


def templates(**document):
    return FileTemplates(document, EXAMPLE.universe)


def test_defaults():
    made = templates()
    assert made.unique_path(EXAMPLE.ref(RAW), ".fits").startswith("runs/one/raw/20250301/obs7/raw_Cam_Cam-R_obs7_S03")
    bias = EXAMPLE.dataset_type("bias", ("detector",), "CCDData")
    assert made.find(EXAMPLE.ref(bias)) is made.default


def test_the_built_in_default_takes_dimensions_that_it_does_not_know():
    universe = DimensionUniverse.from_document(
        {
            "namespace": "laboratory",
            "version": 1,
            "skypix": {"common": "htm3", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 3}},
            "elements": {
                "sample": {"keys": [{"name": "name", "type": "string", "length": 9}]},
                "measurement": {"requires": ["sample"], "keys": [{"name": "id", "type": "int"}]},
            },
        }
    )
    value = DatasetType("value", ["measurement"], "int", universe=universe)
    data_id = DataCoordinate.standardize(sample="s1", measurement=7, universe=universe)
    made = FileTemplates({}, universe)
    made.check(value)
    assert made.unique_path(DatasetRef(value, data_id, "here"), ".json").startswith("here/value/value_s1_7_here")
    with pytest.raises(TemplateError, match=r"lacks \{sample\}"):
        FileTemplates({"default": "{run}/{datasetType}_{measurement}"}, universe).check(value)


def test_configuration_is_put_over_the_defaults():
    made = templates(default="{run}/{id}", raw="{run}/raws/{exposure}_{detector}_{instrument}")
    assert made.unique_path(EXAMPLE.ref(RAW), ".fits").startswith("runs_one/raws/7_3_Cam-w")
    other = EXAMPLE.ref(EXAMPLE.dataset_type("x", ("visit",), "int"))
    assert made.find(other).text == "{run}/{id}"


def test_instrument_scope():
    made = templates(**{"instrument<Cam>": {"raw": "{run}/cam_{id}"}})
    assert made.find(EXAMPLE.ref(RAW)).text == "{run}/cam_{id}"
    assert made.find(EXAMPLE.ref(RAW, instrument="Other")).text != "{run}/cam_{id}"


def test_predicted_path_is_the_same_everywhere():
    ref = EXAMPLE.ref(RAW)
    assert templates().predicted_path(ref, ".fits") == templates().predicted_path(ref, ".fits")
    assert templates().unique_path(ref, ".fits") != templates().unique_path(ref, ".fits")


def test_a_template_must_suit_the_dataset_type():
    made = templates(raw="{run}/{exposure}")
    with pytest.raises(TemplateError, match="lacks"):
        made.unique_path(EXAMPLE.ref(RAW), ".fits")
    with pytest.raises(TemplateError, match="lacks"):
        made.check(RAW)


@pytest.mark.parametrize("written", [3, None, ["a"], {"raw": "{run}/{id}"}])
def test_what_is_no_template(written):
    with pytest.raises(DatastoreConfigError, match=r"templates\.raw must be a file template"):
        templates(raw=written)


def test_wrong_template():
    with pytest.raises(TemplateError):
        templates(raw="{exposure}")


def test_keys():
    keys = templates(raw="{run}/{id}").keys()
    assert str(keys[-1]) == "raw"
